//! An issuer in memory, with a few cards, for trials.

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_ports::card_network::{
    CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, PresentedCard, TradeReference,
};
use warifu_types::Money;

/// One card.
#[derive(Debug, Clone)]
pub struct SimulatedCard {
    /// Number and expiry.
    pub card: PresentedCard,
    /// What may be held and captured on it in all.
    pub limit: Money,
}

/// How far a trade has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeState {
    /// An amount is held.
    Held(Money),
    /// An amount was captured.
    Captured(Money),
    /// The hold was let go, or an authorization that had not come was barred.
    Reversed,
    /// The authorization was refused.
    Refused,
}

struct Trade {
    asked: Option<CardAuthorization>,
    answer: CardAnswer,
    state: TradeState,
}

/// An issuer in memory. Every question has one answer, however often it comes.
pub struct SimulatedIssuer {
    cards: Vec<SimulatedCard>,
    trades: Mutex<BTreeMap<TradeReference, Trade>>,
}

impl std::fmt::Debug for SimulatedIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedIssuer").field("cards", &self.cards.len()).finish_non_exhaustive()
    }
}

fn declined(code: &str) -> CardAnswer {
    CardAnswer::Declined { code: code.to_owned() }
}

impl SimulatedIssuer {
    /// An issuer of these cards.
    pub fn new(cards: Vec<SimulatedCard>) -> SimulatedIssuer {
        SimulatedIssuer { cards, trades: Mutex::default() }
    }

    /// How far a trade has come; none if it never came.
    pub fn state(&self, trade: &TradeReference) -> Option<TradeState> {
        self.trades().get(trade).map(|trade| trade.state)
    }

    fn trades(&self) -> MutexGuard<'_, BTreeMap<TradeReference, Trade>> {
        self.trades.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Err` is the code with which it is refused.
    fn decide(
        &self,
        asked: &CardAuthorization,
        trades: &BTreeMap<TradeReference, Trade>,
    ) -> Result<(), &'static str> {
        let known = |card: &&SimulatedCard| card.card.number == asked.card.number;
        let card = self.cards.iter().find(known).ok_or("14")?;
        let (year, month) = asked.at.year_month();
        let over = card.card.expiry.as_str() < format!("{year:04}-{month:02}").as_str();
        if over || card.card.expiry != asked.card.expiry {
            return Err("54");
        }
        if asked.amount.minor() == 0 || asked.amount.currency() != card.limit.currency() {
            return Err("13");
        }
        let mut taken = trades.values().filter_map(|trade| {
            let of_card = trade.asked.as_ref()?.card.number == card.card.number;
            match trade.state {
                TradeState::Held(amount) | TradeState::Captured(amount) if of_card => Some(amount),
                _ => None,
            }
        });
        let sum = taken.try_fold(asked.amount, Money::plus);
        match sum {
            Ok(sum) if sum.minor() <= card.limit.minor() => Ok(()),
            _ => Err("51"),
        }
    }
}

fn same(one: &CardAuthorization, other: &CardAuthorization) -> bool {
    one.card.number == other.card.number
        && one.card.expiry == other.card.expiry
        && one.amount == other.amount
        && one.payments == other.payments
}

#[async_trait]
impl CardNetwork for SimulatedIssuer {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        let mut trades = self.trades();
        if let Some(trade) = trades.get(&asked.trade) {
            return Ok(match &trade.asked {
                Some(first) if same(first, asked) => trade.answer.clone(),
                Some(_) => declined("94"),
                None => declined("12"),
            });
        }
        let (answer, state) = match self.decide(asked, &trades) {
            Ok(()) => {
                let approval = format!("{:06}", (trades.len() + 1) % 1_000_000);
                (CardAnswer::Approved { approval }, TradeState::Held(asked.amount))
            }
            Err(code) => (declined(code), TradeState::Refused),
        };
        let trade = Trade { asked: Some(asked.clone()), answer: answer.clone(), state };
        trades.insert(asked.trade.clone(), trade);
        Ok(answer)
    }

    async fn capture(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        let mut trades = self.trades();
        let Some(trade) = trades.get_mut(trade) else { return Ok(declined("25")) };
        Ok(match trade.state {
            TradeState::Held(held) if amount.minor() == 0 || held.minus(amount).is_err() => {
                declined("13")
            }
            TradeState::Held(_) => {
                trade.state = TradeState::Captured(amount);
                trade.answer.clone()
            }
            TradeState::Captured(before) if before == amount => trade.answer.clone(),
            TradeState::Captured(_) => declined("94"),
            TradeState::Reversed => declined("12"),
            TradeState::Refused => declined("25"),
        })
    }

    async fn reverse(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        let mut trades = self.trades();
        let barred = || Trade { asked: None, answer: declined("25"), state: TradeState::Reversed };
        let trade = trades.entry(trade.clone()).or_insert_with(barred);
        Ok(match trade.state {
            TradeState::Held(held) if held != amount => declined("13"),
            TradeState::Held(_) => {
                trade.state = TradeState::Reversed;
                trade.answer.clone()
            }
            TradeState::Reversed => trade.answer.clone(),
            TradeState::Captured(_) => declined("12"),
            TradeState::Refused => declined("25"),
        })
    }
}
