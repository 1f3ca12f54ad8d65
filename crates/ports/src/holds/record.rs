//! What an authorizer keeps of an order. The store encrypts the documents; their keys are order ids
//! and keyed hashes, nothing secret.

use crate::Unit;
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_ledger::TransferId;
use warifu_protocol::{authorization::Decision, jws::Unsigned, settlement::Action, view::View};
use warifu_types::{Digest, Identifier, Money, Nonce, Role, UnixTime};
use zeroize::Zeroizing;

/// A card's pseudonym: the store's keyed hash of its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(String);

impl CardId {
    /// The id of a card number in this store.
    pub fn of(unit: &mut dyn Unit, card_number: &str) -> CardId {
        CardId(unit.keyed_hash("card_number", card_number.as_bytes()))
    }

    /// From a document's key.
    pub fn from_key(key: String) -> CardId {
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRecord {
    /// The order's identity.
    pub identity: Digest,
    /// Who asked, or is to be paid.
    pub front: Identifier,
    /// The front's role.
    pub front_role: Role,
    /// The authorization's id.
    pub authorization: Nonce,
    /// Yes or no.
    pub decision: Decision,
    /// The answer, given again on every retry; none to a trade of the card network, where the
    /// decision is the answer.
    pub answer: Option<Unsigned>,
    /// What the authorizer read, and how far the order has come.
    pub view: View,
    /// When it was decided.
    pub issued: UnixTime,
    /// Until when the hold stands.
    pub expires: UnixTime,
    /// None for a refusal, and for a badge.
    pub hold: Option<Hold>,
    /// What the front has had done, with the answer.
    pub settled: Option<Settled>,
    /// Whether the hold was released because its time was over.
    pub released: bool,
    /// The center's transaction number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// How far goods that are used in real time have been counted (row B10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<Meter>,
    /// The evidence, where a telegram brought it; otherwise it is kept apart, as tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<ByTelegram>,
    /// What was captured, in minor units, where it is not all that was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<u64>,
}

/// Money held for an order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The pending transfer.
    pub transfer: TransferId,
    /// The card.
    pub card: CardId,
    /// How much.
    pub amount: Money,
    /// In how many payments it falls due.
    pub payments: u32,
}

/// How far metered goods have been counted. Only what was counted is captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// The last tick's number; zero before the first.
    pub tick: u32,
    /// The total so far, in minor units of the hold's currency.
    pub total: u64,
    /// When the last tick came, or the payment was made.
    pub at: UnixTime,
}

/// A settlement that was answered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// Capture or void.
    pub action: Action,
    /// The answer; none to a trade of the card network.
    pub answer: Option<Unsigned>,
    /// When.
    pub at: UnixTime,
    /// The front's signed request.
    pub request: String,
}

/// What was signed by whom, behind a decision.
pub enum Evidence {
    /// The tokens themselves.
    Tokens(Box<Tokens>),
    /// A member's telegram brought them all, and is kept once.
    Telegram(ByTelegram),
}

/// Evidence that a member's telegram brought.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByTelegram {
    /// The key under which the telegram is kept.
    pub telegram: String,
    /// What the authorizer opened.
    pub disclosures: Vec<Zeroizing<String>>,
}

/// The tokens behind a decision, as they came.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The signed order.
    pub order: String,
    /// The holder's credential.
    pub holder_credential: String,
    /// The front's form.
    pub form: String,
    /// The front's credential.
    pub front_credential: String,
    /// The front's request.
    pub request: String,
    /// What the authorizer opened.
    pub disclosures: Vec<Zeroizing<String>>,
}

impl OrderRecord {
    /// What was captured, in minor units, if it was.
    pub fn paid(&self) -> u64 {
        self.captured.or(self.hold.as_ref().map(|hold| hold.amount.minor())).unwrap_or(0)
    }

    /// What a capture may pay, in minor units: all that is held, or as much as was metered.
    pub fn due(&self) -> u64 {
        let held = self.hold.as_ref().map_or(0, |hold| hold.amount.minor());
        self.meter.as_ref().map_or(held, |meter| meter.total.min(held))
    }
}
