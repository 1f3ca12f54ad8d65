//! The table of the fields in use (ISO 8583:1987, ASCII): every other field is a fault.

/// What may stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `n`: digits.
    Digits,
    /// `n`: month, day, hour, minute, second.
    MonthDayTime,
    /// `n`: month and day.
    MonthDay,
    /// `n`: hour, minute, second.
    Time,
    /// `n`: the year's last two digits, and the month.
    YearMonth,
    /// `an`: letters and digits.
    LettersDigits,
    /// `ans`: printable ASCII, blanks too.
    Printable,
}

/// How long a field is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Always so long.
    Fixed(usize),
    /// At most so long, after two digits that say how long (LLVAR).
    TwoDigits(usize),
    /// At most so long, after three digits that say how long (LLLVAR).
    ThreeDigits(usize),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The field's number, its bit in the bitmap.
    pub number: u8,
    /// What may stand in it.
    pub class: Class,
    /// How long it is.
    pub length: Length,
}

const fn row(number: u8, class: Class, length: Length) -> Row {
    Row { number, class, length }
}

const TABLE: [Row; 22] = [
    row(2, Class::Digits, Length::TwoDigits(19)),
    row(3, Class::Digits, Length::Fixed(6)),
    row(4, Class::Digits, Length::Fixed(12)),
    row(7, Class::MonthDayTime, Length::Fixed(10)),
    row(11, Class::Digits, Length::Fixed(6)),
    row(12, Class::Time, Length::Fixed(6)),
    row(13, Class::MonthDay, Length::Fixed(4)),
    row(14, Class::YearMonth, Length::Fixed(4)),
    row(22, Class::Digits, Length::Fixed(3)),
    row(25, Class::Digits, Length::Fixed(2)),
    row(32, Class::Digits, Length::TwoDigits(11)),
    row(37, Class::LettersDigits, Length::Fixed(12)),
    row(38, Class::LettersDigits, Length::Fixed(6)),
    row(39, Class::LettersDigits, Length::Fixed(2)),
    row(41, Class::Printable, Length::Fixed(8)),
    row(42, Class::Printable, Length::Fixed(15)),
    row(43, Class::Printable, Length::Fixed(40)),
    row(48, Class::Printable, Length::ThreeDigits(999)),
    row(49, Class::Digits, Length::Fixed(3)),
    row(67, Class::Digits, Length::Fixed(2)),
    row(70, Class::Digits, Length::Fixed(3)),
    row(90, Class::Digits, Length::Fixed(42)),
];

/// The row of a field, if it is in use.
pub(super) fn find(number: u8) -> Option<Row> {
    TABLE.iter().find(|row| row.number == number).copied()
}

impl Length {
    /// Whether a text of `length` characters fits.
    pub(super) fn holds(self, length: usize) -> bool {
        match self {
            Length::Fixed(exact) => length == exact,
            Length::TwoDigits(most) | Length::ThreeDigits(most) => (1..=most).contains(&length),
        }
    }

    /// How many digits before the text say how long it is.
    pub(super) fn prefix(self) -> usize {
        match self {
            Length::Fixed(_) => 0,
            Length::TwoDigits(_) => 2,
            Length::ThreeDigits(_) => 3,
        }
    }
}

impl Class {
    /// Whether every character is of the class.
    pub(super) fn spells(self, text: &[u8]) -> bool {
        text.iter().all(|byte| match self {
            Class::LettersDigits => byte.is_ascii_alphanumeric(),
            Class::Printable => (b' '..=b'~').contains(byte),
            _ => byte.is_ascii_digit(),
        })
    }

    /// Whether the digits are a date or a time, where they should be one. February may have 29 days:
    /// there is no year.
    pub(super) fn means(self, text: &[u8]) -> bool {
        let pair = |at: usize| {
            let digit = |at: usize| text.get(at).map_or(99, |byte| byte.wrapping_sub(b'0'));
            digit(at).saturating_mul(10).saturating_add(digit(at + 1))
        };
        let month_day = |at: usize| match pair(at) {
            2 => (1..=29).contains(&pair(at + 2)),
            4 | 6 | 9 | 11 => (1..=30).contains(&pair(at + 2)),
            1..=12 => (1..=31).contains(&pair(at + 2)),
            _ => false,
        };
        let time = |at: usize| pair(at) < 24 && pair(at + 2) < 60 && pair(at + 4) < 60;
        match self {
            Class::MonthDayTime => month_day(0) && time(4),
            Class::MonthDay => month_day(0),
            Class::Time => time(0),
            Class::YearMonth => (1..=12).contains(&pair(2)),
            _ => true,
        }
    }
}
