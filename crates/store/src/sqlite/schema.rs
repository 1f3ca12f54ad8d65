//! The database's tables, and how an older file gets them.

use super::error::store_error;
use crate::{
    MasterKey,
    seal::{DataKey, Sealer},
};
use rusqlite::{Connection, OptionalExtension};
use warifu_ports::StoreError;

/// `WARI`: tells a store from any other SQLite file.
const APPLICATION_ID: i64 = 0x5741_5249;

/// In order; a file's `user_version` says how many it has had. Never alter one that was released:
/// add another.
///
/// Ids are 16 bytes, big endian, so that their order is that of the numbers. An account's balance
/// lies under its short number, for it is written most often. Transfers have no secondary index:
/// histories follow `last`, then `previous_debit` and `previous_credit`, each by primary key.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE store_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE documents (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (collection, key)
    ) STRICT;
    CREATE TABLE ledger_accounts (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        currency INTEGER NOT NULL,
        bound INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE ledger_balances (
        number INTEGER PRIMARY KEY,
        debits_pending INTEGER NOT NULL CHECK (debits_pending >= 0),
        debits_posted INTEGER NOT NULL CHECK (debits_posted >= 0),
        credits_pending INTEGER NOT NULL CHECK (credits_pending >= 0),
        credits_posted INTEGER NOT NULL CHECK (credits_posted >= 0),
        last BLOB
    ) STRICT;
    CREATE TABLE ledger_transfers (
        id BLOB PRIMARY KEY,
        debit BLOB NOT NULL,
        credit BLOB NOT NULL,
        amount INTEGER NOT NULL CHECK (amount > 0),
        currency INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        hold BLOB,
        linked INTEGER NOT NULL,
        code INTEGER NOT NULL,
        user_data BLOB,
        previous_debit BLOB,
        previous_credit BLOB
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ledger_resolutions (
        hold BLOB PRIMARY KEY,
        resolved_by BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// What a file is, before anything is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Empty: to be made a store.
    Empty,
    /// A store of a format that this program knows.
    Store,
}

/// Looks at a file without changing it.
pub(crate) fn inspect(connection: &Connection) -> Result<Found, StoreError> {
    let application = number(connection, "PRAGMA application_id")?;
    let version = number(connection, "PRAGMA user_version")?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema")?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(Found::Empty);
    }
    if application != APPLICATION_ID {
        return Err(StoreError::NotAStore);
    }
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(StoreError::NewerFormat { found: version, known });
    }
    Ok(Found::Store)
}

/// Brings the tables up to date and makes the data key of a new store, in one transaction: two
/// processes may open a new file at once.
pub(crate) fn migrate(connection: &Connection, master: &MasterKey) -> Result<Sealer, StoreError> {
    let fail = |error| store_error("prepare the database", &error);
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    let sealer = migrate_within(connection, master);
    let end = if sealer.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(fail)?;
    sealer
}

fn migrate_within(connection: &Connection, master: &MasterKey) -> Result<Sealer, StoreError> {
    let fail = |error| store_error("prepare the database", &error);
    let fresh = inspect(connection)? == Found::Empty;
    let done = usize::try_from(number(connection, "PRAGMA user_version")?)
        .map_err(|_| StoreError::NotAStore)?;
    for migration in MIGRATIONS.iter().skip(done) {
        connection.execute_batch(migration).map_err(fail)?;
    }
    if done < MIGRATIONS.len() {
        let version = MIGRATIONS.len() as i64;
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
        connection.pragma_update(None, "user_version", version).map_err(fail)?;
    }
    if fresh {
        write_data_key(connection, &DataKey::random(), master)?;
    }
    Ok(Sealer::new(&data_key(connection, master)?))
}

/// The store's data key, if the master key is the right one.
pub(crate) fn data_key(connection: &Connection, master: &MasterKey) -> Result<DataKey, StoreError> {
    let wrapped: Option<Vec<u8>> = connection
        .query_row("SELECT wrapped FROM store_keys WHERE name = 'data'", [], |row| row.get(0))
        .optional()
        .map_err(|error| store_error("read the data key", &error))?;
    let wrapped = wrapped.ok_or(StoreError::NotAStore)?;
    DataKey::unwrap(&wrapped, master).map_err(|_| StoreError::WrongKey)
}

/// Writes the data key under a master key, over an earlier one.
pub(crate) fn write_data_key(
    connection: &Connection,
    data: &DataKey,
    master: &MasterKey,
) -> Result<(), StoreError> {
    let wrapped = data.wrap(master).map_err(|_| StoreError::WrongKey)?;
    connection
        .execute("INSERT OR REPLACE INTO store_keys VALUES ('data', ?1)", [wrapped])
        .map_err(|error| store_error("write the data key", &error))?;
    Ok(())
}

fn number(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
    connection
        .query_row(sql, [], |row| row.get(0))
        .map_err(|error| store_error("read the database", &error))
}
