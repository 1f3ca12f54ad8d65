//! SQLite's errors in the words of the ports. The message is dropped: it can quote a value.

use rusqlite::{Error, ErrorCode};
use std::io::ErrorKind;
use warifu_ledger::LedgerError;
use warifu_ports::StoreError;

/// What `action` ran into.
pub(crate) fn store_error(action: &'static str, error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore,
        Some(ErrorCode::DatabaseCorrupt) => {
            StoreError::Corrupt { collection: "the database".to_string() }
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            StoreError::Io { action, kind: ErrorKind::PermissionDenied }
        }
        Some(ErrorCode::CannotOpen) => StoreError::Io { action, kind: ErrorKind::NotFound },
        code => {
            tracing::error!(action, ?code, "SQLite failed");
            StoreError::Io { action, kind: ErrorKind::Other }
        }
    }
}

/// As [`store_error`], for the ledger; `what` are the rows that were wanted.
pub(crate) fn ledger_error(what: &'static str) -> impl Fn(Error) -> LedgerError {
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Busy,
        Some(ErrorCode::DiskFull) => LedgerError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation) => {
            LedgerError::Corrupt { what }
        }
        Some(_) => LedgerError::Io,
        // A column that does not have its shape.
        None => LedgerError::Corrupt { what },
    }
}
