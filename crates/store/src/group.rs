//! Group commit: the thread that owns a connection, and the desk where jobs wait for it.
//!
//! A commit waits for the disk longer than a job runs, so the jobs that wait share one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use warifu_ports::{Job, StoreError, Submitted, Unit};

/// More jobs than this do not wait: they are answered with `Busy`.
const MAX_WAITING: usize = 65_536;

/// At most this many jobs share a commit, and none begins later than this after the first: the
/// first waits for all.
const GROUP: usize = 1024;
const GROUP_TIME: Duration = Duration::from_millis(20);

/// A connection as the thread uses it: one transaction at a time.
pub(crate) trait Engine {
    /// Begins a transaction that no other can write beside.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Runs a job within it, and takes back what a failed job did. The inner result is the job's;
    /// the outer error means that the whole transaction is lost.
    fn run(&mut self, job: Job) -> Result<Result<(), StoreError>, StoreError>;

    /// Ends it. `Ok` means that it is on the disk.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Gives it up, also after a commit that failed. If this fails too, the next `begin` does.
    fn roll_back(&mut self);
}

/// Runs a job; a panic is an error of that job.
pub(crate) fn guarded(job: Job, unit: &mut dyn Unit) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(|| job(unit))).unwrap_or(Err(StoreError::Panicked))
}

type Reply = oneshot::Sender<Result<(), StoreError>>;

/// A job and who waits for it.
struct Request {
    job: Job,
    reply: Reply,
}

/// Where jobs are handed in. Dropping it runs what waits, then ends the thread.
pub(crate) struct Desk {
    waiting: Arc<AtomicUsize>,
    queue: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Starts a thread, makes the engine there, and returns what `open` gives out beside it.
    /// Blocks until it is open.
    pub(crate) fn open<E: Engine, T: Send + 'static>(
        open: impl FnOnce() -> Result<(E, T), StoreError> + Send + 'static,
    ) -> Result<(Desk, T), StoreError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let (queue, requests) = channel();
        let (tell, opened) = channel();
        let counted = Arc::clone(&waiting);
        let work = move || match open() {
            Ok((engine, given)) => {
                let _ = tell.send(Ok(given));
                Worker { engine, queue: requests, waiting: counted }.run();
            }
            Err(error) => {
                let _ = tell.send(Err(error));
            }
        };
        let thread = thread::Builder::new()
            .name("warifu-store".to_string())
            .spawn(work)
            .map_err(|error| StoreError::Io { action: "start a thread", kind: error.kind() })?;
        let given = opened.recv().unwrap_or(Err(StoreError::Closed))?;
        Ok((Desk { waiting, queue: Some(queue), thread: Some(thread) }, given))
    }

    /// See [`warifu_ports::Store::submit`].
    pub(crate) fn submit(&self, job: Job) -> Submitted {
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

impl Drop for Desk {
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

struct Worker<E> {
    engine: E,
    queue: Receiver<Request>,
    waiting: Arc<AtomicUsize>,
}

impl<E: Engine> Worker<E> {
    /// Serves until the desk is dropped and nothing waits any more.
    fn run(mut self) {
        while let Ok(first) = self.queue.recv() {
            self.group(first);
        }
    }

    fn group(&mut self, first: Request) {
        if let Err(error) = self.engine.begin() {
            // Those behind it would wait as long, one after the other.
            let mut next = Some(first);
            while let Some(request) = next {
                self.answer(request.reply, Err(error.clone()));
                next = self.queue.try_recv().ok();
            }
            return;
        }
        let begun = Instant::now();
        let mut ran: Vec<(Reply, Result<(), StoreError>)> = Vec::new();
        let mut next = Some(first);
        let mut broken = None;
        while let Some(request) = next.take() {
            match self.engine.run(request.job) {
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
            None => self.engine.commit(),
            Some(error) => Err(error),
        };
        if committed.is_err() {
            self.engine.roll_back();
        }
        for (reply, outcome) in ran {
            self.answer(reply, outcome.and_then(|()| committed.clone()));
        }
    }

    fn answer(&self, reply: Reply, outcome: Result<(), StoreError>) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // Nobody may be waiting any more; the job is done all the same.
        let _ = reply.send(outcome);
    }
}
