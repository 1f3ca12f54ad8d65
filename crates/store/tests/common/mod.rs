//! What the tests of the store share.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part of it")]

use std::{future::Future, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use warifu_ports::{Store, StoreError, Unit};
use warifu_store::{MasterKey, SqliteStore};

pub fn key() -> MasterKey {
    MasterKey::from_bytes([1; 32])
}

pub fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("warifu.db")
}

pub fn open(folder: &TempDir) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(&path(folder), &key()).unwrap())
}

/// A job that is queued when it is awaited, and keeps its store until then.
pub fn run<R, W>(
    store: &Arc<SqliteStore>,
    work: W,
) -> impl Future<Output = Result<R, StoreError>> + Send + use<R, W>
where
    R: Send + 'static,
    W: FnOnce(&mut dyn Unit) -> Result<R, StoreError> + Send + 'static,
{
    let store: Arc<dyn Store> = store.clone();
    async move { store.run(work).await }
}
