//! With SQLite's engine, and a log that is synced when the test lets it.

use super::*;
use crate::{
    MasterKey,
    sqlite::{SqliteEngine, open_or_create, open_reader},
};
use std::{
    io::ErrorKind::Other,
    task::{Context, Poll, Waker},
};
use tempfile::TempDir;

/// What a disk says that fails.
const FAILED: StoreError = StoreError::Io { action: "sync the log", kind: Other };

struct Held {
    engine: SqliteEngine,
    log: Option<Log>,
}

impl Engine for Held {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.engine.begin()
    }
    fn run(&mut self, job: Job) -> Result<Result<(), StoreError>, StoreError> {
        self.engine.run(job)
    }
    fn commit(&mut self) -> Result<bool, StoreError> {
        self.engine.commit()
    }
    fn log(&mut self) -> Option<Log> {
        self.log.take()
    }
    fn roll_back(&mut self) {
        self.engine.roll_back();
    }
}

struct Stage {
    desk: Desk,
    /// Tells of each sync that begins.
    begun: Receiver<()>,
    /// How it ends.
    end: Sender<Result<(), StoreError>>,
    folder: TempDir,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let (tell, begun) = channel();
    let (end, ends) = channel();
    let open = move || {
        let (connection, sealer) = open_or_create(&path, &MasterKey::from_bytes([1; 32]))?;
        let engine = SqliteEngine::new(connection, &path, Arc::new(sealer))?;
        let log: Log = Box::new(move || {
            tell.send(()).unwrap();
            ends.recv().unwrap()
        });
        Ok((Held { engine, log: Some(log) }, ()))
    };
    let (desk, ()) = Desk::open(open).unwrap();
    Stage { desk, begun, end, folder }
}

impl Stage {
    fn sync_begins(&self) {
        self.begun.recv_timeout(Duration::from_secs(60)).expect("the log is synced");
    }

    /// Hands in a job, and waits until it runs.
    fn ran(
        &self,
        work: impl FnOnce(&mut dyn Unit) -> Result<(), StoreError> + Send + 'static,
    ) -> Submitted {
        let (tell, ran) = channel();
        let submitted = self.desk.submit(Box::new(move |unit| {
            tell.send(()).unwrap();
            work(unit)
        }));
        ran.recv().unwrap();
        submitted
    }
}

fn is_answered(job: &mut Submitted) -> bool {
    !matches!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

#[tokio::test]
async fn jobs_run_while_the_log_is_synced_and_are_answered_after_it() {
    let stage = stage();
    let mut first = stage.ran(|unit| unit.put("d", "1", b"x"));
    stage.sync_begins();
    let mut second = stage.ran(|unit| unit.put("d", "2", b"x"));
    assert!(!is_answered(&mut first));
    stage.end.send(Ok(())).unwrap();
    assert_eq!(first.await, Ok(()));
    stage.sync_begins();
    assert!(!is_answered(&mut second));
    stage.end.send(Ok(())).unwrap();
    assert_eq!(second.await, Ok(()));
}

#[tokio::test]
async fn what_was_read_is_not_said_before_it_is_on_the_disk() {
    let stage = stage();
    let first = stage.ran(|unit| unit.put("d", "1", b"x"));
    stage.sync_begins();
    let mut reads = stage.ran(|unit| {
        assert_eq!(**unit.get("d", "1")?.unwrap(), *b"x");
        Ok(())
    });
    // A third job runs when the second's transaction has ended.
    let mut third = stage.ran(|_| Ok(()));
    assert!(!is_answered(&mut reads) && !is_answered(&mut third));
    stage.end.send(Ok(())).unwrap();
    for job in [first, reads, third] {
        assert_eq!(job.await, Ok(()));
    }
    assert!(stage.begun.try_recv().is_err(), "there was nothing more to sync");
}

#[tokio::test]
async fn a_sync_that_fails_is_the_end() {
    let stage = stage();
    let first = stage.ran(|unit| unit.put("d", "1", b"x"));
    stage.sync_begins();
    let second = stage.ran(|unit| unit.put("d", "2", b"x"));
    // Its error would tell of what may be lost.
    let third = stage.ran(|_| Err(StoreError::RolledBack));
    stage.end.send(Err(FAILED)).unwrap();
    for job in [first, second, third] {
        assert_eq!(job.await, Err(FAILED));
    }
    let never: Job = Box::new(|_| panic!("nothing may build on what may be lost"));
    assert_eq!(stage.desk.submit(never).await, Err(FAILED));
    assert!(stage.begun.try_recv().is_err(), "a sync after it may lie");
}

#[tokio::test]
async fn what_comes_while_a_group_runs_has_the_next() {
    let stage = stage();
    let (go, gone) = channel();
    let first = stage.ran(move |unit| {
        gone.recv().unwrap();
        unit.put("d", "1", b"x")
    });
    let path = stage.folder.path().join("db");
    let second = stage.desk.submit(Box::new(move |_| {
        let others = open_reader(&path)?;
        let count = others.query_row("SELECT count(*) FROM documents", [], |row| row.get(0));
        assert_eq!(count, Ok(1), "the first's transaction is still open");
        Ok(())
    }));
    go.send(()).unwrap();
    stage.end.send(Ok(())).unwrap();
    assert_eq!(first.await, Ok(()));
    assert_eq!(second.await, Ok(()));
}
