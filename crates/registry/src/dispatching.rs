//! Sending a card to a provider, after the user's approval (row C7): by the channel that the
//! registry's own list has for it. The question names no address, so that whoever has the broker in
//! hand cannot have cards sent to himself.

use crate::{
    answering::check_number,
    records::{
        ANSWERS, Channel, Given, HourCount, OUTBOX, PENDING, PROVIDERS, ProviderEntry, RATES,
        REFERENCES, SheetRecord,
    },
    registry::{Registry, reference_key},
    rules::recall::{Recall, recall},
};
use subtle::ConstantTimeEq;
use warifu_ports::Unit;
use warifu_types::UnixTime;
use warifu_wire::{
    Problem,
    private_line::{
        DispatchAnswer, DispatchQuestion, NumberQuestion, SheetState, VoidAnswer, WITHOUT_SHEET,
    },
};

impl Registry {
    /// Puts a card sheet into the outbox, once for each number; the worker sends it.
    pub(crate) async fn dispatch(
        &self,
        question: DispatchQuestion,
    ) -> Result<DispatchAnswer, Problem> {
        check_number(&question.number)?;
        let now = self.party.now();
        let lifetime = self.settings.reference_lifetime;
        let work = move |unit: &mut dyn Unit| -> Result<DispatchAnswer, Problem> {
            let card = card_of(unit, &question, now, lifetime)?;
            let DispatchQuestion { number, provider, .. } = question;
            if let Some(sheet) = OUTBOX.get(unit, &number)? {
                let same = sheet.provider == provider;
                let state = sheet.state;
                return if same {
                    Ok(DispatchAnswer { state })
                } else {
                    alarm("another_provider", &number);
                    Err(Problem::conflict("provider"))
                };
            }
            let entry = PROVIDERS
                .get(unit, provider.as_str())?
                .ok_or_else(|| Problem::not_found("provider"))?;
            if entry.channel == (Channel::Reference {}) {
                let title = "this provider gets no cards: it bills by reference";
                return Err(Problem::new(409, WITHOUT_SHEET, title, Some("provider")));
            }
            count(unit, &entry, now)?;
            let mut sheet = queued(entry, card, now);
            sheet.come_to(SheetState::Queued, now);
            OUTBOX.put(unit, &number, &sheet)?;
            PENDING.put(unit, &number, &true)?;
            Ok(DispatchAnswer { state: sheet.state })
        };
        self.store.run(work).await
    }

    /// How far a sheet has come.
    pub(crate) async fn sheet_state(
        &self,
        question: NumberQuestion,
    ) -> Result<DispatchAnswer, Problem> {
        let found = self.store.run(move |unit| OUTBOX.get(unit, &question.number)).await?;
        let sheet = found.ok_or_else(|| Problem::not_found("number"))?;
        Ok(DispatchAnswer { state: sheet.state })
    }

    /// Calls an answer back, if nothing has gone out and no issuer has resolved it. `false` means that
    /// the provider, or the issuer, may have the card. From the first question on nothing is handed
    /// over any more; while only the fax server can tell whether something was, the answer is the
    /// temporary problem `later`.
    pub(crate) async fn void(&self, question: NumberQuestion) -> Result<VoidAnswer, Problem> {
        let now = self.party.now();
        let work = move |unit: &mut dyn Unit| call_back(unit, &question.number, now);
        match self.store.run(work).await? {
            Recall::Void => Ok(VoidAnswer { void: true }),
            Recall::Out => Ok(VoidAnswer { void: false }),
            Recall::AskServer => {
                let title = "the fax server has to be asked first; nothing more goes out";
                Err(Problem::new(503, "later", title, Some("number")))
            }
        }
    }
}

fn call_back(unit: &mut dyn Unit, number: &str, now: UnixTime) -> Result<Recall, Problem> {
    let answer = ANSWERS.get(unit, number)?.ok_or_else(|| Problem::not_found("number"))?;
    if answer.void {
        return Ok(Recall::Void);
    }
    if answer.bound.is_some() {
        return Ok(Recall::Out);
    }
    let Some(sheet) = OUTBOX.get(unit, number)? else {
        make_void(unit, number, None, now)?;
        return Ok(Recall::Void);
    };
    let by_fax = matches!(sheet.channel, Channel::Fax { .. });
    let recall = recall(sheet.state, sheet.started, by_fax);
    match recall {
        Recall::Void => make_void(unit, number, Some(sheet), now)?,
        // The broker asks again and again.
        _ if sheet.withdrawn => {}
        _ => OUTBOX.put(unit, number, &SheetRecord { withdrawn: true, ..sheet })?,
    }
    Ok(recall)
}

/// Nothing has gone out, and nothing will: the answer is void, and its sheet.
pub(crate) fn make_void(
    unit: &mut dyn Unit,
    number: &str,
    sheet: Option<SheetRecord>,
    now: UnixTime,
) -> Result<(), Problem> {
    let mut answer = ANSWERS.get(unit, number)?.ok_or_else(|| Problem::not_found("number"))?;
    answer.void = true;
    ANSWERS.put(unit, number, &answer)?;
    if let Some(mut sheet) = sheet {
        sheet.come_to(SheetState::Void, now);
        sheet.claim = None;
        OUTBOX.put(unit, number, &sheet)?;
        PENDING.delete(unit, number)?;
    }
    Ok(())
}

/// The card that a reference stands for, under the number that it was given for.
fn card_of(
    unit: &mut dyn Unit,
    question: &DispatchQuestion,
    now: UnixTime,
    lifetime: u64,
) -> Result<String, Problem> {
    let key = reference_key(unit, &question.reference.0);
    let number = REFERENCES.get(unit, &key)?;
    let Some(number) = number.filter(|number| *number == question.number) else {
        alarm("unknown_reference", &question.number);
        return Err(Problem::not_found("reference"));
    };
    let record = ANSWERS.get(unit, &number)?.ok_or_else(|| Problem::not_found("reference"))?;
    let Given::Yes { reference, card, .. } = record.answer else {
        return Err(Problem::not_found("reference"));
    };
    let same = reference.0.as_bytes().ct_eq(question.reference.0.as_bytes());
    if !bool::from(same) || record.void || record.at.plus(lifetime) < now {
        return Err(Problem::not_found("reference"));
    }
    Ok(card)
}

/// Counts a sheet to a provider; too many in an hour are refused and an alarm.
fn count(unit: &mut dyn Unit, entry: &ProviderEntry, now: UnixTime) -> Result<(), Problem> {
    let hour = now.0 / 3_600;
    let known = RATES.get(unit, entry.provider.as_str())?.unwrap_or_default();
    let count = if known.hour == hour { known.count } else { 0 };
    if count >= entry.sheets_an_hour {
        tracing::error!(alarm = "rate", provider = %entry.provider, "too many cards for a provider");
        let title = "too many cards for this provider in an hour; try again later";
        return Err(Problem::new(429, "rate_limited", title, Some("provider")));
    }
    RATES.put(unit, entry.provider.as_str(), &HourCount { hour, count: count + 1 })?;
    Ok(())
}

fn queued(entry: ProviderEntry, card: String, now: UnixTime) -> SheetRecord {
    SheetRecord {
        provider: entry.provider,
        name: entry.name,
        channel: entry.channel,
        card,
        state: SheetState::Queued,
        started: false,
        withdrawn: false,
        attempt: 1,
        tries: 0,
        next: now,
        job: None,
        pages: 0,
        written: now,
        steps: Vec::new(),
        claim: None,
    }
}

/// Something that an honest broker does not ask.
fn alarm(what: &'static str, number: &str) {
    tracing::error!(alarm = what, number, "the broker asks what it should not");
}
