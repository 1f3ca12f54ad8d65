//! How often somebody may ask: a bucket that a token leaves at every question and that time fills.

use crate::UnixTime;

/// A bucket's size, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// How many a minute after that.
    pub a_minute: u32,
}

/// A bucket, counted in sixtieths of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    left: u64,
    at: UnixTime,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: UnixTime) -> Bucket {
        Bucket { left: u64::from(rate.burst) * 60, at: now }
    }

    /// Takes a token, or says in how many seconds there will be one.
    pub fn take(&mut self, rate: Rate, now: UnixTime) -> Result<(), u64> {
        let gained = now.0.saturating_sub(self.at.0).saturating_mul(rate.a_minute.into());
        self.left = self.left.saturating_add(gained).min(u64::from(rate.burst) * 60);
        self.at = now;
        match self.left.checked_sub(60) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err((60 - self.left).div_ceil(u64::from(rate.a_minute.max(1))).max(1)),
        }
    }

    /// Whether it is as good as a new one by now, so that it need not be kept.
    pub fn is_full(&self, rate: Rate, now: UnixTime) -> bool {
        let gained = now.0.saturating_sub(self.at.0).saturating_mul(rate.a_minute.into());
        self.left.saturating_add(gained) >= u64::from(rate.burst) * 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_empties_and_fills() {
        let rate = Rate { burst: 2, a_minute: 6 };
        let mut bucket = Bucket::full(rate, UnixTime(100));
        assert_eq!(bucket.take(rate, UnixTime(100)), Ok(()));
        assert_eq!(bucket.take(rate, UnixTime(100)), Ok(()));
        assert_eq!(bucket.take(rate, UnixTime(100)), Err(10));
        assert_eq!(bucket.take(rate, UnixTime(105)), Err(5));
        assert_eq!(bucket.take(rate, UnixTime(110)), Ok(()));
        assert!(!bucket.is_full(rate, UnixTime(120)) && bucket.is_full(rate, UnixTime(130)));
        // A clock that goes back gives nothing away.
        assert!(bucket.take(rate, UnixTime(50)).is_err());
    }
}
