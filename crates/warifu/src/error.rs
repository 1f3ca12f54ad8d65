//! What a command fails with: one clear line.

use std::path::PathBuf;
use warifu_center::CenterError;
use warifu_holder::HolderError;
use warifu_ports::StoreError;
use warifu_protocol::ProtocolError;
use warifu_store::KeyFileError;
use warifu_types::{IdentifierError, MoneyError};
use warifu_wire::{CallError, Problem, identity::IdentityError};

/// What a command fails with.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something that was given on the command line or in a file.
    #[error("{field}: {problem}")]
    Input {
        /// Which.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// The machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// An identifier.
    #[error("identifier: {0}")]
    Identifier(#[from] IdentifierError),
    /// An amount.
    #[error("amount: {0}")]
    Money(#[from] MoneyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A party's keys.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The center.
    #[error(transparent)]
    Center(#[from] CenterError),
    /// The holder's terminal.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// A message that is refused.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The terminal's vault.
    #[error(transparent)]
    Vault(#[from] warifu_vault::VaultError),
    /// Another party.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A role's refusal.
    #[error("{}{}", .0.field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default(), .0.title)]
    Problem(Problem),
    /// JSON that could not be written.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Problem(problem)
    }
}

impl Failure {
    /// A failure of something that was given.
    pub fn input(field: impl Into<String>, problem: impl Into<String>) -> Failure {
        Failure::Input { field: field.into(), problem: problem.into() }
    }
}
