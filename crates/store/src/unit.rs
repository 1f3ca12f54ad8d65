//! One unit of work: documents and ledger of a transaction that is open.

use crate::{
    documents::{DocumentRows, Documents},
    ledger::{Books, Rows},
};
use warifu_ledger::Ledger;
use warifu_ports::{KeyAndValue, StoreError, Unit};
use zeroize::Zeroizing;

/// Documents and ledger over an engine's rows.
pub(crate) struct StoreUnit<'a, D, L> {
    pub(crate) documents: Documents<'a, D>,
    pub(crate) ledger: Books<'a, L>,
}

impl<D: DocumentRows, L: Rows> Unit for StoreUnit<'_, D, L> {
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
        self.documents.sealer.keyed_hash(purpose, value)
    }

    fn ledger(&mut self) -> &mut dyn Ledger {
        &mut self.ledger
    }
}
