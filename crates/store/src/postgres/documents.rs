//! The table of documents.

use super::link::Link;
use crate::{
    document::corrupt,
    documents::{DocumentRows, KeyAndSealed},
};
use tokio_postgres::Row;
use warifu_ports::StoreError;

const ACTION: &str = "use the documents";

const GET: &str = "SELECT value FROM documents WHERE collection = $1 AND key = $2";
const SCAN: &str = "SELECT key, value FROM documents WHERE collection = $1 AND key > $2
    ORDER BY key LIMIT $3";
const COLLECTIONS: &str = "SELECT DISTINCT collection FROM documents ORDER BY collection";

/// The documents of one connection.
pub(super) struct PostgresDocuments<'a>(pub(super) &'a Link);

impl DocumentRows for PostgresDocuments<'_> {
    /// An index entry of PostgreSQL holds 2,704 bytes; this leaves room for its own.
    const LONGEST_NAME: usize = 2_600;

    fn get(&self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.0.query(ACTION, GET, &[&collection.as_bytes(), &key.as_bytes()])?;
        rows.first().map(|row| column(row, 0, collection)).transpose()
    }

    fn scan(
        &self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndSealed>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            self.0.query(ACTION, SCAN, &[&collection.as_bytes(), &after.as_bytes(), &limit])?;
        rows.iter()
            .map(|row| {
                let key = String::from_utf8(column(row, 0, collection)?);
                Ok((key.map_err(|_| corrupt(collection))?, column(row, 1, collection)?))
            })
            .collect()
    }
}

impl PostgresDocuments<'_> {
    /// The names of the collections, by name.
    pub(super) fn collections(&self) -> Result<Vec<String>, StoreError> {
        let name = |row: &Row| {
            String::from_utf8(column(row, 0, "the database")?).map_err(|_| corrupt("the database"))
        };
        self.0.query(ACTION, COLLECTIONS, &[])?.iter().map(name).collect()
    }
}

fn column(row: &Row, index: usize, collection: &str) -> Result<Vec<u8>, StoreError> {
    row.try_get(index).map_err(|_| corrupt(collection))
}
