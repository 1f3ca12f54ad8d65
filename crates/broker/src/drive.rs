//! One step of an order after the other. Each asks a peer who answers the same twice and stores what
//! came of it in one job; after a crash it is asked again.

use crate::{
    broker::Broker,
    mails::queue,
    records::{MailKind, OrderRecord},
    rules::steps::{Next, State, after_status, next},
};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::status::{State as Word, Status};
use warifu_types::{OrderId, UnixTime};
use warifu_wire::{
    CallError, Problem,
    private_line::{AuthenticateAnswer, AuthenticateQuestion, DispatchQuestion, WITHOUT_SHEET},
};

/// Steps of one order in one pass.
const MOST_STEPS: usize = 12;

impl Broker {
    /// Works on an order until it waits; whether it is at its end.
    pub async fn work_on(&self, order: OrderId) -> Result<bool, Problem> {
        let _turn = self.turn(order).await;
        for _ in 0..MOST_STEPS {
            let Some(record) = self.load(order).await? else { return Ok(true) };
            let step = next(record.facts(), self.party.now());
            let before = (record.state, record.steps.len(), record.released, record.received);
            let sealed = record.passing.is_some();
            match step {
                Next::Nothing => return Ok(true),
                Next::Wait => return Ok(false),
                _ => self.make(&record, step).await?,
            }
            let Some(now) = self.load(order).await? else { return Ok(true) };
            let after = (now.state, now.steps.len(), now.released, now.received);
            let same_way = sealed == now.passing.is_some() && record.remind == now.remind;
            if before == after && same_way {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn make(&self, record: &OrderRecord, step: Next) -> Result<(), Problem> {
        match step {
            Next::Authenticate => self.authenticate(record).await,
            Next::Remind => {
                self.change(record.id, step, |unit, order, now| {
                    order.remind = None;
                    queue(unit, order, MailKind::Reminder, 0, now)
                })
                .await
            }
            Next::Expire => self.change(record.id, step, expire).await,
            Next::Seal => match self.seal(record).await {
                Ok(passing) => {
                    self.change(record.id, step, move |_, order, _| {
                        order.passing = Some(passing);
                        order.trouble = None;
                        Ok(())
                    })
                    .await
                }
                Err(error) => self.not_passed(record, step, &error).await,
            },
            Next::Send | Next::Ask => match self.hear(record).await {
                Ok(heard) => {
                    self.change(record.id, step, move |unit, order, now| {
                        take(unit, order, heard, now)
                    })
                    .await
                }
                // Only its answer to the order itself can be a no; a status is asked again.
                Err(error) if step == Next::Send => self.not_passed(record, step, &error).await,
                Err(_) if self.party.now() > record.until => self.ask_issuer(record).await,
                Err(error) => self.trouble(record.id, step, "provider", &error).await,
            },
            Next::Dispatch => self.dispatch(record).await,
            Next::Withdraw => self.withdraw(record).await,
            Next::Release => self.release(record).await,
            Next::Wait | Next::Nothing => Ok(()),
        }
    }

    /// Placed → held or refused (row C4).
    async fn authenticate(&self, record: &OrderRecord) -> Result<(), Problem> {
        let question =
            AuthenticateQuestion { member: record.member.clone(), number: record.number() };
        let step = Next::Authenticate;
        match self.registry.authenticate(&question).await {
            Ok(AuthenticateAnswer::Yes { reference, issuer }) => {
                self.change(record.id, step, move |unit, order, now| {
                    order.reference = Some(reference);
                    order.issuer = Some(issuer);
                    order.come_to(State::Held, now);
                    queue(unit, order, MailKind::Confirmation, 0, now)
                })
                .await
            }
            Ok(AuthenticateAnswer::No { reason }) => {
                self.change(record.id, step, move |unit, order, now| {
                    order.reason = Some(reason.as_str().to_string());
                    order.come_to(State::Refused, now);
                    queue(unit, order, MailKind::CardRefused, 0, now)
                })
                .await
            }
            Err(error) => self.trouble(record.id, step, "registry", &error).await,
        }
    }

    /// Approved → passed: the card goes by the registry's own list (row C7), or not at all where the
    /// provider bills by reference.
    async fn dispatch(&self, record: &OrderRecord) -> Result<(), Problem> {
        let provider = self.provider(&record.provider).await?;
        let step = Next::Dispatch;
        let passed = |_: &mut dyn Unit, order: &mut OrderRecord, now| {
            order.come_to(State::Passed, now);
            Ok(())
        };
        let Some(reference) = record.reference.clone().filter(|_| !provider.by_reference) else {
            return self.change(record.id, step, passed).await;
        };
        let question =
            DispatchQuestion { reference, number: record.number(), provider: provider.provider };
        match self.registry.dispatch(&question).await {
            Ok(_) => self.change(record.id, step, passed).await,
            Err(CallError::Problem(problem)) if problem.code == WITHOUT_SHEET => {
                tracing::error!(order = %record.id, "the registry has no channel for the provider");
                self.trouble(record.id, step, "registry", &CallError::Problem(problem)).await
            }
            Err(error) => self.trouble(record.id, step, "registry", &error).await,
        }
    }

    /// The provider's definite no to the order ends it; anything else is tried again.
    async fn not_passed(
        &self,
        record: &OrderRecord,
        step: Next,
        error: &CallError,
    ) -> Result<(), Problem> {
        let Some(code) = error.definite().map(|problem| problem.code.clone()) else {
            return self.trouble(record.id, step, "provider", error).await;
        };
        self.change(record.id, step, move |unit, order, now| {
            order.reason = Some(code);
            order.come_to(State::Declined, now);
            queue(unit, order, MailKind::Declined, 0, now)
        })
        .await
    }

    pub(crate) async fn trouble(
        &self,
        order: OrderId,
        step: Next,
        who: &'static str,
        error: &CallError,
    ) -> Result<(), Problem> {
        let code = match error {
            CallError::Network(_) => "unreachable",
            CallError::Problem(problem) | CallError::Unproven(problem) => problem.code.as_str(),
            CallError::Protocol(error) => error.reason.code(),
        };
        let trouble = format!("{who}: {code}");
        tracing::warn!(%order, trouble, "the order waits");
        self.change(order, step, move |_, order, _| {
            order.trouble = Some(trouble);
            Ok(())
        })
        .await
    }
}

/// Nobody has replied; or, before the confirmation, the registry or the mail server was away.
fn expire(unit: &mut dyn Unit, order: &mut OrderRecord, now: UnixTime) -> Result<(), StoreError> {
    let (reason, kind) = match order.state {
        State::Placed => ("registry_silent", MailKind::OurFault),
        State::Held => ("mail_not_sent", MailKind::OurFault),
        _ => ("no_reply", MailKind::Expired),
    };
    order.reason = Some(reason.to_string());
    order.come_to(State::Expired, now);
    queue(unit, order, kind, 0, now)
}

/// Takes the provider's word.
pub(crate) fn take(
    unit: &mut dyn Unit,
    order: &mut OrderRecord,
    (status, token): (Status, String),
    now: UnixTime,
) -> Result<(), StoreError> {
    order.received = true;
    order.trouble = None;
    if let Some(passing) = &mut order.passing {
        passing.receipt.status = Some(token);
    }
    follow(unit, order, (status.state, status.reason.as_deref()), now)
}

/// Goes on as far as a word on the order leads; the user is told.
pub(crate) fn follow(
    unit: &mut dyn Unit,
    order: &mut OrderRecord,
    (heard, reason): (Word, Option<&str>),
    now: UnixTime,
) -> Result<(), StoreError> {
    for state in after_status(order.state, heard, reason) {
        // A card that went out for a good order has done its service.
        order.released |= matches!(state, State::Accepted | State::Served | State::Closed);
        let kind = match state {
            State::Served => Some(MailKind::Served),
            State::Declined => Some(MailKind::Declined),
            State::Cancelled => Some(MailKind::Silent),
            _ => None,
        };
        if matches!(state, State::Declined | State::Cancelled) {
            order.reason = Some(reason.unwrap_or("cancelled").to_string());
        }
        order.come_to(state, now);
        if let Some(kind) = kind {
            queue(unit, order, kind, 0, now)?;
        }
    }
    Ok(())
}
