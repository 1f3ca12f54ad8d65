//! Requests for value (row B7): the checks, and what is recorded before anything is issued.

use super::records::{
    CARDS, Credit, HOLDINGS, REFERENCES, Stage, TOP_UPS, TopUpRecord, UNFINISHED, card_of,
};
use crate::{
    accounts::BOOKS,
    rules::{
        codes,
        limits::{self, Holding, Limit},
    },
    settlement::Settlement,
    telegrams::record::{Entry, Known, act, known, note, place, refusal, repeated, store, take},
};
use std::sync::Arc;
use warifu_ports::{Unit, books::AccountName, holds::CardId};
use warifu_protocol::{
    ProtocolError, Reason,
    authorization::shared_digests,
    jws::Unsigned,
    sealed::SealedOrder,
    telegram::{Funding, Outcome, TopUp, Way},
    value::FieldValue,
};
use warifu_types::{FieldName, Money, Nonce, Role};
use warifu_wire::Problem;

/// So many references are tried until one is free.
const REFERENCES_TRIED: usize = 4;

/// What a job needs, gathered before it runs.
struct Wish {
    amount: Money,
    card: Option<String>,
    way: Way,
    credit: Option<Box<Credit>>,
    references: Vec<String>,
    limits: Vec<Limit>,
    waiting: u64,
    months: u32,
}

fn bad(code: &str, title: &str, field: &str) -> Problem {
    Problem::new(422, code, title, Some(&format!("telegram.instruction.{field}")))
}

impl Settlement {
    /// Answers a request for value. Through an issuer the card may come at once; by the other ways
    /// it comes with the money.
    pub(crate) async fn top_up(
        self: &Arc<Self>,
        entry: Entry,
        asked: TopUp,
    ) -> Result<Unsigned, Problem> {
        let TopUp { amount, card, funding } = asked;
        let way = funding.way();
        let random = self.party.random32();
        let size = codes::REFERENCE_LENGTH - 1;
        let wish = Wish {
            amount,
            card,
            way,
            credit: None,
            references: random.chunks(size).take(REFERENCES_TRIED).map(codes::spell).collect(),
            limits: self.settings.limits.clone(),
            waiting: u64::from(self.settings.waiting_days) * 86_400,
            months: self.settings.card_months,
        };
        if let Funding::Issuer { sealed } = funding {
            return self.top_up_by_issuer(entry, wish, sealed).await;
        }
        let work = move |unit: &mut dyn Unit| {
            act(unit, &entry, |unit| Ok(Outcome::TopUp(wish.record(unit, &entry)?.told(entry.now))))
        };
        self.store.run(work).await
    }

    async fn top_up_by_issuer(
        self: &Arc<Self>,
        entry: Entry,
        mut wish: Wish,
        sealed: SealedOrder,
    ) -> Result<Unsigned, Problem> {
        let before = entry.clone();
        let taken = move |unit: &mut dyn Unit| known(unit, &before.place(), &before.identity);
        match self.store.run(taken).await? {
            Known::Answered(answer) => return Ok(answer),
            Known::Taken => return self.answer_top_up(entry).await,
            Known::New => {}
        }
        let checked = self.check_credit(&entry, wish.amount, sealed).await;
        let asked = entry.clone();
        let work = move |unit: &mut dyn Unit| {
            if !take(unit, &asked)? {
                return Ok::<_, Problem>(());
            }
            let recorded = checked.and_then(|credit| {
                wish.credit = Some(Box::new(credit));
                wish.record(unit, &asked)
            });
            match recorded {
                Ok(_) => {
                    UNFINISHED.put(unit, &asked.place(), &asked.telegram.jti)?;
                    Ok(())
                }
                Err(problem) if problem.is_temporary() => Err(problem),
                Err(problem) => store(unit, &asked, refusal(problem)).map(drop),
            }
        };
        self.store.run(work).await?;
        self.answer_top_up(entry).await
    }

    /// Waits a while for the issuer, and then says how the request stands, for ever.
    async fn answer_top_up(self: &Arc<Self>, entry: Entry) -> Result<Unsigned, Problem> {
        let driving = tokio::spawn(self.clone().drive(entry.place(), true));
        // What takes longer goes on by itself.
        if let Ok(Ok(Err(problem))) = tokio::time::timeout(self.settings.patience, driving).await {
            tracing::info!(code = problem.code, "the top-up waits");
        }
        let key = entry.place();
        let work = move |unit: &mut dyn Unit| {
            if let Some(answer) = repeated(unit, &key, &entry.identity)? {
                return Ok(answer);
            }
            let record = TOP_UPS.get(unit, &key)?.ok_or_else(Problem::internal)?;
            let outcome = Outcome::TopUp(record.told(entry.now));
            store(unit, &entry, outcome)
        };
        let answer = self.store.run(work).await?;
        Ok(answer)
    }

    /// How a request stands.
    pub(crate) async fn top_up_status(
        &self,
        entry: Entry,
        telegram: Nonce,
    ) -> Result<Unsigned, Problem> {
        let work = move |unit: &mut dyn Unit| {
            note(unit, &entry)?;
            let key = place(&entry.telegram.iss, &telegram);
            let outcome = match TOP_UPS.get(unit, &key)? {
                Some(record) => Outcome::TopUp(record.told(entry.now)),
                None => Outcome::Refused {
                    reason: "unknown_top_up".into(),
                    field: Some("telegram.instruction.telegram".into()),
                },
            };
            Ok(entry.answer(outcome))
        };
        self.store.run(work).await
    }

    /// Opens the center's part of an order by which an issuer pays, and compares it with the
    /// request.
    async fn check_credit(
        &self,
        entry: &Entry,
        amount: Money,
        sealed: SealedOrder,
    ) -> Result<Credit, Problem> {
        let own = self.party.terminal().credential.clone();
        let opened = self.party.open(&sealed, &own, Role::Center).await?;
        let rule = &opened.form.form.rule;
        if (rule.front, rule.authorizer) != (Role::Center, Role::Issuer) {
            return Err(ProtocolError::sender(Reason::OutsideRule, "form.rule").into());
        }
        self.check_buyer(entry, &opened)?;
        let ordered = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
        if ordered != Some(amount) {
            return Err(ProtocolError::sender(Reason::Mismatch, "order.fields.amount").into());
        }
        let issuer = opened.claims.parties.get(&Role::Issuer).cloned();
        let issuer = issuer.ok_or_else(Problem::internal)?;
        Ok(Credit {
            issuer,
            sealed: sealed.only(Role::Issuer),
            identity: opened.identity,
            shared: shared_digests(rule, &opened.claims),
        })
    }
}

impl Wish {
    /// Checks the request against the records, and writes it down. An error has written nothing.
    fn record(mut self, unit: &mut dyn Unit, entry: &Entry) -> Result<TopUpRecord, Problem> {
        let member = entry.telegram.iss.clone();
        let card = self.card(unit, entry)?;
        let has = self.holding(unit, entry, card.as_ref())?;
        limits::check(&self.limits, self.amount, has)
            .map_err(|code| bad(code, "outside what the center offers", "amount"))?;
        let mut reference = None;
        for text in self.references.drain(..) {
            if REFERENCES.get(unit, &text)?.is_none() {
                reference = Some(text);
                break;
            }
        }
        let record = TopUpRecord {
            member: member.clone(),
            amount: self.amount,
            card,
            way: self.way,
            reference: reference.ok_or_else(Problem::internal)?,
            asked: entry.now,
            until: entry.now.plus(self.waiting),
            months: self.months,
            credit: self.credit,
            state: Stage::Asked {},
        };
        let key = entry.place();
        TOP_UPS.put(unit, &key, &record)?;
        REFERENCES.put(unit, &record.reference, &key)?;
        let mut holdings = HOLDINGS.get(unit, member.as_str())?.unwrap_or_default();
        holdings.asked.push(key);
        HOLDINGS.put(unit, member.as_str(), &holdings)?;
        Ok(record)
    }

    /// The card to load, if the request names one.
    fn card(&self, unit: &mut dyn Unit, entry: &Entry) -> Result<Option<CardId>, Problem> {
        let Some(number) = &self.card else { return Ok(None) };
        let id = CardId::of(unit, number);
        let card = card_of(unit, &id, &entry.telegram.iss)?;
        let card = card.ok_or_else(|| bad("unknown_card", "not a card of this member", "card"))?;
        if card.until <= entry.now {
            return Err(bad("card_expired", "the card has expired", "card"));
        }
        if card.loaded.currency() != self.amount.currency() {
            return Err(bad("currency_not_served", "the card is in another currency", "amount"));
        }
        Ok(Some(id))
    }

    fn holding(
        &self,
        unit: &mut dyn Unit,
        entry: &Entry,
        card: Option<&CardId>,
    ) -> Result<Holding, Problem> {
        let currency = self.amount.currency();
        let known = HOLDINGS.get(unit, entry.telegram.iss.as_str())?.unwrap_or_default();
        let mut has = Holding::default();
        for id in &known.cards {
            if CARDS.get(unit, id.as_str())?.is_none_or(|card| card.until <= entry.now) {
                continue;
            }
            let balance = BOOKS.balance(unit, &AccountName::card(id, currency))?;
            let net = u64::try_from(balance.net()).unwrap_or(0);
            has.all = has.all.saturating_add(net);
            if card == Some(id) {
                has.card = net;
            }
        }
        for key in &known.asked {
            let Some(request) = TOP_UPS.get(unit, key)? else { continue };
            if request.amount.currency() != currency || !request.is_open(entry.now) {
                continue;
            }
            has.asked = has.asked.saturating_add(request.amount.minor());
            if card.is_some() && request.card.as_ref() == card {
                has.card_asked = has.card_asked.saturating_add(request.amount.minor());
            }
        }
        Ok(has)
    }
}
