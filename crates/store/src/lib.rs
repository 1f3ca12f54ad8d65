//! SQLite behind the ports: documents encrypted at rest, the ledger engine, group commit.
//!
//! [`SqliteStore`] is a [`warifu_ports::Store`]: one thread owns the connection, takes the jobs
//! that wait, runs each in a savepoint of one transaction, commits once and then answers all.
//! [`MasterKey`] is the key file that opens a store. [`SystemClock`] and [`OsEntropy`] are the
//! machine's clock and randomness behind their ports.
//!
//! Documents' values are encrypted; collections, keys and the ledger's tables are not, so that the
//! ledger can be reconciled with SQL. Account ids are pseudonyms, and secrets are no keys.

mod connection;
mod documents;
mod error;
mod ledger;
mod master_key;
mod schema;
mod seal;
mod sqlite;
mod system;
mod unit;
mod writer;

pub use master_key::{KeyFileError, MasterKey};
pub use sqlite::{Document, SqliteStore, rekey};
pub use system::{OsEntropy, SystemClock};
