//! What one guess at a password costs: Argon2id (RFC 9106).

use crate::{error::Result, error::VaultError, keys::Key, password::Password};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use warifu_types::Nonce;
use zeroize::Zeroizing;

/// The parameters of Argon2id, version 0x13. A copied file is guessed at against them, and nothing
/// else slows such a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The most memory that a file may demand: 4 GiB, in KiB.
    pub const MAX_MEMORY_KIB: u32 = 4 * 1024 * 1024;
    /// The most passes that a file may demand.
    pub const MAX_PASSES: u32 = 64;
    /// The most lanes that a file may demand.
    pub const MAX_LANES: u32 = 64;

    /// What this program gives to new passwords: 64 MiB, 3 passes, 1 lane (the second choice of
    /// RFC 9106, section 4, with one lane).
    pub const fn current() -> Cost {
        Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }

    /// Memory in KiB (at least 8 for each lane), passes and lanes (at least 1), each within its
    /// greatest value. Anything below [`Cost::current`] is for tests alone.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> std::result::Result<Cost, VaultError> {
        let refused = |field| Err(VaultError::Cost { field });
        if !(1..=Cost::MAX_LANES).contains(&lanes) {
            return refused("lanes");
        }
        if !(8 * lanes..=Cost::MAX_MEMORY_KIB).contains(&memory_kib) {
            return refused("memory_kib");
        }
        if !(1..=Cost::MAX_PASSES).contains(&passes) {
            return refused("passes");
        }
        Ok(Cost { memory_kib, passes, lanes })
    }

    /// Memory in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes; they are computed one after the other.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    /// Each parameter the greater of the two, so that a cost is raised and never lowered.
    pub(crate) fn raised_to(self, other: Cost) -> Cost {
        Cost {
            memory_kib: self.memory_kib.max(other.memory_kib),
            passes: self.passes.max(other.passes),
            lanes: self.lanes.max(other.lanes),
        }
    }
}

/// A cost as layer A keeps that of password B.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl From<Cost> for Written {
    fn from(cost: Cost) -> Written {
        Written { memory_kib: cost.memory_kib, passes: cost.passes, lanes: cost.lanes }
    }
}

impl TryFrom<Written> for Cost {
    type Error = VaultError;
    fn try_from(written: Written) -> std::result::Result<Cost, VaultError> {
        Cost::new(written.memory_kib, written.passes, written.lanes)
    }
}

/// One derivation at a time in a process, so that many at once do not take the machine's memory.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[cfg(test)]
thread_local! {
    /// How often the thread has stretched a password.
    pub(crate) static DERIVATIONS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// 32 bytes from a password. The memory that was worked in is wiped.
pub(crate) fn stretch(password: &Password, salt: &Nonce, cost: Cost) -> Result<Key> {
    #[cfg(test)]
    DERIVATIONS.with(|count| count.set(count.get() + 1));
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| VaultError::Cost { field: "memory_kib" })?;
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| VaultError::OutOfMemory)?;
    memory.resize(params.block_count(), Block::new());
    let mut key = Key::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.bytes(), &salt.0, &mut *key, memory.as_mut_slice())
        .map_err(|_| VaultError::Cost { field: "memory_kib" })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_on_both_sides() {
        assert!(Cost::new(8, 1, 1).is_ok());
        assert!(Cost::new(Cost::MAX_MEMORY_KIB, Cost::MAX_PASSES, Cost::MAX_LANES).is_ok());
        for (memory, passes, lanes, field) in [
            (7, 1, 1, "memory_kib"),
            (15, 1, 2, "memory_kib"),
            (Cost::MAX_MEMORY_KIB + 1, 1, 1, "memory_kib"),
            (u32::MAX, 1, 1, "memory_kib"),
            (64, 0, 1, "passes"),
            (64, 65, 1, "passes"),
            (64, 1, 0, "lanes"),
            (u32::MAX, 1, u32::MAX, "lanes"),
        ] {
            match Cost::new(memory, passes, lanes) {
                Err(VaultError::Cost { field: named }) => assert_eq!(named, field),
                other => panic!("{memory} {passes} {lanes}: {other:?}"),
            }
        }
    }

    #[test]
    fn raising_never_lowers_any_parameter() {
        let (one, other) = (Cost::new(64, 5, 1).unwrap(), Cost::new(128, 3, 2).unwrap());
        assert_eq!(one.raised_to(other), Cost::new(128, 5, 2).unwrap());
        assert_eq!(other.raised_to(one), one.raised_to(other));
    }

    #[test]
    fn what_new_passwords_get_is_64_mebibytes_three_times() {
        let cost = Cost::current();
        assert_eq!((cost.memory_kib(), cost.passes(), cost.lanes()), (65_536, 3, 1));
    }
}
