//! What the issuer keeps: collections and their documents. The store encrypts the documents; their
//! keys are order ids, keyed hashes and months, nothing secret.

use crate::{
    books::BOOKS,
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
