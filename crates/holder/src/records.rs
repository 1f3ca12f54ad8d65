//! The holder's documents.

use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    joining::MemberKind, receipt::Receipt, status::State, telegram::Way, trust::Anchors,
};
use warifu_types::{Digest, Identifier, Money, Nonce, OrderId, UnixTime};
use warifu_vault::{Entry, EntryKind};
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
    /// Names and quantities of the goods, for the history.
    #[serde(default)]
    pub goods: String,
    /// The amount due; none where nothing is bought.
    #[serde(default)]
    pub amount: Option<Money>,
    /// The telegram that pays, where a prepaid card does (row B9).
    #[serde(default)]
    pub payment: Option<Nonce>,
    /// The center's number of the payment, once it has said that it is paid.
    #[serde(default)]
    pub transaction: Option<String>,
    /// What was left on the prepaid card after the payment.
    #[serde(default)]
    pub balance: Option<Money>,
}

impl OrderRecord {
    /// Whether the center has still to say what has become of the payment.
    pub fn awaits_payment(&self) -> bool {
        let over = matches!(self.state, None | Some(State::Refused | State::Cancelled));
        self.payment.is_some() && self.transaction.is_none() && !over
    }

    /// Whether nothing more is to come.
    pub fn is_over(&self) -> bool {
        self.state.is_some_and(State::is_final) && !self.awaits_payment()
    }

    /// Whether the money is held or has moved.
    fn is_bought(&self) -> bool {
        use State::{Authorized, Delivered, Dispatched, Settled};
        let by_card = matches!(self.state, Some(Authorized | Dispatched | Delivered | Settled));
        self.transaction.is_some() || (by_card && self.payment.is_none())
    }
}

/// Writes an order, whether it is open, and what the history is to say of it, in the caller's job.
pub(crate) fn keep(unit: &mut dyn Unit, record: &OrderRecord) -> Result<(), StoreError> {
    let key = record.id.to_string();
    ORDERS.put(unit, &key, record)?;
    if record.is_over() {
        OPEN.delete(unit, &key)?;
    } else {
        OPEN.put(unit, &key, &())?;
    }
    let entry = |kind, at, reference: &str| Entry {
        at,
        kind,
        party: record.front.to_string(),
        goods: record.goods.clone(),
        amount: record.amount,
        reference: Some(reference.to_string()),
    };
    if record.is_bought() && record.amount.is_some() {
        HISTORY.insert(unit, &key, &entry(EntryKind::Purchase, record.sealed_at, &key))?;
    }
    let given_up = matches!(record.state, Some(State::Refused | State::Cancelled));
    if given_up && HISTORY.get(unit, &key)?.is_some() {
        let refund = format!("{key}/refund");
        HISTORY.insert(unit, &refund, &entry(EntryKind::Refund, record.sealed_at, &refund))?;
    }
    Ok(())
}

/// The terminal's public data as a member of a center (row B2). In a vault it lies under A.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The membership or store number of the letter.
    pub number: String,
    /// As what.
    pub kind: MemberKind,
    /// The identifier that goes with the number.
    pub identifier: Identifier,
    /// The center.
    pub center: Identifier,
    /// Where it answers.
    pub center_url: String,
    /// The center's credential, for whoever verifies a card offline.
    pub center_credential: String,
    /// What was pinned by the letter's fingerprint.
    pub anchors: Anchors,
    /// When the center entered the member in its register; none while the registration waits.
    pub registered: Option<UnixTime>,
}

/// A telegram that was signed here. It is kept before it is sent, and what is sent again is these
/// bytes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramRecord {
    /// Its id.
    pub jti: Nonce,
    /// Its number under the key that signed it.
    pub seq: u64,
    /// What it asks for: the instruction's word.
    pub word: String,
    /// When it was signed.
    pub made: UnixTime,
    /// Until when the center takes it.
    pub exp: UnixTime,
    /// The token; empty once it is answered.
    pub token: String,
    /// The center's signed answer.
    pub answer: Option<String>,
    /// The code with which the center refused it, unsigned: it was not acted on.
    pub refused: Option<String>,
}

impl TelegramRecord {
    /// Whether the center has still to answer it.
    pub fn waits(&self) -> bool {
        self.answer.is_none() && self.refused.is_none()
    }
}

impl fmt::Debug for TelegramRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TelegramRecord({}, seq {}, {})", self.jti, self.seq, self.word)
    }
}

impl Drop for TelegramRecord {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

/// A prepaid card (row B8).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidRecord {
    /// What the person calls it; the same label is among [`Card`]s.
    pub label: String,
    /// The signed card, as it came with the last load.
    pub document: String,
    /// What it held when the center last said so.
    pub balance: Option<Money>,
    /// When that was.
    pub balance_at: Option<UnixTime>,
}

impl Drop for PrepaidRecord {
    fn drop(&mut self) {
        self.document.zeroize();
    }
}

impl fmt::Debug for PrepaidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrepaidRecord({})", self.label)
    }
}

/// How far a top-up has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Standing {
    /// The center has not answered yet.
    Asked {},
    /// Waits for the money, or for the issuer.
    Waiting {
        /// What the money is to name.
        reference: String,
    },
    /// The card is here.
    Issued {},
    /// Nothing was issued.
    Refused {
        /// A stable code.
        reason: String,
    },
}

/// A request for value on a prepaid card.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUpRecord {
    /// The telegram that asks.
    pub telegram: Nonce,
    /// How much.
    pub amount: Money,
    /// The label of the prepaid card that is loaded, or that is to be made.
    pub onto: String,
    /// Where the money comes from.
    pub way: Way,
    /// When it was asked for.
    pub asked: UnixTime,
    /// How far it has come.
    pub standing: Standing,
    /// The receipt of the order, where an issuer pays.
    pub receipt: Option<Receipt>,
}

pub const PROFILE: Collection<Profile> = Collection::new("profile");
pub const CARDS: Collection<Card> = Collection::new("cards");
pub const ORDERS: Collection<OrderRecord> = Collection::new("orders");
/// Orders that have not come to their end.
pub const OPEN: Collection<()> = Collection::new("open_orders");

/// What the person did, by the id of order or telegram (row B5). In a vault it lies under A.
pub const HISTORY: Collection<Entry> = Collection::new("history");
/// The member's public data, under [`OWN`].
pub const MEMBERSHIP: Collection<Membership> = Collection::new("membership");
/// The registration telegram that waits, under [`OWN`]. In a vault it lies under A (row B6).
pub const REGISTRATION: Collection<TelegramRecord> = Collection::new("registration");
/// Telegrams that the center acts on, by their id.
pub const TELEGRAMS: Collection<TelegramRecord> = Collection::new("telegrams");
/// The next number of a telegram, by the id of the key that signs.
pub const SEQUENCE: Collection<u64> = Collection::new("telegram_numbers");
/// Top-ups, by the id of the telegram that asks.
pub const TOP_UPS: Collection<TopUpRecord> = Collection::new("top_ups");
/// Prepaid cards, by label.
pub const PREPAID: Collection<PrepaidRecord> = Collection::new("prepaid_cards");

/// The one key in [`PROFILE`], [`MEMBERSHIP`] and [`REGISTRATION`].
pub const OWN: &str = "own";

/// Every document of a collection, by key.
pub(crate) fn all<T: serde::de::DeserializeOwned>(
    unit: &mut dyn Unit,
    collection: Collection<T>,
) -> Result<Vec<T>, StoreError> {
    Ok(collection.all(unit)?.into_iter().map(|(_, document)| document).collect())
}
