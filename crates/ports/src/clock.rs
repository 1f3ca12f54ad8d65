//! The time of day.

use std::sync::atomic::{AtomicU64, Ordering};
use warifu_types::UnixTime;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixTime;
}

/// A clock that stands still until it is set: for tests, simulations and golden vectors.
#[derive(Debug)]
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// A clock that stands at `now`.
    pub fn new(now: UnixTime) -> FixedClock {
        FixedClock(AtomicU64::new(now.0))
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, now: UnixTime) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_until_it_is_set() {
        let clock = FixedClock::new(UnixTime(10));
        assert_eq!(clock.now(), UnixTime(10));
        clock.advance(5);
        assert_eq!(clock.now(), UnixTime(15));
        clock.set(UnixTime(3));
        assert_eq!(clock.now(), UnixTime(3));
    }
}
