//! Goods that are used in real time (row B10).

use super::buy;
use crate::{Failure, command::terminal::place::At, output::note};
use std::time::Duration;
use warifu_holder::Holder;
use warifu_protocol::status::State;
use warifu_types::OrderId;

/// How long the merchant may take to hear of the payment.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays until Ctrl-C, the last tick, or the merchant's end of it.
pub async fn play(at: &At, order: OrderId, ticks: Option<u32>) -> Result<(), Failure> {
    let holder = at.holder().await?;
    holder.wait_for(order, State::Authorized, PATIENCE).await?;
    let none = || Failure::input("order", "is for goods that are not used in real time");
    let seconds = holder.tick_seconds(order).await?.ok_or_else(none)?;
    let mut clock = tokio::time::interval(Duration::from_secs(u64::from(seconds)));
    let mut tick = 0;
    while ticks.is_none_or(|most| tick < most) {
        tokio::select! {
            _ = clock.tick() => {}
            () = crate::serve::stop() => break,
        }
        tick += 1;
        match holder.play(order, tick).await {
            Ok((counted, amount)) => note(&format!("tick {counted}: {amount}")),
            // The end, or a word that was lost: the merchant says which when it is told to stop.
            Err(error) => {
                note(&format!("the use has ended: {error}"));
                break;
            }
        }
    }
    stop(&holder, order).await
}

/// Stops the use, and says what came of it.
pub async fn stop(holder: &Holder, order: OrderId) -> Result<(), Failure> {
    holder.stop(order).await?;
    buy::print(&holder.wait_for(order, State::Settled, PATIENCE).await?);
    Ok(())
}
