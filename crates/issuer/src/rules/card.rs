//! Cards: what is asked for, and what is refused.

use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use warifu_protocol::value::{Expiry, is_card_number};
use warifu_types::{Identifier, Money, Role, UnixTime};
use zeroize::Zeroize;

/// What a card is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// Purchases against a credit line, billed by the month.
    Credit,
    /// Purchases against what was paid in.
    Debit,
    /// Access to zones; no money.
    Badge,
}

/// A card that is to be issued. `Debug` shows no value of its holder; text is zeroized on drop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardApplication {
    /// What the card is for.
    pub kind: CardKind,
    /// 12 to 19 digits with a good check digit (ISO/IEC 7812).
    pub card_number: String,
    /// The last month in which the card is good, `YYYY-MM`.
    pub expiry: String,
    /// Whose orders may use the card.
    pub holder: Identifier,
    /// The name that an order must give.
    pub holder_name: String,
    /// The telephone number that an order must give; a badge may have none.
    #[serde(default)]
    pub holder_telephone: String,
    /// Credit: the line in each currency. Debit: the opening deposit in each currency.
    #[serde(default)]
    pub limits: Vec<Money>,
    /// Badge: the zones that it opens.
    #[serde(default)]
    pub zones: Vec<String>,
    /// Credit: the greatest number of instalments; 0 and 1 mean one payment only.
    #[serde(default)]
    pub max_instalments: u32,
}

impl Drop for CardApplication {
    fn drop(&mut self) {
        self.card_number.zeroize();
        self.expiry.zeroize();
        self.holder_name.zeroize();
        self.holder_telephone.zeroize();
    }
}

impl fmt::Debug for CardApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardApplication({:?}, {})", self.kind, self.masked())
    }
}

/// Bad input: the field, and a sentence that repeats no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadInput {
    pub field: &'static str,
    pub text: &'static str,
}

const MAX_TEXT: usize = 1024;
const MAX_LIMITS: usize = 16;
const MAX_ZONES: usize = 256;
const MAX_INSTALMENTS: u32 = 60;

impl CardApplication {
    /// The last four digits behind asterisks.
    pub fn masked(&self) -> String {
        let shown = self.card_number.len().saturating_sub(4);
        format!("**** {}", self.card_number.get(shown..).unwrap_or(""))
    }

    /// Refuses a card that `role` may not issue, or whose content is no card's.
    pub(crate) fn check(&self, role: Role, now: UnixTime) -> Result<(), BadInput> {
        let bad = |field, text| Err(BadInput { field, text });
        let badge = self.kind == CardKind::Badge;
        if badge != (role == Role::CardManager) {
            return bad("kind", "an issuer has credit and debit cards, a card manager has badges");
        }
        if !is_card_number(&self.card_number) {
            return bad("card_number", "12 to 19 digits with a good check digit (Luhn)");
        }
        if !Expiry::parse(&self.expiry).is_some_and(|expiry| expiry.is_good(now)) {
            return bad("expiry", "YYYY-MM, not in the past");
        }
        if !is_text(&self.holder_name) || plain(&self.holder_name).is_empty() {
            return bad("holder_name", "1 to 1024 bytes without control characters");
        }
        let telephone = telephone_digits(&self.holder_telephone);
        if !is_text(&self.holder_telephone) || (!badge && telephone.is_empty()) {
            return bad("holder_telephone", "a telephone number");
        }
        self.check_limits()?;
        let named = self.zones.iter().all(|zone| is_text(zone) && !plain(zone).is_empty());
        if badge == self.zones.is_empty() || self.zones.len() > MAX_ZONES || !named {
            return bad("zones", "a badge has 1 to 256 zones with names, other cards none");
        }
        let most = if self.kind == CardKind::Credit { MAX_INSTALMENTS } else { 1 };
        if self.max_instalments > most {
            return bad("max_instalments", "at most 60, and only on credit cards");
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), BadInput> {
        let bad = |text| Err(BadInput { field: "limits", text });
        if self.kind == CardKind::Badge {
            return if self.limits.is_empty() { Ok(()) } else { bad("a badge has no limit") };
        }
        if !(1..=MAX_LIMITS).contains(&self.limits.len()) {
            return bad("1 to 16 currencies");
        }
        if self.limits.iter().any(|limit| limit.minor() == 0) {
            return bad("a limit is above zero");
        }
        let twice = |(place, limit): (usize, &Money)| {
            self.limits[..place].iter().any(|other| other.currency() == limit.currency())
        };
        if self.limits.iter().enumerate().any(twice) {
            return bad("one limit for each currency");
        }
        Ok(())
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// One spelling for one text: NFKC, and white space as single spaces.
pub(crate) fn plain(text: &str) -> String {
    let nfkc: String = text.nfkc().collect();
    nfkc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The digits of a telephone number and its leading `+`: separators differ from hand to hand.
pub(crate) fn telephone_digits(text: &str) -> String {
    text.nfkc().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}

/// A card as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub application: CardApplication,
    pub blocked: bool,
    pub added: UnixTime,
}

impl Card {
    /// Whether the card pays in this currency.
    pub fn serves(&self, amount: Money) -> bool {
        self.application.limits.iter().any(|limit| limit.currency() == amount.currency())
    }

    /// The greatest number of payments, whatever the issuer's own maximum.
    pub fn most_payments(&self, issuer: u32) -> u32 {
        self.application.max_instalments.min(issuer).max(1)
    }
}
