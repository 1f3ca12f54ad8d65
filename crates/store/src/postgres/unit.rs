//! One unit of work on the connection.

use super::{
    documents::{Documents, Drafts},
    ledger::PostgresRows,
    link::Link,
};
use crate::{
    ledger::{Books, Memo},
    seal::Sealer,
};
use warifu_ledger::Ledger;
use warifu_ports::{KeyAndValue, StoreError, Unit};
use zeroize::Zeroizing;

/// Documents and ledger of a transaction that is open.
pub(super) struct PostgresUnit<'a> {
    sealer: &'a Sealer,
    documents: Documents<'a>,
    ledger: Books<'a, PostgresRows<'a>>,
}

impl<'a> PostgresUnit<'a> {
    pub(super) fn new(
        link: &'a Link,
        sealer: &'a Sealer,
        drafts: &'a mut Drafts,
        memo: &'a mut Memo,
    ) -> PostgresUnit<'a> {
        PostgresUnit {
            sealer,
            documents: Documents { link, sealer, drafts },
            ledger: Books::new(PostgresRows::new(link), memo),
        }
    }
}

impl Unit for PostgresUnit<'_> {
    fn get(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.documents.get(collection, key)
    }

    fn put(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.documents.put(collection, key, value)
    }

    fn insert(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        self.documents.insert(collection, key, value)
    }

    fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        self.documents.delete(collection, key)
    }

    fn scan(
        &mut self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        self.documents.scan(collection, after, limit)
    }

    fn keyed_hash(&mut self, purpose: &str, value: &[u8]) -> String {
        self.sealer.keyed_hash(purpose, value)
    }

    fn ledger(&mut self) -> &mut dyn Ledger {
        &mut self.ledger
    }
}
