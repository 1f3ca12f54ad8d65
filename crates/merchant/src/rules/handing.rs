//! Files that are handed out piece by piece: which bytes are out, and when the merchant may claim
//! without a receipt.

use serde::{Deserialize, Serialize};
use warifu_types::UnixTime;

/// A file's bytes that are out lie in at most this many ranges, so that odd requests do not fill the
/// records.
pub const MAX_RANGES: usize = 1024;

/// This long before the hold ends, the merchant claims what it has handed out, in seconds.
pub const CLAIM_MARGIN: u64 = 3600;

/// The bytes of one file that have been handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handed {
    /// From, and up to but without; ascending, and none touches the next.
    ranges: Vec<(u64, u64)>,
}

impl Handed {
    /// Adds a range that is not empty. `false`, and no change, if there would be too many.
    pub fn add(&mut self, from: u64, to: u64) -> bool {
        let touches = |range: &&(u64, u64)| range.0 <= to && from <= range.1;
        let joined = self
            .ranges
            .iter()
            .filter(touches)
            .fold((from, to), |all, range| (all.0.min(range.0), all.1.max(range.1)));
        let mut ranges: Vec<_> =
            self.ranges.iter().filter(|range| !touches(range)).copied().collect();
        ranges.push(joined);
        if ranges.len() > MAX_RANGES {
            return false;
        }
        ranges.sort_unstable();
        self.ranges = ranges;
        true
    }

    /// Whether every byte of a file of this size is out.
    pub fn is_whole(&self, size: u64) -> bool {
        self.ranges == [(0, size)]
    }
}

/// When the merchant claims without a receipt: `patience` seconds after the last byte went out, or
/// shortly before the hold ends.
pub fn claim_at(handed_out: UnixTime, patience: u64, hold_until: UnixTime) -> UnixTime {
    let last = hold_until.minus(CLAIM_MARGIN).max(handed_out);
    handed_out.plus(patience).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join() {
        let mut handed = Handed::default();
        for (from, to) in [(10, 20), (30, 40), (0, 5)] {
            assert!(handed.add(from, to));
        }
        assert_eq!(handed.ranges, [(0, 5), (10, 20), (30, 40)]);
        assert!(handed.add(5, 10));
        assert_eq!(handed.ranges, [(0, 20), (30, 40)]);
        assert!(!handed.is_whole(40));
        assert!(handed.add(12, 35));
        assert!(handed.is_whole(40) && !handed.is_whole(41) && !handed.is_whole(39));
        assert!(handed.add(3, 4), "again");
        assert_eq!(handed.ranges, [(0, 40)]);
    }

    /// Against a table of single bytes.
    #[test]
    fn any_ranges_in_any_order() {
        let mut state = 0x9e37_79b9_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let (mut handed, mut bytes) = (Handed::default(), [false; 50]);
            for _ in 0..30 {
                let from = next(50);
                let to = from + 1 + next(50 - from);
                assert!(handed.add(from, to));
                bytes[from as usize..to as usize].fill(true);
                let of = |place: u64| handed.ranges.iter().any(|r| r.0 <= place && place < r.1);
                assert!((0..50).all(|place| of(place) == bytes[place as usize]));
                assert_eq!(handed.is_whole(50), bytes.iter().all(|out| *out));
            }
        }
    }

    #[test]
    fn not_more_ranges_than_are_kept() {
        let mut handed = Handed::default();
        for place in 0..MAX_RANGES as u64 {
            assert!(handed.add(place * 3, place * 3 + 1));
        }
        let before = handed.clone();
        assert!(!handed.add(1_000_000, 1_000_001));
        assert_eq!(handed, before);
        assert!(handed.add(1, 2), "one that joins is no further one");
    }

    #[test]
    fn claimed_in_time() {
        let until = UnixTime(100_000);
        assert_eq!(claim_at(UnixTime(1_000), 500, until), UnixTime(1_500));
        assert_eq!(claim_at(UnixTime(1_000), 99_000, until), UnixTime(96_400));
        assert_eq!(claim_at(UnixTime(99_000), 99_000, until), UnixTime(99_000));
    }
}
