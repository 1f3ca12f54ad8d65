//! Maps by id. The standard library's hash costs more than the rest of a transfer's decision.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
};

/// A map from ids of 128 bits: a [`crate::AccountId`] or a [`crate::TransferId`].
pub type IdMap<K, V> = HashMap<K, V, IdState>;
/// A set of ids of 128 bits.
pub type IdSet<K> = HashSet<K, IdState>;

/// A folded product of both halves under a secret of this map, so that nobody can choose ids that
/// collide.
#[derive(Debug, Clone)]
pub struct IdState(u64, u64);

impl Default for IdState {
    fn default() -> IdState {
        let random = RandomState::new();
        IdState(random.hash_one(0u8), random.hash_one(1u8))
    }
}

impl BuildHasher for IdState {
    type Hasher = IdHasher;
    fn build_hasher(&self) -> IdHasher {
        IdHasher { state: self.0, secret: self.1 }
    }
}

/// Hashes one id.
#[derive(Debug)]
pub struct IdHasher {
    state: u64,
    secret: u64,
}

impl Hasher for IdHasher {
    fn write_u128(&mut self, id: u128) {
        let (high, low) = ((id >> 64) as u64, id as u64);
        let product = u128::from(high ^ self.state) * u128::from(low ^ self.secret);
        let folded = (product >> 64) as u64 ^ product as u64;
        // A second fold: one factor may be zero.
        let product = u128::from(folded ^ low) * u128::from(self.secret | 1);
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    /// Ids come through `write_u128`; anything else takes the slow way.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransferId;

    #[test]
    fn ids_of_every_pattern_spread() {
        for shift in [0, 16, 40, 64, 88, 108] {
            let state = IdState::default();
            let mut low = vec![0u32; 1024];
            for n in 0..65_536u128 {
                low[(state.hash_one(TransferId(n << shift)) % 1024) as usize] += 1;
            }
            // 64 each in the mean; a random hash stays well below twice that.
            assert!(low.iter().all(|count| *count < 128), "{shift}: {:?}", low.iter().max());
        }
    }
}
