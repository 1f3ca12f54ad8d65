//! The card network between a provider and an issuer (row C8; ISO 8583:1987).

use async_trait::async_trait;
use warifu_types::{Money, UnixTime};
use zeroize::Zeroizing;

/// What names a trade on the card network: the acceptor and its own reference. The same pair is the
/// same trade, however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TradeReference {
    /// The card acceptor's code, field 42: 1 to 15 letters and digits.
    pub acceptor: String,
    /// The retrieval reference number, field 37: 12 letters and digits.
    pub reference: String,
}

/// A card as its owner shows it.
#[derive(Clone)]
pub struct PresentedCard {
    /// The card number, field 2: digits only.
    pub number: Zeroizing<String>,
    /// The expiry, `YYYY-MM` (field 14 has `YYMM`).
    pub expiry: Zeroizing<String>,
}

impl std::fmt::Debug for PresentedCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PresentedCard(..)")
    }
}

/// A request to authorize: message 0100.
#[derive(Debug, Clone)]
pub struct CardAuthorization {
    /// The trade.
    pub trade: TradeReference,
    /// The card.
    pub card: PresentedCard,
    /// The amount, fields 4 and 49.
    pub amount: Money,
    /// The number of payments, from 1 (field 67).
    pub payments: u32,
    /// When the acceptor asked, field 7.
    pub at: UnixTime,
}

/// The answer to a request, field 39.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardAnswer {
    /// Approved or accepted (code 00), with the approval code of field 38.
    Approved {
        /// Six letters or digits; empty where a foreign issuer's answer to a capture or a reversal
        /// brings none.
        approval: String,
    },
    /// Refused, with field 39: `05` do not honour, `14` no such card, `51` not enough, `54` expired,
    /// `12` invalid transaction, `25` no such trade, `03` an acceptor for whom the asker may not speak,
    /// `30` a format error, `13` invalid amount, `94` a duplicate that differs.
    Declined {
        /// Two characters.
        code: String,
    },
}

/// Why a question has no answer: the trade's fate is open, and the same question is asked again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardNetworkError {
    /// The line is down, or no answer came in time.
    #[error("the card network does not answer: {0}")]
    Unreachable(String),
    /// The answer is no answer to what was asked; the field's number.
    #[error("the card network's answer is wrong in field {0}")]
    BadAnswer(u8),
    /// The question cannot be said in ISO 8583; the field's number.
    #[error("field {0} cannot hold that")]
    BadQuestion(u8),
    /// Answered with code 91 or 96: the issuer cannot decide now.
    #[error("the issuer cannot answer now")]
    Later,
}

/// Both sides of the line speak this: the provider's client asks, the issuer answers.
#[async_trait]
pub trait CardNetwork: Send + Sync + 'static {
    /// Authorizes and holds an amount (0100 → 0110).
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError>;

    /// Captures what was held, or less (0220 → 0230).
    async fn capture(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError>;

    /// Lets a hold go that was not captured; of a trade that never came it says so with code 25, and
    /// an authorization that comes later is refused (0400 → 0410).
    async fn reverse(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError>;
}
