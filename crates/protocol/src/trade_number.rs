//! The short number of a broker's order, which stands on the sheet with the card too, and nothing
//! else that both have (row C7).

use std::{fmt, str::FromStr};
use warifu_types::OrderId;

/// Crockford's base32: no I, L, O or U, so that a sheet is read without mistakes.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of the order id.
const DIGITS: usize = 10;

/// The number of an order: the first 50 bits of its id, as 10 characters of Crockford's base32, and a
/// check character. It is written `7QF3K-2M9XA-R`.
///
/// The check character is of the same alphabet, and finds every wrong character and every two that
/// were exchanged: with the characters as elements v of GF(2^5) modulo x^5 + x^2 + 1, and a = x,
/// it is the sum of v_i a^(10-i) over i = 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeNumber([u8; DIGITS + 1]);

/// A text that is no trade number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trade number is 11 letters and digits, the last of which checks the others")]
pub struct BadTradeNumber;

impl TradeNumber {
    /// The number of an order.
    pub fn of(order: &OrderId) -> TradeNumber {
        let mut bits = order.0.iter().take(7).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        bits >>= 56 - 5 * DIGITS;
        let mut values = [0; DIGITS];
        for (place, value) in values.iter_mut().enumerate() {
            *value = (bits >> (5 * (DIGITS - 1 - place)) & 31) as u8;
        }
        TradeNumber::checked(values)
    }

    fn checked(values: [u8; DIGITS]) -> TradeNumber {
        let mut text = [0; DIGITS + 1];
        for (place, value) in values.iter().chain([&check(&values)]).enumerate() {
            text[place] = ALPHABET[usize::from(*value)];
        }
        TradeNumber(text)
    }

    /// The 11 characters.
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What names the trade on the card network, field 37 of ISO 8583: 12 letters and digits.
    pub fn reference(&self) -> String {
        format!("W{}", self.as_str())
    }
}

fn check(values: &[u8]) -> u8 {
    let times_x = |value: u8| (value << 1) ^ if value & 16 == 0 { 0 } else { 0b10_0101 };
    values.iter().fold(0, |sum, value| times_x(sum ^ value))
}

impl fmt::Display for TradeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_str();
        write!(f, "{}-{}-{}", &text[..5], &text[5..10], &text[10..])
    }
}

impl FromStr for TradeNumber {
    type Err = BadTradeNumber;

    /// Reads what a person has typed: hyphens and spaces do not count, small letters are as good,
    /// O is 0, and I and L are 1.
    fn from_str(text: &str) -> Result<Self, BadTradeNumber> {
        if text.len() > 64 {
            return Err(BadTradeNumber);
        }
        let typed = text.bytes().filter(|b| !matches!(b, b'-' | b' '));
        let values: Option<Vec<u8>> = typed.map(value).collect();
        let values = values.ok_or(BadTradeNumber)?;
        let [digits @ .., last] = values.as_slice() else { return Err(BadTradeNumber) };
        let digits: [u8; DIGITS] = digits.try_into().map_err(|_| BadTradeNumber)?;
        if check(&digits) == *last { Ok(TradeNumber::checked(digits)) } else { Err(BadTradeNumber) }
    }
}

fn value(typed: u8) -> Option<u8> {
    let letter = match typed.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let place = ALPHABET.iter().position(|known| *known == letter)?;
    u8::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> impl Iterator<Item = TradeNumber> {
        (0..50u8).map(|seed| {
            let bytes = std::array::from_fn(|n| seed.wrapping_mul(73) ^ (n as u8).wrapping_mul(41));
            TradeNumber::of(&OrderId(bytes))
        })
    }

    #[test]
    fn golden() {
        assert_eq!(TradeNumber::of(&OrderId([0; 32])).to_string(), "00000-00000-0");
        assert_eq!(TradeNumber::of(&OrderId([255; 32])).as_str()[..10], *"ZZZZZZZZZZ");
        let mut bytes = [0; 32];
        bytes[6] = 0b0100_0000;
        // The last of the fifty bits: v_9 = 1, and the check is x, which is 2.
        assert_eq!(TradeNumber::of(&OrderId(bytes)).to_string(), "00000-00001-2");
        bytes[6] = 0b0011_1111;
        assert_eq!(TradeNumber::of(&OrderId(bytes)).to_string(), "00000-00000-0");
    }

    #[test]
    fn read_as_people_type_it() {
        for number in numbers() {
            let text = number.to_string();
            assert_eq!(text.parse(), Ok(number));
            let small = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            assert_eq!(small.parse(), Ok(number), "{small}");
            assert_eq!(number.reference().len(), 12);
        }
    }

    #[test]
    fn every_wrong_character_and_every_exchange_is_found() {
        for number in numbers() {
            let text = number.as_str().as_bytes().to_vec();
            for place in 0..text.len() {
                for other in ALPHABET.iter().filter(|other| **other != text[place]) {
                    let mut wrong = text.clone();
                    wrong[place] = *other;
                    let wrong = String::from_utf8(wrong).unwrap();
                    assert_eq!(wrong.parse::<TradeNumber>(), Err(BadTradeNumber), "{wrong}");
                }
                for second in (0..place).filter(|second| text[*second] != text[place]) {
                    let mut wrong = text.clone();
                    wrong.swap(place, second);
                    let wrong = String::from_utf8(wrong).unwrap();
                    assert_eq!(wrong.parse::<TradeNumber>(), Err(BadTradeNumber), "{wrong}");
                }
            }
        }
        for bad in ["", "0", "0000000000", "000000000000", "0000U000000", "００000000000", "-"] {
            assert_eq!(bad.parse::<TradeNumber>(), Err(BadTradeNumber), "{bad}");
        }
    }
}
