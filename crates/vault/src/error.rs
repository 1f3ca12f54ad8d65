//! What can be wrong with a vault, and whose fault it is.

use std::{io, path::PathBuf};
use warifu_types::UnixTime;

/// Whose doing an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The person's: another password, name or choice mends it.
    Person,
    /// The file's: it is not a vault of this program, or not the one that was open.
    File,
    /// The machine's: disk, memory, or another program that holds the lock.
    Machine,
    /// The program's: it called what the vault's mode does not have.
    Program,
}

/// Why a vault does not do what it was asked. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A is wrong, or B is wrong, or their layer was damaged: which of them is not said.
    #[error("the password is wrong, or the vault is damaged")]
    WrongPassword,
    /// Too many wrong passwords in a row.
    #[error("too many wrong passwords: try again later")]
    Wait {
        /// When the next try is let through.
        until: UnixTime,
    },
    /// The file is no vault.
    #[error("not a vault: {field}")]
    NotAVault {
        /// The field of the header.
        field: &'static str,
    },
    /// The file ends within the header.
    #[error("the vault's header is cut off")]
    Truncated,
    /// The file comes from a newer program.
    #[error("the vault has format version {version}, which needs a newer program")]
    NewerVersion {
        /// The version in the header.
        version: u16,
    },
    /// The password hash would be refused by Argon2, or would take the machine away.
    #[error("the cost of the password hash is out of bounds: {field}")]
    Cost {
        /// `memory_kib`, `passes` or `lanes`.
        field: &'static str,
    },
    /// A password without a character.
    #[error("the password is empty")]
    PasswordEmpty,
    /// A password of more than 1024 bytes.
    #[error("the password is longer than 1024 bytes")]
    PasswordTooLong,
    /// A new password of fewer than 8 characters.
    #[error("a new password needs 8 characters or more")]
    PasswordTooShort,
    /// A and B would be the same.
    #[error("the two passwords must differ")]
    SamePasswords,
    /// The vault is of the other mode.
    #[error("the vault's mode does not have this")]
    WrongMode,
    /// The name of a document is empty or longer than 256 bytes.
    #[error("the name of a document needs 1 to 256 bytes")]
    BadName,
    /// The vault would become, or is, larger than [`crate::MAX_FILE`].
    #[error("the vault is too large")]
    TooLarge,
    /// Another program holds the vault's lock.
    #[error("another program is writing the vault")]
    Busy,
    /// There is another file already, and it is not overwritten.
    #[error("{path} exists already and is not overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is no longer the vault that was opened, or an older state of it.
    #[error("the vault file was replaced: open it again")]
    Replaced,
    /// The passwords or the mode were changed by another program.
    #[error("the passwords were changed elsewhere: open the vault again")]
    PasswordsChanged,
    /// The machine has not the memory that the password hash needs.
    #[error("not enough memory for the password hash")]
    OutOfMemory,
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl VaultError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        use VaultError as E;
        match self {
            E::WrongPassword | E::Wait { .. } | E::PasswordEmpty | E::PasswordTooLong => {
                Fault::Person
            }
            E::PasswordTooShort | E::SamePasswords | E::Exists { .. } => Fault::Person,
            E::NotAVault { .. } | E::Truncated | E::NewerVersion { .. } => Fault::File,
            E::Cost { .. } | E::Replaced | E::PasswordsChanged => Fault::File,
            E::WrongMode | E::BadName | E::TooLarge => Fault::Program,
            E::Busy | E::OutOfMemory | E::Io { .. } => Fault::Machine,
        }
    }
}

/// The result of this crate's functions.
pub(crate) type Result<T> = std::result::Result<T, VaultError>;
