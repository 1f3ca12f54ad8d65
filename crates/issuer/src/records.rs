//! What the issuer keeps: collections and their documents. The store encrypts the documents; their
//! keys are order ids, keyed hashes and months, nothing secret.

use crate::rules::{card::Card, month::Month};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_ledger::TransferId;
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{authorization::Decision, settlement::Action, view::View};
use warifu_types::{Digest, Identifier, Money, Nonce, OrderId, Role, UnixTime};

/// Cards, by [`CardId`].
pub(crate) const CARDS: Collection<Card> = Collection::new("issuer_cards");
/// Authorizations and refusals, by order id. They are kept for ever, so that an id is used once.
pub(crate) const RECORDS: Collection<Record> = Collection::new("issuer_orders");
/// Order ids, by the order's identity.
pub(crate) const BY_IDENTITY: Collection<OrderId> = Collection::new("issuer_orders_by_identity");
/// What was signed by whom, by order id: for disputes (row D3).
pub(crate) const EVIDENCE: Collection<Evidence> = Collection::new("issuer_evidence");
/// Parts that came directly from the holder and wait for the front, by order id.
pub(crate) const WAITING: Collection<WaitingPart> = Collection::new("issuer_parts");
/// Open holds, by expiry and order id.
pub(crate) const OPEN_HOLDS: Collection<OrderId> = Collection::new("issuer_open_holds");
/// Lines of statements, by month, card and order.
pub(crate) const LINES: Collection<Line> = Collection::new("issuer_statement_lines");
/// Months that are closed, by month.
pub(crate) const CLOSED: Collection<UnixTime> = Collection::new("issuer_closed_months");
/// Statements that are paid, by month and card.
pub(crate) const PAID: Collection<UnixTime> = Collection::new("issuer_paid_statements");

/// A card's pseudonym: the store's keyed hash of its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(String);

impl CardId {
    /// The id of a card number in this store.
    pub(crate) fn of(unit: &mut dyn Unit, card_number: &str) -> CardId {
        CardId(unit.keyed_hash("card_number", card_number.as_bytes()))
    }

    /// From a key of [`CARDS`].
    pub(crate) fn from_key(key: String) -> CardId {
        CardId(key)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One order, from its authorization to its end.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub identity: Digest,
    pub front: Identifier,
    pub front_role: Role,
    /// The authorization's id.
    pub authorization: Nonce,
    pub decision: Decision,
    /// The signed answer, given again on every retry.
    pub answer: String,
    /// What the issuer read, and how far the order has come.
    pub view: View,
    pub issued: UnixTime,
    pub expires: UnixTime,
    /// None for a refusal, and for a badge.
    pub hold: Option<Hold>,
    /// What the front has had done, with the signed answer.
    pub settled: Option<Settled>,
    /// Whether the hold was released because its time was over.
    pub released: bool,
}

/// Money held for an order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    pub transfer: TransferId,
    pub card: CardId,
    pub amount: Money,
    /// In how many payments it falls due.
    pub payments: u32,
}

/// A settlement that was answered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settled {
    pub action: Action,
    pub answer: String,
    pub at: UnixTime,
    /// The front's signed request.
    pub request: String,
}

/// The tokens behind a decision, as they came.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub order: String,
    pub holder_credential: String,
    pub form: String,
    pub front_credential: String,
    pub request: String,
    pub disclosures: Vec<zeroize::Zeroizing<String>>,
}

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

/// The key of an open hold; keys sort by expiry.
pub(crate) fn hold_key(expires: UnixTime, order: &OrderId) -> String {
    format!("{:020}/{order}", expires.0)
}

/// What the keys of a card's lines in a month begin with.
pub(crate) fn card_month(month: Month, card: &CardId) -> String {
    format!("{month}/{card}/")
}

/// The record of the order with this identity.
pub(crate) fn by_identity(
    unit: &mut dyn Unit,
    identity: &Digest,
) -> Result<Option<(OrderId, Record)>, StoreError> {
    let Some(order) = BY_IDENTITY.get(unit, &identity.to_string())? else { return Ok(None) };
    let record = RECORDS.get(unit, &order.to_string())?;
    let record = record.ok_or(StoreError::Corrupt { collection: RECORDS.name().to_string() })?;
    Ok(Some((order, record)))
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
