//! Why a purchase does not go through.

use warifu_ports::StoreError;
use warifu_protocol::ProtocolError;
use warifu_types::{FieldName, Role};
use warifu_wire::CallError;

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
