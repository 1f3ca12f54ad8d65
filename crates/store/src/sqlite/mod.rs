//! The store in one SQLite file.

mod checkpoint;
mod connection;
mod documents;
mod engine;
mod error;
mod ledger;
mod schema;
mod write;

#[cfg(test)]
pub(crate) use connection::{open_or_create, open_reader};
pub(crate) use engine::SqliteEngine;

use crate::{Document, MasterKey, document::dumped, group::Desk, seal::Sealer};
use documents::SqliteDocuments;
use error::store_error;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use warifu_ports::{Job, Store, StoreError, Submitted};

/// A store in one SQLite file. Dropping it runs what waits, then closes the file.
pub struct SqliteStore {
    path: PathBuf,
    sealer: Arc<Sealer>,
    desk: Desk,
}

impl SqliteStore {
    /// Opens the store at `path`, and makes it where there is none.
    ///
    /// A wrong key is [`StoreError::WrongKey`], and changes nothing. Blocks while it opens.
    pub fn open(path: &Path, key: &MasterKey) -> Result<SqliteStore, StoreError> {
        let (file, key) = (path.to_path_buf(), key.clone());
        let (desk, sealer) = Desk::open(move || {
            let (connection, sealer) = connection::open_or_create(&file, &key)?;
            let sealer = Arc::new(sealer);
            Ok((SqliteEngine::new(connection, &file, Arc::clone(&sealer))?, sealer))
        })?;
        Ok(SqliteStore { path: path.to_path_buf(), sealer, desk })
    }

    /// Every document, decrypted, by collection and key: for the operator's audit of what a role
    /// really keeps, and for tests that do the same. It reads what is committed, through a
    /// connection of its own, and holds all of it in memory.
    pub fn dump(&self) -> Result<Vec<Document>, StoreError> {
        let connection = connection::open_reader(&self.path)?;
        let documents = SqliteDocuments(&connection);
        let fail = |error| store_error("list the documents", &error);
        let snapshot = connection.unchecked_transaction().map_err(fail)?;
        let all = dumped(&self.sealer, documents.collections()?, &documents)?;
        snapshot.finish().map_err(fail)?;
        Ok(all)
    }
}

/// Makes `new` the key of the store at `path`; `old` no longer opens it. Documents are not written
/// again: the data key that they are under is.
///
/// Stop the service first, so that no copy of the old record stays in the write-ahead log. A backup
/// from before still opens with the old key.
pub fn rekey(path: &Path, old: &MasterKey, new: &MasterKey) -> Result<(), StoreError> {
    let fail = |error| store_error("change the key", &error);
    let (connection, _) = connection::open_existing(path, old)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    // Read again: another process may have changed the key since.
    let done = schema::data_key(&connection, old)
        .and_then(|data| schema::write_data_key(&connection, &data, new));
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(fail)?;
    done?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(fail)
}

impl Store for SqliteStore {
    fn submit(&self, job: Job) -> Submitted {
        self.desk.submit(job)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.path.display())
    }
}
