//! The payment instruction (row B9). Record, hold, transaction number, payment notice and the
//! member's answer commit in one job.

use super::{
    fresh::Noticed,
    meter::METERED,
    notice::{NOTICES, Notice, notice_key},
};
use crate::{
    accounts::{Code, HOLDS},
    prepaid::{card_of, records::Card},
    rules::numbers::transaction_number,
    settlement::{Settlement, count},
    telegrams::{
        enclosures::Named,
        record::{Entry, act, refusal, repeated, store},
    },
};
use std::sync::Arc;
use warifu_ports::{
    Unit,
    holds::{ByTelegram, CardId, Evidence, HoldWish, Meter, OrderRecord, Verdict},
};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    authorization::Decision,
    credential::Credential,
    goods,
    jws::Unsigned,
    sealed::{OpenedOrder, SealedOrder},
    telegram::{Outcome, Paid, Payment},
    value::FieldValue,
};
use warifu_types::{FieldName, Money, Nonce, Role};
use warifu_wire::Problem;

/// What a job needs, gathered before it runs.
struct Work {
    entry: Arc<Entry>,
    opened: OpenedOrder,
    amount: Money,
    front: Arc<Credential>,
    evidence: Evidence,
    /// The merchant's credential, as the payer had it.
    shown: Arc<str>,
    authorization: Nonce,
    lifetime: u64,
}

impl Settlement {
    /// Pays for an order, once.
    pub(crate) async fn pay(
        self: &Arc<Self>,
        entry: Entry,
        payment: Payment,
    ) -> Result<Unsigned, Problem> {
        let entry = Arc::new(entry);
        let named = self.named(&payment).await?;
        let work = match self.check_payment(&entry, payment, named).await {
            Err(problem) if problem.is_temporary() => return Err(problem),
            Err(problem) => return self.refuse(entry, problem).await,
            Ok(work) => work,
        };
        let merchant = work.front.sub.clone();
        let (answer, noticed) = self.store.run(move |unit| work.commit(unit)).await?;
        if let Some(noticed) = noticed {
            self.notify(&merchant, noticed);
        }
        Ok(answer)
    }

    /// Stores the refusal of a telegram that does not get as far as the records.
    async fn refuse(&self, entry: Arc<Entry>, problem: Problem) -> Result<Unsigned, Problem> {
        let work = move |unit: &mut dyn Unit| {
            if let Some(answer) = repeated(unit, &entry.place(), &entry.identity)? {
                return Ok(answer);
            }
            store(unit, &entry, refusal(problem))
        };
        self.store.run(work).await
    }

    /// Opens the center's part and checks everything that needs no records.
    async fn check_payment(
        &self,
        entry: &Arc<Entry>,
        payment: Payment,
        named: Named,
    ) -> Result<Work, Problem> {
        let front = self.party.credential(&named.front, AtFault::Sender)?;
        front.require_role(Role::Merchant, AtFault::Sender)?;
        let sealed = SealedOrder {
            holder: entry.telegram.iss.clone(),
            order: payment.order,
            credential: named.credential.to_string(),
            form: named.form.to_string(),
            parts: [(Role::Center, payment.part)].into_iter().collect(),
        };
        let opened = self.party.open(&sealed, &front, Role::Center).await?;
        let rule = &opened.form.form.rule;
        if (rule.front, rule.authorizer) != (Role::Merchant, Role::Center) {
            return Err(ProtocolError::sender(Reason::OutsideRule, "form.rule").into());
        }
        self.check_buyer(entry, &opened)?;
        let missing = |field: FieldName| {
            let field = format!("form.rule.parts.center.{field}");
            Problem::from(ProtocolError::sender(Reason::OutsideRule, field))
        };
        for field in [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY] {
            if opened.text(&field).is_empty() {
                return Err(missing(field));
            }
        }
        let amount = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
        let amount = amount.ok_or_else(|| missing(FieldName::AMOUNT))?;
        let evidence = Evidence::Telegram(ByTelegram {
            telegram: entry.place(),
            disclosures: opened.disclosures.clone(),
        });
        Ok(Work {
            entry: Arc::clone(entry),
            opened,
            amount,
            front,
            evidence,
            shown: named.front,
            authorization: Nonce(self.party.random32()),
            lifetime: u64::from(self.settings.hold_days) * 86_400,
        })
    }

    /// The order must be the telegram's sender's own, signed with the very key that the telegram is
    /// signed with: a key that was given up makes no orders either.
    pub(crate) fn check_buyer(&self, entry: &Entry, opened: &OpenedOrder) -> Result<(), Problem> {
        if opened.claims.iss != entry.telegram.iss {
            return Err(ProtocolError::sender(Reason::WrongParty, "order.iss").into());
        }
        if warifu_protocol::telegram::key_id(&opened.holder.key) != entry.telegram.key {
            return Err(ProtocolError::sender(Reason::UnknownKey, "sealed.credential").into());
        }
        Ok(())
    }
}

fn refused(code: &str, title: &str, field: &str) -> Problem {
    Problem::new(422, code, title, Some(field))
}

impl Work {
    /// The job; with what to tell the merchant, if money was held just now.
    fn commit(self, unit: &mut dyn Unit) -> Result<(Unsigned, Option<Noticed>), Problem> {
        let mut noticed = None;
        let answer = act(unit, &self.entry, |unit| {
            let (outcome, authorization) = self.hold(unit)?;
            let key = notice_key(self.entry.now, &self.opened.claims.jti);
            let (identity, shown) = (self.opened.identity, self.shown.clone());
            noticed = Some(Noticed { key, identity, authorization, shown });
            Ok(outcome)
        })?;
        Ok((answer, noticed))
    }

    /// Holds the amount; with the authorization for the merchant.
    fn hold(&self, unit: &mut dyn Unit) -> Result<(Outcome, Unsigned), Problem> {
        let (id, card) = self.card(unit)?;
        let order = self.opened.claims.jti;
        if let Some(known) = HOLDS.records.get(unit, &order.to_string())? {
            return Err(over(&known, self));
        }
        let wish = HoldWish {
            card: &id,
            front: &self.front.sub,
            amount: self.amount,
            payments: 1,
            order: &order,
            identity: &self.opened.identity,
            at: self.opened.claims.iat,
            code: Code::Purchase as u16,
        };
        let text = "the card does not hold as much";
        let hold = HOLDS.hold(unit, &wish)?;
        let hold = hold.ok_or_else(|| refused("balance_too_low", text, "order.fields.amount"))?;
        let now = self.entry.now;
        let transaction = transaction_number(now, count(unit, "transaction")?);
        let verdict = Verdict {
            opened: &self.opened,
            own: &self.entry.telegram.aud,
            front: (&self.front.sub, Role::Merchant),
            authorization: self.authorization,
            outcome: Ok(Some(hold)),
            transaction: Some(transaction.clone()),
            now,
            lifetime: self.lifetime,
        };
        let mut record = HOLDS.decide(unit, verdict, &self.evidence)?;
        let key = order.to_string();
        if goods::Kind::of_rule(&self.opened.form.form.rule.name) == goods::Kind::Metered {
            record.meter = Some(Meter { tick: 0, total: 0, at: now });
            HOLDS.records.put(unit, &key, &record)?;
            METERED.put(unit, &key, &now)?;
        }
        let notice = Notice { merchant: self.front.sub.clone(), tries: 0, next: now };
        NOTICES.put(unit, &notice_key(now, &order), &notice)?;
        let balance = card.available(unit, &id)?;
        let paid = Paid { order: self.opened.identity, transaction, balance };
        Ok((Outcome::Paid(paid), record.answer.ok_or_else(Problem::internal)?))
    }

    /// The card that the order names, if it pays for this order.
    fn card(&self, unit: &mut dyn Unit) -> Result<(CardId, Card), Problem> {
        let number = self.opened.text(&FieldName::CARD_NUMBER);
        let id = CardId::of(unit, number);
        let unknown =
            || refused("unknown_card", "not a card of this member", "order.fields.card_number");
        let card = card_of(unit, &id, &self.entry.telegram.iss)?.ok_or_else(unknown)?;
        if card.expiry != self.opened.text(&FieldName::CARD_EXPIRY) {
            let text = "not this card's expiry";
            return Err(refused("unknown_card", text, "order.fields.card_expiry"));
        }
        if card.until <= self.entry.now {
            let text = "the card has expired";
            return Err(refused("card_expired", text, "order.fields.card_expiry"));
        }
        if card.loaded.currency() != self.amount.currency() {
            let text = "the card is in another currency";
            return Err(refused("currency_not_served", text, "order.fields.amount"));
        }
        Ok((id, card))
    }
}

/// Why an order that is decided is not paid for.
fn over(known: &OrderRecord, work: &Work) -> Problem {
    match known.decision {
        _ if known.identity != work.opened.identity => Problem::conflict("order.jti"),
        Decision::Authorized => refused("already_paid", "the order is paid for", "order.jti"),
        Decision::Refused => {
            refused("not_paid", "the order was over before it was paid for", "order.jti")
        }
    }
}
