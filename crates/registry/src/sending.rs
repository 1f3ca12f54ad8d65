//! The worker: sheets on their way. Each step asks a server that gives the same answer twice, and
//! stores what came of it in one job; after a crash the step is asked again.

use crate::{
    claiming::Claimed,
    records::{CARDS, CardRecord, Channel, OUTBOX, PENDING, SheetRecord},
    registry::Registry,
    rules::{claim::may_take, fax::Turn, pause},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_ports::{Unit, fax::CardSheet};
use warifu_types::UnixTime;
use warifu_wire::{
    Problem,
    private_line::{CardPost, SheetState},
};

/// What one pass over the outbox came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Sheets that came to their end.
    pub finished: usize,
    /// Sheets that still wait.
    pub waiting: usize,
}

const PAGE: usize = 200;
/// How long until a fax server is asked again, in seconds.
const ASK_AGAIN: u64 = 10;

impl Registry {
    /// Works once on every sheet that is due, and removes cards that were replaced.
    pub async fn run_pending(&self) -> Result<Pass, Problem> {
        let (mut pass, mut after) = (Pass::default(), String::new());
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| PENDING.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (number, _) in page {
                match self.work_on(&number).await {
                    Ok(true) => pass.finished += 1,
                    Ok(false) => pass.waiting += 1,
                    // One sheet that cannot go on does not hold up the others.
                    Err(problem) => {
                        tracing::error!(number, code = problem.code, "a sheet cannot go on");
                        pass.waiting += 1;
                    }
                }
            }
        }
        self.sweep().await?;
        Ok(pass)
    }

    /// Works on the outbox at every interval, until the registry is dropped or the task is aborted.
    pub fn spawn_worker(self: &Arc<Self>, interval: Duration) -> JoinHandle<()> {
        let registry = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(registry) = registry.upgrade() {
                if let Err(problem) = registry.run_pending().await {
                    tracing::error!(code = problem.code, "the worker failed");
                }
                drop(registry);
                tokio::time::sleep(interval).await;
            }
        })
    }

    /// One step of a sheet, or more while they are due; whether it is at its end.
    async fn work_on(&self, number: &str) -> Result<bool, Problem> {
        for _ in 0..8 {
            let claimed = match self.claim(number).await? {
                Claimed::Over => return Ok(true),
                Claimed::Waits => return Ok(false),
                Claimed::Mine(claimed) => *claimed,
            };
            let before = (claimed.0.steps.len(), claimed.0.started);
            self.while_claimed(number, self.step(number, claimed)).await?;
            let key = number.to_string();
            let now = self.store.run(move |unit| OUTBOX.get(unit, &key)).await?;
            let same = |sheet: SheetRecord| (sheet.steps.len(), sheet.started) == before;
            if now.is_none_or(|sheet| !sheet.is_over() && same(sheet)) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn step(
        &self,
        number: &str,
        (sheet, card): (SheetRecord, CardRecord),
    ) -> Result<(), Problem> {
        match (&sheet.channel, &self.fax) {
            (Channel::Fax { number: to }, Some(fax)) => {
                self.fax_step(fax, number, (&sheet, card), to).await
            }
            (Channel::Line { .. }, _) if sheet.withdrawn => self.give_up(number).await,
            (Channel::Line { url }, _) => self.post(number, &sheet, card, url).await,
            _ => Ok(()),
        }
    }

    async fn post(
        &self,
        number: &str,
        sheet: &SheetRecord,
        card: CardRecord,
        url: &str,
    ) -> Result<(), Problem> {
        let Some(line) = &self.line else { return Ok(()) };
        self.start(number).await?;
        let page: CardSheet = self.sheet(number, sheet, &card)?;
        let post = CardPost {
            number: page.number.clone(),
            holder_name: page.holder_name.clone(),
            card_number: page.card_number.clone(),
            card_expiry: page.card_expiry.clone(),
        };
        match line.post(url, &post).await {
            Ok(()) => {
                // There is no spool on this way: what was posted is nowhere else.
                self.note(number, |sheet, now| {
                    sheet.come_to(SheetState::Sent, now);
                    sheet.come_to(SheetState::Cleared, now);
                })
                .await
            }
            Err(error) => match error.definite().map(|problem| problem.code.clone()) {
                Some(code) => {
                    self.note(number, |sheet, now| turn(sheet, Turn::Failed(code), now)).await
                }
                None => self.later(number).await,
            },
        }
    }

    /// The broker has called it back after the provider's line was posted to.
    async fn give_up(&self, number: &str) -> Result<(), Problem> {
        self.note(number, |sheet, now| {
            if sheet.state == SheetState::Queued {
                let reason = Some("withdrawn".to_string());
                sheet.come_to(SheetState::Failed, now).reason = reason;
            }
        })
        .await
    }

    /// Noted before anything can go out. A sheet that was called back does not go out.
    pub(crate) async fn start(&self, number: &str) -> Result<(), Problem> {
        let (key, by) = (number.to_string(), self.process.clone());
        let work = move |unit: &mut dyn Unit| {
            let sheet = OUTBOX.get(unit, &key)?.ok_or_else(|| Problem::not_found("number"))?;
            let others = !may_take(sheet.claim.as_ref(), &by, None);
            if sheet.state != SheetState::Queued || sheet.withdrawn || others {
                return Err(Problem::conflict("number"));
            }
            if !sheet.started {
                OUTBOX.put(unit, &key, &SheetRecord { started: true, ..sheet })?;
            }
            Ok(())
        };
        self.store.run(work).await
    }

    pub(crate) async fn later(&self, number: &str) -> Result<(), Problem> {
        self.note(number, |sheet, now| turn(sheet, Turn::Wait, now)).await
    }

    /// Notes what came of a step of a sheet that this process has claimed, and frees it. If the sheet
    /// is another's by now, that one's word counts.
    pub(crate) async fn note(
        &self,
        number: &str,
        change: impl FnOnce(&mut SheetRecord, UnixTime) + Send + 'static,
    ) -> Result<(), Problem> {
        self.change(number, Some(self.process.clone()), change).await
    }

    /// Notes what an operator says, whoever works on the sheet: what comes of that counts no more.
    pub(crate) async fn note_by_hand(
        &self,
        number: &str,
        change: impl FnOnce(&mut SheetRecord, UnixTime) + Send + 'static,
    ) -> Result<(), Problem> {
        self.change(number, None, change).await
    }

    /// Changes a sheet; one at its end leaves the list of those that wait.
    async fn change(
        &self,
        number: &str,
        claimed_by: Option<String>,
        change: impl FnOnce(&mut SheetRecord, UnixTime) + Send + 'static,
    ) -> Result<(), Problem> {
        let (key, now) = (number.to_string(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let mut sheet = OUTBOX.get(unit, &key)?.ok_or_else(|| Problem::not_found("number"))?;
            let claim = sheet.claim.take().map(|claim| claim.by);
            if claimed_by.is_some() && claim != claimed_by {
                tracing::error!(number = key, alarm = "claim_lost", "another has the sheet");
                return Ok(());
            }
            change(&mut sheet, now);
            match sheet.is_over() {
                true => drop(PENDING.delete(unit, &key)?),
                false => PENDING.put(unit, &key, &true)?,
            }
            tracing::info!(number = key, state = ?sheet.state, "sheet");
            Ok::<_, Problem>(OUTBOX.put(unit, &key, &sheet)?)
        };
        self.store.run(work).await
    }

    /// Removes cards that were replaced, once no sheet needs them.
    async fn sweep(&self) -> Result<(), Problem> {
        let (mut after, mut gone) = (String::new(), Vec::new());
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| CARDS.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            gone.extend(page.into_iter().filter(|(_, card)| card.replaced).map(|(key, _)| key));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let work = move |unit: &mut dyn Unit| {
            let mut needed = BTreeSet::new();
            for (number, _) in PENDING.all(unit)? {
                needed.extend(OUTBOX.get(unit, &number)?.map(|sheet| sheet.card));
            }
            for key in gone.iter().filter(|key| !needed.contains(*key)) {
                if CARDS.get(unit, key)?.is_some_and(|card| card.replaced) {
                    CARDS.delete(unit, key)?;
                }
            }
            Ok::<_, Problem>(())
        };
        self.store.run(work).await
    }
}

/// Takes a turn of the fax server, or of the line.
pub(crate) fn turn(sheet: &mut SheetRecord, turn: Turn, now: UnixTime) {
    match turn {
        Turn::Wait if matches!(sheet.state, SheetState::HandedOver | SheetState::Busy) => {
            sheet.next = now.plus(ASK_AGAIN);
        }
        Turn::Wait => {
            sheet.tries = sheet.tries.saturating_add(1);
            sheet.next = now.plus(pause::after(sheet.tries));
        }
        Turn::Now(state) => {
            sheet.next = now.plus(ASK_AGAIN);
            sheet.come_to(state, now);
        }
        Turn::Sent(pages) => {
            sheet.pages = pages;
            sheet.tries = 0;
            sheet.come_to(SheetState::Sent, now);
        }
        Turn::Again(reason) => {
            sheet.attempt += 1;
            sheet.started = false;
            sheet.job = None;
            sheet.next = now.plus(pause::after(sheet.attempt));
            sheet.come_to(SheetState::Queued, now).reason = Some(reason);
        }
        Turn::Failed(reason) => {
            sheet.come_to(SheetState::Failed, now).reason = Some(reason);
            tracing::error!(alarm = "sheet_failed", "a card sheet will not go out by itself");
        }
    }
}
