//! What is kept of cards and of requests for value.

use crate::{Settings, accounts::BOOKS};
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, StoreError, Unit, books::AccountName, holds::CardId};
use warifu_protocol::{
    encode::UniqueMap,
    sealed::SealedOrder,
    telegram::{TopUpState, Way},
};
use warifu_types::{Digest, FieldName, Identifier, Money, Nonce, UnixTime};
use warifu_wire::Problem;
use zeroize::Zeroize;

/// Cards, by the keyed hash of the number.
pub(crate) const CARDS: Collection<Card> = Collection::new("center_cards");
/// What each member has and has asked for, by identifier.
pub(crate) const HOLDINGS: Collection<Holdings> = Collection::new("center_holdings");
/// Requests for value, by member and telegram id.
pub(crate) const TOP_UPS: Collection<TopUpRecord> = Collection::new("center_top_ups");
/// Requests that wait for their money, by reference.
pub(crate) const REFERENCES: Collection<String> = Collection::new("center_references");
/// Requests at which an issuer is still to be asked, or the money to be claimed.
pub(crate) const UNFINISHED: Collection<Nonce> = Collection::new("center_top_ups_unfinished");

/// A prepaid card.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub number: String,
    pub owner: Identifier,
    /// The last month in which it pays, `YYYY-MM`.
    pub expiry: String,
    /// The end of that month.
    pub until: UnixTime,
    /// All value that was ever loaded.
    pub loaded: Money,
    pub serial: u32,
    /// The signed document of the last load.
    pub document: String,
}

impl Drop for Card {
    fn drop(&mut self) {
        self.number.zeroize();
    }
}

impl Card {
    /// What can be spent now.
    pub fn available(&self, unit: &mut dyn Unit, id: &CardId) -> Result<Money, Problem> {
        let currency = self.loaded.currency();
        let balance = BOOKS.balance(unit, &AccountName::card(id, currency))?;
        Money::new(balance.available(), currency).map_err(|_| Problem::internal())
    }
}

/// A card of this member; none for another's, as for one that is not there.
pub(crate) fn card_of(
    unit: &mut dyn Unit,
    id: &CardId,
    member: &Identifier,
) -> Result<Option<Card>, StoreError> {
    Ok(CARDS.get(unit, id.as_str())?.filter(|card| card.owner == *member))
}

/// What a member has and has asked for.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holdings {
    pub cards: Vec<CardId>,
    /// Requests that are not issued yet, by key.
    pub asked: Vec<String>,
}

/// A request for value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopUpRecord {
    pub member: Identifier,
    pub amount: Money,
    /// The card to load; none for a new one.
    pub card: Option<CardId>,
    pub way: Way,
    /// What the money is to name.
    pub reference: String,
    pub asked: UnixTime,
    /// Until when money is taken for it.
    pub until: UnixTime,
    /// In how many months the card is to expire, if it is a new one: as the center was set when it
    /// was asked. Whoever says later that the money has come need not know.
    #[serde(default = "usual_months")]
    pub months: u32,
    /// What an issuer is asked; way 1 only.
    pub credit: Option<Box<Credit>>,
    pub state: Stage,
}

/// For requests that were recorded before they said it.
fn usual_months() -> u32 {
    Settings::default().card_months
}

/// An order by which an issuer pays for a card.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credit {
    pub issuer: Identifier,
    /// With the issuer's part only.
    pub sealed: SealedOrder,
    pub identity: Digest,
    /// The digests of the fields that both see.
    pub shared: UniqueMap<FieldName, Digest>,
}

/// What has come of claiming the money from an issuer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Claimed {
    /// The issuer's signed settlement.
    Paid(String),
    /// Its definite no, for the operator: the card is issued, and the issuer owes for it.
    Refused(String),
}

/// How far a request has come.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Stage {
    /// Waits for the money, or for the issuer's word.
    Asked {},
    /// The issuer holds the amount for the center.
    Authorized {
        /// The issuer's signed word, and its id.
        token: String,
        id: Nonce,
    },
    /// The card is issued; in way 1 the issuer is still to pay.
    Issued {
        card: String,
        /// The issuer's authorization, and its id; way 1 only.
        authorization: Option<(String, Nonce)>,
        claimed: Option<Claimed>,
    },
    /// Nothing was issued.
    Refused { reason: String },
}

impl TopUpRecord {
    /// As the member is told.
    pub fn told(&self, now: UnixTime) -> TopUpState {
        match &self.state {
            Stage::Asked {} if !self.is_open(now) => {
                TopUpState::Refused { reason: "no_money_came".to_string() }
            }
            Stage::Asked {} | Stage::Authorized { .. } => {
                TopUpState::Waiting { reference: crate::rules::codes::grouped(&self.reference) }
            }
            Stage::Issued { card, .. } => TopUpState::Issued { card: card.clone() },
            Stage::Refused { reason } => TopUpState::Refused { reason: reason.clone() },
        }
    }

    /// Whether money may still come, or is being asked for.
    pub fn is_open(&self, now: UnixTime) -> bool {
        match self.state {
            Stage::Asked {} => self.way == Way::Issuer || now < self.until,
            Stage::Authorized { .. } => true,
            Stage::Issued { .. } | Stage::Refused { .. } => false,
        }
    }
}
