//! What a person did: the entries that password A shows (row B5).

use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Money, UnixTime};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The owner bought.
    Purchase,
    /// The owner sold.
    Sale,
    /// A prepaid card was bought or filled.
    TopUp,
    /// Money of a purchase or sale went back.
    Refund,
    /// The center paid out to the owner's account.
    Payout,
    /// Anything else, such as the registration.
    Note,
}

/// One line of the history. Wiped from memory when dropped; `Debug` shows only its kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When.
    #[zeroize(skip)]
    pub at: UnixTime,
    /// What.
    #[zeroize(skip)]
    pub kind: EntryKind,
    /// The other party: the merchant of a purchase.
    pub party: String,
    /// The goods, or what the entry is about.
    pub goods: String,
    /// How much, if it is about money.
    #[zeroize(skip)]
    pub amount: Option<Money>,
    /// The id of the order or telegram, if it has one.
    pub reference: Option<String>,
}

impl Entry {
    /// The date as `yy/mm/dd` (row B5), where clocks are `offset_minutes` ahead of UTC.
    pub fn date(&self, offset_minutes: i32) -> String {
        const DAY: u64 = 86_400;
        let shift = u64::from(offset_minutes.unsigned_abs()) * 60;
        let at = if offset_minutes < 0 { self.at.minus(shift) } else { self.at.plus(shift) };
        let month = at.year_month();
        let earlier_days = (1..31)
            .take_while(|day| at.0 >= day * DAY && at.minus(day * DAY).year_month() == month)
            .count();
        format!("{:02}/{:02}/{:02}", month.0 % 100, month.1, earlier_days + 1)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?}, secret)", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_persons_clock() {
        for (at, offset, date) in [
            (0, 0, "70/01/01"),
            (951_782_400, 0, "00/02/29"),
            (951_868_799, 0, "00/02/29"),
            (951_868_799, 540, "00/03/01"),
            (951_868_800, -60, "00/02/29"),
            (1_798_761_599, 0, "26/12/31"),
            (1_798_761_599, 540, "27/01/01"),
        ] {
            let entry = Entry {
                at: UnixTime(at),
                kind: EntryKind::Note,
                party: String::new(),
                goods: String::new(),
                amount: None,
                reference: None,
            };
            assert_eq!(entry.date(offset), date, "{at} {offset}");
        }
    }
}
