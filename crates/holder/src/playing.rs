//! Goods that are used in real time (row B10): kept up tick by tick, and stopped.

use crate::{Holder, HolderError, OrderRecord};
use std::time::{Duration, Instant};
use warifu_protocol::{
    AtFault, jws,
    quote::{QUOTE, Quote},
};
use warifu_types::{Money, OrderId};
use warifu_wire::{PlayAnswer, PlayQuestion, StopAnswer, StopQuestion};

/// How long to wait before a merchant that did not answer is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// What was used, by the merchant's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The ticks begun.
    pub ticks: u32,
    /// What they cost together.
    pub amount: Money,
}

impl Holder {
    /// Begins the use of a paid order, or keeps it up. `tick` is the one that runs by the holder's
    /// clock, from 1. Without a word for two whole ticks the merchant ends the use.
    pub async fn play(&self, id: OrderId, tick: u32) -> Result<Used, HolderError> {
        let record = self.order(id).await?;
        let question = PlayQuestion { order: id, tick };
        let PlayAnswer { tick: ticks, amount } = self.ask(&record, "play", &question).await?;
        Ok(Used { ticks, amount })
    }

    /// How many seconds a tick of a paid order has, by the merchant's quote; none for goods that are
    /// not used in real time.
    pub async fn tick_seconds(&self, id: OrderId) -> Result<Option<u32>, HolderError> {
        let record = self.order(id).await?;
        let Some(token) = &record.receipt.quote else { return Ok(None) };
        let quote: Quote = jws::peek(QUOTE, token, AtFault::Own)?;
        Ok(quote.lines.iter().find_map(|line| line.tick_seconds))
    }

    /// Ends the use, and asks again and again for at most `patience` where nobody answers. Only what
    /// was used is paid for; the rest of the hold is released.
    pub async fn stop(
        &self,
        id: OrderId,
        patience: Duration,
    ) -> Result<(Used, OrderRecord), HolderError> {
        let record = self.order(id).await?;
        let started = Instant::now();
        let answer: StopAnswer = loop {
            match self.ask(&record, "stop", &StopQuestion { order: id }).await {
                Ok(answer) => break answer,
                Err(error) if error.is_temporary() && started.elapsed() < patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let used = Used { ticks: answer.tick, amount: answer.amount };
        Ok((used, self.refresh(id).await?))
    }
}
