//! PostgreSQL's errors in the words of the ports. The message is dropped: it can quote a value.

use std::{error::Error as _, io};
use tokio_postgres::{Error, error::SqlState};
use warifu_ledger::LedgerError;
use warifu_ports::StoreError;

/// What `action` ran into.
pub(super) fn store_error(action: &'static str, error: &Error) -> StoreError {
    let Some(code) = error.code() else { return no_answer(action, error) };
    let class = code.code().get(..2).unwrap_or_default();
    match (code, class) {
        (&SqlState::LOCK_NOT_AVAILABLE | &SqlState::TOO_MANY_CONNECTIONS, _) => StoreError::Busy,
        (&SqlState::DISK_FULL, _) => StoreError::Full,
        // Integrity constraints, bad data, and what is there but not as it was made.
        (_, "23" | "22" | "42" | "XX") => {
            tracing::error!(action, code = code.code(), "PostgreSQL refused");
            StoreError::Corrupt { collection: "the database".to_string() }
        }
        (_, "28" | "3D") => StoreError::Io { action, kind: io::ErrorKind::PermissionDenied },
        // The server is going down or coming up.
        (_, "57") => StoreError::Io { action, kind: io::ErrorKind::ConnectionAborted },
        _ => {
            tracing::error!(action, code = code.code(), "PostgreSQL failed");
            StoreError::Io { action, kind: io::ErrorKind::Other }
        }
    }
}

/// The server cannot be reached, or has hung up.
fn no_answer(action: &'static str, error: &Error) -> StoreError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return StoreError::Io { action, kind: cause.kind() };
        }
        source = cause.source();
    }
    let kind =
        if error.is_closed() { io::ErrorKind::ConnectionAborted } else { io::ErrorKind::Other };
    StoreError::Io { action, kind }
}

/// As the ledger says it; `what` are the rows that were wanted.
pub(super) fn ledger_error(what: &'static str) -> impl Fn(StoreError) -> LedgerError {
    move |error| match error {
        StoreError::Busy => LedgerError::Busy,
        StoreError::Full => LedgerError::Full,
        StoreError::Corrupt { .. } => LedgerError::Corrupt { what },
        _ => LedgerError::Io,
    }
}
