//! Capture, void, and holds whose time is over.

use super::{Holds, OrderRecord, Settled, hold_key};
use crate::{StoreError, Unit, books::resolve};
use warifu_protocol::{
    jws::Unsigned,
    settlement::{
        Action, Settlement, SettlementRequest,
        standing::{Standing, Step, step},
    },
    status::State,
};
use warifu_types::{Money, OrderId, UnixTime};

/// Why a settlement is refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// There is no such order for this front.
    #[error("settlement_request.order: not this front's order")]
    NotYours,
    /// The request names another authorization.
    #[error("settlement_request.authorization: another authorization")]
    OtherAuthorization,
    /// The other of capture and void was done.
    #[error("settlement_request.action: the other was done")]
    Conflict,
    /// The hold's time is over.
    #[error("authorization.exp: the hold's time is over")]
    Expired,
    /// A refusal, or a badge.
    #[error("settlement_request.order: nothing is held for this order")]
    NothingHeld,
    /// More is to be captured than is held, or was metered; or in another currency.
    #[error("settlement_request.amount: more than there is to capture")]
    TooMuch,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a settlement.
pub struct Settling {
    /// The answer.
    pub answer: Unsigned,
    /// The order, if money was captured just now.
    pub captured: Option<(OrderId, OrderRecord)>,
}

/// Whether a capture or void was done just now, or before.
pub(super) enum Moved {
    Now,
    Before,
}

impl Holds {
    /// Captures or voids a hold, once. Every retry gives the stored answer. `request` is checked,
    /// and `token` is its signed form.
    pub fn settle(
        &self,
        unit: &mut dyn Unit,
        request: &SettlementRequest,
        token: &str,
        now: UnixTime,
    ) -> Result<Settling, HoldError> {
        // Another front learns no more than that the order is not its own.
        let (order, mut record) = self
            .find(unit, &request.order)?
            .filter(|(_, record)| record.front == request.iss)
            .ok_or(HoldError::NotYours)?;
        if record.authorization != request.authorization {
            return Err(HoldError::OtherAuthorization);
        }
        let action = request.action;
        if let Moved::Before =
            self.turn(unit, &order, &mut record, (action, request.amount), now)?
        {
            let answer = record.settled.and_then(|settled| settled.answer);
            let answer = answer.ok_or(HoldError::NotYours)?;
            return Ok(Settling { answer, captured: None });
        }
        let settlement = Settlement {
            iss: request.aud.clone(),
            aud: request.iss.clone(),
            order: request.order,
            action,
            iat: now,
        };
        let answer = settlement.unsigned();
        let settled =
            Settled { action, answer: Some(answer.clone()), at: now, request: token.into() };
        record.settled = Some(settled);
        self.records.put(unit, &order.to_string(), &record)?;
        let captured = (action == Action::Capture).then_some((order, record));
        Ok(Settling { answer, captured })
    }

    /// Does what capture or void asks of a hold, if it may be done now.
    pub(super) fn turn(
        &self,
        unit: &mut dyn Unit,
        order: &OrderId,
        record: &mut OrderRecord,
        (action, amount): (Action, Option<Money>),
        now: UnixTime,
    ) -> Result<Moved, HoldError> {
        let standing = Standing {
            held: record.hold.is_some(),
            done: record.settled.as_ref().map(|settled| settled.action),
            released: record.released,
            expires: record.expires,
        };
        let counted = record.released && record.view.state == State::Settled;
        match step(standing, action, now) {
            Step::Move => {
                let minor = if action == Action::Void { 0 } else { wanted(amount, record)? };
                self.end(unit, order, record, minor)?;
            }
            // What was used of metered goods is with the front already.
            Step::Acknowledge | Step::Expired if counted => {
                if action == Action::Void || wanted(amount, record)? != record.paid() {
                    return Err(HoldError::Conflict);
                }
            }
            Step::Acknowledge => {}
            Step::Repeat => {
                if amount.is_some_and(|amount| amount.minor() != record.paid()) {
                    return Err(HoldError::Conflict);
                }
                return Ok(Moved::Before);
            }
            Step::Conflict => return Err(HoldError::Conflict),
            Step::Expired => return Err(HoldError::Expired),
            Step::NothingHeld => return Err(HoldError::NothingHeld),
        }
        Ok(Moved::Now)
    }

    /// Ends an open hold: so many minor units go to the front, the rest is free again.
    fn end(
        &self,
        unit: &mut dyn Unit,
        order: &OrderId,
        record: &mut OrderRecord,
        minor: u64,
    ) -> Result<(), StoreError> {
        let Some(hold) = &record.hold else { return Ok(()) };
        resolve(unit, hold.transfer, self.ending(record), minor)?;
        record.view.state = if minor > 0 { State::Settled } else { State::Cancelled };
        record.captured = (minor > 0 && minor != hold.amount.minor()).then_some(minor);
        self.open.delete(unit, &hold_key(record.expires, order))?;
        Ok(())
    }

    /// Releases at most `most` holds whose time is over at `now`; what was metered goes to the
    /// front. Returns the orders.
    pub fn expire(
        &self,
        unit: &mut dyn Unit,
        now: UnixTime,
        most: usize,
    ) -> Result<Vec<OrderId>, StoreError> {
        // Above every key of `now`, below every key of the second after.
        let end = format!("{:020}", now.plus(1).0);
        let due = self.open.scan(unit, "", most)?;
        let due: Vec<OrderId> =
            due.into_iter().take_while(|(key, _)| *key < end).map(|(_, order)| order).collect();
        for order in &due {
            self.release(unit, order)?;
        }
        Ok(due)
    }

    /// Releases an open hold whose time is over; what was metered goes to the front.
    pub fn release(&self, unit: &mut dyn Unit, order: &OrderId) -> Result<(), StoreError> {
        let mut record = self.known(unit, order)?;
        if record.released || record.settled.is_some() {
            return Ok(());
        }
        let minor = if record.meter.is_some() { record.due() } else { 0 };
        self.end(unit, order, &mut record, minor)?;
        record.released = true;
        self.records.put(unit, &order.to_string(), &record)
    }
}

/// How many minor units a capture takes.
fn wanted(amount: Option<Money>, record: &OrderRecord) -> Result<u64, HoldError> {
    let Some(amount) = amount else { return Ok(record.due()) };
    let currency = record.hold.as_ref().map(|hold| hold.amount.currency());
    let fits = currency == Some(amount.currency()) && amount.minor() <= record.due();
    if fits { Ok(amount.minor()) } else { Err(HoldError::TooMuch) }
}
