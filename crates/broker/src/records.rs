//! What the broker keeps. No record has a field for a card: the broker is never given one (row C2).

use crate::rules::{
    service::Service,
    steps::{Facts, State},
};
use serde::{Deserialize, Serialize};
use warifu_ports::Collection;
use warifu_protocol::{receipt::Receipt, trade_number::TradeNumber};
use warifu_types::{Digest, Identifier, Money, OrderId, UnixTime};
use warifu_wire::private_line::CardReference;

/// Members, by number.
pub(crate) const MEMBERS: Collection<MemberRecord> = Collection::new("broker_members");
/// Logins, by the keyed hash of their token.
pub(crate) const SESSIONS: Collection<SessionRecord> = Collection::new("broker_sessions");
/// Remembered devices, by the keyed hash of their token.
pub(crate) const DEVICES: Collection<SessionRecord> = Collection::new("broker_devices");
/// Counts of members and providers, for their numbers.
pub(crate) const COUNTS: Collection<u64> = Collection::new("broker_counts");
/// Providers, by number.
pub(crate) const PROVIDERS: Collection<ProviderRecord> = Collection::new("broker_providers");
/// The numbers of providers, by identifier.
pub(crate) const PROVIDER_IDS: Collection<String> = Collection::new("broker_provider_ids");
/// Providers' numbers, by the keyed hash of their API token.
pub(crate) const PROVIDER_TOKENS: Collection<String> = Collection::new("broker_provider_tokens");
/// The count of changes ([`COUNTS`]) at a provider's latest one, by number: what the index has not
/// followed yet.
pub(crate) const CHANGED: Collection<u64> = Collection::new("broker_changed");
/// Services, by provider's number and item number.
pub(crate) const SERVICES: Collection<Service> = Collection::new("broker_services");
/// How many of a service with a capacity are taken, by service and day.
pub(crate) const TAKEN: Collection<u32> = Collection::new("broker_taken");
/// Orders, by id. Kept for good.
pub(crate) const ORDERS: Collection<OrderRecord> = Collection::new("broker_orders");
/// The ids of orders that are not at their end.
pub(crate) const UNFINISHED: Collection<bool> = Collection::new("broker_unfinished");
/// Orders, by member, time and id.
pub(crate) const BY_MEMBER: Collection<OrderId> = Collection::new("broker_orders_by_member");
/// Orders, by the keyed hash of their reply token or link token.
pub(crate) const BY_TOKEN: Collection<OrderId> = Collection::new("broker_orders_by_token");
/// Orders, by member and idempotency key (hashed).
pub(crate) const BY_KEY: Collection<KeyRecord> = Collection::new("broker_orders_by_key");
/// Mails that went out or are to, by id.
pub(crate) const MAILS: Collection<MailRecord> = Collection::new("broker_mails");
/// The ids of mails that are to go out.
pub(crate) const MAILS_DUE: Collection<bool> = Collection::new("broker_mails_due");

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRecord {
    pub name: String,
    pub telephone: String,
    pub mail: String,
    /// `en` or `ja`.
    pub language: String,
    pub password: PasswordRecord,
    /// Whether the operator has let the member in.
    pub active: bool,
    pub admitted: UnixTime,
}

/// Argon2id's salt, result and cost, in base64url.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRecord {
    pub salt: String,
    pub hash: String,
    pub memory_kib: u32,
    pub passes: u32,
}

impl std::fmt::Debug for PasswordRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordRecord(…)")
    }
}

/// Whose a token is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionRecord {
    pub member: String,
    pub until: UnixTime,
}

/// How far a provider's application has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has applied.
    Applied,
    /// It is admitted: users see its services.
    Admitted,
    /// It was refused, or let go: users see nothing of it.
    Refused,
}

/// A provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRecord {
    pub provider: Identifier,
    pub name: String,
    /// Where its merchant answers in the network.
    pub url: String,
    pub mail: String,
    pub standing: Standing,
    /// Whether it bills by reference and never sees a card.
    pub by_reference: bool,
    pub applied: UnixTime,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRecord {
    pub order: OrderId,
    /// The hash of the wish.
    pub wish: Digest,
}

/// How an order was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By a reply to the mail.
    Mail,
    /// By the button on the page.
    Page,
}

/// One step of an order, for the record (row C8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The state that it came to.
    pub state: State,
    /// When.
    pub at: UnixTime,
}

/// What goes to the provider, as it was sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passing {
    pub identity: Digest,
    pub url: String,
    pub receipt: Receipt,
}

impl std::fmt::Debug for Passing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passing({})", self.identity)
    }
}

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderRecord {
    pub id: OrderId,
    pub member: String,
    /// The provider's number here.
    pub provider: String,
    /// The service as it was when it was ordered.
    pub service: Service,
    pub quantity: u32,
    pub date: String,
    pub destination: String,
    pub payment_type: String,
    pub total: Money,
    pub state: State,
    /// Whether it has taken its quantity of the service's capacity.
    pub holds_stock: bool,
    /// The registry's reference, and the issuer of the card.
    pub reference: Option<CardReference>,
    pub issuer: Option<Identifier>,
    /// Whether the reference was called back, or has done its service.
    pub released: bool,
    pub passing: Option<Passing>,
    pub received: bool,
    /// Until when a reply approves, or the provider has to answer.
    pub until: UnixTime,
    pub remind: Option<UnixTime>,
    /// Digests of replies that were not understood.
    pub unclear: Vec<String>,
    pub approved_by: Option<Channel>,
    /// Why it ended as it did: a stable code.
    pub reason: Option<String>,
    /// Why it stands still, for the operator: a stable code.
    pub trouble: Option<String>,
    pub steps: Vec<Step>,
    pub placed: UnixTime,
}

impl OrderRecord {
    /// The number that stands on the card sheet too.
    pub fn number(&self) -> String {
        TradeNumber::of(&self.id).as_str().to_string()
    }

    /// The service, as it is ordered.
    pub fn service_id(&self) -> String {
        format!("{}/{}", self.provider, self.service.number)
    }

    pub fn facts(&self) -> Facts {
        Facts {
            state: self.state,
            reference: self.reference.is_some(),
            released: self.released,
            sealed: self.passing.is_some(),
            received: self.received,
            until: self.until,
            remind: self.remind,
        }
    }

    /// Comes to a new state.
    pub fn come_to(&mut self, state: State, at: UnixTime) {
        self.state = state;
        self.trouble = None;
        self.steps.push(Step { state, at });
    }
}

/// Why a mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailKind {
    Confirmation,
    Reminder,
    AskedAgain,
    Expired,
    Approved,
    Cancelled,
    CardRefused,
    OurFault,
    SoldOut,
    Declined,
    Silent,
    Served,
}

impl MailKind {
    pub fn as_str(self) -> &'static str {
        match self {
            MailKind::Confirmation => "confirmation",
            MailKind::Reminder => "reminder",
            MailKind::AskedAgain => "asked-again",
            MailKind::Expired => "expired",
            MailKind::Approved => "approved",
            MailKind::Cancelled => "cancelled",
            MailKind::CardRefused => "card-refused",
            MailKind::OurFault => "our-fault",
            MailKind::SoldOut => "sold-out",
            MailKind::Declined => "declined",
            MailKind::Silent => "silent",
            MailKind::Served => "served",
        }
    }
}

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum About {
    /// An order, and why it is written.
    Order { order: OrderId, kind: MailKind },
    /// A device from which a member wants to log in: the member, and the hour of the asking.
    Device { member: String, hour: u64 },
}

/// A mail. Its texts are made when it is sent, the same each time; no token is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailRecord {
    pub about: About,
    pub tries: u32,
    pub next: UnixTime,
    pub sent: Option<UnixTime>,
    /// The SMTP code of a refusal for good.
    pub refused: Option<u16>,
}

impl MailRecord {
    /// A mail that is to go out at once.
    pub fn due(about: About, now: UnixTime) -> MailRecord {
        MailRecord { about, tries: 0, next: now, sent: None, refused: None }
    }
}
