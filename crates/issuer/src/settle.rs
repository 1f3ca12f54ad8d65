//! Capture and void.

use crate::{
    Issuer,
    books::{order_transfer, resolve},
    records::{
        CLOSED, CardId, Hold, LINES, Line, OPEN_HOLDS, RECORDS, Record, Settled, by_identity,
        card_month, hold_key,
    },
    rules::{
        month::Month,
        settle::{Standing, Step, step},
    },
};
use std::sync::Arc;
use warifu_ports::Unit;
use warifu_protocol::{
    ProtocolError, Reason,
    settlement::{Action, Settlement, SettlementRequest},
    signer::Signer,
    status::State,
};
use warifu_types::{Identifier, OrderId, UnixTime};
use warifu_wire::{Peer, Problem, SettleQuestion, SettlementAnswer};

/// What a job needs, gathered before it runs.
struct Work {
    request: SettlementRequest,
    token: String,
    own: Identifier,
    signer: Arc<dyn Signer>,
    now: UnixTime,
}

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
        let signer = Arc::clone(&self.party.terminal().signer);
        let work = Work { request, token, own, signer, now };
        let settlement = self.store.run(move |unit| work.commit(unit)).await?;
        Ok(SettlementAnswer { settlement })
    }
}

impl Work {
    /// The job.
    fn commit(self, unit: &mut dyn Unit) -> Result<String, Problem> {
        let found = by_identity(unit, &self.request.order)?;
        // Another front learns no more than that the order is not its own.
        let (order, mut record) = found
            .filter(|(_, record)| record.front == self.request.iss)
            .ok_or_else(|| Problem::forbidden("settlement_request.order"))?;
        if record.authorization != self.request.authorization {
            let field = "settlement_request.authorization";
            return Err(ProtocolError::sender(Reason::Mismatch, field).into());
        }
        let action = self.request.action;
        let standing = Standing {
            held: record.hold.is_some(),
            done: record.settled.as_ref().map(|settled| settled.action),
            released: record.released,
            expires: record.expires,
        };
        match step(standing, action, self.now) {
            Step::Move => self.move_money(unit, order, &mut record)?,
            Step::Acknowledge => {}
            Step::Repeat => {
                return record.settled.map(|s| s.answer).ok_or_else(Problem::internal);
            }
            Step::Conflict => return Err(Problem::conflict("settlement_request.action")),
            Step::Expired => {
                let field = "authorization.exp";
                return Err(ProtocolError::sender(Reason::Expired, field).into());
            }
            Step::NothingHeld => {
                let text = "nothing is held for this order";
                let field = Some("settlement_request.order");
                return Err(Problem::new(422, "nothing_held", text, field));
            }
        }
        let settlement = Settlement {
            iss: self.own,
            aud: self.request.iss,
            order: self.request.order,
            action,
            iat: self.now,
        };
        let answer = settlement.sign(self.signer.as_ref());
        let request = self.token;
        record.settled = Some(Settled { action, answer: answer.clone(), at: self.now, request });
        RECORDS.put(unit, &order.to_string(), &record)?;
        Ok(answer)
    }

    fn move_money(
        &self,
        unit: &mut dyn Unit,
        order: OrderId,
        record: &mut Record,
    ) -> Result<(), Problem> {
        let hold = record.hold.clone().ok_or_else(Problem::internal)?;
        let capture = self.request.action == Action::Capture;
        let id = order_transfer("settle", &record.identity, record.issued);
        resolve(unit, hold.transfer, id, capture)?;
        OPEN_HOLDS.delete(unit, &hold_key(record.expires, &order))?;
        if capture {
            record.view.state = State::Settled;
            bill(unit, order, &record.front, &hold, self.now)
        } else {
            record.view.state = State::Cancelled;
            Ok(())
        }
    }
}

/// Releases a hold whose time is over.
pub(crate) fn release(unit: &mut dyn Unit, order: &OrderId) -> Result<(), Problem> {
    let key = order.to_string();
    let mut record = RECORDS.get(unit, &key)?.ok_or_else(Problem::internal)?;
    let hold = record.hold.clone().ok_or_else(Problem::internal)?;
    let id = order_transfer("settle", &record.identity, record.issued);
    resolve(unit, hold.transfer, id, false)?;
    OPEN_HOLDS.delete(unit, &hold_key(record.expires, order))?;
    record.view.state = State::Cancelled;
    record.released = true;
    Ok(RECORDS.put(unit, &key, &record)?)
}

/// Writes the lines of the statements on which the purchase falls due: the first in the month of
/// capture, and none in a month that is closed.
fn bill(
    unit: &mut dyn Unit,
    order: OrderId,
    merchant: &Identifier,
    hold: &Hold,
    now: UnixTime,
) -> Result<(), Problem> {
    let mut month = open_month(unit, Month::of(now))?;
    for (number, amount) in (1..).zip(hold.amount.instalments(u64::from(hold.payments))) {
        let line = Line {
            order,
            merchant: merchant.clone(),
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

fn line_key(month: Month, card: &CardId, order: &OrderId) -> String {
    format!("{}{order}", card_month(month, card))
}

/// This month, or the next that is not closed.
fn open_month(unit: &mut dyn Unit, mut month: Month) -> Result<Month, Problem> {
    while CLOSED.get(unit, &month.to_string())?.is_some() {
        month = month.next();
    }
    Ok(month)
}
