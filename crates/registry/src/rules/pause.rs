//! Growing pauses between tries.

/// The longest pause, in seconds: an hour.
pub const LONGEST: u64 = 3_600;

/// How long to wait after so many tries that failed, in seconds: 30, 60, 120, … up to an hour.
pub fn after(tries: u32) -> u64 {
    let doubled = 15u64.checked_shl(tries.min(16)).unwrap_or(LONGEST);
    doubled.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        assert_eq!([1, 2, 3, 7, 8, 200].map(after), [30, 60, 120, 1_920, 3_600, 3_600]);
    }
}
