//! What an operator sets for members, cards and payments.

use crate::rules::limits::Limit;
use std::time::Duration;
use warifu_types::{Currency, Identifier, Money, Rate};

/// The terms that a letter brings and a registration confirms, in every language in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// For general members.
    pub member: String,
    /// For merchants.
    pub merchant: String,
}

/// How often somebody may ask before the answer is "too often" (429).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Sessions that one address opens.
    pub opens_of_address: Rate,
    /// Sessions that everybody together opens.
    pub opens_of_all: Rate,
    /// Telegrams of one member.
    pub telegrams: Rate,
    /// Forms and applications of one session.
    pub applications: Rate,
}

/// How a center deals with members, cards and payments.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The terms; unset keeps those that were set before, or the usual ones.
    pub terms: Option<Terms>,
    /// How much a card and a member may have, in each currency that is offered.
    pub limits: Vec<Limit>,
    /// In how many months a card expires.
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
    pub patience: Duration,
    /// After how many seconds without a tick metered goods count as no longer used (row B10).
    pub meter_idle: u64,
    /// How often somebody may ask.
    pub rates: Rates,
}

impl Default for Settings {
    fn default() -> Settings {
        let limit = |currency, card, member| {
            let money = |minor| Money::new(minor, currency).unwrap_or(Money::zero(currency));
            Limit { card: money(card), member: money(member) }
        };
        Settings {
            terms: None,
            limits: vec![
                limit(Currency::JPY, 50_000, 200_000),
                limit(Currency::EUR, 30_000, 120_000),
                limit(Currency::USD, 30_000, 120_000),
            ],
            card_months: 24,
            hold_days: 60,
            waiting_days: 30,
            issuers: Vec::new(),
            instalments: 12,
            patience: Duration::from_secs(8),
            meter_idle: 900,
            rates: Rates {
                opens_of_address: Rate { burst: 60, a_minute: 60 },
                opens_of_all: Rate { burst: 3000, a_minute: 6000 },
                telegrams: Rate { burst: 300, a_minute: 300 },
                applications: Rate { burst: 10, a_minute: 2 },
            },
        }
    }
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            member: include_str!("joining/member_terms.txt").to_string(),
            merchant: include_str!("joining/merchant_terms.txt").to_string(),
        }
    }
}
