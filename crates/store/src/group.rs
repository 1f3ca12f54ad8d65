//! Group commit: the thread that owns a connection, and the desk where jobs wait for it.
//!
//! A commit waits for the disk longer than a job runs, so the jobs that wait share one. Where an
//! engine's log can be synced apart from its commits, that is done by a thread of its own, and the
//! next jobs run meanwhile (docs/adr/0015).

mod sync;

use crate::system::io_error;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use sync::{Ran, Syncing};
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

    /// Ends it. `Ok` means that it is on the disk or, with a [`Log`], that syncing that brings it
    /// there; the value tells whether there is anything to sync.
    fn commit(&mut self) -> Result<bool, StoreError>;

    /// The log that is synced after commits; none where a commit does it.
    fn log(&mut self) -> Option<Log>;

    /// Gives it up, also after a commit that failed. If this fails too, the next `begin` does.
    fn roll_back(&mut self);
}

/// Syncs everything that was committed before it is called.
pub(crate) type Log = Box<dyn FnMut() -> Result<(), StoreError> + Send>;

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
            Ok((mut engine, given)) => {
                let syncing = engine.log().map(|log| Syncing::start(log, counted.clone()));
                match syncing.transpose() {
                    Ok(syncing) => {
                        let _ = tell.send(Ok(given));
                        Worker {
                            engine,
                            queue: requests,
                            next: VecDeque::new(),
                            waiting: counted,
                            syncing,
                        }
                        .run();
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        let thread = thread::Builder::new()
            .name("warifu-store".to_string())
            .spawn(work)
            .map_err(io_error("start a thread"))?;
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
    /// Taken from the queue, to be run next.
    next: VecDeque<Request>,
    waiting: Arc<AtomicUsize>,
    syncing: Option<Syncing>,
}

impl<E: Engine> Worker<E> {
    /// Serves until the desk is dropped and nothing waits any more.
    fn run(mut self) {
        while self.take() {
            match self.begin() {
                Ok(()) => self.group(),
                // Those behind them would wait as long, one after the other.
                Err(error) => {
                    for request in self.next.drain(..).chain(self.queue.try_iter()) {
                        answer(&self.waiting, request.reply, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Takes the jobs that wait now. Those that come while they run have the next transaction: if
    /// this one took them too, there would be nobody left for whom other threads could work.
    fn take(&mut self) -> bool {
        if self.next.is_empty() {
            let Ok(first) = self.queue.recv() else { return false };
            self.next.push_back(first);
        }
        let room = GROUP.saturating_sub(self.next.len());
        self.next.extend(self.queue.try_iter().take(room));
        true
    }

    /// What could not be synced may be lost, and so may all that builds on it.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.syncing.as_ref().map_or(Ok(()), Syncing::check)?;
        self.engine.begin()
    }

    fn group(&mut self) {
        let begun = Instant::now();
        let mut ran: Ran = Vec::with_capacity(self.next.len());
        let mut broken = None;
        while broken.is_none()
            && (ran.is_empty() || begun.elapsed() < GROUP_TIME)
            && let Some(request) = self.next.pop_front()
        {
            let outcome = self.engine.run(request.job).unwrap_or_else(|error| {
                broken = Some(error.clone());
                Err(error)
            });
            ran.push((request.reply, outcome));
        }
        let committed = match broken {
            None => self.engine.commit(),
            Some(error) => Err(error),
        };
        if committed.is_err() {
            self.engine.roll_back();
        }
        match (&self.syncing, committed) {
            (Some(syncing), Ok(wrote)) => syncing.hand_over(ran, wrote),
            (_, committed) => {
                for (reply, outcome) in ran {
                    answer(&self.waiting, reply, committed.clone().and(outcome));
                }
            }
        }
    }
}

fn answer(waiting: &AtomicUsize, reply: Reply, outcome: Result<(), StoreError>) {
    waiting.fetch_sub(1, Ordering::Relaxed);
    // Nobody may be waiting any more; the job is done all the same.
    let _ = reply.send(outcome);
}

#[cfg(test)]
mod tests;
