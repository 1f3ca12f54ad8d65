//! The values of an order's fields, checked by field (row A6).

use crate::{
    encode::Object,
    error::{AtFault, ProtocolError, Reason, Result},
    quote::MAX_LINES,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;
use warifu_types::{Digest, FieldName, Money};
use zeroize::Zeroize;

/// How many of what.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The item's name.
    pub name: String,
    /// How many, at least 1.
    pub quantity: u32,
}

/// A field's value. `Debug` shows its kind only; text is zeroized on drop.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Text, such as a name, a card number, or nothing at all (`""`).
    Text(String),
    /// An amount.
    Amount(Money),
    /// Item numbers.
    Numbers(Vec<String>),
    /// Item names and quantities, in the order of the numbers.
    Lines(Vec<OrderLine>),
}

/// Read in one go, by its shape: serde's own way for an untagged enum copies the value first, secret
/// as it is, and tries one kind after the other.
impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        d.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, an amount, item numbers or items")
    }
    fn visit_str<E>(self, text: &str) -> std::result::Result<FieldValue, E> {
        Ok(FieldValue::text(text))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<FieldValue, A::Error> {
        Money::deserialize(MapAccessDeserializer::new(map)).map(FieldValue::Amount)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<FieldValue, A::Error> {
        Ok(match seq.next_element()? {
            None => FieldValue::Numbers(Vec::new()),
            Some(Item::Number(first)) => FieldValue::Numbers(rest(first, &mut seq)?),
            Some(Item::Line(first)) => {
                let lines: Vec<Object<OrderLine>> = rest(Object(first), &mut seq)?;
                FieldValue::Lines(lines.into_iter().map(|Object(line)| line).collect())
            }
        })
    }
}

/// All elements, after the first.
fn rest<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    first: T,
    seq: &mut A,
) -> std::result::Result<Vec<T>, A::Error> {
    let mut all = vec![first];
    while let Some(next) = seq.next_element()? {
        all.push(next);
    }
    Ok(all)
}

/// The first element of an array, which tells of what kind all are.
enum Item {
    Number(String),
    Line(OrderLine),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        d.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item's number, or its name and quantity")
    }
    fn visit_str<E>(self, text: &str) -> std::result::Result<Item, E> {
        Ok(Item::Number(text.to_string()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Item, A::Error> {
        OrderLine::deserialize(MapAccessDeserializer::new(map)).map(Item::Line)
    }
}

const MAX_TEXT: usize = 1024;

impl Drop for FieldValue {
    fn drop(&mut self) {
        match self {
            FieldValue::Text(text) => text.zeroize(),
            FieldValue::Numbers(numbers) => numbers.zeroize(),
            FieldValue::Lines(lines) => lines.iter_mut().for_each(|line| line.name.zeroize()),
            FieldValue::Amount(_) => {}
        }
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FieldValue::Text(_) => "Text(…)",
            FieldValue::Amount(_) => "Amount(…)",
            FieldValue::Numbers(_) => "Numbers(…)",
            FieldValue::Lines(_) => "Lines(…)",
        })
    }
}

impl FieldValue {
    /// Text.
    pub fn text(text: impl Into<String>) -> FieldValue {
        FieldValue::Text(text.into())
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The amount, if it is one.
    pub fn as_amount(&self) -> Option<Money> {
        match self {
            FieldValue::Amount(money) => Some(*money),
            _ => None,
        }
    }

    /// Refuses a value that is not of the field's kind or form.
    pub fn check(&self, field: &FieldName, at_fault: AtFault) -> Result<()> {
        let good = match (field.as_str(), self) {
            ("amount", FieldValue::Amount(money)) => money.minor() > 0,
            ("item_numbers", FieldValue::Numbers(numbers)) => {
                (1..=MAX_LINES).contains(&numbers.len())
                    && numbers.iter().all(|number| is_text(number, 64) && !number.is_empty())
            }
            ("items", FieldValue::Lines(lines)) => {
                (1..=MAX_LINES).contains(&lines.len())
                    && lines.iter().all(|line| is_text(&line.name, MAX_TEXT) && line.quantity > 0)
            }
            ("card_number", FieldValue::Text(text)) => is_card_number(text),
            ("card_expiry", FieldValue::Text(text)) => Expiry::parse(text).is_some(),
            ("card_reference", FieldValue::Text(text)) => is_reference(text),
            ("payment_type", FieldValue::Text(text)) => PaymentType::parse(text).is_some(),
            ("quote", FieldValue::Text(text)) => text.parse::<Digest>().is_ok(),
            ("holder_name" | "destination" | "access_zone", FieldValue::Text(text)) => {
                is_text(text, MAX_TEXT) && !text.trim().is_empty()
            }
            ("amount" | "item_numbers" | "items", _) => false,
            (_, FieldValue::Text(text)) => is_text(text, MAX_TEXT),
            _ => false,
        };
        if good {
            Ok(())
        } else {
            Err(ProtocolError::new(at_fault, Reason::BadValue, format!("order.fields.{field}")))
        }
    }
}

fn is_text(text: &str, max: usize) -> bool {
    text.len() <= max && !text.chars().any(|c| c.is_control() && c != '\n')
}

/// 1 to 128 characters of the URL-safe base64 alphabet.
fn is_reference(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// 12 to 19 digits with a good check digit (ISO/IEC 7812, Luhn).
pub fn is_card_number(text: &str) -> bool {
    let digits = text.as_bytes();
    if !(12..=19).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place % 2);
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A card's expiry: the last month in which it is good, `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// The year.
    pub year: u32,
    /// The month, 1 to 12.
    pub month: u32,
}

impl Expiry {
    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Expiry> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, count| {
            (text.len() == count && text.bytes().all(|b| b.is_ascii_digit()))
                .then(|| text.parse::<u32>().ok())?
        };
        let (year, month) = (digits(year, 4)?, digits(month, 2)?);
        (1..=12).contains(&month).then_some(Expiry { year, month })
    }

    /// Whether the card is still good.
    pub fn is_good(self, now: warifu_types::UnixTime) -> bool {
        now.year_month() <= (self.year, self.month)
    }
}

/// One payment, or instalments: `one`, `instalments:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentType {
    /// One payment.
    One,
    /// So many monthly instalments, 2 to 60.
    Instalments(u32),
}

impl PaymentType {
    /// Reads the text form.
    pub fn parse(text: &str) -> Option<PaymentType> {
        if text == "one" {
            return Some(PaymentType::One);
        }
        let count: u32 = text.strip_prefix("instalments:")?.parse().ok()?;
        let kind = PaymentType::Instalments(count);
        ((2..=60).contains(&count) && kind.to_string() == text).then_some(kind)
    }

    /// The number of payments.
    pub fn count(self) -> u32 {
        match self {
            PaymentType::One => 1,
            PaymentType::Instalments(count) => count,
        }
    }
}

impl fmt::Display for PaymentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PaymentType::One => f.write_str("one"),
            PaymentType::Instalments(count) => write!(f, "instalments:{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_types::Currency;

    fn read(json: &str) -> Option<FieldValue> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn a_value_is_read_by_its_shape() {
        let numbers =
            |all: &[&str]| FieldValue::Numbers(all.iter().map(ToString::to_string).collect());
        let line = |name: &str, quantity| OrderLine { name: name.to_string(), quantity };
        assert_eq!(read(r#""a\u0062""#), Some(FieldValue::text("ab")));
        let yen = Money::new(5, Currency::JPY).unwrap();
        let amount = FieldValue::Amount(yen);
        assert_eq!(read(&serde_json::to_string(&amount).unwrap()), Some(amount));
        assert_eq!(read("[]"), Some(numbers(&[])));
        assert_eq!(read(r#"["1","2"]"#), Some(numbers(&["1", "2"])));
        assert_eq!(
            read(r#"[{"name":"a","quantity":1},{"name":"b","quantity":2}]"#),
            Some(FieldValue::Lines(vec![line("a", 1), line("b", 2)]))
        );
    }

    #[test]
    fn a_value_has_one_shape() {
        for json in [
            "null",
            "true",
            "1",
            "{}",
            r#"{"name":"a","quantity":1}"#,
            "[1]",
            "[[]]",
            r#"["1",2]"#,
            r#"["1",{"name":"a","quantity":1}]"#,
            r#"[{"name":"a","quantity":1},"1"]"#,
            r#"[{"name":"a","quantity":1},["b",2]]"#,
            r#"[["a",1]]"#,
            r#"[{"name":"a","quantity":1,"more":1}]"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
