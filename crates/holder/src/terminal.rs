//! The terminal: one purchase from form to receipt, and its recovery.

use crate::{
    Card, HolderError, OrderRecord, Profile, Purchase,
    records::{self, CARDS, OPEN, ORDERS, OWN, PROFILE},
    sealing::SealedHere,
    telegrams::Writer,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use warifu_ports::{Store, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    status::{State, Status},
    value::{Expiry, is_card_number},
};
use warifu_types::{OrderId, Role};
use warifu_wire::{
    CallError, Found, OrderQuestion, PartQuestion, Party, ReceivedAnswer, StatusAnswer,
    StatusQuestion,
};

/// A holder's terminal.
pub struct Holder {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    writer: OnceLock<Writer>,
}

impl Holder {
    /// A terminal over its store.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>) -> Arc<Holder> {
        Arc::new(Holder { party, store, writer: OnceLock::new() })
    }

    /// The terminal's side of the protocol.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// Keeps who the holder is.
    pub async fn set_profile(&self, profile: Profile) -> Result<(), HolderError> {
        if profile.name.trim().is_empty() {
            return Err(HolderError::BadInput { field: "name", problem: "is empty" });
        }
        self.store.run(move |unit| Ok(PROFILE.put(unit, OWN, &profile)?)).await
    }

    /// Keeps a card.
    pub async fn add_card(&self, card: Card) -> Result<(), HolderError> {
        if !is_card_number(&card.number) {
            return Err(HolderError::BadInput {
                field: "card_number",
                problem: "is not a card number: a digit is wrong or missing",
            });
        }
        let expiry = Expiry::parse(&card.expiry)
            .ok_or(HolderError::BadInput { field: "card_expiry", problem: "is not YYYY-MM" })?;
        if !expiry.is_good(self.party.now()) {
            return Err(HolderError::BadInput { field: "card_expiry", problem: "is in the past" });
        }
        self.store.run(move |unit| Ok(CARDS.put(unit, &card.label.clone(), &card)?)).await
    }

    /// Makes the terminal a member's: telegrams go to the center from here on. The first call
    /// counts.
    pub fn join(&self, writer: Writer) {
        let _ = self.writer.set(writer);
    }

    /// Who writes telegrams.
    pub(crate) fn writer(&self) -> Result<&Writer, HolderError> {
        self.writer.get().ok_or(HolderError::NotRegistered)
    }

    /// Seals an order, keeps it, sends it, and returns the record with the front's first answer. With
    /// a prepaid card it is then paid for (row B9), and nothing is paid unless the front has taken the
    /// order.
    pub async fn buy(&self, purchase: &Purchase) -> Result<OrderRecord, HolderError> {
        let (record, authorizer) = self.seal_and_keep(purchase).await?;
        self.send(record, &authorizer).await
    }

    /// Seals an order and keeps it, and sends nothing: [`Holder::send_waiting`] does, or
    /// [`Holder::resume`], as long as the order is good.
    pub async fn prepare_order(&self, purchase: &Purchase) -> Result<OrderRecord, HolderError> {
        Ok(self.seal_and_keep(purchase).await?.0)
    }

    /// The telegram that pays with a prepaid card is kept together with the order.
    async fn seal_and_keep(
        &self,
        purchase: &Purchase,
    ) -> Result<(OrderRecord, Found), HolderError> {
        let SealedHere { mut record, authorizer, authorizer_role } = self.seal(purchase).await?;
        if authorizer_role == Role::Center {
            let telegram = self.payment(&record, &authorizer).await?;
            record.payment = Some(telegram.jti);
            self.keep_with_payment(&record, telegram).await?;
        } else {
            self.keep(&record).await?;
        }
        Ok((record, authorizer))
    }

    /// Takes up every order that has not come to its end: sends the stored bytes again if the front
    /// never answered, and asks how far it has come. One order that cannot go on holds up no other;
    /// the first failure is returned after all were taken up.
    pub async fn resume(&self) -> Result<Vec<OrderRecord>, HolderError> {
        self.take_up(|_| true).await
    }

    /// As [`Holder::resume`], only for orders that no front has answered and payments that the center
    /// has not.
    pub async fn send_waiting(&self) -> Result<Vec<OrderRecord>, HolderError> {
        self.take_up(|record| record.state.is_none() || record.awaits_payment()).await
    }

    async fn take_up(
        &self,
        wanted: impl Fn(&OrderRecord) -> bool,
    ) -> Result<Vec<OrderRecord>, HolderError> {
        let (mut orders, mut failure) = (Vec::new(), None);
        for id in self.open_orders().await? {
            if !wanted(&self.order(id).await?) {
                continue;
            }
            match self.refresh(id).await {
                Ok(record) => orders.push(record),
                Err(error) => {
                    let record = self.order(id).await?;
                    if record.is_over() {
                        orders.push(record);
                    } else {
                        failure = failure.or(Some(error));
                    }
                }
            }
        }
        failure.map_or(Ok(orders), Err)
    }

    /// Asks how far an order has come, and keeps the answer.
    pub async fn refresh(&self, id: OrderId) -> Result<OrderRecord, HolderError> {
        let record = self.order(id).await?;
        if record.is_over() {
            return Ok(record);
        }
        if record.state.is_none() {
            let authorizer = self.authorizer_of(&record).await?;
            return self.send(record, &authorizer).await;
        }
        let record = self.pay(record).await?;
        if record.is_over() {
            return Ok(record);
        }
        let answer: StatusAnswer =
            self.ask(&record, "status", &StatusQuestion { order: id }).await?;
        self.note(record, answer).await
    }

    /// Asks again and again until the order has come to `wanted` or to its end, for at most
    /// `patience`, also where nobody answers.
    pub async fn wait_for(
        &self,
        id: OrderId,
        wanted: State,
        patience: Duration,
    ) -> Result<OrderRecord, HolderError> {
        let mut pause = Duration::from_millis(5);
        let started = std::time::Instant::now();
        loop {
            let late = started.elapsed() > patience;
            match self.refresh(id).await {
                Ok(record) => {
                    let there = |state: State| state >= wanted || state.is_final();
                    if late || record.state.is_some_and(there) {
                        return Ok(record);
                    }
                }
                Err(error) if !late && error.is_temporary() => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// An order.
    pub async fn order(&self, id: OrderId) -> Result<OrderRecord, HolderError> {
        let found = self.store.run(move |unit| ORDERS.get(unit, &id.to_string())).await?;
        found.ok_or(HolderError::UnknownOrder)
    }

    /// Every order, by id.
    pub async fn orders(&self) -> Result<Vec<OrderRecord>, HolderError> {
        Ok(self.store.run(|unit| records::all(unit, ORDERS)).await?)
    }

    /// Sends the stored bytes: the authorizer's part directly if the form says so, then the order. A
    /// center's part goes after the order, in the telegram that pays.
    async fn send(
        &self,
        record: OrderRecord,
        authorizer: &Found,
    ) -> Result<OrderRecord, HolderError> {
        let mut sealed = record.receipt.sealed.clone();
        if record.payment.is_some() {
            sealed = sealed.except(Role::Center);
        } else if record.direct {
            let role = authorizer.credential.roles.first().copied().unwrap_or(Role::Issuer);
            let question = PartQuestion {
                sealed: sealed.only(role),
                front: record.receipt.front_credential.clone(),
            };
            let trade = self.party.hands_out().then_some(record.id);
            let answer: Result<ReceivedAnswer, CallError> = self
                .party
                .connections()
                .ask(
                    &self.party,
                    authorizer.url()?,
                    (Role::Holder, role),
                    Some(&authorizer.credential.sub),
                    ("part", &question),
                    trade,
                )
                .await;
            let received = match answer {
                Ok(received) => received,
                Err(error) => return self.without_part(record, error).await,
            };
            if received.order != record.identity {
                return Err(ProtocolError::sender(Reason::Mismatch, "part.order").into());
            }
            sealed = sealed.except(role);
        }
        let question = OrderQuestion { sealed, quote: record.receipt.quote.clone() };
        match self.ask(&record, "order", &question).await {
            Ok(answer) => {
                let record = self.note(record, answer).await?;
                self.pay(record).await
            }
            Err(error) => self.not_taken(record, error).await,
        }
    }

    /// After the authorizer has said no to its part: the front may have the order from an earlier
    /// try, and then its word counts.
    async fn without_part(
        &self,
        record: OrderRecord,
        error: CallError,
    ) -> Result<OrderRecord, HolderError> {
        if error.definite().is_none() {
            return Err(error.into());
        }
        let question = StatusQuestion { order: record.id };
        match self.ask(&record, "status", &question).await {
            Ok(answer) => self.note(record, answer).await,
            Err(unknown) if unknown.definite().is_some() => self.not_taken(record, error).await,
            Err(unreachable) => Err(unreachable.into()),
        }
    }

    /// After the front did not take the order on: its definite no is the order's end, so that
    /// nothing waits for it any more. The error is returned either way.
    async fn not_taken(
        &self,
        record: OrderRecord,
        error: CallError,
    ) -> Result<OrderRecord, HolderError> {
        if let Some(problem) = error.definite() {
            let reason = problem.code.clone();
            let refuse = move |record: &mut OrderRecord| {
                record.state = Some(State::Refused);
                record.reason = Some(reason);
            };
            self.change(record.id, refuse).await?;
        }
        Err(error.into())
    }

    /// Checks the front's signed status and keeps it.
    pub(crate) async fn note(
        &self,
        record: OrderRecord,
        answer: StatusAnswer,
    ) -> Result<OrderRecord, HolderError> {
        let front = self.party.credential(&record.receipt.front_credential, AtFault::Own)?;
        let status = Status::verify(
            &answer.status,
            &front,
            &self.party.id(),
            &record.identity,
            AtFault::Role(Role::Merchant),
        )?;
        let noted = move |record: &mut OrderRecord| {
            record.state = Some(status.state);
            record.reason = status.reason;
            record.receipt.status = Some(answer.status);
        };
        self.change(record.id, noted).await
    }

    /// Changes an order as it is kept now.
    pub(crate) async fn change(
        &self,
        id: OrderId,
        change: impl FnOnce(&mut OrderRecord) + Send + 'static,
    ) -> Result<OrderRecord, HolderError> {
        let work = move |unit: &mut dyn Unit| {
            let record = ORDERS.get(unit, &id.to_string())?;
            let mut record = record.ok_or(HolderError::UnknownOrder)?;
            change(&mut record);
            records::keep(unit, &record)?;
            Ok(record)
        };
        self.store.run(work).await
    }

    pub(crate) async fn keep(&self, record: &OrderRecord) -> Result<(), HolderError> {
        let record = record.clone();
        Ok(self.store.run(move |unit| records::keep(unit, &record)).await?)
    }

    async fn open_orders(&self) -> Result<Vec<OrderId>, HolderError> {
        let open = self.store.run(|unit| OPEN.scan(unit, "", 1000)).await?;
        Ok(open.into_iter().filter_map(|(key, ())| key.parse().ok()).collect())
    }

    /// Asks an order's front.
    pub(crate) async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        record: &OrderRecord,
        op: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<A, CallError> {
        let front = self.party.credential(&record.receipt.front_credential, AtFault::Own)?;
        let role = front.roles.first().copied().unwrap_or(Role::Merchant);
        let trade = self.party.hands_out().then_some(record.id);
        self.party
            .connections()
            .ask(
                &self.party,
                &record.url,
                (Role::Holder, role),
                Some(&record.front),
                (op, question),
                trade,
            )
            .await
    }

    /// Who authorizes an order, from the order itself.
    async fn authorizer_of(&self, record: &OrderRecord) -> Result<Found, HolderError> {
        let claims: warifu_protocol::order::OrderClaims = warifu_protocol::jws::peek(
            warifu_protocol::order::ORDER,
            &record.receipt.sealed.order,
            AtFault::Own,
        )?;
        let who = [Role::Issuer, Role::CardManager, Role::Center]
            .iter()
            .find_map(|role| claims.parties.get(role))
            .ok_or(HolderError::Missing("issuer"))?;
        Ok(self.party.directory().find(&self.party, who).await?)
    }
}
