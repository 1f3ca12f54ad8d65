//! The holder's documents.

use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_ports::Collection;
use warifu_protocol::{receipt::Receipt, status::State};
use warifu_types::{Digest, Identifier, OrderId, UnixTime};
use zeroize::Zeroize;

/// Who the holder is, as orders say it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// The postal address.
    pub address: String,
    /// The telephone number.
    pub telephone: String,
    /// The fax number; empty if there is none.
    #[serde(default)]
    pub fax: String,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// A card.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What the person calls it.
    pub label: String,
    /// Who issued it.
    pub issuer: Identifier,
    /// The number.
    pub number: String,
    /// The expiry, `YYYY-MM`.
    pub expiry: String,
}

impl Drop for Card {
    fn drop(&mut self) {
        self.number.zeroize();
        self.expiry.zeroize();
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({}, {})", self.label, self.issuer)
    }
}

/// An order that was sealed here. It is written before it is sent, and what is sent again is the
/// bytes kept here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRecord {
    /// The order's id.
    pub id: OrderId,
    /// Its identity.
    pub identity: Digest,
    /// Where the front answers.
    pub url: String,
    /// The front.
    pub front: Identifier,
    /// Whether the authorizer's part goes directly.
    pub direct: bool,
    /// When it was sealed.
    pub sealed_at: UnixTime,
    /// The front's last word; none before it has answered. Without a status in the receipt, a
    /// refusal is its answer within the session, unsigned.
    pub state: Option<State>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The receipt.
    pub receipt: Receipt,
}

pub const PROFILE: Collection<Profile> = Collection::new("profile");
pub const CARDS: Collection<Card> = Collection::new("cards");
pub const ORDERS: Collection<OrderRecord> = Collection::new("orders");
/// Orders that have not come to their end.
pub const OPEN: Collection<()> = Collection::new("open_orders");

/// The one key in [`PROFILE`].
pub const OWN: &str = "own";
