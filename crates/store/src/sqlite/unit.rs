//! One unit of work on the connection.

use super::{documents::Documents, ledger::SqliteRows};
use crate::{
    ledger::{Books, Memo},
    seal::Sealer,
};
use rusqlite::Connection;
use warifu_ledger::Ledger;
use warifu_ports::{KeyAndValue, StoreError, Unit};
use zeroize::Zeroizing;

/// Documents and ledger of a transaction that is open.
pub(crate) struct SqliteUnit<'c> {
    connection: &'c Connection,
    sealer: &'c Sealer,
    documents: Documents<'c>,
    ledger: Books<'c, SqliteRows<'c>>,
}

impl<'c> SqliteUnit<'c> {
    pub(crate) fn new(
        connection: &'c Connection,
        sealer: &'c Sealer,
        memo: &'c mut Memo,
    ) -> SqliteUnit<'c> {
        SqliteUnit {
            connection,
            sealer,
            documents: Documents::new(connection, sealer),
            ledger: Books::new(SqliteRows::new(connection), memo),
        }
    }

    /// A full disk makes SQLite roll the transaction back by itself. A job that went on after that
    /// would write outside any transaction.
    fn documents(&self) -> Result<&Documents<'c>, StoreError> {
        if self.connection.is_autocommit() {
            return Err(StoreError::RolledBack);
        }
        Ok(&self.documents)
    }
}

impl Unit for SqliteUnit<'_> {
    fn get(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.documents()?.get(collection, key)
    }

    fn put(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.documents()?.put(collection, key, value)
    }

    fn insert(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        self.documents()?.insert(collection, key, value)
    }

    fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        self.documents()?.delete(collection, key)
    }

    fn scan(
        &mut self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        self.documents()?.scan(collection, after, limit)
    }

    fn keyed_hash(&mut self, purpose: &str, value: &[u8]) -> String {
        self.sealer.keyed_hash(purpose, value)
    }

    fn ledger(&mut self) -> &mut dyn Ledger {
        &mut self.ledger
    }
}
