//! What the registry's operator does: the list of providers, sheets that are read out by telephone,
//! faxes that nobody has confirmed, blocked members and cards.

use crate::{
    records::{CARDS, Channel, MEMBERS, OUTBOX, PROVIDERS, ProviderEntry, SheetRecord, Step},
    registering::check_member,
    registry::{Registry, card_key, member_key},
};
use serde::Serialize;
use warifu_ports::{
    Unit,
    fax::{CardSheet, FaxJob},
};
use warifu_types::{Identifier, UnixTime};
use warifu_wire::{Problem, private_line::SheetState};

/// A sheet as the operator's list shows it: which page, for which number, went where and when. It has
/// no field of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetSummary {
    /// The order's number.
    pub number: String,
    /// The provider.
    pub provider: Identifier,
    /// The channel's name.
    pub channel: &'static str,
    /// How far it has come.
    pub state: SheetState,
    /// Which attempt it is.
    pub attempt: u32,
    /// Pages that the other side has confirmed.
    pub pages: u32,
    /// When it was written.
    pub written: UnixTime,
    /// Whether the broker has called it back: its order is dead, and it is not handed over any more.
    pub withdrawn: bool,
    /// Its way, with the operators' names.
    pub steps: Vec<Step>,
}

impl Registry {
    /// Puts a provider into the list, or changes it. Sheets that are on their way keep the channel
    /// that they began with.
    pub async fn admit_provider(&self, entry: ProviderEntry) -> Result<(), Problem> {
        check_entry(&entry)?;
        tracing::warn!(provider = %entry.provider, channel = ?entry.channel, "provider admitted");
        let work = move |unit: &mut dyn Unit| PROVIDERS.put(unit, entry.provider.as_str(), &entry);
        Ok(self.store.run(work).await?)
    }

    /// Takes a provider off the list: no card goes to it any more.
    pub async fn remove_provider(&self, provider: &Identifier) -> Result<(), Problem> {
        let key = provider.to_string();
        match self.store.run(move |unit| PROVIDERS.delete(unit, &key)).await? {
            true => Ok(()),
            false => Err(Problem::not_found("provider")),
        }
    }

    /// The list of providers.
    pub async fn providers(&self) -> Result<Vec<ProviderEntry>, Problem> {
        let all = self.store.run(|unit| PROVIDERS.all(unit)).await?;
        Ok(all.into_iter().map(|(_, entry)| entry).collect())
    }

    /// At most `limit` sheets after a number, by number.
    pub async fn sheets(&self, after: &str, limit: usize) -> Result<Vec<SheetSummary>, Problem> {
        let after = after.to_string();
        let page = self.store.run(move |unit| OUTBOX.scan(unit, &after, limit)).await?;
        Ok(page.into_iter().map(|(number, sheet)| summary(number, sheet)).collect())
    }

    /// A sheet for the operator to read out by telephone, and the telephone number. That it was looked
    /// at is recorded: it cannot be called back after that.
    pub async fn read_sheet(&self, number: &str, by: &str) -> Result<(CardSheet, String), Problem> {
        check_name(by)?;
        let key = number.to_string();
        let (sheet, card) = self
            .store
            .run(move |unit| {
                let sheet = waiting_call(unit, &key)?;
                let card = CARDS.get(unit, &sheet.card)?;
                Ok::<_, Problem>((sheet, card.ok_or_else(|| Problem::not_found("card"))?))
            })
            .await?;
        let Channel::Telephone { number: telephone } = sheet.channel.clone() else {
            return Err(Problem::not_found("number"));
        };
        self.start(number).await?;
        tracing::warn!(number, by, "a card is shown to an operator");
        Ok((self.sheet(number, &sheet, &card)?, telephone))
    }

    /// Records that an operator has read a sheet out (row C7): name and time.
    pub async fn record_read_out(&self, number: &str, by: &str) -> Result<(), Problem> {
        check_name(by)?;
        let key = number.to_string();
        self.store.run(move |unit| waiting_call(unit, &key).map(|_| ())).await?;
        let by = by.trim().to_string();
        self.note_by_hand(number, |sheet, now| {
            if sheet.state == SheetState::Queued {
                sheet.started = true;
                sheet.come_to(SheetState::ReadOut, now).by = Some(by);
            }
        })
        .await
    }

    /// After asking the provider about a fax that nobody has confirmed, or that has failed: it is
    /// there, or it is sent anew. One that the broker has called back is void instead.
    pub async fn settle_sheet(&self, number: &str, there: bool, by: &str) -> Result<(), Problem> {
        check_name(by)?;
        let key = number.to_string();
        let sheet = self.store.run(move |unit| OUTBOX.get(unit, &key)).await?;
        let sheet = sheet.ok_or_else(|| Problem::not_found("number"))?;
        let open = [SheetState::Unconfirmed, SheetState::Failed];
        if !open.contains(&sheet.state) {
            let title = "only a sheet that is unconfirmed or has failed is settled by hand";
            return Err(Problem::new(409, "wrong_state", title, Some("number")));
        }
        if let (false, Some(job), Some(fax)) = (there, &sheet.job, &self.fax) {
            let unreachable = |_| {
                let title = "the fax server cannot clear the page before it is sent anew";
                Problem::new(503, "unreachable", title, Some("number"))
            };
            fax.clear(&FaxJob(job.clone())).await.map_err(unreachable)?;
        }
        let by = by.trim().to_string();
        self.note_by_hand(number, move |sheet, now| {
            if !open.contains(&sheet.state) {
                return;
            }
            settle(sheet, (there, by), now);
        })
        .await
    }

    /// Blocks a member, or lets it in again.
    pub async fn block_member(&self, member: &str, blocked: bool) -> Result<(), Problem> {
        check_member(member)?;
        let member = member.to_string();
        let work = move |unit: &mut dyn Unit| {
            let key = member_key(unit, &member);
            let record = MEMBERS.get(unit, &key)?;
            let mut record = record.ok_or_else(|| Problem::not_found("member"))?;
            record.blocked = blocked;
            Ok::<_, Problem>(MEMBERS.put(unit, &key, &record)?)
        };
        self.store.run(work).await
    }

    /// Blocks a card that was lost, or lets it be used again; it is found by its number.
    pub async fn block_card(&self, card_number: &str, blocked: bool) -> Result<(), Problem> {
        let number = zeroize::Zeroizing::new(card_number.to_string());
        let work = move |unit: &mut dyn Unit| {
            let key = card_key(unit, &number);
            let card = CARDS.get(unit, &key)?;
            let mut card = card.ok_or_else(|| Problem::not_found("card_number"))?;
            card.blocked = blocked;
            Ok::<_, Problem>(CARDS.put(unit, &key, &card)?)
        };
        self.store.run(work).await
    }
}

fn settle(sheet: &mut SheetRecord, (there, by): (bool, String), now: UnixTime) {
    sheet.next = now;
    if there {
        // The page of a sheet that had failed was removed from the spool then.
        let cleared = sheet.state == SheetState::Failed && sheet.job.is_none();
        sheet.come_to(SheetState::Sent, now).by = Some(by);
        if cleared {
            sheet.come_to(SheetState::Cleared, now);
        }
        return;
    }
    sheet.job = None;
    if sheet.withdrawn {
        sheet.come_to(SheetState::Void, now).by = Some(by);
        return;
    }
    sheet.attempt += 1;
    sheet.tries = 0;
    sheet.started = false;
    sheet.come_to(SheetState::Queued, now).by = Some(by);
}

/// A sheet that waits for an operator's telephone call.
fn waiting_call(unit: &mut dyn Unit, number: &str) -> Result<SheetRecord, Problem> {
    let sheet = OUTBOX.get(unit, number)?.ok_or_else(|| Problem::not_found("number"))?;
    if sheet.state != SheetState::Queued || !matches!(sheet.channel, Channel::Telephone { .. }) {
        let title = "no sheet waits to be read out under this number";
        return Err(Problem::new(409, "wrong_state", title, Some("number")));
    }
    Ok(sheet)
}

fn check_name(by: &str) -> Result<(), Problem> {
    let name = by.trim();
    let good = !name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    if good { Ok(()) } else { Err(Problem::bad_value("by", "the operator's name")) }
}

fn check_entry(entry: &ProviderEntry) -> Result<(), Problem> {
    let bad = |field, title| Err(Problem::bad_value(field, title));
    let name = entry.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return bad("name", "1 to 100 characters of plain text");
    }
    let (field, number) = match &entry.channel {
        Channel::Fax { number } => ("fax", number),
        Channel::Telephone { number } => ("telephone", number),
        Channel::Line { url } if url.starts_with("https://") => return Ok(()),
        Channel::Line { .. } => return bad("line", "an https address"),
        Channel::Reference {} => return Ok(()),
    };
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !(3..=20).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return bad(field, "3 to 20 digits, with a leading + if it is international");
    }
    Ok(())
}

fn summary(number: String, sheet: SheetRecord) -> SheetSummary {
    SheetSummary {
        number,
        provider: sheet.provider,
        channel: sheet.channel.as_str(),
        state: sheet.state,
        attempt: sheet.attempt,
        pages: sheet.pages,
        written: sheet.written,
        withdrawn: sheet.withdrawn,
        steps: sheet.steps,
    }
}
