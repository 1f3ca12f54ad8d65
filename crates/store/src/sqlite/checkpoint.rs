//! Checkpoints beside the writer. The log's pages are copied into the file by a thread with a
//! connection of its own, so that no commit waits for all of them; the writer itself copies only the
//! few that came meanwhile, after which the log begins anew.

use super::{connection::connect, error::store_error};
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};
use warifu_ports::StoreError;

/// A pass begins when the log has so many pages.
const MANY: usize = 4_000;

/// The log of one connection, and the pass that is under way.
pub(super) struct Checkpoints {
    path: PathBuf,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicUsize>,
    pass: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Counts the log's pages; this takes the place of SQLite's own checkpoints.
    pub(super) fn of(connection: &mut Connection, path: &Path) -> Result<Checkpoints, StoreError> {
        let pages = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&pages);
        let count = move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        let hooked = connection.wal_hook(Some(count));
        hooked.map_err(|error| store_error("follow the log", &error))?;
        Ok(Checkpoints { path: path.to_path_buf(), pages, pass: None })
    }

    /// After a commit: begins a pass where one is due, or finishes one.
    pub(super) fn after_commit(&mut self, connection: &Connection) {
        match self.pass.take() {
            Some(pass) if !pass.is_finished() => self.pass = Some(pass),
            Some(pass) => {
                let _ = pass.join();
                checkpoint(connection);
            }
            None if self.pages.load(Ordering::Relaxed) >= MANY => self.begin(),
            None => {}
        }
    }

    fn begin(&mut self) {
        let path = self.path.clone();
        let work = move || {
            if let Ok(connection) = connect(&path) {
                checkpoint(&connection);
            }
        };
        // Without a thread the log grows, and the next commit tries again.
        self.pass = thread::Builder::new().name("warifu-checkpoint".to_string()).spawn(work).ok();
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            let _ = pass.join();
        }
    }
}

/// Copies what can be copied without waiting for anybody. A failure leaves the log as it is: it is
/// read as before, and copied later.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(?error, "the log could not be copied");
    }
}

#[cfg(test)]
mod tests {
    use crate::{MasterKey, SqliteStore};
    use std::io::Read;
    use warifu_ports::{Store, StoreError};

    #[tokio::test]
    async fn the_log_begins_anew_while_jobs_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let store: &dyn Store = &SqliteStore::open(&path, &MasterKey::from_bytes([1; 32])).unwrap();
        // The log's header counts how often it has begun anew.
        let begun = || {
            let mut header = [0; 16];
            std::fs::File::open(folder.path().join("db-wal"))
                .unwrap()
                .read_exact(&mut header)
                .unwrap();
            header[12..].to_vec()
        };
        let write = async |n: u32, length: usize| {
            let work = move |unit: &mut dyn warifu_ports::Unit| {
                unit.put("d", &format!("{n:06}"), &vec![7; length])
            };
            store.run::<_, StoreError>(work).await.unwrap();
        };
        write(0, 1).await;
        let first = begun();
        for n in 1..200 {
            write(n, 100_000).await;
        }
        // However long a pass takes, one of the commits after it begins the log anew.
        let mut written = 200;
        while begun() == first {
            assert!(written < 100_000, "the log only grows");
            write(written, 1).await;
            written += 1;
        }
        let all = store.run::<_, StoreError>(|unit| unit.scan("d", "", 100_000)).await.unwrap();
        assert_eq!(all.len(), usize::try_from(written).unwrap());
    }
}
