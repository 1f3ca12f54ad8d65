//! Documents: read from the database, and kept here until the transaction commits.
//!
//! A job's writes stay in memory, encrypted, so that taking a job back costs nothing and a commit
//! sends all documents at once.

use super::link::Link;
use crate::{
    document::{check, corrupt, open, seal},
    seal::Sealer,
};
use std::collections::BTreeMap;
use std::ops::Bound;
use tokio_postgres::Row;
use warifu_ports::{KeyAndValue, StoreError};
use zeroize::Zeroizing;

const ACTION: &str = "use the documents";

/// An index entry of PostgreSQL holds 2,704 bytes; this leaves room for its own.
const LONGEST_NAME: usize = 2_600;

const GET: &str = "SELECT value FROM documents WHERE collection = $1 AND key = $2";
const SCAN: &str = "SELECT key, value FROM documents WHERE collection = $1 AND key > $2
    ORDER BY key LIMIT $3";
const COLLECTIONS: &str = "SELECT DISTINCT collection FROM documents ORDER BY collection";

/// Collection and key.
type Place = (String, String);

/// What a transaction has written: sealed values, `None` for what is removed.
#[derive(Default)]
pub(super) struct Drafts {
    written: BTreeMap<Place, Option<Vec<u8>>>,
    /// What a place had before this job wrote it.
    undo: Vec<(Place, Option<Option<Vec<u8>>>)>,
}

impl Drafts {
    pub(super) fn begin_job(&mut self) {
        self.undo.clear();
    }

    pub(super) fn undo_job(&mut self) {
        while let Some((place, before)) = self.undo.pop() {
            match before {
                Some(value) => self.written.insert(place, value),
                None => self.written.remove(&place),
            };
        }
    }

    pub(super) fn clear(&mut self) {
        self.written.clear();
        self.undo.clear();
    }

    /// What is to be written: collections, keys and sealed values.
    pub(super) fn puts(&self) -> [Vec<&[u8]>; 3] {
        let mut columns = [const { Vec::new() }; 3];
        for ((collection, key), value) in &self.written {
            if let Some(value) = value {
                let row = [collection.as_bytes(), key.as_bytes(), value.as_slice()];
                for (column, value) in columns.iter_mut().zip(row) {
                    column.push(value);
                }
            }
        }
        columns
    }

    /// Collections and keys to be removed.
    pub(super) fn deletes(&self) -> (Vec<&[u8]>, Vec<&[u8]>) {
        let removed = self.written.iter().filter(|(_, value)| value.is_none());
        removed.map(|((collection, key), _)| (collection.as_bytes(), key.as_bytes())).unzip()
    }

    fn set(&mut self, place: Place, value: Option<Vec<u8>>) {
        let before = self.written.insert(place.clone(), value);
        self.undo.push((place, before));
    }

    /// What is written in a collection, above a key.
    fn above(&self, collection: &str, after: &str) -> BTreeMap<&str, &Option<Vec<u8>>> {
        let from = (collection.to_string(), after.to_string());
        self.written
            .range((Bound::Excluded(from), Bound::Unbounded))
            .take_while(|((in_collection, _), _)| in_collection == collection)
            .map(|((_, key), value)| (key.as_str(), value))
            .collect()
    }
}

/// The documents of one unit of work.
pub(super) struct Documents<'a> {
    pub(super) link: &'a Link,
    pub(super) sealer: &'a Sealer,
    pub(super) drafts: &'a mut Drafts,
}

impl Documents<'_> {
    pub(super) fn get(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        check(collection, key)?;
        let sealed = self.sealed(collection, key)?;
        sealed.map(|sealed| open(self.sealer, collection, key, &sealed)).transpose()
    }

    pub(super) fn put(
        &mut self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        check(collection, key)?;
        if collection.len() + key.len() > LONGEST_NAME {
            return Err(StoreError::Unwritable { collection: collection.to_string() });
        }
        let sealed = seal(self.sealer, collection, key, value)?;
        self.drafts.set((collection.to_string(), key.to_string()), Some(sealed));
        Ok(())
    }

    pub(super) fn insert(
        &mut self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<bool, StoreError> {
        check(collection, key)?;
        if self.sealed(collection, key)?.is_some() {
            return Ok(false);
        }
        self.put(collection, key, value).map(|()| true)
    }

    pub(super) fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        check(collection, key)?;
        let found = self.sealed(collection, key)?.is_some();
        if found {
            self.drafts.set((collection.to_string(), key.to_string()), None);
        }
        Ok(found)
    }

    pub(super) fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        check(collection, "-")?;
        let own = self.drafts.above(collection, after);
        // Each own entry hides one row at most.
        let rows = rows_above(self.link, collection, after, limit.saturating_add(own.len()))?;
        let mut page: BTreeMap<&str, &[u8]> =
            rows.iter().map(|(key, sealed)| (key.as_str(), sealed.as_slice())).collect();
        for (key, value) in own {
            match value {
                Some(sealed) => page.insert(key, sealed),
                None => page.remove(key),
            };
        }
        page.into_iter()
            .take(limit)
            .map(|(key, sealed)| Ok((key.to_string(), open(self.sealer, collection, key, sealed)?)))
            .collect()
    }

    fn sealed(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let place = (collection.to_string(), key.to_string());
        if let Some(value) = self.drafts.written.get(&place) {
            return Ok(value.clone());
        }
        let rows = self.link.query(ACTION, GET, &[&collection.as_bytes(), &key.as_bytes()])?;
        rows.first().map(|row| column(row, 0, collection)).transpose()
    }
}

/// At most `limit` rows of a collection above a key: keys and sealed values.
fn rows_above(
    link: &Link,
    collection: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = link.query(ACTION, SCAN, &[&collection.as_bytes(), &after.as_bytes(), &limit])?;
    rows.iter()
        .map(|row| {
            let key = String::from_utf8(column(row, 0, collection)?);
            Ok((key.map_err(|_| corrupt(collection))?, column(row, 1, collection)?))
        })
        .collect()
}

/// The names of the collections, by name.
pub(super) fn collections(link: &Link) -> Result<Vec<String>, StoreError> {
    let name = |row: &Row| {
        String::from_utf8(column(row, 0, "the database")?).map_err(|_| corrupt("the database"))
    };
    link.query(ACTION, COLLECTIONS, &[])?.iter().map(name).collect()
}

fn column(row: &Row, index: usize, collection: &str) -> Result<Vec<u8>, StoreError> {
    row.try_get(index).map_err(|_| corrupt(collection))
}
