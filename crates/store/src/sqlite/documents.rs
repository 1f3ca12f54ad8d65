//! Documents: encrypted values under a collection and a key.

use super::error::store_error;
use crate::{
    document::{check, corrupt, open, seal},
    seal::Sealer,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use warifu_ports::{KeyAndValue, StoreError};
use zeroize::Zeroizing;

const ACTION: &str = "use the documents";

/// The documents of one connection.
pub(crate) struct Documents<'c> {
    connection: &'c Connection,
    sealer: &'c Sealer,
}

impl<'c> Documents<'c> {
    pub(crate) fn new(connection: &'c Connection, sealer: &'c Sealer) -> Documents<'c> {
        Documents { connection, sealer }
    }

    pub(crate) fn get(
        &self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        check(collection, key)?;
        self.prepare("SELECT value FROM documents WHERE collection = ?1 AND key = ?2")?
            .query_row(params![collection, key], |row| {
                Ok(row
                    .get_ref(0)?
                    .as_blob()
                    .map(|sealed| open(self.sealer, collection, key, sealed))?)
            })
            .optional()
            .map_err(fail)?
            .transpose()
    }

    pub(crate) fn put(&self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO documents VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        self.write(sql, collection, key, value).map(|_| ())
    }

    pub(crate) fn insert(
        &self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO documents VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.write(sql, collection, key, value)
    }

    pub(crate) fn delete(&self, collection: &str, key: &str) -> Result<bool, StoreError> {
        check(collection, key)?;
        self.prepare("DELETE FROM documents WHERE collection = ?1 AND key = ?2")?
            .execute(params![collection, key])
            .map(|rows| rows > 0)
            .map_err(fail)
    }

    pub(crate) fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        check(collection, "-")?;
        let mut statement = self.prepare(
            "SELECT key, value FROM documents WHERE collection = ?1 AND key > ?2
             ORDER BY key LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![collection, after, limit]).map_err(fail)?;
        let mut page = Vec::new();
        while let Some(row) = rows.next().map_err(fail)? {
            let key: String = row.get(0).map_err(fail)?;
            let sealed = row.get_ref(1).map_err(fail)?;
            let sealed = sealed.as_blob().map_err(|_| corrupt(collection))?;
            let value = open(self.sealer, collection, &key, sealed)?;
            page.push((key, value));
        }
        Ok(page)
    }

    /// The names of the collections, by name.
    pub(crate) fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.prepare("SELECT DISTINCT collection FROM documents ORDER BY collection")?
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(fail)
    }

    fn write(
        &self,
        sql: &str,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<bool, StoreError> {
        check(collection, key)?;
        let sealed = seal(self.sealer, collection, key, value)?;
        self.prepare(sql)?
            .execute(params![collection, key, sealed])
            .map(|rows| rows > 0)
            .map_err(fail)
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection.prepare_cached(sql).map_err(fail)
    }
}

fn fail(error: rusqlite::Error) -> StoreError {
    store_error(ACTION, &error)
}
