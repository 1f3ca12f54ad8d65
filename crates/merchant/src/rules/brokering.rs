//! What a broker's order waits for at its provider, and when the wait is over (rows C7, C8).

use crate::rules::steps::Next;
use serde::{Deserialize, Serialize};
use warifu_protocol::{
    rule::{BROKER, BROKER_REFERENCE},
    status::State,
};
use warifu_types::UnixTime;

/// How the issuer comes to the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardWay {
    /// The provider gets it by a second channel, and shows it to the issuer.
    SecondChannel,
    /// The order names it to the issuer by a reference.
    Reference,
}

impl CardWay {
    /// The way under the rule of this name; none if it is not for brokers.
    pub fn of_rule(name: &str) -> Option<CardWay> {
        match name {
            BROKER => Some(CardWay::SecondChannel),
            BROKER_REFERENCE => Some(CardWay::Reference),
            _ => None,
        }
    }
}

/// How the provider bills the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By signed requests in the network.
    Network,
    /// By ISO 8583.
    CardNetwork,
}

/// What a broker's order has and waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whether the provider has accepted it.
    pub accepted: bool,
    /// Whether the issuer can come to the card.
    pub card: bool,
    /// Whether the provider says that it has served.
    pub served: bool,
    /// Until when it must be accepted, and have its card.
    pub until: UnixTime,
}

/// The next step of a broker's order, where `usual` is that of any other.
pub fn next(waiting: Waiting, state: State, usual: Next) -> Next {
    match (state, usual) {
        (State::Ordered, Next::Authorize) if !(waiting.accepted && waiting.card) => {
            Next::AwaitProvider
        }
        (State::Authorized, Next::HandOver) if !waiting.served => Next::AwaitService,
        (_, usual) => usual,
    }
}

/// Why an order that is not complete is refused: silence, or no card.
pub fn refusal(waiting: Waiting, now: UnixTime) -> Option<&'static str> {
    match waiting {
        Waiting { accepted: true, card: true, .. } => None,
        _ if now < waiting.until => None,
        Waiting { accepted: false, .. } => Some(NOT_ACCEPTED),
        _ => Some(NO_CARD),
    }
}

/// The provider has kept silent.
pub const NOT_ACCEPTED: &str = "not_accepted";
/// The provider has declined.
pub const DECLINED: &str = "declined";
/// The card has not come in time.
pub const NO_CARD: &str = "no_card";
/// The order's own time is over.
pub const EXPIRED: &str = "expired";

/// The reason for a refusal on the card network, by field 39 of ISO 8583: in the issuer's own words
/// where there is one.
pub fn reason(code: &str) -> &'static str {
    match code {
        "05" | "14" => "not_authenticated",
        "51" => "limit_exceeded",
        "54" => "card_expired",
        _ => "declined_by_card_network",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    #[test]
    fn nothing_is_asked_before_both_are_there() {
        for (accepted, card) in [(false, false), (true, false), (false, true), (true, true)] {
            let waiting = Waiting { accepted, card, served: false, until: NOW };
            let expected = if accepted && card { Next::Authorize } else { Next::AwaitProvider };
            assert_eq!(next(waiting, State::Ordered, Next::Authorize), expected);
            assert_eq!(refusal(waiting, NOW.minus(1)), None);
            let reason = match (accepted, card) {
                (true, true) => None,
                (true, false) => Some(NO_CARD),
                (false, _) => Some(NOT_ACCEPTED),
            };
            assert_eq!(refusal(waiting, NOW), reason);
        }
    }

    #[test]
    fn served_when_the_provider_says_so() {
        let waiting = Waiting { accepted: true, card: true, served: false, until: NOW };
        assert_eq!(next(waiting, State::Authorized, Next::HandOver), Next::AwaitService);
        assert_eq!(next(waiting, State::Authorized, Next::Void), Next::Void);
        let served = Waiting { served: true, ..waiting };
        assert_eq!(next(served, State::Authorized, Next::HandOver), Next::HandOver);
        assert_eq!(next(served, State::Delivered, Next::Capture), Next::Capture);
    }
}
