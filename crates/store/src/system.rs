//! The machine's clock, randomness and errors.

use std::{
    io,
    time::{SystemTime, UNIX_EPOCH},
};
use warifu_ports::{Clock, Entropy, StoreError};
use warifu_types::UnixTime;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// A clock before 1970 reads as 0.
    fn now(&self) -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// Ends the process if the system has no randomness: a key made without it would be worse.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the operating system has no randomness");
            std::process::abort();
        }
    }
}

/// What the system said when this was tried.
pub(crate) fn io_error(action: &'static str) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Io { action, kind: error.kind() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_reads_this_century() {
        assert!(SystemClock.now() > UnixTime(1_750_000_000));
    }

    #[test]
    fn entropy_differs() {
        assert_ne!(OsEntropy.bytes32(), OsEntropy.bytes32());
    }
}
