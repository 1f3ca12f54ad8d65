//! `play` and `stop`: use in real time, counted here, told to the center, and claimed when it is
//! over (rows B10, B11).

use crate::{
    authorizing::REQUEST_LIFETIME,
    drive::Halt,
    handing::{check_holder, wrong_state},
    merchant::{Merchant, put_changed},
    records::{Evidence, ORDERS, OrderRecord},
    rules::{
        metering::{NoUse, Tariff, Use},
        verdict,
    },
};
use warifu_ports::Unit;
use warifu_protocol::{
    ProtocolError, Reason,
    metering::{Meter, MeterRequest},
    status::State,
};
use warifu_types::{Identifier, Money, UnixTime};
use warifu_wire::{
    CallError, MeterAnswer, MeterQuestion, Peer, PlayAnswer, PlayQuestion, Problem, StatusAnswer,
    StopAnswer, StopQuestion,
};

impl Merchant {
    /// Begins the use, or keeps it up. The answer says what is owed so far.
    pub(crate) async fn play(
        &self,
        peer: &Peer,
        question: PlayQuestion,
    ) -> Result<PlayAnswer, Problem> {
        let (holder, now) = (peer.credential.sub.clone(), self.party.now());
        self.store.run(move |unit| play(unit, &holder, &question, now)).await
    }

    /// The holder ends the use; again changes nothing.
    pub(crate) async fn stop(
        &self,
        peer: &Peer,
        question: StopQuestion,
    ) -> Result<StopAnswer, Problem> {
        let record = self.known(question.order).await?;
        check_holder(&record, &peer.credential.sub)?;
        if record.used.is_none() {
            return Err(wrong_state("nothing of this order is in use"));
        }
        let stop = |record: &mut OrderRecord| {
            if let Some(used) = &mut record.used {
                used.stopped = true;
            }
        };
        self.change(question.order, State::Authorized, stop).await?;
        self.go_on(question.order).await?;
        // What was used is counted anew: the center may have known of less.
        let record = self.known(question.order).await?;
        let (Some(tariff), Some(used)) = (record.tariff, record.used) else {
            return Err(Problem::internal());
        };
        let PlayAnswer { tick, amount } = said(&tariff, &used)?;
        let StatusAnswer { status } = self.signed_status(question.order).await?;
        Ok(StopAnswer { status, tick, amount })
    }

    /// Tells the center how far the use has come; authorized → delivered when it is over.
    pub(crate) async fn meter(&self, record: &OrderRecord) -> Result<(), Halt> {
        let (Some(tariff), Some(used)) = (record.tariff, record.used) else { return Ok(()) };
        let over = tariff.is_over(&used, record.hold_until(), self.party.now());
        let ticks = tariff.ticks(&used);
        let word = match ticks > used.told {
            true => match self.tell(record, ticks).await {
                Ok(word) => Some(word),
                Err(error) if verdict::definite(&error).is_some() => {
                    return self.end_by_center(record).await;
                }
                Err(error) => return Err(Halt::Peer(record.authorizer, error)),
            },
            false => None,
        };
        let change = move |record: &mut OrderRecord| {
            let Some(used) = &mut record.used else { return };
            used.told = used.told.max(ticks);
            // The holder may have played on meanwhile.
            if over && tariff.ticks(used) == ticks {
                used.stopped = true;
                record.view.state = State::Delivered;
            }
            if word.is_some() {
                record.meter = word;
            }
        };
        Ok(self.change(record.id(), State::Authorized, change).await?)
    }

    /// The center takes no further tick, as when it has heard of none for too long: what it knows of
    /// is claimed, and where that is nothing, the order is given up.
    async fn end_by_center(&self, record: &OrderRecord) -> Result<(), Halt> {
        let change = |record: &mut OrderRecord| {
            let (Some(used), Some(tariff)) = (&mut record.used, &mut record.tariff) else { return };
            used.stopped = true;
            match used.told {
                0 => record.cancelling = true,
                told => {
                    tariff.most = told;
                    record.view.state = State::Delivered;
                }
            }
        };
        Ok(self.change(record.id(), State::Authorized, change).await?)
    }

    /// Tells the center a number of ticks; returns its verified answer.
    async fn tell(&self, record: &OrderRecord, ticks: u32) -> Result<Evidence, CallError> {
        let own = |field: &'static str| ProtocolError::own(Reason::Mismatch, field);
        let amount = record.owed().ok_or_else(|| own("order.tariff"))?;
        let authorizer = self.find(record, record.authorizer).await?;
        let now = self.party.now();
        let request = MeterRequest {
            iss: self.party.id(),
            aud: authorizer.credential.sub.clone(),
            order: record.identity,
            tick: ticks,
            amount,
            iat: now,
            exp: now.plus(REQUEST_LIFETIME),
        };
        let question =
            MeterQuestion { request: request.sign(self.party.terminal().signer.as_ref()) };
        let to = (record.authorizer, &authorizer);
        let answer: MeterAnswer = self.ask(record, to, "meter", &question).await?;
        Meter::verify(&answer.meter, &authorizer.credential, &request)?;
        Ok(Evidence { token: answer.meter, credential: authorizer.token })
    }
}

fn play(
    unit: &mut dyn Unit,
    holder: &Identifier,
    question: &PlayQuestion,
    now: UnixTime,
) -> Result<PlayAnswer, Problem> {
    let missing = || Problem::not_found("order");
    let mut record = ORDERS.get(unit, &question.order.to_string())?.ok_or_else(missing)?;
    check_holder(&record, holder)?;
    let not_metered = || Problem::bad_value("order", "this order has nothing to use");
    let tariff: Tariff = record.tariff.ok_or_else(not_metered)?;
    if record.state() != State::Authorized || record.cancelling {
        return Err(wrong_state("the goods are for orders that are authorized and stand"));
    }
    let used = match tariff.play(record.used, question.tick, record.hold_until(), now) {
        Ok(used) => used,
        Err(NoUse::Over) => return Err(wrong_state("the use is over")),
        Err(NoUse::WrongTick) => {
            return Err(Problem::bad_value("tick", "this tick does not run now"));
        }
    };
    let answer = said(&tariff, &used)?;
    if record.used != Some(used) {
        record.used = Some(used);
        put_changed(unit, State::Authorized, record, now)?;
    }
    Ok(answer)
}

fn said(tariff: &Tariff, used: &Use) -> Result<PlayAnswer, Problem> {
    let amount: Money = tariff.amount(used).ok_or_else(Problem::internal)?;
    Ok(PlayAnswer { tick: tariff.ticks(used), amount })
}
