//! A part of a store for records that are to take the place of others, once everything is ready.

use warifu_ledger::Ledger;
use warifu_ports::{KeyAndValue, StoreError, Unit};
use zeroize::Zeroizing;

/// What the names of staged collections begin with.
const STAGED: &str = "next_";

/// Collections of the same names beside the ones in force.
pub(crate) struct Staged<'u>(pub(crate) &'u mut dyn Unit);

/// Puts every document of a staged collection in force, in place of those that are there.
pub(crate) fn put_in_force(unit: &mut dyn Unit, collection: &str) -> Result<(), StoreError> {
    clear(unit, collection)?;
    let staged = staged(collection);
    while let Some((key, value)) = unit.scan(&staged, "", 1)?.pop() {
        unit.put(collection, &key, &value)?;
        unit.delete(&staged, &key)?;
    }
    Ok(())
}

/// Forgets what is staged.
pub(crate) fn forget(unit: &mut dyn Unit, collection: &str) -> Result<(), StoreError> {
    clear(unit, &staged(collection))
}

fn clear(unit: &mut dyn Unit, collection: &str) -> Result<(), StoreError> {
    while let Some((key, _)) = unit.scan(collection, "", 1)?.pop() {
        unit.delete(collection, &key)?;
    }
    Ok(())
}

fn staged(collection: &str) -> String {
    format!("{STAGED}{collection}")
}

impl Unit for Staged<'_> {
    fn get(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.0.get(&staged(collection), key)
    }

    fn put(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.put(&staged(collection), key, value)
    }

    fn insert(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        self.0.insert(&staged(collection), key, value)
    }

    fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        self.0.delete(&staged(collection), key)
    }

    fn scan(
        &mut self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        self.0.scan(&staged(collection), after, limit)
    }

    fn keyed_hash(&mut self, purpose: &str, value: &[u8]) -> String {
        self.0.keyed_hash(purpose, value)
    }

    fn ledger(&mut self) -> &mut dyn Ledger {
        self.0.ledger()
    }
}
