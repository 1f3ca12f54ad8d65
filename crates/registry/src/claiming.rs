//! Claiming a sheet before a step, so that two processes on one database do not work on it at once: a
//! page that both hand over would go out twice.

use crate::{
    records::{CARDS, CardRecord, OUTBOX, SheetRecord},
    registry::Registry,
    rules::claim::{Claim, may_take},
};
use std::{sync::PoisonError, time::Duration};
use warifu_ports::Unit;
use warifu_wire::Problem;

/// What has come of claiming a sheet.
pub(crate) enum Claimed {
    /// It is at its end.
    Over,
    /// Nothing is to be done now, or another process does it.
    Waits,
    /// This process has it, until its next note.
    Mine(Box<(SheetRecord, CardRecord)>),
}

/// What stands in the store.
enum Found {
    Claimed(Claimed),
    /// Another process has it.
    Taken(Claim),
}

impl Registry {
    /// Claims a sheet that is due. One whose process has died is taken over, as it was left.
    pub(crate) async fn claim(&self, number: &str) -> Result<Claimed, Problem> {
        let taken = match self.try_claim(number, None).await? {
            Found::Claimed(claimed) => return Ok(claimed),
            Found::Taken(claim) => claim,
        };
        // Nobody else's clock counts.
        let times = (self.party.now(), self.settings.lease);
        {
            let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
            if !watch.is_dead(number, &taken, times) {
                return Ok(Claimed::Waits);
            }
            watch.forget(number);
        }
        tracing::warn!(number, since = taken.since.0, "a process has died over a sheet");
        match self.try_claim(number, Some(taken)).await? {
            Found::Claimed(claimed) => Ok(claimed),
            Found::Taken(_) => Ok(Claimed::Waits),
        }
    }

    async fn try_claim(&self, number: &str, dead: Option<Claim>) -> Result<Found, Problem> {
        let (key, by, now) = (number.to_string(), self.process.clone(), self.party.now());
        let ways = (self.fax.is_some(), self.line.is_some());
        let work = move |unit: &mut dyn Unit| {
            let Some(mut sheet) = OUTBOX.get(unit, &key)? else {
                return Ok(Found::Claimed(Claimed::Over));
            };
            if sheet.is_over() {
                return Ok(Found::Claimed(Claimed::Over));
            }
            if sheet.next > now || !sheet.has_step(ways) {
                return Ok(Found::Claimed(Claimed::Waits));
            }
            if let Some(claim) = &sheet.claim
                && !may_take(Some(claim), &by, dead.as_ref())
            {
                return Ok(Found::Taken(claim.clone()));
            }
            let card = CARDS.get(unit, &sheet.card)?.ok_or_else(|| Problem::not_found("card"))?;
            sheet.claim = Some(Claim::new(&by, now));
            OUTBOX.put(unit, &key, &sheet)?;
            Ok::<_, Problem>(Found::Claimed(Claimed::Mine(Box::new((sheet, card)))))
        };
        self.store.run(work).await
    }

    /// Makes a step of a claimed sheet, and says meanwhile that this process lives. If another has
    /// found it dead all the same, what is under way is broken off.
    pub(crate) async fn while_claimed(
        &self,
        number: &str,
        step: impl Future<Output = Result<(), Problem>>,
    ) -> Result<(), Problem> {
        let mut step = std::pin::pin!(step);
        let every = Duration::from_secs(self.settings.lease) / 4;
        loop {
            tokio::select! {
                // The time comes first: a process that stood still asks before it goes on.
                biased;
                () = tokio::time::sleep(every) => {
                    if !self.lives(number).await {
                        tracing::error!(number, alarm = "claim_lost", "another has the sheet");
                        return Ok(());
                    }
                }
                done = &mut step => return done,
            }
        }
    }

    /// Says that this process lives; false if the sheet is another's by now, or nobody can tell.
    async fn lives(&self, number: &str) -> bool {
        let (key, by) = (number.to_string(), self.process.clone());
        let work = move |unit: &mut dyn Unit| {
            let Some(mut sheet) = OUTBOX.get(unit, &key)? else { return Ok(false) };
            match &mut sheet.claim {
                // The step has noted what came of it, and is about to end.
                None => return Ok(true),
                Some(claim) if claim.by == by => claim.beats = claim.beats.saturating_add(1),
                Some(_) => return Ok(false),
            }
            OUTBOX.put(unit, &key, &sheet)?;
            Ok::<_, Problem>(true)
        };
        self.store.run(work).await.unwrap_or(false)
    }
}
