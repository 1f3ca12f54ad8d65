//! The table of documents.

use super::error::store_error;
use crate::{
    document::corrupt,
    documents::{DocumentRows, KeyAndSealed},
    drafts::Drafts,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use warifu_ports::StoreError;

const ACTION: &str = "use the documents";

/// The documents of one connection.
pub(crate) struct SqliteDocuments<'c>(pub(crate) &'c Connection);

impl DocumentRows for SqliteDocuments<'_> {
    const LONGEST_NAME: usize = usize::MAX;

    fn get(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.prepare("SELECT value FROM documents WHERE collection = ?1 AND key = ?2")?
            .query_row(params![collection, key], |row| row.get(0))
            .optional()
            .map_err(fail)
    }

    fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndSealed>, StoreError> {
        let mut statement = self.prepare(
            "SELECT key, value FROM documents WHERE collection = ?1 AND key > ?2
             ORDER BY key LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query(params![collection, after, limit]).map_err(fail)?;
        rows.and_then(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect::<Result<_, rusqlite::Error>>()
            .map_err(|error| match error.sqlite_error_code() {
                Some(_) => fail(error),
                // A column that does not have its shape.
                None => corrupt(collection),
            })
    }
}

impl<'c> SqliteDocuments<'c> {
    /// The names of the collections, by name.
    pub(crate) fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.prepare("SELECT DISTINCT collection FROM documents ORDER BY collection")?
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(fail)
    }

    /// Writes what a transaction has drafted. An error leaves a part of it written: the transaction
    /// must then be rolled back.
    pub(crate) fn write(&self, drafts: &Drafts) -> Result<(), StoreError> {
        let mut put = self.prepare(
            "INSERT INTO documents VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?;
        let mut delete =
            self.prepare("DELETE FROM documents WHERE collection = ?1 AND key = ?2")?;
        for (collection, key, draft) in drafts.iter() {
            match draft {
                Some(sealed) => put.execute(params![collection, key, sealed]),
                None => delete.execute(params![collection, key]),
            }
            .map_err(fail)?;
        }
        Ok(())
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.0.prepare_cached(sql).map_err(fail)
    }
}

fn fail(error: rusqlite::Error) -> StoreError {
    store_error(ACTION, &error)
}
