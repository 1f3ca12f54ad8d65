//! One top-up is worked on by one at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OwnedMutexGuard;

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Who waits for which top-up.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Turn>>);

impl Turns {
    /// Waits until nobody else works on it. The turn ends when the guard is dropped.
    pub async fn take(&self, what: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut waiting = self.lock();
            // Whoever holds or awaits a turn has a reference of its own.
            waiting.retain(|_, turn| Arc::strong_count(turn) > 1);
            waiting.entry(what.to_string()).or_default().clone()
        };
        turn.lock_owned().await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
