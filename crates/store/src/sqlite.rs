//! The store.

use crate::{
    MasterKey, connection,
    documents::Documents,
    error::store_error,
    schema,
    seal::Sealer,
    writer::{Request, Writer},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;
use warifu_ports::{Job, Store, StoreError, Submitted};
use zeroize::Zeroizing;

/// More jobs than this do not wait: they are answered with `Busy`.
const MAX_WAITING: usize = 65_536;

const PAGE: usize = 1000;

/// A store in one SQLite file. Dropping it runs what waits, then closes the file.
pub struct SqliteStore {
    path: PathBuf,
    sealer: Arc<Sealer>,
    waiting: Arc<AtomicUsize>,
    queue: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

/// A document as [`SqliteStore::dump`] lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it lies.
    pub collection: String,
    /// Under which key.
    pub key: String,
    /// Decrypted.
    pub value: Zeroizing<Vec<u8>>,
}

impl SqliteStore {
    /// Opens the store at `path`, and makes it where there is none.
    ///
    /// A wrong key is [`StoreError::WrongKey`], and changes nothing. Blocks while it opens.
    pub fn open(path: &Path, key: &MasterKey) -> Result<SqliteStore, StoreError> {
        let (connection, sealer) = connection::open_or_create(path, key)?;
        let sealer = Arc::new(sealer);
        let waiting = Arc::new(AtomicUsize::new(0));
        let (queue, requests) = channel();
        let writer = Writer {
            connection,
            sealer: Arc::clone(&sealer),
            queue: requests,
            waiting: Arc::clone(&waiting),
        };
        let thread = thread::Builder::new()
            .name("warifu-store".to_string())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Io { action: "start a thread", kind: error.kind() })?;
        let path = path.to_path_buf();
        Ok(SqliteStore { path, sealer, waiting, queue: Some(queue), thread: Some(thread) })
    }

    /// Every document, decrypted, by collection and key: for the operator's audit of what a role
    /// really keeps, and for tests that do the same. It reads what is committed, through a
    /// connection of its own, and holds all of it in memory.
    pub fn dump(&self) -> Result<Vec<Document>, StoreError> {
        let connection = connection::open_reader(&self.path)?;
        let documents = Documents::new(&connection, &self.sealer);
        let fail = |error| store_error("list the documents", &error);
        let snapshot = connection.unchecked_transaction().map_err(fail)?;
        let mut all = Vec::new();
        for collection in documents.collections()? {
            let mut after = String::new();
            loop {
                let page = documents.scan(&collection, &after, PAGE)?;
                let Some((last, _)) = page.last() else { break };
                after.clone_from(last);
                all.extend(page.into_iter().map(|(key, value)| Document {
                    collection: collection.clone(),
                    key,
                    value,
                }));
            }
        }
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
        let (reply, answer) = oneshot::channel();
        let queued = self.queue.as_ref().ok_or(StoreError::Closed).and_then(|queue| {
            if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Err(StoreError::Busy);
            }
            queue.send(Request { job, reply }).map_err(|_| StoreError::Closed)
        });
        Box::pin(async move {
            queued?;
            answer.await.unwrap_or(Err(StoreError::Closed))
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A job may hold the last reference to its store; a thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.path.display())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}/{}, {} bytes)", self.collection, self.key, self.value.len())
    }
}
