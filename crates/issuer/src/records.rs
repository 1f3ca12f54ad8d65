//! What the issuer keeps: collections and their documents. The store encrypts the documents; their
//! keys are order ids, keyed hashes and months, nothing secret.

use crate::{
    books::BOOKS,
    payments::Payment,
    payouts::Payout,
    rules::{card::Card, month::Month},
};
use serde::{Deserialize, Serialize};
use warifu_ports::{
    Collection, StoreError, Unit,
    holds::{CardId, Holds},
};
use warifu_types::{Digest, Identifier, Money, OrderId, UnixTime};

/// Cards, by [`CardId`].
pub(crate) const CARDS: Collection<Card> = Collection::new("issuer_cards");
/// Orders with their decisions, holds and evidence.
pub(crate) const HOLDS: Holds = Holds::new(
    BOOKS,
    ["issuer_orders", "issuer_orders_by_identity", "issuer_evidence", "issuer_open_holds"],
);
/// Parts that came directly from the holder and wait for the front, by order id.
pub(crate) const WAITING: Collection<WaitingPart> = Collection::new("issuer_parts");
/// The salts of the card that a front has shown beside a broker's order, by order id: with the card's
/// own record they prove what the front's signed request names.
pub(crate) const SALTS: Collection<[String; 2]> = Collection::new("issuer_card_salts");
/// Merchants behind the codes of card acceptors, by code.
pub(crate) const ACCEPTORS: Collection<Identifier> = Collection::new("issuer_acceptors");
/// Orders that a broker gave up before anybody had asked about them, by order id: whose they are.
pub(crate) const WITHDRAWN: Collection<Identifier> = Collection::new("issuer_withdrawn");
/// What was asked and answered over the card network, by the trade's identity.
pub(crate) const TRADES: Collection<NetworkTrade> = Collection::new("issuer_network_trades");
/// Captured orders that the merchant was not paid for yet, by merchant, currency and order.
pub(crate) const OWED: Collection<Owed> = Collection::new("issuer_owed");
/// Payouts to merchants, by the operator's id.
pub(crate) const PAYOUTS: Collection<Payout> = Collection::new("issuer_payouts");
/// The payout that has paid an order, by order id.
pub(crate) const PAID_OUT: Collection<String> = Collection::new("issuer_paid_out");
/// Payments of cards' holders, by the operator's id.
pub(crate) const PAYMENTS: Collection<Payment> = Collection::new("issuer_payments");
/// What was paid of a statement so far, in minor units, by month, card and currency.
pub(crate) const RECEIVED: Collection<u64> = Collection::new("issuer_received");
/// Lines of statements, by month, card and order.
pub(crate) const LINES: Collection<Line> = Collection::new("issuer_statement_lines");
/// Months that are closed, by month.
pub(crate) const CLOSED: Collection<UnixTime> = Collection::new("issuer_closed_months");
/// Statements that are paid, by month and card.
pub(crate) const PAID: Collection<UnixTime> = Collection::new("issuer_paid_statements");

/// A part that waits for the front's question.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitingPart {
    pub identity: Digest,
    pub part: String,
    /// When the order is over and the part may go.
    pub until: UnixTime,
}

/// What came over the card network, and its answer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkTrade {
    /// The store's keyed hash of what was asked; empty where a reversal came first.
    pub asked: String,
    /// Six letters and digits; none for a no.
    pub approval: Option<String>,
    /// Field 39.
    pub code: String,
}

/// What is owed to a merchant for one order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Owed {
    pub order: OrderId,
    pub minor: u64,
}

/// One payment, or one instalment, of a captured purchase.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub order: OrderId,
    pub merchant: Identifier,
    pub amount: Money,
    pub number: u32,
    pub of: u32,
    pub captured: UnixTime,
}

/// What the keys of a card's lines in a month begin with.
pub(crate) fn card_month(month: Month, card: &CardId) -> String {
    format!("{month}/{card}/")
}

/// Every document whose key begins with `prefix`, read in pages.
pub(crate) fn with_prefix<T: serde::de::DeserializeOwned>(
    unit: &mut dyn Unit,
    collection: Collection<T>,
    prefix: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    const PAGE: usize = 500;
    let mut found: Vec<(String, T)> = Vec::new();
    loop {
        let after = found.last().map_or(prefix, |(key, _)| key.as_str()).to_string();
        let page = collection.scan(unit, &after, PAGE)?;
        let full = page.len() == PAGE;
        let before = found.len();
        found.extend(page.into_iter().take_while(|(key, _)| key.starts_with(prefix)));
        if !full || found.len() < before + PAGE {
            return Ok(found);
        }
    }
}
