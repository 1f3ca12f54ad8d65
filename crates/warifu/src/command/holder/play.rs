//! Goods that are used in real time (row B10).

use super::buy;
use crate::{
    Failure,
    command::terminal::place::At,
    output::{note, say},
};
use clap::Args;
use std::time::{Duration, Instant};
use warifu_holder::{Holder, HolderError, OrderRecord, Used, rules::pace::Pace};
use warifu_protocol::status::State;
use warifu_types::OrderId;
use warifu_wire::CallError;

/// How long the merchant may take to hear of the payment.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which use, and how long its end may take.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    at: At,
    /// The order.
    #[arg(long, allow_hyphen_values = true)]
    order: OrderId,
    /// How many seconds to go on asking at the end, where the merchant does not answer.
    #[arg(long, default_value_t = 60)]
    wait: u64,
}

/// Use what an order bought in real time.
#[derive(Debug, Args)]
pub struct Play {
    #[command(flatten)]
    which: Which,
    /// Stop after so many ticks.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    ticks: Option<u32>,
}

impl Play {
    /// Plays until Ctrl-C, the last tick, or the merchant's end of it; then stops.
    pub async fn run(self) -> Result<(), Failure> {
        let Which { at, order, wait } = self.which;
        let holder = at.holder().await?;
        holder.wait_for(order, State::Authorized, PATIENCE).await?;
        let none = || Failure::input("order", "is for goods that are not used in real time");
        let seconds = holder.tick_seconds(order).await?.ok_or_else(none)?;
        let heard = keep_up(&holder, order, Pace::new(seconds), self.ticks).await;
        stop(&holder, (order, wait), heard).await
    }
}

impl Which {
    /// Stops a use, where a terminal that played has died.
    pub async fn stop(self) -> Result<(), Failure> {
        let holder = self.at.holder().await?;
        stop(&holder, (self.order, self.wait), None).await
    }
}

/// Keeps a use up. A word that is lost is said again as long as the use may live at the merchant.
/// Returns the merchant's last count, if it was heard.
async fn keep_up(
    holder: &Holder,
    order: OrderId,
    mut pace: Pace,
    most: Option<u32>,
) -> Option<Used> {
    let (started, mut heard) = (Instant::now(), None);
    let mut interrupted = std::pin::pin!(crate::serve::stop());
    loop {
        let tick = pace.tick(started.elapsed());
        let answer = tokio::select! {
            answer = say_tick(holder, order, tick, pace.tick_length()) => answer,
            () = &mut interrupted => break,
        };
        let answered = match answer {
            Ok(used) => {
                note(&format!("tick {}: {}", used.ticks, used.amount));
                pace.counted(used.ticks, started.elapsed());
                heard = Some(used);
                if most.is_some_and(|most| used.ticks >= most) {
                    break;
                }
                true
            }
            Err(error) if error.is_temporary() && pace.may_live(started.elapsed()) => {
                note(&format!("no answer, going on: {error}"));
                false
            }
            Err(error) => {
                note(&format!("the use has ended: {error}"));
                break;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pace.pause(answered)) => {}
            () = &mut interrupted => break,
        }
    }
    heard
}

/// Says that a tick is used. An answer that comes later than a tick is none.
async fn say_tick(
    holder: &Holder,
    order: OrderId,
    tick: u32,
    at_most: Duration,
) -> Result<Used, HolderError> {
    let late = |_| CallError::Network("no answer within a tick".to_string());
    tokio::time::timeout(at_most, holder.play(order, tick)).await.map_err(late)?
}

/// Stops the use, and says what was used and what is released. `heard` is the merchant's last count.
async fn stop(
    holder: &Holder,
    (order, wait): (OrderId, u64),
    heard: Option<Used>,
) -> Result<(), Failure> {
    let stopping = holder.stop(order, Duration::from_secs(wait));
    let stopped = tokio::select! {
        stopped = stopping => stopped,
        () = crate::serve::stop() => Err(CallError::Network("interrupted".to_string()).into()),
    };
    let (used, _) = stopped.map_err(|error| not_stopped(order, heard, &error))?;
    let record = holder.wait_for(order, State::Settled, PATIENCE).await?;
    buy::print_state(&record);
    say(&account(&record, used));
    Ok(())
}

/// What was used, and what becomes of the rest.
fn account(record: &OrderRecord, used: Used) -> String {
    let held = record.amount;
    let rest = held.and_then(|held| held.minus(used.amount).ok());
    let rest = rest.map_or_else(String::new, |rest| rest.to_string());
    match record.state {
        Some(State::Settled) => {
            format!("used         {} ticks, {}\nreleased     {rest}", used.ticks, used.amount)
        }
        Some(State::Cancelled | State::Refused) => {
            let held = held.map_or_else(String::new, |held| held.to_string());
            format!("used         nothing that is paid for\nreleased     {held}")
        }
        _ => format!(
            "used         {} ticks, {}\nto release   {rest}, once the merchant has settled: `warifu \
             holder resume`",
            used.ticks, used.amount
        ),
    }
}

/// The merchant has not taken the stop: what that means for the money.
fn not_stopped(order: OrderId, heard: Option<Used>, error: &HolderError) -> Failure {
    let used = match heard {
        Some(used) => format!("{} ticks, {}, by the merchant's last word", used.ticks, used.amount),
        None => "nothing that the merchant has confirmed".to_string(),
    };
    Failure::input(
        "order",
        format!(
            "not stopped: {error}. Used: {used}. The merchant ends the use by itself after two \
             ticks without a word, and the rest is released when it settles, or when the center has \
             heard of no tick for too long. `warifu holder stop --order {order}` says what came of it"
        ),
    )
}
