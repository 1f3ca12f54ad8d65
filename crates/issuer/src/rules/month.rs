//! Months of statements.

use std::fmt;
use warifu_types::UnixTime;

/// A calendar month in UTC; as text `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month {
    year: u32,
    month: u32,
}

impl Month {
    /// None for a month outside 1 to 12 or a year outside 1970 to 9999.
    pub fn new(year: u32, month: u32) -> Option<Month> {
        let good = (1970..=9999).contains(&year) && (1..=12).contains(&month);
        good.then_some(Month { year, month })
    }

    /// The month of a point in time.
    pub fn of(time: UnixTime) -> Month {
        let (year, month) = time.year_month();
        Month { year, month }
    }

    /// Reads `YYYY-MM`, as this type writes it.
    pub fn parse(text: &str) -> Option<Month> {
        let (year, month) = text.split_once('-')?;
        Month::new(year.parse().ok()?, month.parse().ok()?)
    }

    /// The year.
    pub fn year(self) -> u32 {
        self.year
    }

    /// 1 to 12.
    pub fn number(self) -> u32 {
        self.month
    }

    /// The month after.
    pub fn next(self) -> Month {
        if self.month == 12 {
            Month { year: self.year + 1, month: 1 }
        } else {
            Month { month: self.month + 1, ..self }
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_one_another() {
        let text = |year, month| Month::new(year, month).map(|month| month.next().to_string());
        assert_eq!(text(2026, 12).as_deref(), Some("2027-01"));
        assert_eq!(text(2027, 9).as_deref(), Some("2027-10"));
        for (year, month) in [(2027, 0), (2027, 13), (1969, 1), (10_000, 1)] {
            assert_eq!(text(year, month), None);
        }
    }
}
