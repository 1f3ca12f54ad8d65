//! The merchant's quote: items and prices. Its hash is a field of the order that only the merchant
//! opens, so that nobody else can look the goods up in a catalogue.

use crate::{
    encode::{check_times, sha256},
    error::{AtFault, ProtocolError, Reason, Result},
    goods::{Content, Kind, MAX_TICK},
    jws::{self, TokenType},
    signer::{Signer, VerifyingKey},
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, Money, Nonce, UnixTime};

/// The token's type.
pub const QUOTE: TokenType = TokenType { typ: "warifu-quote+jwt", word: "quote" };

/// An order has at most this many lines.
pub const MAX_LINES: usize = 1000;

/// One line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteLine {
    /// The item number.
    pub number: String,
    /// The item's name, in the holder's language.
    pub name: String,
    /// How many, at least 1.
    pub quantity: u32,
    /// The price of one.
    #[serde(deserialize_with = "crate::encode::object")]
    pub unit_price: Money,
    /// The file that is handed over through the network, where the item is one: promised before it
    /// is paid for.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::goods::promised"
    )]
    pub content: Option<Content>,
    /// For an item that is used in real time: the seconds of one tick. The quantity is then the
    /// most ticks, and the unit price is that of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_seconds: Option<u32>,
}

impl QuoteLine {
    /// How the item comes to the holder.
    pub fn kind(&self) -> Kind {
        match (&self.content, self.tick_seconds) {
            (Some(_), _) => Kind::Download,
            (None, Some(_)) => Kind::Metered,
            (None, None) => Kind::Later,
        }
    }

    /// Whether what the line promises can be.
    fn is_good(&self) -> bool {
        match (&self.content, self.tick_seconds) {
            (Some(content), None) => content.is_good(),
            (None, Some(seconds)) => (1..=MAX_TICK).contains(&seconds),
            (None, None) => true,
            (Some(_), Some(_)) => false,
        }
    }
}

/// The claims of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The merchant.
    pub iss: Identifier,
    /// Makes the quote unique.
    pub jti: Nonce,
    /// The hash of the form that it goes with.
    pub form: Digest,
    /// The lines, 1 to [`MAX_LINES`].
    #[serde(deserialize_with = "crate::encode::objects")]
    pub lines: Vec<QuoteLine>,
    /// The amount due: the sum of the lines.
    #[serde(deserialize_with = "crate::encode::object")]
    pub total: Money,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl Quote {
    /// Signs the quote.
    pub fn sign(&self, merchant: &dyn Signer) -> String {
        jws::sign(QUOTE, self, merchant)
    }

    /// Verifies a quote and its sum.
    pub fn verify(
        token: &str,
        form: &Digest,
        merchant: (&Identifier, &VerifyingKey),
        now: UnixTime,
        at_fault: AtFault,
    ) -> Result<Quote> {
        let quote: Quote = jws::verify(QUOTE, token, merchant.1, at_fault)?;
        let refuse = |reason, field| Err(ProtocolError::new(at_fault, reason, field));
        if quote.iss != *merchant.0 {
            return refuse(Reason::WrongParty, "quote.iss");
        }
        if quote.form != *form {
            return refuse(Reason::Mismatch, "quote.form");
        }
        if quote.lines.is_empty() || quote.lines.len() > MAX_LINES {
            return refuse(Reason::BadValue, "quote.lines");
        }
        if sum(&quote.lines) != Some(quote.total) {
            return refuse(Reason::Mismatch, "quote.total");
        }
        if let Some(place) = quote.lines.iter().position(|line| !line.is_good()) {
            let field = format!("quote.lines[{place}]");
            return Err(ProtocolError::new(at_fault, Reason::BadValue, field));
        }
        check_times(quote.iat, quote.exp, now, at_fault, QUOTE.word)?;
        Ok(quote)
    }
}

/// The sum of the lines; none if they overflow, mix currencies, or a quantity is 0.
pub fn sum(lines: &[QuoteLine]) -> Option<Money> {
    let currency = lines.first()?.unit_price.currency();
    lines.iter().try_fold(Money::zero(currency), |sum, line| {
        if line.quantity == 0 {
            return None;
        }
        sum.plus(line.unit_price.times(u64::from(line.quantity)).ok()?).ok()
    })
}

/// The hash by which an order names a quote.
pub fn hash(token: &str) -> Digest {
    sha256(token.as_bytes())
}
