//! Keys that a service has derived lately.

use crate::{KeyError, KeyRing, PairKey, Route};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_types::Identifier;

/// The pair keys that a service used last, so that a known holder costs a look-up instead of two
/// evaluations of 16,385 coefficients. Holds so many keys and no more; what goes is wiped.
///
/// A cache serves one ring. It forgets everything when the ring drops an epoch.
///
/// The hash of peer and route is keyed by the standard library, because the holders choose their
/// identifiers; nothing that comes out depends on it.
pub struct KeyCache {
    hasher: RandomState,
    generations: Mutex<Generations>,
}

/// Two generations instead of a list by age: a key that is used again moves to the young one, and
/// when the young one is full it becomes the old one, and what was old is wiped.
struct Generations {
    half: usize,
    dropped: u64,
    young: HashMap<u64, Entry>,
    old: HashMap<u64, Entry>,
}

struct Entry {
    peer: Identifier,
    route: Route,
    // Boxed, so that a map that moves its entries leaves no copies of keys behind.
    key: Box<PairKey>,
}

impl KeyCache {
    /// A cache for at most `capacity` keys, and at least two.
    pub fn new(capacity: usize) -> KeyCache {
        let generations = Generations {
            half: (capacity / 2).max(1),
            dropped: 0,
            young: HashMap::new(),
            old: HashMap::new(),
        };
        KeyCache { hasher: RandomState::new(), generations: Mutex::new(generations) }
    }

    /// The same as [`KeyRing::pair_key`], derived if it is not here. Nobody else waits while it is
    /// derived.
    pub fn key(
        &self,
        ring: &KeyRing,
        peer: &Identifier,
        route: &Route,
    ) -> Result<PairKey, KeyError> {
        let hash = self.hasher.hash_one((peer, route));
        if let Some(key) = self.lock().find(hash, ring, peer, route) {
            return Ok(key);
        }
        let key = ring.pair_key(peer, route)?;
        let entry = Entry { peer: peer.clone(), route: route.clone(), key: Box::new(key.clone()) };
        self.lock().store(hash, ring, entry);
        Ok(key)
    }

    /// Wipes everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many keys are here.
    pub fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    /// Whether no key is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A thread that panicked elsewhere leaves whole entries or none.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(
        &mut self,
        hash: u64,
        ring: &KeyRing,
        peer: &Identifier,
        route: &Route,
    ) -> Option<PairKey> {
        self.follow(ring);
        let is_it = |entry: &Entry| entry.peer == *peer && entry.route == *route;
        if let Some(entry) = self.young.get(&hash) {
            return is_it(entry).then(|| PairKey::clone(&entry.key));
        }
        if !self.old.get(&hash).is_some_and(is_it) {
            return None;
        }
        let entry = self.old.remove(&hash)?;
        let key = PairKey::clone(&entry.key);
        self.put(hash, entry);
        Some(key)
    }

    fn store(&mut self, hash: u64, ring: &KeyRing, entry: Entry) {
        self.follow(ring);
        self.old.remove(&hash);
        self.put(hash, entry);
    }

    fn put(&mut self, hash: u64, entry: Entry) {
        if self.young.len() >= self.half {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
    }

    fn follow(&mut self, ring: &KeyRing) {
        if self.dropped != ring.dropped() {
            self.clear();
            self.dropped = ring.dropped();
        }
    }

    fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("keys", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Matrix;

    /// Two peers whose hashes happen to be equal must not get each other's key.
    #[test]
    fn equal_hashes_do_not_mix_keys() {
        let id = |text| Identifier::parse(text).unwrap();
        let route = |group| Route { epochs: Vec::new(), matrix: Matrix::Holders { group } };
        let ring = KeyRing::new("town", id("domain:shop.example"));
        let cache = KeyCache::new(2);
        let key = PairKey::from_bytes([1; 32]);
        let (ours, theirs) = (id("name:a"), id("name:b"));
        let entry = Entry { peer: ours.clone(), route: route(1), key: Box::new(key.clone()) };
        cache.lock().store(7, &ring, entry);
        for _ in 0..2 {
            assert_eq!(cache.lock().find(7, &ring, &theirs, &route(1)), None);
            assert_eq!(cache.lock().find(7, &ring, &ours, &route(2)), None);
            assert_eq!(cache.lock().find(7, &ring, &ours, &route(1)), Some(key.clone()));
            // Once more among the older entries.
            let mut generations = cache.lock();
            generations.old = mem::take(&mut generations.young);
        }
    }
}
