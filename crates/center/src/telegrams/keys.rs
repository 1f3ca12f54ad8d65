//! Members' keys in memory, so that a payment needs no look-up before its job. A key's id is a hash of
//! the key, so what is remembered stays true; whether the key has ended is looked up in the job.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_protocol::signer::VerifyingKey;

/// No more keys than this are remembered; then all are forgotten.
const MOST: usize = 100_000;

/// Keys by member and key id.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<String, VerifyingKey>>);

impl Keys {
    pub fn get(&self, place: &str) -> Option<VerifyingKey> {
        self.lock().get(place).cloned()
    }

    pub fn remember(&self, place: String, key: VerifyingKey) {
        let mut keys = self.lock();
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(place, key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VerifyingKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
