//! Syncing beside the jobs: a thread that brings the log to the disk, and only then answers.
//!
//! Whoever reads what is not on the disk yet is answered after it too, for what it builds on must
//! not be lost once it was said.

use super::{Log, Reply, answer};
use crate::system::io_error;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::AtomicUsize,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};
use warifu_ports::StoreError;

/// Jobs that ran, with their outcomes.
pub(super) type Ran = Vec<(Reply, Result<(), StoreError>)>;

/// A transaction that is committed.
struct Committed {
    ran: Ran,
    wrote: bool,
}

/// The thread. Dropping this answers what it was given, then ends it.
pub(super) struct Syncing {
    failed: Arc<OnceLock<StoreError>>,
    committed: Option<Sender<Committed>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncing {
    pub fn start(log: Log, waiting: Arc<AtomicUsize>) -> Result<Syncing, StoreError> {
        let failed = Arc::new(OnceLock::new());
        let (committed, queue) = channel();
        let syncer = Syncer { log, queue, waiting, failed: Arc::clone(&failed) };
        let thread = thread::Builder::new()
            .name("warifu-sync".to_string())
            .spawn(move || syncer.run())
            .map_err(io_error("start a thread"))?;
        Ok(Syncing { failed, committed: Some(committed), thread: Some(thread) })
    }

    /// The error of a sync that failed. After it no other can be trusted: the system may have
    /// dropped what it could not write, and say at the next try that all is well.
    pub fn check(&self) -> Result<(), StoreError> {
        outcome(&self.failed)
    }

    /// Answers these when they, and all before them, are on the disk.
    pub fn hand_over(&self, ran: Ran, wrote: bool) {
        if let Some(committed) = &self.committed {
            // The thread ends only after this end is dropped.
            let _ = committed.send(Committed { ran, wrote });
        }
    }
}

impl Drop for Syncing {
    fn drop(&mut self) {
        self.committed.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Syncer {
    log: Log,
    queue: Receiver<Committed>,
    waiting: Arc<AtomicUsize>,
    failed: Arc<OnceLock<StoreError>>,
}

impl Syncer {
    fn run(mut self) {
        while let Ok(first) = self.queue.recv() {
            let all: Vec<Committed> = [first].into_iter().chain(self.queue.try_iter()).collect();
            let to_sync = all.iter().any(|committed| committed.wrote);
            if to_sync
                && self.failed.get().is_none()
                && let Err(error) = (self.log)()
            {
                tracing::error!(%error, "the store takes no more work until it is opened again");
                let _ = self.failed.set(error);
            }
            let synced = outcome(&self.failed);
            for (reply, outcome) in all.into_iter().flat_map(|committed| committed.ran) {
                answer(&self.waiting, reply, synced.clone().and(outcome));
            }
        }
    }
}

fn outcome(failed: &OnceLock<StoreError>) -> Result<(), StoreError> {
    failed.get().map_or(Ok(()), |error| Err(error.clone()))
}
