//! Names of an order's fields (row A6).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};

/// The name of an order's field: 1 to 64 of `a-z`, `0-9` and `_`, beginning with a letter.
///
/// The fields of row A6 are constants here; a network may add more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Cow<'static, str>);

/// A text that is no field name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field name is 1 to 64 of a-z, 0-9 and _, beginning with a letter")]
pub struct BadFieldName;

macro_rules! fields {
    ($($(#[$doc:meta])* $constant:ident = $text:literal;)*) => {
        impl FieldName {
            $($(#[$doc])* pub const $constant: FieldName = FieldName(Cow::Borrowed($text));)*
            const KNOWN: &'static [&'static str] = &[$($text),*];
        }
    };
}

fields! {
    /// The holder's name.
    HOLDER_NAME = "holder_name";
    /// The holder's postal address.
    HOLDER_ADDRESS = "holder_address";
    /// The holder's telephone number.
    HOLDER_TELEPHONE = "holder_telephone";
    /// The holder's fax number.
    HOLDER_FAX = "holder_fax";
    /// The card number (PAN), for the issuer alone.
    CARD_NUMBER = "card_number";
    /// The card's expiry, `YYYY-MM`, for the issuer alone.
    CARD_EXPIRY = "card_expiry";
    /// The registry's one-time name for a card, for the issuer alone (row C7).
    CARD_REFERENCE = "card_reference";
    /// The item numbers, in the order of the items.
    ITEM_NUMBERS = "item_numbers";
    /// The items' names and quantities, in the order of the item numbers.
    ITEMS = "items";
    /// The amount due.
    AMOUNT = "amount";
    /// One payment, or instalments.
    PAYMENT_TYPE = "payment_type";
    /// The name and address that the goods go to, for the carrier alone.
    DESTINATION = "destination";
    /// The hash of the merchant's quote, for the merchant alone.
    QUOTE = "quote";
    /// The place that an access badge asks to enter (row A16).
    ACCESS_ZONE = "access_zone";
}

impl FieldName {
    /// Whether it is a field of row A6, and not one of a network's own.
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(&self.as_str())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FieldName {
    type Err = BadFieldName;
    fn from_str(text: &str) -> Result<Self, BadFieldName> {
        if let Some(known) = Self::KNOWN.iter().find(|known| **known == text) {
            return Ok(FieldName(Cow::Borrowed(known)));
        }
        let good = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if good { Ok(FieldName(Cow::Owned(text.to_string()))) } else { Err(BadFieldName) }
    }
}

impl Serialize for FieldName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_narrow() {
        assert_eq!("amount".parse(), Ok(FieldName::AMOUNT));
        let own: FieldName = "loyalty_number2".parse().unwrap();
        assert!(FieldName::AMOUNT.is_known() && !own.is_known());
        for bad in ["", "Amount", "1st", "a-b", "_x", "…", &"a".repeat(65)] {
            assert_eq!(bad.parse::<FieldName>(), Err(BadFieldName), "{bad}");
        }
    }
}
