//! Payment notices to merchants (row B9): an outbox, emptied at once and again by the worker.

use super::fresh::Noticed;
use crate::{
    accounts::HOLDS,
    settlement::Settlement,
    telegrams::{enclosures::kept, record::token_at},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::telegram::{Instruction, Telegram};
use warifu_types::{Identifier, OrderId, Role, UnixTime};
use warifu_wire::{
    Answer, CallError, MAX_NOTICES, PaymentNoticesAnswer, PaymentNoticesQuestion, Problem,
};

/// Notices that no merchant has taken yet, by [`notice_key`]. What they say is in the order's record.
pub(crate) const NOTICES: Collection<Notice> = Collection::new("center_notices");

/// So many notices are read at once.
const PAGE: usize = 100;
/// The longest time between two tries, in seconds.
const MOST_WAIT: u64 = 600;

/// A notice on its way.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    pub merchant: Identifier,
    pub tries: u32,
    /// When to try again.
    pub next: UnixTime,
}

/// Where the notice of an order lies: those of one time beside one another.
pub(crate) fn notice_key(paid: UnixTime, order: &OrderId) -> String {
    format!("{:020}/{order}", paid.0)
}

impl Settlement {
    /// Tells a merchant of a payment that was just made, with others that wait for it. If it is not
    /// there, the worker tells it again.
    pub(crate) fn notify(self: &Arc<Self>, merchant: &Identifier, noticed: Noticed) {
        if !self.fresh.add(merchant, noticed) {
            return;
        }
        let (center, merchant) = (self.clone(), merchant.clone());
        tokio::spawn(async move {
            while let Some(batch) = center.fresh.next(&merchant, MAX_NOTICES) {
                let outcome = center.deliver(&merchant, &batch).await;
                center.fresh.done(&batch);
                if let Err(problem) = outcome {
                    tracing::info!(code = problem.code, "payment notices wait");
                }
            }
        });
    }

    /// Sends every notice that is due.
    pub(crate) async fn send_notices(&self) -> Result<(), Problem> {
        let now = self.party.now();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| NOTICES.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let mut due: BTreeMap<Identifier, Vec<String>> = BTreeMap::new();
            for (key, notice) in page {
                if notice.next <= now && !self.fresh.has(&key) {
                    due.entry(notice.merchant).or_default().push(key);
                }
            }
            for (merchant, keys) in due {
                for keys in keys.chunks(MAX_NOTICES) {
                    if let Err(problem) = self.send_again(&merchant, keys.to_vec()).await {
                        tracing::info!(code = problem.code, "payment notices wait");
                    }
                }
            }
        }
    }

    async fn send_again(&self, merchant: &Identifier, keys: Vec<String>) -> Result<(), Problem> {
        let load = move |unit: &mut dyn Unit| -> Result<Vec<Noticed>, Problem> {
            let found: Result<Vec<_>, _> = keys.into_iter().map(|key| read(unit, key)).collect();
            Ok(found?.into_iter().flatten().collect())
        };
        let batch = self.store.run(load).await?;
        if batch.is_empty() { Ok(()) } else { self.deliver(merchant, &batch).await }
    }

    /// Sends notices to their merchant; those that it does not take are put off.
    async fn deliver(&self, merchant: &Identifier, batch: &[Noticed]) -> Result<(), Problem> {
        let sent = self.send(merchant, batch).await;
        let now = self.party.now();
        let taken = |place: usize| sent.as_ref().is_ok_and(|taken| taken.get(place) == Some(&true));
        let outcomes: Vec<(String, bool)> =
            batch.iter().enumerate().map(|(n, one)| (one.key.clone(), taken(n))).collect();
        let work = move |unit: &mut dyn Unit| {
            outcomes.iter().try_for_each(|(key, taken)| note(unit, key, *taken, now))
        };
        self.store.run(work).await?;
        sent.map(drop).map_err(Problem::from)
    }

    /// Which notices of a batch were taken.
    async fn send(&self, merchant: &Identifier, batch: &[Noticed]) -> Result<Vec<bool>, CallError> {
        let shown = batch.first().map(|one| &*one.shown);
        let (merchant, url) = self.find(merchant, shown).await?;
        let authorizations =
            batch.iter().map(|one| self.party.signed(one.authorization.clone())).collect();
        let question = PaymentNoticesQuestion { authorizations };
        let answer: PaymentNoticesAnswer =
            self.ask(&merchant, &url, Role::Merchant, ("payment_notices", &question)).await?;
        let said = |(one, answer): (&Noticed, &Answer<_>)| match answer {
            Answer::Ok(warifu_wire::ReceivedAnswer { order }) => *order == one.identity,
            Answer::Problem(problem) => {
                tracing::info!(code = problem.code, "a payment notice was not taken");
                false
            }
        };
        Ok(batch.iter().zip(&answer.answers).map(said).collect())
    }
}

/// What a waiting notice says; none if it waits no more.
fn read(unit: &mut dyn Unit, key: String) -> Result<Option<Noticed>, Problem> {
    if NOTICES.get(unit, &key)?.is_none() {
        return Ok(None);
    }
    let record = HOLDS.records.get(unit, order_of(&key))?.ok_or_else(Problem::internal)?;
    let place = record.telegram.ok_or_else(Problem::internal)?.telegram;
    let token = token_at(unit, &place)?.ok_or_else(Problem::internal)?;
    let Instruction::Pay(payment) = Telegram::peek(&token)?.instruction else {
        return Err(Problem::internal());
    };
    let authorization = record.answer.ok_or_else(Problem::internal)?;
    let identity = record.identity;
    let shown = kept(unit, &payment.front)?.ok_or_else(Problem::internal)?.into();
    Ok(Some(Noticed { key, identity, authorization, shown }))
}

/// The order's id in the key of its notice.
fn order_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, order)| order)
}

/// Takes a notice off that was sent, or puts it off; whoever has captured, or has let the time go
/// by, needs none.
fn note(unit: &mut dyn Unit, key: &str, taken: bool, now: UnixTime) -> Result<(), StoreError> {
    if taken {
        return NOTICES.delete(unit, key).map(drop);
    }
    let Some(mut notice) = NOTICES.get(unit, key)? else { return Ok(()) };
    let open = HOLDS.records.get(unit, order_of(key))?;
    if !open.is_some_and(|record| record.settled.is_none() && !record.released) {
        return NOTICES.delete(unit, key).map(drop);
    }
    notice.tries = notice.tries.saturating_add(1);
    notice.next = now.plus((1u64 << notice.tries.min(20)).min(MOST_WAIT));
    NOTICES.put(unit, key, &notice)
}
