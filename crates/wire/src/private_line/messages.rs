//! What is asked over the private line of a card registry (rows C2, C4 and C7): by the broker, who
//! never gets a card, by issuers, who resolve a reference, and by the registry, which posts a card to
//! a provider's closed line.

use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, Identifier, Money, UnixTime};
use zeroize::Zeroizing;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* })*
    };
}

messages! {
    /// `POST /v1/line/code`, broker to registry: the member may register a card with the code of
    /// this hash. The code itself goes to the member alone, the card to the registry alone.
    CodeQuestion {
        /// The membership number.
        member: String,
        /// SHA-256 of the code, without separators, in capitals.
        code_hash: Digest,
        /// Until when the code is good.
        until: UnixTime,
    }

    /// Done: there is nothing more to say.
    LineDone {}

    /// `POST /v1/line/authenticate`, broker to registry (row C4). The same order number gives the
    /// same answer.
    AuthenticateQuestion {
        /// The membership number.
        member: String,
        /// The number that stands on order and card sheet.
        number: String,
    }

    /// `POST /v1/line/dispatch`, broker to registry, after the user's approval (row C7). It names no
    /// address: the registry's own list says how a provider gets its cards.
    DispatchQuestion {
        /// The one-time reference of the yes.
        reference: CardReference,
        /// The number that it was given for.
        number: String,
        /// The provider.
        provider: Identifier,
    }

    /// The answer to `dispatch` and to `sheet`.
    DispatchAnswer {
        /// How far the sheet has come.
        state: SheetState,
    }

    /// `POST /v1/line/sheet` and `/v1/line/void`, broker to registry.
    NumberQuestion {
        /// The order's number.
        number: String,
    }

    /// The answer to `void`.
    VoidAnswer {
        /// Whether nothing has gone out, or been resolved, and nothing will any more.
        void: bool,
    }

    /// `POST /v1/line/resolve`, issuer to registry: the card for a reference, for the first order
    /// that asks.
    ResolveQuestion {
        /// The reference, from the issuer's part of the order.
        reference: CardReference,
        /// The merchant who asks for authorization.
        merchant: Identifier,
        /// The order's amount.
        amount: Money,
        /// The order's identity.
        order: Digest,
    }
}

/// A one-time reference to a card: 160 random bits in lower-case base 32. Whoever has it and is an
/// issuer on the line gets the card, so that it is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardReference(pub Zeroizing<String>);

impl fmt::Debug for CardReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardReference(…)")
    }
}

/// The answer to `authenticate`: yes or no with a reason code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthenticateAnswer {
    /// There is a card, and it is good.
    Yes {
        /// The one-time reference: 160 random bits.
        reference: CardReference,
        /// Who has issued the card, so that the order can have a part for it.
        issuer: Identifier,
    },
    /// No: no order goes out.
    No {
        /// Why.
        reason: Refusal,
    },
}

impl fmt::Debug for AuthenticateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthenticateAnswer::Yes { issuer, .. } => write!(f, "Yes({issuer})"),
            AuthenticateAnswer::No { reason } => write!(f, "No({reason:?})"),
        }
    }
}

/// Why the registry says no. The words are stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The registry has never heard of the member.
    UnknownMember,
    /// The member has registered no card.
    NoCard,
    /// The card's last month is over.
    Expired,
    /// The registry's operator has blocked the card or the member.
    Blocked,
}

impl Refusal {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::UnknownMember => "unknown_member",
            Refusal::NoCard => "no_card",
            Refusal::Expired => "expired",
            Refusal::Blocked => "blocked",
        }
    }
}

/// How far a card sheet has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SheetState {
    /// To be sent, or to be read out.
    Queued,
    /// The fax server has it.
    HandedOver,
    /// The line is busy; the fax server goes on trying.
    Busy,
    /// The other side has confirmed it.
    Sent,
    /// It will not go out; an operator has to look.
    Failed,
    /// Nobody knows whether it went out; an operator asks the provider.
    Unconfirmed,
    /// An operator has read it out by telephone.
    ReadOut,
    /// It went out, and nothing of it is kept in any spool.
    Cleared,
    /// It was called back before it went out.
    Void,
}

impl SheetState {
    /// Whether the provider has the card.
    pub fn is_out(self) -> bool {
        matches!(self, SheetState::Sent | SheetState::ReadOut | SheetState::Cleared)
    }
}

/// The code of the problem when a provider takes references only: there is nothing to send.
pub const WITHOUT_SHEET: &str = "no_channel";

/// The answer to `resolve`: a card, for an issuer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardAnswer {
    /// The name on the card.
    pub holder_name: Zeroizing<String>,
    /// The card number, digits only.
    pub card_number: Zeroizing<String>,
    /// The card's expiry, `YYYY-MM`.
    pub card_expiry: Zeroizing<String>,
}

/// What the registry posts to a provider's closed line (row C9): the card sheet, and nothing of the
/// order but the number.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPost {
    /// The number that stands on the order too.
    pub number: String,
    /// The name on the card.
    pub holder_name: Zeroizing<String>,
    /// The card number, digits only.
    pub card_number: Zeroizing<String>,
    /// The card's expiry, `YYYY-MM`.
    pub card_expiry: Zeroizing<String>,
}

macro_rules! silent {
    ($($name:ident)*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        })*
    };
}

silent! { CardAnswer CardPost }

/// `register_card`, holder to registry, within a session of the network (row C2).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardRegistration {
    /// The membership number at the broker.
    pub member: String,
    /// The one-time code that the broker's operator has given out.
    pub code: Zeroizing<String>,
    /// The name on the card, at most 100 characters.
    pub holder_name: Zeroizing<String>,
    /// The card number: 12 to 19 digits with a good check digit (ISO/IEC 7812).
    pub card_number: Zeroizing<String>,
    /// The last month in which the card is good, `YYYY-MM`.
    pub card_expiry: Zeroizing<String>,
    /// Who has issued it.
    pub issuer: Identifier,
}

impl fmt::Debug for CardRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardRegistration(…)")
    }
}

/// The answer to `register_card`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredAnswer {
    /// When the card was registered.
    pub registered: UnixTime,
}

/// The hash of a registration code as people write it: case, spaces and hyphens do not matter.
pub fn code_hash(code: &str) -> Digest {
    let plain: Zeroizing<String> = Zeroizing::new(
        code.chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect(),
    );
    warifu_protocol::encode::sha256(plain.as_bytes())
}
