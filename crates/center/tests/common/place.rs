//! Where the center's records lie: in a file, or in a database of a PostgreSQL server.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use warifu_ports::{Store, StoreError};
use warifu_store::{MasterKey, PostgresStore, SqliteStore};
use warifu_testkit::Postgres;

pub enum Place {
    Sqlite(TempDir),
    Postgres { server: Arc<Postgres>, database: String },
}

impl Place {
    pub fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    /// A new database of this server.
    pub fn postgres(server: &Arc<Postgres>) -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = format!("center{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.create_database(&database);
        Place::Postgres { server: Arc::clone(server), database }
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        match self {
            Place::Sqlite(folder) => folder.path(),
            Place::Postgres { .. } => panic!("these records lie in no folder"),
        }
    }

    pub fn open(&self, key: &MasterKey) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Place::Sqlite(folder) => {
                Arc::new(SqliteStore::open(&folder.path().join("center.db"), key)?)
            }
            Place::Postgres { server, database } => {
                Arc::new(PostgresStore::open(&server.address(database), key)?)
            }
        })
    }
}
