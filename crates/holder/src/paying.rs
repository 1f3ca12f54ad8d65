//! Paying for an order with a prepaid card (row B9): the merchant takes the order, and then the
//! center is told to pay.

use crate::{
    Holder, HolderError, OrderRecord,
    records::{self, CARDS, ORDERS, PREPAID, TELEGRAMS, TelegramRecord},
    telegrams::{Draft, Writer, note_answer},
};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, jws,
    order::{ORDER, OrderClaims},
    status::State,
    telegram::{Instruction, Outcome, Paid, Payment},
};
use warifu_types::{Money, Nonce, Role, UnixTime};
use warifu_wire::{CallError, Found};

/// The center has paid for the order by another telegram: nothing is refused.
const ALREADY_PAID: &str = "already_paid";

impl Holder {
    /// Writes the telegram that pays for an order. It ends with the order, so that nothing is paid
    /// that the merchant no longer expects.
    pub(crate) async fn payment(
        &self,
        record: &OrderRecord,
        center: &Found,
    ) -> Result<TelegramRecord, HolderError> {
        let writer = self.writer()?;
        if center.credential.sub != writer.center.sub {
            return Err(HolderError::BadInput {
                field: "merchant",
                problem: "has its orders paid by another center",
            });
        }
        let claims: OrderClaims = jws::peek(ORDER, &record.receipt.sealed.order, AtFault::Own)?;
        let payment = Payment::of(&record.receipt.sealed, &record.receipt.front_credential)?;
        let draft = Draft {
            jti: Nonce(self.party.new_name()),
            instruction: Instruction::Pay(Box::new(payment)),
            now: self.party.now(),
            exp: claims.exp,
        };
        writer.write(&self.store, draft).await
    }

    /// Keeps order and telegram together, before either is sent.
    pub(crate) async fn keep_with_payment(
        &self,
        record: &OrderRecord,
        telegram: TelegramRecord,
    ) -> Result<(), HolderError> {
        let record = record.clone();
        let work = move |unit: &mut dyn Unit| {
            TELEGRAMS.put(unit, &telegram.jti.to_string(), &telegram)?;
            records::keep(unit, &record)
        };
        Ok(self.store.run(work).await?)
    }

    /// Sends the telegram that pays, unless the center has answered it, or the merchant has not
    /// taken the order or has given it up. A refusal is the order's end.
    pub(crate) async fn pay(&self, record: OrderRecord) -> Result<OrderRecord, HolderError> {
        let Some(jti) = record.payment.filter(|_| record.awaits_payment()) else {
            return Ok(record);
        };
        let found = self.store.run(move |unit| TELEGRAMS.get(unit, &jti.to_string())).await?;
        let telegram = found.ok_or(HolderError::Missing("telegram"))?;
        if !telegram.waits() {
            // The merchant's word is what counts now.
            return Ok(record);
        }
        let id = record.id;
        let (answer, outcome) = match hear(self.writer()?, &record, &telegram).await {
            Ok(heard) => heard,
            Err(error) => {
                if let Some(problem) = error.definite() {
                    let code = problem.code.clone();
                    self.store.run(move |unit| note_answer(unit, jti, Err(code))).await?;
                }
                return Err(error.into());
            }
        };
        let now = self.party.now();
        let outcome = check(&record, outcome)?;
        let work = move |unit: &mut dyn Unit| {
            note_answer(unit, jti, Ok(answer))?;
            let record = ORDERS.get(unit, &id.to_string())?;
            let mut record = record.ok_or(HolderError::UnknownOrder)?;
            match outcome {
                Ok(paid) => {
                    note_balance(unit, &record, paid.balance, now)?;
                    record.transaction = Some(paid.transaction);
                    record.balance = Some(paid.balance);
                }
                Err((reason, _)) if reason == ALREADY_PAID => {}
                Err((reason, _)) => {
                    record.state = Some(State::Refused);
                    record.reason = Some(reason);
                }
            }
            records::keep(unit, &record)?;
            Ok::<_, HolderError>(record)
        };
        self.store.run(work).await
    }
}

/// The center's answer. What the telegram names by its hash is enclosed where the center asks for
/// it: mostly it has seen it before.
async fn hear(
    writer: &Writer,
    record: &OrderRecord,
    telegram: &TelegramRecord,
) -> Result<(String, Outcome), CallError> {
    match writer.hear(telegram).await {
        Err(CallError::Problem(problem)) if problem.code == "enclosure_missing" => {
            let receipt = &record.receipt;
            let enclosures = Payment::enclosures(&receipt.sealed, &receipt.front_credential);
            writer.line.enclose(&enclosures).await?;
            writer.hear(telegram).await
        }
        heard => heard,
    }
}

/// What the center said of this very order.
fn check(
    record: &OrderRecord,
    outcome: Outcome,
) -> Result<Result<Paid, (String, Option<String>)>, ProtocolError> {
    let wrong = |field: &'static str| {
        ProtocolError::new(AtFault::Role(Role::Center), Reason::Mismatch, field)
    };
    match outcome {
        Outcome::Paid(paid) if paid.order == record.identity => Ok(Ok(paid)),
        Outcome::Paid(_) => Err(wrong("telegram_answer.outcome.paid.order")),
        Outcome::Refused { reason, field } => Ok(Err((reason, field))),
        _ => Err(wrong("telegram_answer.outcome")),
    }
}

/// Remembers what is left on the card that the order was paid with.
fn note_balance(
    unit: &mut dyn Unit,
    record: &OrderRecord,
    balance: Money,
    now: UnixTime,
) -> Result<(), StoreError> {
    let number = record.receipt.disclosures.get(&warifu_types::FieldName::CARD_NUMBER);
    let number = number.and_then(|text| {
        let value =
            warifu_protocol::order::Disclosure::read(text, &warifu_types::FieldName::CARD_NUMBER);
        value.ok()?.as_text().map(str::to_string)
    });
    for mut prepaid in records::all(unit, PREPAID)? {
        let card = CARDS.get(unit, &prepaid.label)?;
        if card.is_some_and(|card| Some(&card.number) == number.as_ref()) {
            prepaid.balance = Some(balance);
            prepaid.balance_at = Some(now);
            PREPAID.put(unit, &prepaid.label, &prepaid)?;
        }
    }
    Ok(())
}
