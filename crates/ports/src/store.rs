//! Records and money in units of work.

use crate::StoreError;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use warifu_ledger::Ledger;
use zeroize::Zeroizing;

/// Work to be done in one transaction. An `Err` rolls all of it back.
pub type Job = Box<dyn FnOnce(&mut dyn Unit) -> Result<(), StoreError> + Send>;

/// A document's key and value.
pub type KeyAndValue = (String, Zeroizing<Vec<u8>>);

/// What [`Store::submit`] returns: resolves when the job is durable, or has failed.
pub type Submitted = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Runs jobs in transactions, one after the other.
///
/// A role keeps an `Arc<dyn Store>` and calls `run` on it, which returns the closure's value:
///
/// ```
/// # use std::sync::Arc;
/// # use warifu_ports::{Store, StoreError};
/// # async fn example(store: Arc<dyn Store>) -> Result<(), StoreError> {
/// let fresh = store.run(|unit| unit.insert("orders", "17", b"{}")).await?;
/// # Ok(()) }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Queues a job at once. The future resolves with `Ok` when the job's changes are on the disk.
    /// Dropping the future does not stop the job: whoever must know asks again.
    fn submit(&self, job: Job) -> Submitted;
}

impl dyn Store {
    /// Runs `work` in one transaction and returns its value once that is durable. An `Err` from
    /// `work` rolls everything back and is returned as it is.
    ///
    /// `work` runs on the store's own thread, while every other job waits: it must not block, and
    /// must not wait for another job.
    pub async fn run<R, E>(
        &self,
        work: impl FnOnce(&mut dyn Unit) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let job: Job = Box::new(move |unit| {
            let outcome = work(unit);
            let verdict = if outcome.is_ok() { Ok(()) } else { Err(StoreError::RolledBack) };
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            verdict
        });
        let done = self.submit(job).await;
        let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (done, outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(StoreError::RolledBack), Some(Err(error))) => Err(error),
            // The work went well and the commit did not: the value must not get out.
            (Err(error), _) => Err(E::from(error)),
            (Ok(()), None) => Err(E::from(StoreError::Panicked)),
        }
    }
}

/// One unit of work: documents and money that commit together.
///
/// Documents are bytes under a collection and a key. Values are encrypted at rest; **collections
/// and keys are not**, so a secret must not be a key: use [`Unit::keyed_hash`].
pub trait Unit {
    /// A document's value.
    fn get(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Writes a document, over an earlier one if there is one.
    fn put(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Writes a document where there is none: `false` if the key exists, and nothing changes.
    fn insert(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<bool, StoreError>;

    /// Removes a document: `false` if there was none.
    fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError>;

    /// At most `limit` documents with keys above `after`, by key (as bytes); `""` begins at the
    /// first.
    fn scan(
        &mut self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError>;

    /// HMAC-SHA-256 of `value` under a key of this store and `purpose`, in unpadded base64url: to
    /// find a card number without storing it. The same for the life of the store, also under a new
    /// key file; of no use to whoever has only the database.
    fn keyed_hash(&mut self, purpose: &str, value: &[u8]) -> String;

    /// The ledger, within this unit of work.
    fn ledger(&mut self) -> &mut dyn Ledger;
}
