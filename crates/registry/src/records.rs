//! What the registry keeps. Keys of documents are keyed hashes, order numbers and identifiers; a card
//! stands in [`CardRecord::sealed`] alone, under a key of its own.

use crate::rules::claim::Claim;
use serde::{Deserialize, Serialize};
use warifu_ports::Collection;
use warifu_types::{Digest, Identifier, Money, UnixTime};
use warifu_wire::private_line::{CardReference, Refusal, SheetState};

/// Members, by the keyed hash of the membership number.
pub(crate) const MEMBERS: Collection<MemberRecord> = Collection::new("registry_members");
/// Cards, by the keyed hash of the card number.
pub(crate) const CARDS: Collection<CardRecord> = Collection::new("registry_cards");
/// Answers to the broker, by order number.
pub(crate) const ANSWERS: Collection<AnswerRecord> = Collection::new("registry_answers");
/// The order numbers of references, by the keyed hash of the reference.
pub(crate) const REFERENCES: Collection<String> = Collection::new("registry_references");
/// Providers, by identifier.
pub(crate) const PROVIDERS: Collection<ProviderEntry> = Collection::new("registry_providers");
/// How many sheets went to a provider in an hour, by identifier.
pub(crate) const RATES: Collection<HourCount> = Collection::new("registry_rates");
/// Sheets, by order number. They hold no card.
pub(crate) const OUTBOX: Collection<SheetRecord> = Collection::new("registry_outbox");
/// The numbers of sheets that are not at their end.
pub(crate) const PENDING: Collection<bool> = Collection::new("registry_pending");

/// A member of the broker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRecord {
    /// A code that was given out and not used.
    pub code: Option<CodeRecord>,
    /// The key of the member's card.
    pub card: Option<String>,
    /// Whether the operator has blocked the member.
    pub blocked: bool,
}

/// A registration code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRecord {
    pub hash: Digest,
    pub until: UnixTime,
    /// The card that it has registered: the same card again is a retry.
    pub used_for: Option<String>,
}

/// A card, encrypted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardRecord {
    /// The keyed hash of the member's number.
    pub member: String,
    /// Who has issued it.
    pub issuer: Identifier,
    /// The id of the registry key that wraps the data key.
    pub key: String,
    /// The data key, wrapped.
    pub wrapped: String,
    /// The card under the data key.
    pub sealed: String,
    /// Whether the operator has blocked it.
    pub blocked: bool,
    /// Whether the member has another card now: it goes when no sheet needs it any more.
    pub replaced: bool,
    /// When it was registered.
    pub registered: UnixTime,
}

/// What the broker was told about an order number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerRecord {
    /// The keyed hash of the member's number.
    pub member: String,
    pub answer: Given,
    pub at: UnixTime,
    /// Whether the broker has called it back.
    pub void: bool,
    /// Who has resolved the reference.
    pub bound: Option<Bound>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Given {
    /// The reference, and the key of the card.
    Yes { reference: CardReference, card: String, issuer: Identifier },
    /// Why not.
    No { reason: Refusal },
}

/// The first order that has asked for a reference's card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bound {
    pub order: Digest,
    pub merchant: Identifier,
    pub amount: Money,
}

/// How a provider gets its cards. The operator of the registry says so, and nobody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// By fax, to this number.
    Fax {
        /// The fax number.
        number: String,
    },
    /// By telephone: an operator reads it out.
    Telephone {
        /// The telephone number.
        number: String,
    },
    /// Over the provider's closed line.
    Line {
        /// The `https` address.
        url: String,
    },
    /// Not at all: the provider bills by reference.
    Reference {},
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Channel {
    /// The channel's name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Channel::Fax { .. } => "fax",
            Channel::Telephone { .. } => "telephone",
            Channel::Line { .. } => "line",
            Channel::Reference {} => "reference",
        }
    }
}

/// A provider in the registry's own list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry {
    /// The provider.
    pub provider: Identifier,
    /// The name that stands on the sheet.
    pub name: String,
    /// How it gets its cards.
    pub channel: Channel,
    /// How many sheets an hour go out to it at most; more is an alarm.
    pub sheets_an_hour: u32,
}

/// Sheets in one hour.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HourCount {
    /// Hours since 1970.
    pub hour: u64,
    pub count: u32,
}

/// One step of a sheet's way, for the record (row C8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The state that it came to.
    pub state: SheetState,
    /// When.
    pub at: UnixTime,
    /// The operator, where one did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The server's code or word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A sheet on its way. The card is read from its record when the sheet goes out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SheetRecord {
    pub provider: Identifier,
    /// The name on the sheet, and where it goes, as the list had them when it was ordered.
    pub name: String,
    pub channel: Channel,
    /// The key of the card.
    pub card: String,
    pub state: SheetState,
    /// Whether something may have gone out: while this attempt is made, and until a server says that
    /// it has nothing of it.
    pub started: bool,
    /// Whether the broker has called it back: nobody hands it over any more.
    #[serde(default)]
    pub withdrawn: bool,
    /// Which attempt; the fax server's job has number and attempt as its stable id.
    pub attempt: u32,
    /// How often the server could not be reached.
    pub tries: u32,
    /// When it is worked on next.
    pub next: UnixTime,
    /// The fax server's job.
    pub job: Option<String>,
    /// Pages that the other side has confirmed.
    pub pages: u32,
    /// When it was written.
    pub written: UnixTime,
    pub steps: Vec<Step>,
    /// The process that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
}

impl SheetRecord {
    /// Notes a new state.
    pub fn come_to(&mut self, state: SheetState, at: UnixTime) -> &mut Step {
        self.state = state;
        self.steps.push(Step { state, at, by: None, reason: None });
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// The fax server's stable id of this attempt.
    pub fn job_id(&self, number: &str) -> String {
        format!("card-{number}-{}", self.attempt)
    }

    /// Whether it goes on by itself, where there is a fax server and where closed lines are set up.
    pub fn has_step(&self, (fax, line): (bool, bool)) -> bool {
        use SheetState::{Queued, Unconfirmed};
        match self.channel {
            // Without a job there is nothing to ask about or to clear; an operator has to look.
            Channel::Fax { .. } => {
                let at_server = self.state != Unconfirmed && self.job.is_some();
                fax && (self.state == Queued || at_server)
            }
            Channel::Line { .. } => line || self.withdrawn,
            // An operator reads it out.
            Channel::Telephone { .. } | Channel::Reference {} => false,
        }
    }

    /// Whether nothing more is to be done by itself.
    pub fn is_over(&self) -> bool {
        use SheetState::{Cleared, Failed, ReadOut, Sent, Void};
        matches!(self.state, Cleared | ReadOut | Void)
            || (matches!(self.state, Failed | Sent) && self.job.is_none())
    }
}
