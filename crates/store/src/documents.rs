//! The documents of one unit of work: what this transaction has written, before what the tables have.

use crate::{
    document::{check, open, seal},
    drafts::Drafts,
    seal::Sealer,
};
use std::collections::BTreeMap;
use warifu_ports::{KeyAndValue, StoreError};
use zeroize::Zeroizing;

/// A document's key and sealed value.
pub(crate) type KeyAndSealed = (String, Vec<u8>);

/// The table of documents within a transaction, to read. Drafts are written by the engine when it
/// commits.
pub(crate) trait DocumentRows {
    /// Collection and key together are at most this long, in bytes.
    const LONGEST_NAME: usize;

    /// A sealed value.
    fn get(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` sealed values with keys above `after`, by key.
    fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndSealed>, StoreError>;
}

/// The documents of one unit of work.
pub(crate) struct Documents<'a, R> {
    pub(crate) rows: R,
    pub(crate) sealer: &'a Sealer,
    pub(crate) drafts: &'a mut Drafts,
}

impl<R: DocumentRows> Documents<'_, R> {
    pub(crate) fn get(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        check(collection, key)?;
        let open = |sealed: &[u8]| open(self.sealer, collection, key, sealed);
        match self.drafts.get(collection, key) {
            Some(draft) => draft.as_deref().map(open).transpose(),
            None => self.rows.get(collection, key)?.as_deref().map(open).transpose(),
        }
    }

    pub(crate) fn put(
        &mut self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        check(collection, key)?;
        if collection.len() + key.len() > R::LONGEST_NAME {
            return Err(StoreError::Unwritable { collection: collection.to_string() });
        }
        let sealed = seal(self.sealer, collection, key, value)?;
        self.drafts.set(collection, key, Some(sealed));
        Ok(())
    }

    pub(crate) fn insert(
        &mut self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<bool, StoreError> {
        check(collection, key)?;
        if self.is_there(collection, key)? {
            return Ok(false);
        }
        self.put(collection, key, value).map(|()| true)
    }

    pub(crate) fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        check(collection, key)?;
        let found = self.is_there(collection, key)?;
        if found {
            self.drafts.set(collection, key, None);
        }
        Ok(found)
    }

    pub(crate) fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        check(collection, "-")?;
        let own = self.drafts.above(collection, after);
        // Each own entry hides one row at most.
        let rows = self.rows.scan(collection, after, limit.saturating_add(own.len()))?;
        let mut page: BTreeMap<&str, &[u8]> =
            rows.iter().map(|(key, sealed)| (key.as_str(), sealed.as_slice())).collect();
        for (key, draft) in own {
            match draft {
                Some(sealed) => page.insert(key, sealed),
                None => page.remove(key),
            };
        }
        page.into_iter()
            .take(limit)
            .map(|(key, sealed)| Ok((key.to_string(), open(self.sealer, collection, key, sealed)?)))
            .collect()
    }

    fn is_there(&self, collection: &str, key: &str) -> Result<bool, StoreError> {
        Ok(match self.drafts.get(collection, key) {
            Some(draft) => draft.is_some(),
            None => self.rows.get(collection, key)?.is_some(),
        })
    }
}
