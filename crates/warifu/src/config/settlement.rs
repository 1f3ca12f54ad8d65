//! `[settlement]`: what a center does as a settlement center, and the limits that its operator sets.

use crate::{Failure, setup::read_text};
use serde::Deserialize;
use std::{
    collections::BTreeSet, fmt::Display, ops::RangeInclusive, path::PathBuf, time::Duration,
};
use warifu_center::{Rates, Settings, Terms, rules::limits::Limit};
use warifu_types::{Currency, Identifier, Money, Rate};

/// What a center does as a settlement center.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementConfig {
    /// The terms for general members, a text file; the program's own unless named.
    pub member_terms: Option<PathBuf>,
    /// The terms for merchants, a text file; the program's own unless named.
    pub merchant_terms: Option<PathBuf>,
    /// The currencies that are offered, with how much a card and a member may have in each.
    pub limits: Vec<LimitConfig>,
    /// In how many months a prepaid card expires.
    pub card_months: u32,
    /// How long a payment that no merchant captures is held, in days.
    pub hold_days: u32,
    /// How long a request for value waits for its money, in days.
    pub waiting_days: u32,
    /// The issuers that may pay for cards; empty means any of the network.
    pub issuers: Vec<Identifier>,
    /// The greatest number of instalments in which an issuer is paid back; 1 means one payment.
    pub instalments: u32,
    /// How long a telegram waits for an issuer before it is answered with "waiting".
    pub patience_seconds: u64,
    /// After how long without a tick metered goods count as no longer used.
    pub meter_idle_seconds: u64,
    /// How often somebody may ask.
    pub rates: RatesConfig,
}

/// How much a card and a member may have in one currency, in minor units.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    /// The currency.
    pub currency: Currency,
    /// What a card may hold.
    pub card: u64,
    /// What all of a member's cards may hold together.
    pub member: u64,
}

/// How often somebody may ask before the answer is "too often".
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesConfig {
    /// Sessions that one address opens.
    pub opens_of_address: RateConfig,
    /// Sessions that everybody together opens.
    pub opens_of_all: RateConfig,
    /// Telegrams of one member.
    pub telegrams: RateConfig,
    /// Forms and applications of one session.
    pub applications: RateConfig,
}

/// How many at once, and how many a minute after that.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    burst: u32,
    a_minute: u32,
}

impl From<Rate> for RateConfig {
    fn from(Rate { burst, a_minute }: Rate) -> RateConfig {
        RateConfig { burst, a_minute }
    }
}

impl Default for RatesConfig {
    fn default() -> RatesConfig {
        let usual = Settings::default().rates;
        RatesConfig {
            opens_of_address: usual.opens_of_address.into(),
            opens_of_all: usual.opens_of_all.into(),
            telegrams: usual.telegrams.into(),
            applications: usual.applications.into(),
        }
    }
}

impl Default for SettlementConfig {
    fn default() -> SettlementConfig {
        let usual = Settings::default();
        let limit = |limit: &Limit| LimitConfig {
            currency: limit.card.currency(),
            card: limit.card.minor(),
            member: limit.member.minor(),
        };
        SettlementConfig {
            member_terms: None,
            merchant_terms: None,
            limits: usual.limits.iter().map(limit).collect(),
            card_months: usual.card_months,
            hold_days: usual.hold_days,
            waiting_days: usual.waiting_days,
            issuers: usual.issuers,
            instalments: usual.instalments,
            patience_seconds: usual.patience.as_secs(),
            meter_idle_seconds: usual.meter_idle,
            rates: RatesConfig::default(),
        }
    }
}

impl SettlementConfig {
    /// As the center takes it. What cannot be is refused, naming the field.
    pub fn settings(&self) -> Result<Settings, Failure> {
        // A terminal waits 20 seconds for its answer.
        let patience = within("patience_seconds", self.patience_seconds, 1..=15)?;
        Ok(Settings {
            terms: self.terms()?,
            limits: self.limits()?,
            card_months: within("card_months", self.card_months, 1..=240)?,
            hold_days: within("hold_days", self.hold_days, 1..=365)?,
            waiting_days: within("waiting_days", self.waiting_days, 1..=365)?,
            issuers: self.issuers.clone(),
            instalments: within("instalments", self.instalments, 1..=60)?,
            patience: Duration::from_secs(patience),
            meter_idle: within("meter_idle_seconds", self.meter_idle_seconds, 1..=86_400)?,
            rates: self.rates.rates()?,
        })
    }

    fn terms(&self) -> Result<Option<Terms>, Failure> {
        let read = |path: &Option<PathBuf>, usual: String| match path {
            Some(path) => read_text(path),
            None => Ok(usual),
        };
        if self.member_terms.is_none() && self.merchant_terms.is_none() {
            return Ok(None);
        }
        let usual = Terms::default();
        Ok(Some(Terms {
            member: read(&self.member_terms, usual.member)?,
            merchant: read(&self.merchant_terms, usual.merchant)?,
        }))
    }

    fn limits(&self) -> Result<Vec<Limit>, Failure> {
        let mut known = BTreeSet::new();
        let mut limits = Vec::with_capacity(self.limits.len());
        for (place, limit) in self.limits.iter().enumerate() {
            let field = |name: &str| format!("limits[{place}].{name}");
            let money = |name: &str, minor| {
                Money::new(minor, limit.currency).map_err(|error| bad(&field(name), error))
            };
            if !known.insert(limit.currency.to_string()) {
                return Err(bad(&field("currency"), "stands there twice"));
            }
            let (card, member) = (money("card", limit.card)?, money("member", limit.member)?);
            if limit.card == 0 {
                return Err(bad(&field("card"), "is zero: leave the currency out instead"));
            }
            if limit.member < limit.card {
                return Err(bad(&field("member"), "is less than one card may hold"));
            }
            limits.push(Limit { card, member });
        }
        Ok(limits)
    }
}

impl RatesConfig {
    fn rates(&self) -> Result<Rates, Failure> {
        Ok(Rates {
            opens_of_address: self.opens_of_address.rate("opens_of_address")?,
            opens_of_all: self.opens_of_all.rate("opens_of_all")?,
            telegrams: self.telegrams.rate("telegrams")?,
            applications: self.applications.rate("applications")?,
        })
    }
}

impl RateConfig {
    /// A rate of zero would answer nobody ever.
    fn rate(self, name: &str) -> Result<Rate, Failure> {
        Ok(Rate {
            burst: within(&format!("rates.{name}.burst"), self.burst, 1..=1_000_000)?,
            a_minute: within(&format!("rates.{name}.a_minute"), self.a_minute, 1..=1_000_000)?,
        })
    }
}

fn bad(field: &str, problem: impl Display) -> Failure {
    Failure::input(format!("settlement.{field}"), problem.to_string())
}

fn within<N: PartialOrd + Display>(
    field: &str,
    value: N,
    range: RangeInclusive<N>,
) -> Result<N, Failure> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(bad(field, format!("is {value}, not {} to {}", range.start(), range.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, Failure> {
        let config: SettlementConfig =
            toml::from_str(text).map_err(|error| bad("toml", error.message()))?;
        config.settings()
    }

    #[test]
    fn nothing_set_is_the_usual() {
        let (read, usual) = (read("").unwrap(), Settings::default());
        assert_eq!(format!("{read:?}"), format!("{usual:?}"));
    }

    #[test]
    fn everything_can_be_set() {
        let settings = read(
            "card_months = 6\nhold_days = 7\nwaiting_days = 8\ninstalments = 1\n\
             patience_seconds = 9\nmeter_idle_seconds = 10\n\
             limits = [{currency = \"JPY\", card = 100, member = 200}]\n\
             [rates]\ntelegrams = {burst = 2, a_minute = 3}\n",
        );
        let settings = settings.unwrap();
        let days = (settings.card_months, settings.hold_days, settings.waiting_days);
        assert_eq!((days, settings.instalments), ((6, 7, 8), 1));
        assert_eq!((settings.patience, settings.meter_idle), (Duration::from_secs(9), 10));
        let [limit] = settings.limits.as_slice() else { panic!("{:?}", settings.limits) };
        assert_eq!((limit.card.minor(), limit.member.minor()), (100, 200));
        assert_eq!(settings.rates.telegrams, Rate { burst: 2, a_minute: 3 });
        assert_eq!(settings.rates.applications, Settings::default().rates.applications);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        let limit = |card: &str, member: &str| {
            format!("limits = [{{currency = \"JPY\", card = {card}, member = {member}}}]")
        };
        let twice = "limits = [{currency = \"JPY\", card = 1, member = 1}, \
                     {currency = \"JPY\", card = 1, member = 1}]";
        for (text, field) in [
            ("card_months = 0".to_string(), "card_months"),
            ("hold_days = 366".to_string(), "hold_days"),
            ("waiting_days = 0".to_string(), "waiting_days"),
            ("instalments = 61".to_string(), "instalments"),
            ("patience_seconds = 16".to_string(), "patience_seconds"),
            ("meter_idle_seconds = 0".to_string(), "meter_idle_seconds"),
            (limit("0", "1"), "limits[0].card"),
            (limit("2", "1"), "limits[0].member"),
            (limit("1", "9223372036854775807"), "limits[0].member"),
            (twice.to_string(), "limits[1].currency"),
            ("rates.telegrams = {burst = 0, a_minute = 1}".to_string(), "rates.telegrams.burst"),
            (
                "rates.opens_of_all = {burst = 1, a_minute = 0}".to_string(),
                "rates.opens_of_all.a_minute",
            ),
        ] {
            let refused = read(&text).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("settlement.{field}: ")), "{text}: {refused}");
        }
        for unknown in ["limit = []", "rates.all = {burst = 1, a_minute = 1}"] {
            assert!(read(unknown).is_err(), "{unknown}");
        }
    }
}
