//! The steps of a sheet that goes out by fax. Before anything is handed over it is noted that it may
//! be; only the server's own word takes that back.

use crate::{
    dispatching::make_void,
    records::{CardRecord, OUTBOX, SheetRecord},
    registry::Registry,
    rules::fax::{Turn, after_error, after_state},
    sending::turn,
};
use std::sync::Arc;
use warifu_ports::{
    Unit,
    fax::{Fax, FaxError, FaxJob, Known, Spool},
};
use warifu_types::UnixTime;
use warifu_wire::{Problem, private_line::SheetState};

impl Registry {
    pub(crate) async fn fax_step(
        &self,
        fax: &Arc<dyn Fax>,
        number: &str,
        (sheet, card): (&SheetRecord, CardRecord),
        to: &str,
    ) -> Result<(), Problem> {
        use SheetState::{Busy, HandedOver, Queued, Unconfirmed};
        let job = sheet.job.clone().map(FaxJob);
        match (sheet.state, &job) {
            (Queued, _) if sheet.started => self.look_for(fax, number, sheet).await,
            (Queued, _) if sheet.withdrawn => self.take_back(number).await,
            (Queued, _) => self.hand_over(fax, number, (sheet, card), to).await,
            (HandedOver | Busy, Some(job)) => self.follow(fax, number, sheet, job).await,
            (Unconfirmed, _) | (_, None) => Ok(()),
            // Sent or failed: nothing of it stays in the server's spool.
            (_, Some(job)) => self.clear_spool(fax, number, job).await,
        }
    }

    async fn hand_over(
        &self,
        fax: &Arc<dyn Fax>,
        number: &str,
        (sheet, card): (&SheetRecord, CardRecord),
        to: &str,
    ) -> Result<(), Problem> {
        let page = self.sheet(number, sheet, &card)?;
        self.start(number).await?;
        let handed = fax.submit(&sheet.job_id(number), to, &page).await;
        self.note(number, move |sheet, now| match handed {
            Ok(job) => handed_over(sheet, job, now),
            Err(error) => {
                sheet.started = matches!(error, FaxError::Unclear(_));
                turn(sheet, after_error(&error), now);
            }
        })
        .await
    }

    /// A submission broke off, or this process died in it: what does the server know of it?
    async fn look_for(
        &self,
        fax: &Arc<dyn Fax>,
        number: &str,
        sheet: &SheetRecord,
    ) -> Result<(), Problem> {
        let Ok(known) = fax.find(&sheet.job_id(number)).await else {
            return self.later(number).await;
        };
        self.note(number, move |sheet, now| match known {
            Known::Job(job) => handed_over(sheet, job, now),
            Known::Nothing => sheet.started = false,
            Known::Untold => {
                sheet.come_to(SheetState::Unconfirmed, now);
            }
        })
        .await
    }

    /// The broker has called it back, and nothing has gone out.
    async fn take_back(&self, number: &str) -> Result<(), Problem> {
        let (key, now) = (number.to_string(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let sheet = OUTBOX.get(unit, &key)?.ok_or_else(|| Problem::not_found("number"))?;
            if sheet.started || sheet.state != SheetState::Queued {
                return Err(Problem::conflict("number"));
            }
            make_void(unit, &key, Some(sheet), now)
        };
        self.store.run(work).await
    }

    async fn follow(
        &self,
        fax: &Arc<dyn Fax>,
        number: &str,
        sheet: &SheetRecord,
        job: &FaxJob,
    ) -> Result<(), Problem> {
        let Ok(heard) = fax.state(job).await else { return self.later(number).await };
        let next = after_state(sheet.state, &heard, sheet.attempt, self.settings.attempts);
        if matches!(next, Turn::Again(_)) && fax.clear(job).await.is_err() {
            return self.later(number).await;
        }
        self.note(number, move |sheet, now| turn(sheet, next, now)).await
    }

    async fn clear_spool(
        &self,
        fax: &Arc<dyn Fax>,
        number: &str,
        job: &FaxJob,
    ) -> Result<(), Problem> {
        let Ok(left) = fax.clear(job).await else { return self.later(number).await };
        self.note(number, move |sheet, now| {
            sheet.job = None;
            if sheet.state == SheetState::Sent && left == Spool::Clear {
                sheet.come_to(SheetState::Cleared, now);
            }
        })
        .await
    }
}

fn handed_over(sheet: &mut SheetRecord, FaxJob(job): FaxJob, now: UnixTime) {
    sheet.job = Some(job);
    sheet.tries = 0;
    sheet.next = now;
    sheet.come_to(SheetState::HandedOver, now);
}
