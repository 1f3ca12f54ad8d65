//! A store that dies: after so many jobs nothing is written any more, as when the process is killed.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use warifu_ports::{Job, Store, StoreError, Submitted};

#[derive(Clone)]
pub struct Dying {
    inner: Arc<dyn Store>,
    /// How many jobs are still done.
    left: Arc<AtomicI64>,
}

impl Dying {
    pub fn on(inner: Arc<dyn Store>) -> Dying {
        Dying { inner, left: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    pub fn after(&self, jobs: i64) {
        self.left.store(jobs, Ordering::SeqCst);
    }

    pub fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

impl Store for Dying {
    fn submit(&self, job: Job) -> Submitted {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return self.inner.submit(job);
        }
        Box::pin(async { Err(StoreError::Closed) })
    }
}
