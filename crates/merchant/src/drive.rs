//! Driving an order through its steps.

use crate::{
    merchant::Merchant,
    records::{OrderRecord, Trouble},
    rules::{steps::Next, verdict},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::HashSet, time::Duration};
use warifu_ports::StoreError;
use warifu_protocol::{AtFault, ProtocolError, Reason, status::State};
use warifu_types::{Identifier, OrderId, Role};
use warifu_wire::{CallError, Found, Problem};

/// How long an order's answer waits for further parties to take their notices.
const NOTICE_PATIENCE: Duration = Duration::from_secs(2);

/// Why a step was not made.
pub enum Halt {
    /// The party in this role could not be asked, or has said no.
    Peer(Role, CallError),
    /// The merchant's own store failed.
    Own(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Halt {
        Halt::Own(problem)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Halt {
        Halt::Own(error.into())
    }
}

impl Merchant {
    /// Makes an order's next step, or sends its notices if there is none. Returns its state after.
    /// A peer that cannot be reached is no error: the order stays where it is.
    pub async fn step(&self, order: &OrderId) -> Result<State, Problem> {
        let _turn = self.turns.take(*order).await;
        let record = self.known(*order).await?;
        match record.next() {
            Next::Nothing => self.notify_all(&record, &mut HashSet::new()).await?,
            next => {
                self.make(&record, next).await?;
            }
        }
        Ok(self.known(*order).await?.state())
    }

    /// Drives an order that has just come as far as it goes without waiting.
    pub(crate) async fn go_on(&self, order: OrderId) -> Result<(), Problem> {
        let _turn = self.turns.take(order).await;
        let record = self.run_steps(order, false, &mut HashSet::new()).await?;
        let mut silent = HashSet::new();
        let notices = self.notify_all(&record, &mut silent);
        // Who does not answer in time is told by the worker.
        tokio::time::timeout(NOTICE_PATIENCE, notices).await.unwrap_or(Ok(()))
    }

    /// Drives an order as far as it goes, asking the carrier too, and sends its notices. Whoever
    /// cannot be reached is added to `silent`, and nobody in there is asked.
    pub(crate) async fn work_on(
        &self,
        order: OrderId,
        silent: &mut HashSet<Identifier>,
    ) -> Result<bool, Problem> {
        let _turn = self.turns.take(order).await;
        let record = self.run_steps(order, true, silent).await?;
        self.notify_all(&record, silent).await?;
        Ok(self.known(order).await?.is_finished())
    }

    async fn run_steps(
        &self,
        order: OrderId,
        asks_delivery: bool,
        silent: &mut HashSet<Identifier>,
    ) -> Result<OrderRecord, Problem> {
        let mut record = self.known(order).await?;
        loop {
            let next = record.next();
            let waits = next == Next::Nothing || (next == Next::AskDelivery && !asks_delivery);
            let asked = role_of(&record, next).and_then(|role| record.parties.get(&role));
            if waits || asked.is_some_and(|who| silent.contains(who)) {
                return Ok(record);
            }
            let (now, unpaid) = (self.party.now(), asks_delivery && record.awaits_payment());
            if unpaid && self.waits.is_early(&order, now) {
                return Ok(record);
            }
            let unreachable = self.make(&record, next).await?;
            if let (true, Some(who)) = (unreachable, asked) {
                silent.insert(who.clone());
            }
            let before = record.state();
            record = self.known(order).await?;
            if record.state() == before {
                if unpaid {
                    self.waits.put_off(order, now);
                }
                return Ok(record);
            }
        }
    }

    /// Makes one step; `true` if the party to be asked cannot be reached.
    pub(crate) async fn make(&self, record: &OrderRecord, next: Next) -> Result<bool, Problem> {
        let made = match next {
            Next::Authorize => self.authorize(record).await,
            Next::Void => self.void(record).await,
            Next::Capture => self.capture(record).await,
            Next::Deliver => self.deliver(record).await,
            Next::AskDelivery => self.ask_delivery(record).await,
            Next::HandOver => self.hand_over(record).await,
            Next::AwaitProvider => self.await_provider(record).await,
            Next::AwaitService => self.await_service(record).await,
            Next::AwaitReceipt => self.claim_in_time(record).await,
            Next::Meter => self.meter(record).await,
            Next::Nothing => Ok(()),
        };
        match made {
            Ok(()) => Ok(false),
            Err(Halt::Own(problem)) => Err(problem),
            Err(Halt::Peer(role, error)) => {
                let unreachable = matches!(error, CallError::Network(_));
                self.note(record, role, error).await?;
                Ok(unreachable)
            }
        }
    }

    /// Notes for the operator why an order stands still.
    async fn note(
        &self,
        record: &OrderRecord,
        party: Role,
        error: CallError,
    ) -> Result<(), Problem> {
        let problem = Problem::from(error);
        let code = verdict::code(&problem.code);
        let field = problem.field.as_deref().and_then(verdict::field);
        let trouble = Some(Trouble { party, code, field });
        if record.trouble == trouble {
            return Ok(());
        }
        tracing::warn!(order = %record.id(), ?trouble, "the order waits");
        self.change(record.id(), record.state(), |record| record.trouble = trouble).await
    }

    /// Finds a party of an order: its credential must allow the role and say where it answers.
    pub(crate) async fn find(&self, record: &OrderRecord, role: Role) -> Result<Found, CallError> {
        let missing =
            || ProtocolError::holder(Reason::OutsideRule, format!("order.parties.{role}"));
        let who = record.parties.get(&role).ok_or_else(missing)?;
        let found = self.party.directory().find(&self.party, who).await?;
        found.credential.require_role(role, AtFault::Role(Role::Holder))?;
        found.url()?;
        Ok(found)
    }

    /// Asks a party of an order that was found.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        record: &OrderRecord,
        (role, found): (Role, &Found),
        op: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, CallError> {
        let trade = self.party.hands_out().then(|| record.id());
        let roles = (self.settings.role, role);
        let expected = Some(&found.credential.sub);
        let connections = self.party.connections();
        connections.ask(&self.party, found.url()?, roles, expected, (op, question), trade).await
    }

    pub(crate) async fn known(&self, order: OrderId) -> Result<OrderRecord, Problem> {
        self.load(order).await?.ok_or_else(|| Problem::not_found("order"))
    }
}

/// Who is asked in a step.
fn role_of(record: &OrderRecord, next: Next) -> Option<Role> {
    match next {
        Next::Authorize | Next::Void | Next::Capture | Next::Meter => Some(record.authorizer),
        Next::Deliver | Next::AskDelivery => Some(Role::Carrier),
        Next::AwaitProvider | Next::AwaitService => None,
        Next::HandOver | Next::AwaitReceipt | Next::Nothing => None,
    }
}
