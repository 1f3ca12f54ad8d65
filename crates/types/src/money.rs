//! Amounts of money: integer minor units of an ISO 4217 currency, checked arithmetic.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency that has a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// What is wrong with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not that of an ISO 4217 currency with a minor unit.
    #[error("unknown currency")]
    UnknownCurrency,
    /// The result would exceed [`Money::MAX_MINOR`].
    #[error("amount too large")]
    Overflow,
    /// The result would be below zero.
    #[error("amount below zero")]
    Negative,
    /// The two amounts are of different currencies.
    #[error("amounts of different currencies")]
    CurrencyMismatch,
}

impl Currency {
    /// Japanese yen, no decimals.
    pub const JPY: Currency = Currency(iso_currency::Currency::JPY);
    /// Euro, two decimals.
    pub const EUR: Currency = Currency(iso_currency::Currency::EUR);
    /// US dollar, two decimals.
    pub const USD: Currency = Currency(iso_currency::Currency::USD);

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The numeric code of ISO 4217, for the ledger.
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// The currency of a numeric code.
    pub fn from_numeric(code: u16) -> Result<Currency, MoneyError> {
        iso_currency::Currency::from_numeric(code)
            .ok_or(MoneyError::UnknownCurrency)
            .and_then(Currency::known)
    }

    /// How many decimals the minor unit stands for: 0 for JPY, 2 for EUR.
    pub fn decimals(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }

    fn known(currency: iso_currency::Currency) -> Result<Currency, MoneyError> {
        match currency.exponent() {
            Some(_) => Ok(Currency(currency)),
            None => Err(MoneyError::UnknownCurrency),
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Currency, MoneyError> {
        iso_currency::Currency::from_code(code)
            .ok_or(MoneyError::UnknownCurrency)
            .and_then(Currency::known)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(d)?;
        code.parse().map_err(de::Error::custom)
    }
}

/// An amount, never below zero: `{"minor": 1980, "currency": "JPY"}`.
///
/// `minor` is at most 2^53 − 1, the greatest integer that every JSON implementation keeps exactly
/// (RFC 8259, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    minor: u64,
    currency: Currency,
}

impl Money {
    /// The greatest amount, in minor units.
    pub const MAX_MINOR: u64 = (1 << 53) - 1;

    /// An amount of `minor` units.
    pub fn new(minor: u64, currency: Currency) -> Result<Money, MoneyError> {
        if minor > Money::MAX_MINOR {
            return Err(MoneyError::Overflow);
        }
        Ok(Money { minor, currency })
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// In minor units.
    pub fn minor(self) -> u64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        self.same(other)?;
        Money::new(self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?, self.currency)
    }

    /// The difference of two amounts of one currency.
    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.same(other)?;
        Ok(Money {
            minor: self.minor.checked_sub(other.minor).ok_or(MoneyError::Negative)?,
            currency: self.currency,
        })
    }

    /// `count` times this amount.
    pub fn times(self, count: u64) -> Result<Money, MoneyError> {
        Money::new(self.minor.checked_mul(count).ok_or(MoneyError::Overflow)?, self.currency)
    }

    /// This amount in `parts` instalments, which add up to it exactly; earlier ones take the
    /// remainder, a unit each. Empty for zero parts.
    pub fn instalments(self, parts: u64) -> Vec<Money> {
        (0..parts)
            .map(|n| Money {
                minor: self.minor / parts + u64::from(n < self.minor % parts),
                currency: self.currency,
            })
            .collect()
    }

    fn same(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            minor: u64,
            currency: Currency,
        }
        let raw = Raw::deserialize(d)?;
        Money::new(raw.minor, raw.currency).map_err(de::Error::custom)
    }
}

impl fmt::Display for Money {
    /// `1980 JPY`, `19.80 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        if decimals == 0 {
            return write!(f, "{} {}", self.minor, self.currency);
        }
        let unit = 10u64.pow(decimals);
        let width = decimals as usize;
        write!(f, "{}.{:0width$} {}", self.minor / unit, self.minor % unit, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shown_with_its_decimals() {
        assert_eq!(Money::new(1980, Currency::JPY).unwrap().to_string(), "1980 JPY");
        assert_eq!(Money::new(1905, Currency::EUR).unwrap().to_string(), "19.05 EUR");
    }

    #[test]
    fn json_is_strict() {
        let read = |text: &str| serde_json::from_str::<Money>(text);
        assert!(read(r#"{"minor":1,"currency":"JPY"}"#).is_ok());
        for bad in [
            r#"{"minor":-1,"currency":"JPY"}"#,
            r#"{"minor":1.5,"currency":"JPY"}"#,
            r#"{"minor":9007199254740992,"currency":"JPY"}"#,
            r#"{"minor":1,"currency":"XXX"}"#,
            r#"{"minor":1,"currency":"jpy"}"#,
            r#"{"minor":1,"minor":2,"currency":"JPY"}"#,
            r#"{"minor":1,"currency":"JPY","more":0}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn instalments_add_up(minor in 0..=Money::MAX_MINOR, parts in 1u64..60) {
            let whole = Money::new(minor, Currency::EUR).unwrap();
            let sum = whole
                .instalments(parts)
                .into_iter()
                .try_fold(Money::zero(Currency::EUR), Money::plus);
            prop_assert_eq!(sum, Ok(whole));
        }

        #[test]
        fn plus_and_minus_undo(a in 0..=Money::MAX_MINOR, b in 0..=Money::MAX_MINOR) {
            let (a, b) = (Money::new(a, Currency::USD).unwrap(), Money::new(b, Currency::USD).unwrap());
            if let Ok(sum) = a.plus(b) {
                prop_assert_eq!(sum.minus(b), Ok(a));
            }
        }
    }
}
