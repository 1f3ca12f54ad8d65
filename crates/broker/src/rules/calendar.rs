//! Days and times as people read and write them.

use crate::rules::letter::Language;
use warifu_types::UnixTime;

/// Whether a text is a day, `YYYY-MM-DD` (RFC 3339, full-date).
pub fn is_day(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |length: usize| -> Option<u32> {
        let part = parts.next()?;
        let digits = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(4), number(2), number(2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    parts.next().is_none() && (1..=days).contains(&day)
}

/// A time with its time zone, as a letter says it: Japan's time in Japanese, else UTC.
pub fn said(time: UnixTime, language: Language) -> String {
    let (shifted, zone) = match language {
        Language::Japanese => (time.plus(9 * 3_600), "JST"),
        Language::English => (time, "UTC"),
    };
    let (year, month) = shifted.year_month();
    let same = |days: u64| UnixTime(shifted.0.saturating_sub(days * 86_400)).year_month();
    let day = 1
        + (1..=30)
            .take_while(|days| shifted.0 >= days * 86_400 && same(*days) == (year, month))
            .count();
    let (hour, minute) = (shifted.0 / 3_600 % 24, shifted.0 / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for good in ["2026-11-21", "2024-02-29", "2000-02-29", "0001-01-01"] {
            assert!(is_day(good), "{good}");
        }
        for bad in [
            "",
            "2026-2-01",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-04-00",
            "2026-04-1x",
            "2026-04-10-1",
            "２０２６-04-10",
            "+026-04-10",
        ] {
            assert!(!is_day(bad), "{bad}");
        }
    }

    #[test]
    fn a_time_is_said_with_its_zone() {
        let time = UnixTime(1_795_278_885);
        assert_eq!(said(time, Language::English), "2026-11-21 16:34 UTC");
        assert_eq!(said(time, Language::Japanese), "2026-11-22 01:34 JST");
    }
}
