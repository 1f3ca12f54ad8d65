//! Dates of ISO 8583, which have no year, and expiries, which have no century.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};
use warifu_types::UnixTime;

/// `MMDDhhmmss` in UTC, field 7.
pub(super) fn write(at: UnixTime) -> Option<String> {
    let at = moment(at)?;
    Some(format!(
        "{:02}{:02}{:02}{:02}{:02}",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}

/// The moment of `MMDDhhmmss` that is nearest to `now`.
pub(super) fn read(text: &str, now: UnixTime) -> Option<UnixTime> {
    let pair = |at: usize| text.get(at..at + 2)?.parse::<u8>().ok();
    let month = Month::try_from(pair(0)?).ok()?;
    let time = Time::from_hms(pair(4)?, pair(6)?, pair(8)?).ok()?;
    let this_year = moment(now)?.year();
    (this_year - 1..=this_year + 1)
        .filter_map(|year| Date::from_calendar_date(year, month, pair(2)?).ok())
        .filter_map(|day| {
            let seconds = PrimitiveDateTime::new(day, time).assume_utc().unix_timestamp();
            u64::try_from(seconds).ok()
        })
        .min_by_key(|seconds| seconds.abs_diff(now.0))
        .map(UnixTime)
}

/// `YYMM`, field 14, of `YYYY-MM` in this century.
pub(super) fn write_expiry(expiry: &str) -> Option<String> {
    let (year, month) = expiry.strip_prefix("20")?.split_once('-')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    (two_digits(year) && two_digits(month)).then(|| format!("{year}{month}"))
}

/// `YYYY-MM` of `YYMM`.
pub(super) fn read_expiry(text: &str) -> Option<String> {
    let (year, month) = text.split_at_checked(2)?;
    Some(format!("20{year}-{month}"))
}

fn moment(at: UnixTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(at.0).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NEW_YEAR_2027: u64 = 1_798_761_600;

    #[test]
    fn a_date_without_year_is_the_nearest_one() {
        let before = UnixTime(NEW_YEAR_2027 - 1);
        assert_eq!(write(before).unwrap(), "1231235959");
        assert_eq!(read("1231235959", UnixTime(NEW_YEAR_2027 + 60)), Some(before));
        assert_eq!(read("0101000000", before), Some(UnixTime(NEW_YEAR_2027)));
        assert_eq!(read("0229120000", UnixTime(1_835_438_400)), Some(UnixTime(1_835_438_400)));
    }

    #[test]
    fn a_leap_day_far_from_any_is_no_date() {
        assert_eq!(read("0229000000", UnixTime(NEW_YEAR_2027 - 365 * 86_400)), None);
    }

    #[test]
    fn expiries() {
        assert_eq!(write_expiry("2028-12").as_deref(), Some("2812"));
        assert_eq!(read_expiry("2812").as_deref(), Some("2028-12"));
        for bad in ["1999-12", "2028-1", "2028/12", "28-12", "", "20+8-12"] {
            assert_eq!(write_expiry(bad), None, "{bad}");
        }
    }
}
