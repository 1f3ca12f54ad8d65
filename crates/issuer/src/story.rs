//! What became of an order at the issuer, step by step: who was paid, billed, and has paid (row C8).

use crate::{
    Issuer,
    records::{CARDS, CLOSED, HOLDS, LINES, Line, PAID, PAID_OUT, PAYOUTS, card_month},
    rules::{card::CardKind, month::Month},
    settle::line_key,
};
use serde::Serialize;
use warifu_ports::{
    Unit,
    holds::{CardId, OrderRecord},
};
use warifu_protocol::{authorization::Decision, settlement::Action, status::State};
use warifu_types::{Money, OrderId, UnixTime};
use warifu_wire::Problem;

/// A step of an order at the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The amount is held.
    Authorized,
    /// The issuer has said no.
    Refused,
    /// The hold was let go: by the merchant, or because its time was over.
    Released,
    /// The merchant has billed the issuer.
    Captured,
    /// The issuer has paid the merchant.
    MerchantPaid,
    /// The holder was billed: a payment or an instalment stands on a closed statement.
    Billed,
    /// The holder has paid a payment or an instalment.
    HolderPaid,
    /// Merchant and issuer are paid in full: the trade is closed.
    Closed,
}

/// A recorded step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TradeStep {
    /// Which.
    pub step: Step,
    /// When.
    pub at: UnixTime,
    /// The money that it moved, held or billed; none for a no, a release and the end.
    pub amount: Option<Money>,
}

impl Issuer {
    /// Every recorded step of an order, in the order of their times; empty if there is no such order.
    /// The last is [`Step::Closed`] once the merchant and the issuer are paid in full.
    pub async fn steps(&self, order: &OrderId) -> Result<Vec<TradeStep>, Problem> {
        let order = *order;
        self.store.run(move |unit| steps(unit, order)).await
    }
}

fn steps(unit: &mut dyn Unit, order: OrderId) -> Result<Vec<TradeStep>, Problem> {
    let Some(record) = HOLDS.records.get(unit, &order.to_string())? else { return Ok(vec![]) };
    let held = record.hold.as_ref().map(|hold| hold.amount);
    let first = match record.decision {
        Decision::Authorized => {
            TradeStep { step: Step::Authorized, at: record.issued, amount: held }
        }
        Decision::Refused => TradeStep { step: Step::Refused, at: record.issued, amount: None },
    };
    let mut steps = vec![first];
    match (&record.settled, &record.hold) {
        (Some(settled), Some(hold)) if settled.action == Action::Capture => {
            let paid = Money::new(record.paid(), hold.amount.currency());
            let paid = paid.map_err(|_| Problem::internal())?;
            let card = (&hold.card, hold.payments);
            after_capture(unit, &mut steps, (order, settled.at), card, paid)?;
        }
        _ if record.hold.is_some() && record.view.state == State::Cancelled => {
            let at = released_at(&record);
            steps.push(TradeStep { step: Step::Released, at, amount: None });
        }
        _ => {}
    }
    steps.sort_by_key(|step| (step.at, step.step));
    Ok(steps)
}

fn released_at(record: &OrderRecord) -> UnixTime {
    match &record.settled {
        Some(settled) if !record.released => settled.at,
        _ => record.expires,
    }
}

fn after_capture(
    unit: &mut dyn Unit,
    steps: &mut Vec<TradeStep>,
    (order, captured): (OrderId, UnixTime),
    (card, payments): (&CardId, u32),
    paid: Money,
) -> Result<(), Problem> {
    let step = |step, at, amount| TradeStep { step, at, amount: Some(amount) };
    steps.push(step(Step::Captured, captured, paid));
    let payout = match PAID_OUT.get(unit, &order.to_string())? {
        Some(id) => PAYOUTS.get(unit, &id)?,
        None => None,
    };
    steps.extend(payout.iter().map(|payout| step(Step::MerchantPaid, payout.at, paid)));
    let credit = CARDS.get(unit, card.as_str())?.map(|card| card.application.kind);
    let mut open = if credit == Some(CardKind::Credit) { payments } else { 0 };
    for (month, line) in lines(unit, (order, captured), card, payments)? {
        let Some(closed) = CLOSED.get(unit, &month.to_string())? else { continue };
        steps.push(step(Step::Billed, closed, line.amount));
        if let Some(at) = PAID.get(unit, &card_month(month, card))? {
            steps.push(step(Step::HolderPaid, at, line.amount));
            open = open.saturating_sub(1);
        }
    }
    if payout.is_some() && open == 0 {
        let at = steps.iter().map(|step| step.at).max().unwrap_or(captured);
        steps.push(TradeStep { step: Step::Closed, at, amount: None });
    }
    Ok(())
}

/// The lines of an order on its card's statements, by month.
fn lines(
    unit: &mut dyn Unit,
    (order, captured): (OrderId, UnixTime),
    card: &CardId,
    payments: u32,
) -> Result<Vec<(Month, Line)>, Problem> {
    // A capture in a closed month moves the lines on, by as many months as were closed ahead.
    const MOST: u32 = 240;
    let mut month = Month::of(captured);
    let mut found = Vec::new();
    for _ in 0..MOST {
        if found.len() as u32 == payments {
            break;
        }
        if let Some(line) = LINES.get(unit, &line_key(month, card, &order))? {
            found.push((month, line));
        }
        month = month.next();
    }
    Ok(found)
}
