//! What can be wrong with a message, whose fault it is, and in which field.

use std::{borrow::Cow, fmt};
use warifu_types::Role;

/// Who caused the error, as far as it can be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtFault {
    /// The party with this role in the trade.
    Role(Role),
    /// Whoever handed the message over: it was altered or mixed up on the way.
    Sender,
    /// This party itself: its configuration or its keys.
    Own,
}

impl fmt::Display for AtFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtFault::Role(role) => write!(f, "{role}"),
            AtFault::Sender => f.write_str("sender"),
            AtFault::Own => f.write_str("own"),
        }
    }
}

macro_rules! reasons {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// What is wrong. The code is stable: problem details and test vectors name it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $(#[doc = $text] $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }

            /// One sentence for people.
            pub fn text(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }
        }
    };
}

reasons! {
    Malformed = "malformed", "the message is not of the documented shape";
    TooLarge = "too_large", "the message is larger than allowed";
    BadSignature = "bad_signature", "the signature does not verify";
    Untrusted = "untrusted", "no center of this network has signed this";
    WrongNetwork = "wrong_network", "the message belongs to another network";
    WrongParty = "wrong_party", "the message names another party";
    Expired = "expired", "the message has expired";
    NotYetValid = "not_yet_valid", "the message is dated in the future";
    OldEpoch = "old_epoch", "the keys are of an epoch that is no longer accepted";
    MissingShare = "missing_share", "no share for this matrix and epoch";
    Downgrade = "downgrade", "the suite is below the minimum";
    UnknownKey = "unknown_key", "the part is encrypted to a key that this party does not have";
    AlteredPart = "altered_part", "the part is not the one that the holder signed";
    SealedWrong = "sealed_wrong", "the part does not open under the key of holder and recipient";
    WrongDigest = "wrong_digest", "the value is not the one that the holder signed for all parties";
    OutsideRule = "outside_rule", "the order does not follow the form's disclosure rule";
    UnsafeRule = "unsafe_rule", "the disclosure rule gives a field to a party that must not have it";
    BadValue = "bad_value", "the field's value is not acceptable";
    Replayed = "replayed", "the message was received before";
    Conflict = "conflict", "the same id was used before with other content";
    Impostor = "impostor", "the peer has not proved its identity";
    Mismatch = "mismatch", "two statements that must agree differ";
}

/// A message that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {field} ({})", reason.text(), AtFaultText(*at_fault))]
pub struct ProtocolError {
    /// Whose fault it is.
    pub at_fault: AtFault,
    /// What is wrong.
    pub reason: Reason,
    /// Which field; a path such as `order.fields.amount`.
    pub field: Cow<'static, str>,
}

struct AtFaultText(AtFault);

impl fmt::Display for AtFaultText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at fault: {}", self.0)
    }
}

impl ProtocolError {
    /// An error in `field`.
    pub fn new(at_fault: AtFault, reason: Reason, field: impl Into<Cow<'static, str>>) -> Self {
        ProtocolError { at_fault, reason, field: field.into() }
    }

    /// The holder's fault.
    pub fn holder(reason: Reason, field: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AtFault::Role(Role::Holder), reason, field)
    }

    /// The fault of whoever handed the message over.
    pub fn sender(reason: Reason, field: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AtFault::Sender, reason, field)
    }

    /// This party's own fault.
    pub fn own(reason: Reason, field: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AtFault::Own, reason, field)
    }
}

/// The result of checking a message.
pub type Result<T> = std::result::Result<T, ProtocolError>;
