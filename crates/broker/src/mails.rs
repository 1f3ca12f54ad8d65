//! Mails to users: an outbox with stable ids. A mail's texts, reply address and link are made anew each
//! time it is sent, and are the same each time.

use crate::{
    broker::{Broker, put},
    devices::DeviceMail,
    ordering::{LINK, REPLY, token_of},
    records::{
        About, MAILS, MAILS_DUE, MEMBERS, MailKind, MailRecord, MemberRecord, ORDERS, OrderRecord,
        PROVIDERS,
    },
    rules::{
        calendar,
        letter::{Answering, Facts, Language, Occasion, letter},
        steps::State,
    },
    settings::Settings,
};
use warifu_ports::{
    StoreError, Unit,
    mail::{MailError, OutgoingMail},
};
use warifu_types::{OrderId, UnixTime};
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE: u64 = 3_600;

/// Puts a mail about an order into the outbox, once for each order, kind and count.
pub(crate) fn queue(
    unit: &mut dyn Unit,
    order: &OrderRecord,
    kind: MailKind,
    count: usize,
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut id = format!("{}-{}", order.id, kind.as_str());
    if count > 0 {
        id.push_str(&format!("-{count}"));
    }
    post(unit, &id, About::Order { order: order.id, kind }, now)
}

/// Puts a mail into the outbox, once for each id.
pub(crate) fn post(
    unit: &mut dyn Unit,
    id: &str,
    about: About,
    now: UnixTime,
) -> Result<(), StoreError> {
    if MAILS.insert(unit, id, &MailRecord::due(about, now))? {
        MAILS_DUE.put(unit, id, &true)?;
    }
    Ok(())
}

/// Everything that a mail is made of.
enum Made {
    Order(Box<OrderMail>),
    Device(DeviceMail),
}

impl Made {
    /// Whether it says nothing any more: an answer to an order that was decided meanwhile, or a link
    /// that is too old.
    fn is_stale(&self, now: UnixTime) -> bool {
        match self {
            Made::Order(made) => {
                let open = matches!(made.order.state, State::Held | State::Confirming);
                answerable(made.kind) && !open
            }
            Made::Device(made) => made.is_stale(now),
        }
    }
}

/// What a mail about an order is made of.
struct OrderMail {
    kind: MailKind,
    order: OrderRecord,
    member: MemberRecord,
    provider: String,
    reply: Zeroizing<String>,
    link: Zeroizing<String>,
}

impl Broker {
    /// Sends what is due; a server that cannot be reached is tried for one mail only. Returns how many
    /// were sent.
    pub(crate) async fn send_mails(&self) -> Result<usize, Problem> {
        let (mut sent, mut after) = (0, String::new());
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| MAILS_DUE.scan(unit, &from, 200)).await?;
            let Some((last, _)) = page.last() else { return Ok(sent) };
            after.clone_from(last);
            for (id, _) in page {
                match self.send_mail(&id).await? {
                    Some(Ok(())) => sent += 1,
                    Some(Err(MailError::Unreachable(_))) => return Ok(sent),
                    Some(Err(_)) | None => {}
                }
            }
        }
    }

    /// Sends a mail; none if it is not due.
    async fn send_mail(&self, id: &str) -> Result<Option<Result<(), MailError>>, Problem> {
        let (key, now) = (id.to_string(), self.party.now());
        let load = move |unit: &mut dyn Unit| {
            let Some(mail) = MAILS.get(unit, &key)? else { return Ok(None) };
            if mail.sent.is_some() || mail.refused.is_some() || mail.next > now {
                return Ok(None);
            }
            made(unit, &mail.about)
        };
        let Some(made) = self.store.run(load).await? else { return Ok(None) };
        let outcome = match &made {
            made if made.is_stale(now) => Ok(()),
            Made::Order(made) => self.mail.send(&self.write(id, made)).await,
            Made::Device(made) => self.mail.send(&self.write_device(id, made)).await,
        };
        let told = outcome.clone();
        let key = id.to_string();
        let work = move |unit: &mut dyn Unit| noted(unit, &key, &told, now);
        self.store.run(work).await?;
        Ok(Some(outcome))
    }

    fn write(&self, id: &str, made: &OrderMail) -> OutgoingMail {
        let OrderMail { kind, order, member, provider, reply, link } = made;
        let language = Language::of(&member.language);
        let number = order.number();
        let facts = Facts {
            order: &number,
            service: order.service.name.in_language(language.tag()),
            provider,
            quantity: order.quantity.into(),
            price: order.total,
            place: Some(order.service.place.as_str()).filter(|place| !place.is_empty()),
            date: Some(order.date.as_str()).filter(|date| !date.is_empty()),
        };
        let link = format!("{}/c/{}", self.settings.pages, link.as_str());
        let until = calendar::said(order.until, language);
        let answering = Answering { link: &link, until: &until };
        let occasion = match kind {
            MailKind::Confirmation => Occasion::Confirmation(answering),
            MailKind::Reminder => Occasion::Reminder(answering),
            MailKind::AskedAgain => Occasion::AskedAgain(answering),
            MailKind::Expired => Occasion::Expired,
            MailKind::Approved => Occasion::Approved,
            MailKind::Cancelled => Occasion::Cancelled,
            MailKind::CardRefused => Occasion::CardRefused,
            MailKind::OurFault => Occasion::OurFault,
            MailKind::SoldOut => Occasion::SoldOut,
            MailKind::Declined => Occasion::Declined,
            MailKind::Silent => Occasion::Silent,
            MailKind::Served => Occasion::Served,
        };
        let written = letter(language, &facts, &occasion);
        let Settings { mailbox, mail_domain, .. } = &self.settings;
        let reply_to =
            answerable(*kind).then(|| format!("{mailbox}+{}@{mail_domain}", reply.as_str()));
        OutgoingMail {
            id: id.to_string(),
            to: member.mail.clone(),
            reply_to,
            language: language.tag().to_string(),
            subject: written.subject,
            text: written.text,
            html: Some(written.html),
        }
    }
}

/// Whether a mail can be answered.
fn answerable(kind: MailKind) -> bool {
    matches!(kind, MailKind::Confirmation | MailKind::Reminder | MailKind::AskedAgain)
}

fn made(unit: &mut dyn Unit, about: &About) -> Result<Option<Made>, Problem> {
    match about {
        About::Order { order, kind } => {
            Ok(order_mail(unit, order, *kind)?.map(|made| Made::Order(Box::new(made))))
        }
        About::Device { member, hour } => {
            Ok(DeviceMail::made(unit, member, *hour)?.map(Made::Device))
        }
    }
}

fn order_mail(
    unit: &mut dyn Unit,
    order: &OrderId,
    kind: MailKind,
) -> Result<Option<OrderMail>, Problem> {
    let Some(order) = ORDERS.get(unit, &order.to_string())? else { return Ok(None) };
    let Some(member) = MEMBERS.get(unit, &order.member)? else { return Ok(None) };
    let provider = PROVIDERS.get(unit, &order.provider)?;
    let provider = provider.map(|provider| provider.name).unwrap_or_default();
    let reply = token_of(unit, REPLY, &order.id)?;
    let link = token_of(unit, LINK, &order.id)?;
    Ok(Some(OrderMail { kind, order, member, provider, reply, link }))
}

/// Notes what the server has said; the confirmation that is out makes the order confirming.
fn noted(
    unit: &mut dyn Unit,
    id: &str,
    outcome: &Result<(), MailError>,
    now: UnixTime,
) -> Result<(), Problem> {
    let Some(mut mail) = MAILS.get(unit, id)? else { return Ok(()) };
    match outcome {
        Ok(()) => mail.sent = Some(now),
        Err(MailError::Refused(code)) => mail.refused = Some(*code),
        Err(MailError::BadAddress(_)) => mail.refused = Some(553),
        Err(_) => {
            mail.tries = mail.tries.saturating_add(1);
            let pause = 15u64.checked_shl(mail.tries.min(16)).unwrap_or(LONGEST_PAUSE);
            mail.next = now.plus(pause.min(LONGEST_PAUSE));
        }
    }
    let over = mail.sent.is_some() || mail.refused.is_some();
    if over {
        MAILS_DUE.delete(unit, id)?;
        if let About::Order { order, kind: MailKind::Confirmation } = &mail.about {
            confirming(unit, order, mail.refused, now)?;
        }
    }
    Ok(MAILS.put(unit, id, &mail)?)
}

/// Held → confirming. Where the mail was refused, the page is left, and the operator sees why.
fn confirming(
    unit: &mut dyn Unit,
    order: &OrderId,
    refused: Option<u16>,
    now: UnixTime,
) -> Result<(), Problem> {
    let Some(mut order) = ORDERS.get(unit, &order.to_string())? else { return Ok(()) };
    if order.state == State::Held {
        order.come_to(State::Confirming, now);
        order.trouble = refused.map(|_| "mail_refused".to_string());
        put(unit, &mut order)?;
    }
    Ok(())
}
