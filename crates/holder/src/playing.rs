//! Goods that are used in real time (row B10): kept up tick by tick, and stopped.

use crate::{Holder, HolderError, OrderRecord};
use warifu_protocol::{
    AtFault, jws,
    quote::{QUOTE, Quote},
};
use warifu_types::{Money, OrderId};
use warifu_wire::{PlayAnswer, PlayQuestion, StatusAnswer, StopQuestion};

impl Holder {
    /// Begins the use of a paid order, or keeps it up. `tick` is the one that runs by the holder's
    /// clock, from 1; returned is what the merchant has counted, and what that costs. Without a word
    /// for two ticks the merchant ends the use.
    pub async fn play(&self, id: OrderId, tick: u32) -> Result<(u32, Money), HolderError> {
        let record = self.order(id).await?;
        let question = PlayQuestion { order: id, tick };
        let answer: PlayAnswer = self.ask(&record, "play", &question).await?;
        Ok((answer.tick, answer.amount))
    }

    /// How many seconds a tick of a paid order has, by the merchant's quote; none for goods that are
    /// not used in real time.
    pub async fn tick_seconds(&self, id: OrderId) -> Result<Option<u32>, HolderError> {
        let record = self.order(id).await?;
        let Some(token) = &record.receipt.quote else { return Ok(None) };
        let quote: Quote = jws::peek(QUOTE, token, AtFault::Own)?;
        Ok(quote.lines.iter().find_map(|line| line.tick_seconds))
    }

    /// Ends the use. Only what was used is paid for; the rest of the hold is released.
    pub async fn stop(&self, id: OrderId) -> Result<OrderRecord, HolderError> {
        let record = self.order(id).await?;
        let _: StatusAnswer = self.ask(&record, "stop", &StopQuestion { order: id }).await?;
        self.refresh(id).await
    }
}
