//! The database's tables, and how an older database gets them.

use super::link::Link;
use crate::{
    MasterKey,
    seal::{DataKey, Sealer},
};
use warifu_ports::StoreError;

/// In order; `store_format` says how many a database has had. Never alter one that was released:
/// add another.
///
/// Keys and ids are bytes, so that their order does not depend on the server's language. Balances
/// lie apart from what never changes, many in a row (see `pages.rs`); room is left beside them, so
/// that a new version of a row stays with the old one.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE store_keys (name TEXT PRIMARY KEY, wrapped BYTEA NOT NULL);
    CREATE TABLE documents (
        collection BYTEA NOT NULL,
        key BYTEA NOT NULL,
        value BYTEA NOT NULL,
        PRIMARY KEY (collection, key)
    );
    CREATE TABLE ledger_version (version BIGINT NOT NULL);
    INSERT INTO ledger_version VALUES (0);
    CREATE TABLE ledger_accounts (
        number BIGINT PRIMARY KEY,
        id BYTEA NOT NULL UNIQUE,
        currency SMALLINT NOT NULL,
        bound SMALLINT NOT NULL
    );
    CREATE TABLE ledger_pages (page BIGINT PRIMARY KEY, balances BYTEA NOT NULL)
        WITH (fillfactor = 40);
    ALTER TABLE ledger_pages ALTER balances SET STORAGE PLAIN;
    CREATE VIEW ledger_balances AS SELECT number,
        ('x' || encode(substr(entry, 1, 8), 'hex'))::bit(64)::bigint AS debits_pending,
        ('x' || encode(substr(entry, 9, 8), 'hex'))::bit(64)::bigint AS debits_posted,
        ('x' || encode(substr(entry, 17, 8), 'hex'))::bit(64)::bigint AS credits_pending,
        ('x' || encode(substr(entry, 25, 8), 'hex'))::bit(64)::bigint AS credits_posted,
        CASE get_byte(entry, 32) WHEN 1 THEN substr(entry, 34, 16) END AS last
        FROM (SELECT number, substr(balances, (number % 32)::integer * 49 + 1, 49) AS entry
            FROM ledger_accounts JOIN ledger_pages ON page = number / 32) AS entries;
    CREATE TABLE ledger_transfers (
        id BYTEA PRIMARY KEY,
        debit BYTEA NOT NULL,
        credit BYTEA NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency SMALLINT NOT NULL,
        kind SMALLINT NOT NULL,
        hold BYTEA,
        linked BOOLEAN NOT NULL,
        code INTEGER NOT NULL,
        user_data BYTEA,
        previous_debit BYTEA,
        previous_credit BYTEA
    );
    CREATE TABLE ledger_resolutions (hold BYTEA PRIMARY KEY, resolved_by BYTEA NOT NULL);
"];

const PREPARE: &str = "prepare the database";
const FRESH: &str = "CREATE SCHEMA warifu;
    CREATE TABLE warifu.store_format (version INTEGER NOT NULL);
    INSERT INTO warifu.store_format VALUES (0)";
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1463898697, 0)";

/// Brings the tables up to date and makes the data key of a new store, in one transaction under a
/// lock: several processes may open a new database at once. An error changes nothing.
pub(super) fn migrate(link: &Link, master: &MasterKey) -> Result<Sealer, StoreError> {
    link.batch(PREPARE, BEGIN)?;
    let sealer = migrate_within(link, master);
    link.batch(PREPARE, if sealer.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    sealer
}

fn migrate_within(link: &Link, master: &MasterKey) -> Result<Sealer, StoreError> {
    let known = MIGRATIONS.len() as i32;
    let done = format(link)?;
    if done > known {
        return Err(StoreError::NewerFormat { found: done.into(), known: known.into() });
    }
    if done == 0 {
        link.batch(PREPARE, FRESH)?;
    }
    link.batch(PREPARE, "SET search_path TO warifu")?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or(0)) {
        link.batch(PREPARE, migration)?;
    }
    if done < known {
        link.query(PREPARE, "UPDATE store_format SET version = $1", &[&known])?;
    }
    if done == 0 {
        write_data_key(link, &DataKey::random(), master)?;
    }
    Ok(Sealer::new(&data_key(link, master)?))
}

/// How many migrations a database has had; 0 where there is no store. Somebody else's schema of
/// our name is no store.
fn format(link: &Link) -> Result<i32, StoreError> {
    let sql = "SELECT to_regnamespace('warifu') IS NOT NULL,
        to_regclass('warifu.store_format') IS NOT NULL";
    let rows = link.query(PREPARE, sql, &[])?;
    let row = rows.first().ok_or(StoreError::NotAStore)?;
    match (row.get(0), row.get(1)) {
        (false, _) => return Ok(0),
        (true, true) => {}
        (true, false) => return Err(StoreError::NotAStore),
    }
    let rows = link.query(PREPARE, "SELECT version FROM warifu.store_format", &[])?;
    rows.first().and_then(|row| row.try_get(0).ok()).ok_or(StoreError::NotAStore)
}

/// The store's data key, if the master key is the right one.
pub(super) fn data_key(link: &Link, master: &MasterKey) -> Result<DataKey, StoreError> {
    let sql = "SELECT wrapped FROM store_keys WHERE name = 'data' FOR UPDATE";
    let rows = link.query("read the data key", sql, &[])?;
    let wrapped = rows.first().and_then(|row| row.try_get(0).ok()).ok_or(StoreError::NotAStore)?;
    DataKey::unwrap(wrapped, master).map_err(|_| StoreError::WrongKey)
}

/// Writes the data key under a master key, over an earlier one.
pub(super) fn write_data_key(
    link: &Link,
    data: &DataKey,
    master: &MasterKey,
) -> Result<(), StoreError> {
    let wrapped = data.wrap(master).map_err(|_| StoreError::WrongKey)?;
    let sql = "INSERT INTO store_keys VALUES ('data', $1)
        ON CONFLICT (name) DO UPDATE SET wrapped = excluded.wrapped";
    link.query("write the data key", sql, &[&wrapped]).map(|_| ())
}
