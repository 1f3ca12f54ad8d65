//! SQLite and PostgreSQL behind the ports: documents encrypted at rest, the ledger engines, group
//! commit.
//!
//! [`SqliteStore`] and [`PostgresStore`] are each a [`warifu_ports::Store`]: one thread owns the
//! connection, takes the jobs that wait, runs one after the other in one transaction, commits once
//! and then answers all. The first is a file of one machine; on the second several processes work
//! as one. [`MasterKey`] is the key file that opens a store. [`SystemClock`] and [`OsEntropy`] are
//! the machine's clock and randomness behind their ports.
//!
//! Documents' values are encrypted; collections, keys and the ledger's tables are not, so that the
//! ledger can be reconciled with SQL. Account ids are pseudonyms, and secrets are no keys.

mod document;
mod documents;
mod drafts;
mod group;
mod ledger;
mod master_key;
mod postgres;
mod seal;
pub mod search;
mod sqlite;
mod system;
mod unit;

pub use document::Document;
pub use master_key::{KeyFileError, MasterKey};
pub use postgres::{PostgresStore, rekey_postgres};
pub use sqlite::{SqliteStore, rekey};
pub use system::{OsEntropy, SystemClock};
