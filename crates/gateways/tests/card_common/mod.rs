//! What the tests of the card network share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;
use warifu_gateways::card_network::simulator::{SimulatedCard, SimulatedIssuer};
use warifu_ports::{
    FixedClock,
    card_network::{CardAuthorization, PresentedCard, TradeReference},
};
use warifu_types::{Currency, Money, UnixTime};

/// 2026-11-21T19:27:30Z.
pub const NOW: UnixTime = UnixTime(1_795_289_250);

pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new(NOW))
}

pub fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

pub fn card() -> PresentedCard {
    PresentedCard {
        number: "4111111111111111".to_owned().into(),
        expiry: "2028-12".to_owned().into(),
    }
}

pub fn issuer() -> SimulatedIssuer {
    SimulatedIssuer::new(vec![SimulatedCard { card: card(), limit: yen(100_000) }])
}

pub fn trade(reference: &str) -> TradeReference {
    TradeReference { acceptor: "SHOP1".into(), reference: reference.into() }
}

pub fn asked(reference: &str, card: PresentedCard, amount: Money) -> CardAuthorization {
    CardAuthorization { trade: trade(reference), card, amount, payments: 3, at: NOW }
}
