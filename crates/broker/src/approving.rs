//! The user's word (row C5): by a reply to the mail, or by a button on the page. It counts once, and
//! in time.

use crate::{
    broker::{Broker, put},
    mails::queue,
    ordering::{LINK, REPLY, order_of_token},
    records::{BY_MEMBER, Channel, MEMBERS, MailKind, ORDERS, OrderRecord, Step},
    rules::{
        reply::{self, Decision, Expected, Reason},
        steps::State,
    },
    stock,
};
use async_trait::async_trait;
use serde::Serialize;
use warifu_ports::{
    Unit,
    mail::{IncomingMail, MailError, MailIn},
};
use warifu_types::{Digest, Money, OrderId, UnixTime};
use warifu_wire::Problem;

/// What has become of the user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// The order is approved, by this word.
    Approved,
    /// Somebody was faster: there is none left for the day. The order is over.
    SoldOut,
    /// The order is cancelled, by this word.
    Cancelled,
    /// It was decided before, or its time is over: nothing has changed.
    TooLate,
    /// The word was not understood; the user is asked again.
    AskedAgain,
    /// It changes nothing.
    Ignored,
}

/// An order, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// Its number.
    pub number: String,
    /// The provider's name.
    pub provider: String,
    /// The service's name, in the user's language.
    pub service: String,
    /// How many.
    pub quantity: u32,
    /// What it costs in all.
    pub total: Money,
    /// Where; empty if it has no place.
    pub place: String,
    /// The day; empty if it has none.
    pub date: String,
    /// How far it has come.
    pub state: &'static str,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// Until when a reply approves, or the provider has to answer.
    pub until: UnixTime,
    /// How it was approved.
    pub approved_by: Option<Channel>,
    /// The recorded steps with their times (row C8).
    pub steps: Vec<Step>,
}

/// What the user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Approve(Channel),
    Cancel,
}

impl Broker {
    /// A member's orders, the latest last.
    pub async fn orders(&self, member: &str) -> Result<Vec<OrderView>, Problem> {
        let prefix = format!("{member}/");
        let member = member.to_string();
        let work = move |unit: &mut dyn Unit| {
            let language = MEMBERS.get(unit, &member)?.map_or("en".into(), |m| m.language);
            let (mut after, mut views) = (prefix.clone(), Vec::new());
            loop {
                let page = BY_MEMBER.scan(unit, &after, 500)?;
                for (key, id) in &page {
                    if !key.starts_with(&prefix) {
                        return Ok(views);
                    }
                    if let Some(record) = ORDERS.get(unit, &id.to_string())? {
                        views.push(view(unit, record, &language)?);
                    }
                }
                match page.last() {
                    Some((key, _)) => after.clone_from(key),
                    None => return Ok::<_, Problem>(views),
                }
            }
        };
        self.store.run(work).await
    }

    /// One of a member's orders.
    pub async fn order(&self, member: &str, order: OrderId) -> Result<OrderView, Problem> {
        let member = member.to_string();
        let work = move |unit: &mut dyn Unit| {
            let record = ORDERS.get(unit, &order.to_string())?;
            let record = record.filter(|record| record.member == member);
            let record = record.ok_or_else(|| Problem::not_found("order"))?;
            let language = MEMBERS.get(unit, &member)?.map_or("en".into(), |m| m.language);
            view(unit, record, &language)
        };
        self.store.run(work).await
    }

    /// The order of a link in a mail, and its user's language.
    pub async fn linked(&self, link: &str) -> Result<(OrderView, String), Problem> {
        let link = zeroize::Zeroizing::new(link.to_string());
        let work = move |unit: &mut dyn Unit| {
            let unknown = || Problem::not_found("link");
            let id = order_of_token(unit, LINK, &link)?.ok_or_else(unknown)?;
            let record = ORDERS.get(unit, &id.to_string())?.ok_or_else(unknown)?;
            let language = MEMBERS.get(unit, &record.member)?.map_or("en".into(), |m| m.language);
            Ok::<_, Problem>((view(unit, record, &language)?, language))
        };
        self.store.run(work).await
    }

    /// The button on the page: approves, or cancels, the member's own order.
    pub async fn decide(
        &self,
        member: &str,
        order: OrderId,
        approve: bool,
    ) -> Result<Approval, Problem> {
        self.order(member, order).await?;
        self.said(order, word(approve)).await
    }

    /// The button on the page of a link.
    pub async fn decide_linked(&self, link: &str, approve: bool) -> Result<Approval, Problem> {
        let (view, _) = self.linked(link).await?;
        self.said(view.id, word(approve)).await
    }

    /// Takes the user's word, in one job: of two at once the first counts.
    pub(crate) async fn said(&self, order: OrderId, word: Word) -> Result<Approval, Problem> {
        let (now, provider_time) = (self.party.now(), self.settings.provider_time);
        let work = move |unit: &mut dyn Unit| {
            let record = ORDERS.get(unit, &order.to_string())?;
            let mut record = record.ok_or_else(|| Problem::not_found("order"))?;
            let in_time = now <= record.until;
            let open = |record: &OrderRecord| record.state == State::Confirming && in_time;
            let approval = match word {
                Word::Approve(_) if !open(&record) => return Ok(Approval::TooLate),
                Word::Approve(_) if !stock::take(unit, &mut record)? => {
                    record.reason = Some("sold_out".to_string());
                    record.come_to(State::Declined, now);
                    queue(unit, &record, MailKind::SoldOut, 0, now)?;
                    Approval::SoldOut
                }
                Word::Approve(by) => {
                    record.approved_by = Some(by);
                    record.until = now.plus(provider_time);
                    record.remind = None;
                    record.come_to(State::Approved, now);
                    queue(unit, &record, MailKind::Approved, 0, now)?;
                    Approval::Approved
                }
                Word::Cancel if record.state.may_cancel() && in_time => {
                    record.reason = Some("cancelled_by_user".to_string());
                    record.come_to(State::Cancelled, now);
                    queue(unit, &record, MailKind::Cancelled, 0, now)?;
                    Approval::Cancelled
                }
                _ => return Ok(Approval::TooLate),
            };
            put(unit, &mut record)?;
            Ok::<_, Problem>(approval)
        };
        self.store.run(work).await
    }

    /// Takes a mail that came in; what it has changed, if it was for one of our orders.
    pub async fn take_mail(&self, mail: &IncomingMail) -> Result<Option<Approval>, MailError> {
        let Settled { order, record, member } = match self.addressed(mail).await? {
            Some(settled) => settled,
            None => {
                tracing::info!("a mail to no order of ours");
                return Ok(None);
            }
        };
        // The mail cannot have gone out before the order was held: a reply to it is faster than the
        // news of our own commit. It is offered again later.
        if matches!(record.state, State::Placed | State::Held) {
            return Err(MailError::NotTaken);
        }
        let decision = reply::decide(mail, &Expected { member: &member });
        let outcome = match decision {
            Decision::Approve => self.said(order, Word::Approve(Channel::Mail)).await,
            Decision::Cancel => self.said(order, Word::Cancel).await,
            Decision::Unclear => self.ask_again(order, mail).await,
            Decision::Ignore(reason) => self.ignore(order, reason).await,
        };
        outcome.map(Some).map_err(|_| MailError::NotTaken)
    }

    async fn addressed(&self, mail: &IncomingMail) -> Result<Option<Settled>, MailError> {
        let (mailbox, domain) = (&self.settings.mailbox, &self.settings.mail_domain);
        let tokens = reply::tokens(mail, mailbox, domain);
        let work = move |unit: &mut dyn Unit| {
            for token in tokens.iter().take(8) {
                let Some(order) = order_of_token(unit, REPLY, token)? else { continue };
                let Some(record) = ORDERS.get(unit, &order.to_string())? else { continue };
                let Some(member) = MEMBERS.get(unit, &record.member)? else { continue };
                return Ok(Some(Settled { order, record, member: member.mail }));
            }
            Ok::<_, Problem>(None)
        };
        self.store.run(work).await.map_err(|_| MailError::NotTaken)
    }

    /// Asks again, some times at most, and once for the same mail.
    async fn ask_again(&self, order: OrderId, mail: &IncomingMail) -> Result<Approval, Problem> {
        let (digest, now) = (Digest(mail.digest).to_string(), self.party.now());
        let most = usize::try_from(self.settings.ask_again).unwrap_or(usize::MAX);
        let work = move |unit: &mut dyn Unit| {
            let record = ORDERS.get(unit, &order.to_string())?;
            let mut record = record.ok_or_else(|| Problem::not_found("order"))?;
            let open = record.state == State::Confirming && now <= record.until;
            if !open || record.unclear.contains(&digest) || record.unclear.len() >= most {
                return Ok(Approval::Ignored);
            }
            record.unclear.push(digest);
            queue(unit, &record, MailKind::AskedAgain, record.unclear.len(), now)?;
            put(unit, &mut record)?;
            Ok::<_, Problem>(Approval::AskedAgain)
        };
        self.store.run(work).await
    }

    async fn ignore(&self, order: OrderId, reason: Reason) -> Result<Approval, Problem> {
        let trouble = match reason {
            Reason::Bounce => "mail_bounced",
            Reason::NotTheMember | Reason::Disowned => "forged_reply",
            Reason::Automatic | Reason::Forward => return Ok(Approval::Ignored),
        };
        tracing::warn!(order = %order, trouble, "a reply changes nothing");
        let work = move |unit: &mut dyn Unit| {
            let Some(mut record) = ORDERS.get(unit, &order.to_string())? else { return Ok(()) };
            if record.state == State::Confirming {
                record.trouble = Some(trouble.to_string());
                put(unit, &mut record)?;
            }
            Ok::<_, Problem>(())
        };
        self.store.run(work).await?;
        Ok(Approval::Ignored)
    }
}

/// The order that a mail is addressed to.
struct Settled {
    order: OrderId,
    record: OrderRecord,
    /// The member's address.
    member: String,
}

#[async_trait]
impl MailIn for Broker {
    async fn receive(&self, mail: IncomingMail) -> Result<(), MailError> {
        self.take_mail(&mail).await.map(|_| ())
    }
}

fn word(approve: bool) -> Word {
    if approve { Word::Approve(Channel::Page) } else { Word::Cancel }
}

fn view(unit: &mut dyn Unit, record: OrderRecord, language: &str) -> Result<OrderView, Problem> {
    let provider = crate::records::PROVIDERS.get(unit, &record.provider)?;
    Ok(OrderView {
        id: record.id,
        number: record.number(),
        provider: provider.map(|provider| provider.name).unwrap_or_default(),
        service: record.service.name.in_language(language).to_string(),
        quantity: record.quantity,
        total: record.total,
        place: record.service.place.clone(),
        date: record.date.clone(),
        state: record.state.as_str(),
        reason: record.reason.clone(),
        until: record.until,
        approved_by: record.approved_by,
        steps: record.steps,
    })
}
