//! Why a purchase does not go through.

use warifu_ports::StoreError;
use warifu_protocol::ProtocolError;
use warifu_types::{FieldName, Role};
use warifu_vault::VaultError;
use warifu_wire::{CallError, identity::IdentityError};

/// Why a purchase does not go through.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// Something that the person has to enter first.
    #[error("{0}: not set; enter it first")]
    Missing(&'static str),
    /// Something that the person entered.
    #[error("{field}: {problem}")]
    BadInput {
        /// Which input.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The form gives a field to a party that has no need of it, and the person has not agreed.
    #[error("the form gives {field} to the {role}; allow it with --allow {role}:{field}")]
    NotAllowed {
        /// The party.
        role: Role,
        /// The field.
        field: FieldName,
    },
    /// No order of this id.
    #[error("order: no order of this id")]
    UnknownOrder,
    /// The center's signed refusal: nothing was changed.
    #[error("{}the center refuses: {reason}", .field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default())]
    Refused {
        /// A stable code, such as `balance_too_low`.
        reason: String,
        /// The field that it is about.
        field: Option<String>,
    },
    /// Another fingerprint than the letter's: another center, or somebody in between.
    #[error(
        "fingerprint: the center's is {shown}, which is not the letter's; nothing was sent to it"
    )]
    OtherFingerprint {
        /// What the center shows.
        shown: String,
    },
    /// Telegrams wait that were signed with the key that is to be changed.
    #[error("telegrams wait that the present key has signed: `warifu holder resume` sends them")]
    TelegramsWait,
    /// This terminal is no member of a center yet.
    #[error(
        "this terminal is not registered at a center: `warifu holder join` does it, or \
         `warifu merchant join`"
    )]
    NotRegistered,
    /// This terminal is registered already.
    #[error("this terminal is registered already")]
    Registered,
    /// The vault refuses or fails.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The terminal's own keys.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A message is refused.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Another party refuses, or cannot be reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HolderError {
    /// Whether the same again later may help: nobody could be reached, or somebody is busy.
    pub fn is_temporary(&self) -> bool {
        matches!(self, HolderError::Call(error) if error.is_temporary())
    }
}
