//! Points in time, as JWTs write them.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z without leap seconds (`NumericDate`, RFC 7519), integers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// This time and `seconds` more; stays at the greatest value rather than overflow.
    pub fn plus(self, seconds: u64) -> UnixTime {
        UnixTime(self.0.saturating_add(seconds))
    }

    /// This time less `seconds`; stays at zero rather than underflow.
    pub fn minus(self, seconds: u64) -> UnixTime {
        UnixTime(self.0.saturating_sub(seconds))
    }

    /// Year and month (1 to 12) in UTC, for card expiries and statements.
    ///
    /// The civil calendar from a day count, after Howard Hinnant's published algorithm.
    pub fn year_month(self) -> (u32, u32) {
        let days = self.0 / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (u32::try_from(year).unwrap_or(u32::MAX), u32::try_from(month).unwrap_or(12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months() {
        assert_eq!(UnixTime(0).year_month(), (1970, 1));
        assert_eq!(UnixTime(951_782_400).year_month(), (2000, 2)); // 2000-02-29
        assert_eq!(UnixTime(951_868_800).year_month(), (2000, 3)); // 2000-03-01
        assert_eq!(UnixTime(1_798_761_599).year_month(), (2026, 12)); // 2026-12-31T23:59:59Z
        assert_eq!(UnixTime(1_798_761_600).year_month(), (2027, 1));
    }
}
