//! Payment notices of payments that were just made, in memory: while one question is on its way to a
//! merchant, the next ones gather, and travel together. What is lost here is in the outbox.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use warifu_protocol::jws::Unsigned;
use warifu_types::{Digest, Identifier};

/// No more wait here; the worker finds the others in the outbox.
const MOST: usize = 10_000;

/// A notice as it is sent.
#[derive(Clone)]
pub(crate) struct Noticed {
    /// Where it lies in the outbox.
    pub key: String,
    pub identity: Digest,
    pub authorization: Unsigned,
    /// The merchant's credential, as the payer had it.
    pub shown: Arc<str>,
}

/// The notices that wait, by merchant. A merchant that is here has a task that sends to it.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    of: HashMap<Identifier, VecDeque<Noticed>>,
    /// Where those lie that wait here or are being sent.
    keys: HashSet<String>,
}

impl Fresh {
    /// Adds a notice; whether a task must be started for its merchant.
    pub fn add(&self, merchant: &Identifier, noticed: Noticed) -> bool {
        let mut waiting = self.lock();
        if waiting.keys.len() >= MOST {
            return false;
        }
        waiting.keys.insert(noticed.key.clone());
        if let Some(queue) = waiting.of.get_mut(merchant) {
            queue.push_back(noticed);
            return false;
        }
        waiting.of.insert(merchant.clone(), VecDeque::from([noticed]));
        true
    }

    /// The next notices for a merchant; none when its task is to end.
    pub fn next(&self, merchant: &Identifier, most: usize) -> Option<Vec<Noticed>> {
        let mut waiting = self.lock();
        let queue = waiting.of.get_mut(merchant)?;
        if queue.is_empty() {
            waiting.of.remove(merchant);
            return None;
        }
        let many = most.min(queue.len());
        Some(queue.drain(..many).collect())
    }

    /// These were sent, or put off.
    pub fn done(&self, batch: &[Noticed]) {
        let mut waiting = self.lock();
        for noticed in batch {
            waiting.keys.remove(&noticed.key);
        }
    }

    /// Whether a notice is in hand here.
    pub fn has(&self, key: &str) -> bool {
        self.lock().keys.contains(key)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_protocol::authorization::AUTHORIZATION;

    fn notice(key: &str) -> Noticed {
        let authorization = Unsigned::new(AUTHORIZATION, &());
        let (identity, shown) = (Digest([1; 32]), Arc::from(""));
        Noticed { key: key.to_string(), identity, authorization, shown }
    }

    #[test]
    fn one_task_for_each_merchant_while_notices_wait() {
        let fresh = Fresh::default();
        let shop = Identifier::parse("domain:shop.example").unwrap();
        assert!(fresh.add(&shop, notice("a")));
        assert!(!fresh.add(&shop, notice("b")));
        assert!(!fresh.add(&shop, notice("c")));
        let first = fresh.next(&shop, 2).unwrap();
        assert_eq!(first.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(fresh.has("a") && fresh.has("c"));
        fresh.done(&first);
        assert!(!fresh.has("a"));
        let second = fresh.next(&shop, 2).unwrap();
        fresh.done(&second);
        assert!(fresh.next(&shop, 2).is_none() && !fresh.has("c"));
        assert!(fresh.add(&shop, notice("d")), "the task has ended");
    }
}
