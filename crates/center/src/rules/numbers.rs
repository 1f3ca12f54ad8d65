//! Numbers that the center gives: of members, of transactions, of cards.

use warifu_protocol::{joining::MemberKind, value::is_card_number};
use warifu_types::UnixTime;

/// The number of the `count`th member or store: `M-000001`, `S-000001`.
pub fn member_number(kind: MemberKind, count: u64) -> String {
    let letter = match kind {
        MemberKind::Member => 'M',
        MemberKind::Merchant => 'S',
    };
    format!("{letter}-{count:06}")
}

/// The number of the `count`th payment of all: `T-20261121-000123`.
pub fn transaction_number(now: UnixTime, count: u64) -> String {
    let (year, month) = now.year_month();
    format!("T-{year:04}{month:02}{:02}-{count:06}", day(now))
}

/// The day of the month, 1 to 31, in UTC.
fn day(now: UnixTime) -> u64 {
    let month = now.year_month();
    let since = |days: u64| UnixTime(now.0 - days * 86_400).year_month() == month;
    (1..=30).take_while(|days| now.0 >= days * 86_400 && since(*days)).count() as u64 + 1
}

/// A card's number: 16 digits with a check digit, from 14 random digits. Numbers that begin with 9
/// are for assignment by national bodies (ISO/IEC 7812-1): no payment network routes them.
pub fn card_number(random: u64) -> String {
    let payload = format!("9{:014}", random % 100_000_000_000_000);
    let digits = (0..10).map(|check| format!("{payload}{check}"));
    digits.into_iter().find(|number| is_card_number(number)).unwrap_or_default()
}

/// The last month in which a card pays, `YYYY-MM`, and the second after that month.
pub fn card_expiry(now: UnixTime, months: u32) -> (String, UnixTime) {
    let (year, month) = now.year_month();
    let count = u64::from(year) * 12 + u64::from(month) - 1 + u64::from(months);
    let (year, month) = (count / 12, count % 12 + 1);
    (format!("{year:04}-{month:02}"), month_start(count + 1))
}

/// The first second of a month that is counted from the beginning of the year 0.
fn month_start(count: u64) -> UnixTime {
    // The civil calendar as a day count, after Howard Hinnant's published algorithm: years begin
    // in March.
    let (year, month) = (count / 12, count % 12 + 1);
    let shifted = if month > 2 { year } else { year.saturating_sub(1) };
    let era = shifted / 400;
    let of_era = shifted % 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    UnixTime(days.saturating_sub(719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_should() {
        assert_eq!(member_number(MemberKind::Member, 1), "M-000001");
        assert_eq!(member_number(MemberKind::Merchant, 1_234_567), "S-1234567");
        // 2026-11-21T16:34:45Z, and the last second of a leap February.
        assert_eq!(transaction_number(UnixTime(1_795_278_885), 123), "T-20261121-000123");
        assert_eq!(transaction_number(UnixTime(951_868_799), 1), "T-20000229-000001");
        assert_eq!(transaction_number(UnixTime(951_868_800), 1), "T-20000301-000001");
        assert_eq!(transaction_number(UnixTime(0), 1), "T-19700101-000001");
    }

    #[test]
    fn card_numbers_have_sixteen_digits_and_a_good_check_digit() {
        for random in [0, 1, 99_999_999_999_999, u64::MAX, 123_456_789] {
            let number = card_number(random);
            assert!(number.len() == 16 && number.starts_with('9') && is_card_number(&number));
        }
    }

    #[test]
    fn a_card_expires_when_its_month_ends() {
        let now = UnixTime(1_795_278_885);
        assert_eq!(card_expiry(now, 24), ("2028-11".to_string(), UnixTime(1_859_241_600)));
        let (text, end) = card_expiry(now, 1);
        assert_eq!((text.as_str(), end.minus(1).year_month()), ("2026-12", (2026, 12)));
        assert_eq!(end.year_month(), (2027, 1));
        for months in 0..50 {
            let (text, end) = card_expiry(now, months);
            let (year, month) = end.minus(1).year_month();
            assert_eq!(text, format!("{year:04}-{month:02}"));
            assert_ne!(end.year_month(), (year, month));
        }
    }
}
