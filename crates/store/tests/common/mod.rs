//! What the tests of the stores share.
#![allow(
    dead_code,
    unused_macros,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code, and each test file uses a part of it"
)]

pub mod cases;

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use warifu_ports::{Job, Store, StoreError, Submitted, Unit};
use warifu_store::{Document, MasterKey, PostgresStore, SqliteStore};
use warifu_testkit::Postgres;

pub fn key() -> MasterKey {
    MasterKey::from_bytes([1; 32])
}

pub fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("warifu.db")
}

pub fn open(folder: &TempDir) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(&path(folder), &key()).unwrap())
}

/// Where a store is, on one engine or the other.
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
        let database = format!("place{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.create_database(&database);
        Place::Postgres { server: Arc::clone(server), database }
    }

    /// Another, empty place on the same engine.
    pub fn other(&self) -> Place {
        match self {
            Place::Sqlite(_) => Place::sqlite(),
            Place::Postgres { server, .. } => Place::postgres(server),
        }
    }

    /// Has the database refuse transfers of this code, which a store finds out when it commits.
    pub fn refuse_code(&self, code: u16) {
        match self {
            Place::Sqlite(folder) => {
                let sql = format!(
                    "CREATE TRIGGER refuse BEFORE INSERT ON ledger_transfers WHEN new.code = {code}
                     BEGIN SELECT RAISE(ABORT, 'refused'); END"
                );
                rusqlite::Connection::open(path(folder)).unwrap().execute_batch(&sql).unwrap();
            }
            Place::Postgres { server, database } => {
                let sql = "ALTER TABLE warifu.ledger_transfers ADD CHECK (code <>";
                server.sql(database, &format!("{sql} {code})"));
            }
        }
    }

    /// Opens the store, as one more process would.
    pub fn open(&self) -> Arc<AnyStore> {
        Arc::new(match self {
            Place::Sqlite(folder) => {
                AnyStore::Sqlite(SqliteStore::open(&path(folder), &key()).unwrap())
            }
            Place::Postgres { server, database } => {
                let address = server.address(database);
                AnyStore::Postgres(Box::new(PostgresStore::open(&address, &key()).unwrap()))
            }
        })
    }
}

/// A store of either engine.
pub enum AnyStore {
    Sqlite(SqliteStore),
    Postgres(Box<PostgresStore>),
}

impl AnyStore {
    pub fn dump(&self) -> Result<Vec<Document>, StoreError> {
        match self {
            AnyStore::Sqlite(store) => store.dump(),
            AnyStore::Postgres(store) => store.dump(),
        }
    }
}

impl Store for AnyStore {
    fn submit(&self, job: Job) -> Submitted {
        match self {
            AnyStore::Sqlite(store) => store.submit(job),
            AnyStore::Postgres(store) => store.submit(job),
        }
    }
}

/// A job that is queued when it is awaited, and keeps its store until then.
pub fn run<S, R, W>(
    store: &Arc<S>,
    work: W,
) -> impl Future<Output = Result<R, StoreError>> + Send + use<S, R, W>
where
    S: Store,
    R: Send + 'static,
    W: FnOnce(&mut dyn Unit) -> Result<R, StoreError> + Send + 'static,
{
    let store: Arc<dyn Store> = store.clone();
    async move { store.run(work).await }
}
