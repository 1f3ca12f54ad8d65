//! Why a store could not do its work.

use warifu_ledger::{LedgerError, TransferId, TransferResult};

/// Why a job was not done. Nothing of it lasts. No variant carries a stored value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too much work waits, or another process holds the file: try again later.
    #[error("the store is busy")]
    Busy,
    /// The disk is full: the operator's to mend.
    #[error("no room for the store on the disk")]
    Full,
    /// The disk, or the file's permissions: the operator's to mend.
    #[error("the store could not {action}: {kind}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// The key file is not the one that this store was made with: the operator's to mend.
    #[error("the key file does not open this store")]
    WrongKey,
    /// A later program wrote this store: the operator's to mend.
    #[error("the store has format {found}, this program knows formats up to {known}")]
    NewerFormat {
        /// The store's format.
        found: i64,
        /// The latest format that this program knows.
        known: i64,
    },
    /// The file is no store of Warifu.
    #[error("the file is no store of Warifu")]
    NotAStore,
    /// A record was altered outside this program, or does not have the shape of its collection.
    #[error("a record in {collection} is corrupt")]
    Corrupt {
        /// Where.
        collection: String,
    },
    /// The caller's value cannot be written as JSON: a fault of the program.
    #[error("a value for {collection} cannot be written")]
    Unwritable {
        /// Where to.
        collection: String,
    },
    /// The caller's collection or key is empty: a fault of the program.
    #[error("a record's collection and key must not be empty")]
    EmptyName,
    /// The caller's cursor is no transfer of the account that it asks about.
    #[error("the cursor is no transfer of this account")]
    UnknownCursor,
    /// The ledger refused a transfer that nothing may refuse: a fault of the program.
    #[error("the ledger refused transfer {transfer}: {result}")]
    Refused {
        /// Which.
        transfer: TransferId,
        /// Why.
        result: TransferResult,
    },
    /// The job asked to be rolled back.
    #[error("the job was rolled back")]
    RolledBack,
    /// The job panicked: a fault of the program.
    #[error("the job broke off")]
    Panicked,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> StoreError {
        match error {
            LedgerError::Busy => StoreError::Busy,
            LedgerError::Full => StoreError::Full,
            LedgerError::Io => {
                StoreError::Io { action: "use the ledger", kind: std::io::ErrorKind::Other }
            }
            LedgerError::Corrupt { what } => StoreError::Corrupt { collection: what.to_string() },
            LedgerError::UnknownCursor => StoreError::UnknownCursor,
        }
    }
}
