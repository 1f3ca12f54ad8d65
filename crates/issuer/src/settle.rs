//! Capture and void.

use crate::{
    Issuer, payouts,
    records::{CLOSED, HOLDS, LINES, Line, card_month},
    rules::month::Month,
};
use warifu_ports::{
    Unit,
    holds::{CardId, OrderRecord},
};
use warifu_protocol::settlement::SettlementRequest;
use warifu_types::{Money, OrderId, UnixTime};
use warifu_wire::{Peer, Problem, SettleQuestion, SettlementAnswer};

impl Issuer {
    /// Captures or voids a hold, once. Every retry gives the stored answer.
    pub(crate) async fn settle(
        &self,
        peer: &Peer,
        question: SettleQuestion,
    ) -> Result<SettlementAnswer, Problem> {
        let own = self.party.id();
        let now = self.party.now();
        let token = question.request;
        let request = SettlementRequest::verify(&token, &peer.credential, &own, now)?;
        let work = move |unit: &mut dyn Unit| {
            let settling = HOLDS.settle(unit, &request, &token, now)?;
            if let Some((order, record)) = settling.captured {
                bill(unit, order, &record, now)?;
            }
            Ok::<_, Problem>(settling.answer)
        };
        let settlement = self.store.run(work).await?;
        Ok(SettlementAnswer { settlement: self.party.signed(settlement) })
    }
}

/// Notes what the merchant is owed, and writes the lines of the statements on which the purchase falls
/// due: the first in the month of capture, and none in a month that is closed.
pub(crate) fn bill(
    unit: &mut dyn Unit,
    order: OrderId,
    record: &OrderRecord,
    now: UnixTime,
) -> Result<(), Problem> {
    let hold = record.hold.as_ref().ok_or_else(Problem::internal)?;
    let paid = Money::new(record.paid(), hold.amount.currency());
    let paid = paid.map_err(|_| Problem::internal())?;
    payouts::owe(unit, &record.front, order, paid)?;
    let mut month = open_month(unit, Month::of(now))?;
    for (number, amount) in (1..).zip(paid.instalments(u64::from(hold.payments))) {
        let line = Line {
            order,
            merchant: record.front.clone(),
            amount,
            number,
            of: hold.payments,
            captured: now,
        };
        LINES.put(unit, &line_key(month, &hold.card, &order), &line)?;
        month = open_month(unit, month.next())?;
    }
    Ok(())
}

pub(crate) fn line_key(month: Month, card: &CardId, order: &OrderId) -> String {
    format!("{}{order}", card_month(month, card))
}

/// This month, or the next that is not closed.
fn open_month(unit: &mut dyn Unit, mut month: Month) -> Result<Month, Problem> {
    while CLOSED.get(unit, &month.to_string())?.is_some() {
        month = month.next();
    }
    Ok(month)
}
