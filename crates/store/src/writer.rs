//! The thread that owns the connection, and group commit.
//!
//! A sync of the disk costs more than a job, so the jobs that wait share one.

use crate::{error::store_error, seal::Sealer, unit::SqliteUnit};
use rusqlite::Connection;
use std::{
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use warifu_ports::{Job, StoreError};

/// At most this many jobs share a commit, and none begins later than this after the first: the
/// first waits for all.
const GROUP: usize = 1024;
const GROUP_TIME: Duration = Duration::from_millis(20);

/// A job and who waits for it.
pub(crate) struct Request {
    pub(crate) job: Job,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// A job that has run, and how it went, commit aside.
type Ran = (oneshot::Sender<Result<(), StoreError>>, Result<(), StoreError>);

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) queue: Receiver<Request>,
    pub(crate) waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Serves until the store is dropped and nothing waits any more.
    pub(crate) fn run(self) {
        while let Ok(first) = self.queue.recv() {
            self.group(first);
        }
    }

    fn group(&self, first: Request) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            // Those behind it would wait as long, one after the other.
            let mut next = Some(first);
            while let Some(request) = next {
                self.answer(request.reply, Err(error.clone()));
                next = self.queue.try_recv().ok();
            }
            return;
        }
        let begun = Instant::now();
        let mut ran: Vec<Ran> = Vec::new();
        let mut next = Some(first);
        let mut broken = None;
        while let Some(request) = next.take() {
            match self.run_job(request.job) {
                Ok(outcome) => ran.push((request.reply, outcome)),
                Err(error) => {
                    ran.push((request.reply, Err(error.clone())));
                    broken = Some(error);
                    break;
                }
            }
            if ran.len() < GROUP && begun.elapsed() < GROUP_TIME {
                next = self.queue.try_recv().ok();
            }
        }
        let committed = match broken {
            None => self.execute("COMMIT"),
            Some(error) => Err(error),
        };
        if committed.is_err() && !self.connection.is_autocommit() {
            // If this fails too, the next BEGIN does, and says so.
            let _ = self.execute("ROLLBACK");
        }
        for (reply, outcome) in ran {
            self.answer(reply, outcome.and_then(|()| committed.clone()));
        }
    }

    /// The inner result is the job's; the outer error means that the whole transaction is lost.
    fn run_job(&self, job: Job) -> Result<Result<(), StoreError>, StoreError> {
        self.execute("SAVEPOINT job")?;
        let mut unit = SqliteUnit::new(&self.connection, &self.sealer);
        let outcome =
            catch_unwind(AssertUnwindSafe(|| job(&mut unit))).unwrap_or(Err(StoreError::Panicked));
        if self.connection.is_autocommit() {
            let lost = StoreError::Io { action: "keep the transaction", kind: ErrorKind::Other };
            return Err(outcome.err().unwrap_or(lost));
        }
        if outcome.is_err() {
            self.execute("ROLLBACK TO job")?;
        }
        self.execute("RELEASE job")?;
        Ok(outcome)
    }

    fn answer(
        &self,
        reply: oneshot::Sender<Result<(), StoreError>>,
        outcome: Result<(), StoreError>,
    ) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // Nobody may be waiting any more; the job is done all the same.
        let _ = reply.send(outcome);
    }

    fn execute(&self, sql: &'static str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(|_| ())
            .map_err(|error| store_error("run a transaction", &error))
    }
}
