//! A store that dies: before a job, or after it is done and before anybody hears of it. From then on
//! nothing is written any more, as when the process is killed.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use warifu_ports::{Job, Store, StoreError, Submitted};

#[derive(Clone)]
pub struct Dying {
    inner: Arc<dyn Store>,
    /// How many halves of jobs are still done: the work, and the word that it is done.
    left: Arc<AtomicI64>,
}

impl Dying {
    pub fn on(inner: Arc<dyn Store>) -> Dying {
        Dying { inner, left: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    /// Dies after so many halves of jobs.
    pub fn after(&self, halves: i64) {
        self.left.store(halves, Ordering::SeqCst);
    }

    pub fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

impl Store for Dying {
    fn submit(&self, job: Job) -> Submitted {
        match self.left.fetch_sub(2, Ordering::SeqCst) {
            2.. => self.inner.submit(job),
            1 => {
                let done = self.inner.submit(job);
                Box::pin(async {
                    let _ = done.await;
                    Err(StoreError::Closed)
                })
            }
            _ => Box::pin(async { Err(StoreError::Closed) }),
        }
    }
}
