//! The way in for a member whose number is guessed at from everywhere: a link by mail makes a device
//! a known one, whose attempts nobody else can use up. It opens nothing by itself: the password is
//! asked for as before.

use crate::{
    broker::Broker,
    mails::post,
    members::keep_device,
    records::{About, MEMBERS},
    rules::{
        calendar,
        letter::{Language, device_letter},
        token,
    },
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use warifu_ports::{Unit, mail::OutgoingMail};
use warifu_types::UnixTime;
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// A member gets one such mail an hour at most, whoever asks for it. Its link is good in the hour
/// after, too, so that there is always one that is good.
const HOUR: u64 = 3_600;

/// What the mail is made of.
pub(crate) struct DeviceMail {
    number: String,
    hour: u64,
    /// The member's address.
    to: String,
    language: Language,
    token: Zeroizing<String>,
}

/// A device that is known from now on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDevice {
    /// The token by which it is known: the cookie `device`, or `device` at a login.
    pub device: Zeroizing<String>,
}

impl std::fmt::Debug for KnownDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownDevice(…)")
    }
}

impl Broker {
    /// Mails a member the link that makes a device known. The answer does not tell whether there is
    /// such a member, or whether a mail went out before in this hour.
    pub async fn ask_device(&self, number: &str, address: &str) -> Result<(), Problem> {
        let now = self.party.now();
        self.guard.take_asking(address, now)?;
        let member = number.trim().to_ascii_uppercase();
        let work = move |unit: &mut dyn Unit| {
            let found = MEMBERS.get(unit, &member)?;
            if found.is_some_and(|found| found.active) {
                let hour = now.0 / HOUR;
                let id = format!("{member}-device-{hour}");
                post(unit, &id, About::Device { member, hour }, now)?;
            }
            Ok::<_, Problem>(())
        };
        self.store.run(work).await
    }

    /// Makes a device known to whom the link was mailed.
    pub async fn know_device(&self, number: &str, link: &str) -> Result<KnownDevice, Problem> {
        let (number, link) = (number.to_string(), Zeroizing::new(link.to_string()));
        let (device, now) = (self.fresh_token(), self.party.now());
        let kept = device.clone();
        let work = move |unit: &mut dyn Unit| {
            check_link(unit, &number, &link, now)?;
            Ok::<_, Problem>(keep_device(unit, &kept, number, now)?)
        };
        self.store.run(work).await?;
        Ok(KnownDevice { device })
    }

    /// Whether a link is good; to look at it changes nothing.
    pub(crate) async fn is_device_link(&self, number: &str, link: &str) -> Result<(), Problem> {
        let (number, link) = (number.to_string(), Zeroizing::new(link.to_string()));
        let now = self.party.now();
        let work = move |unit: &mut dyn Unit| check_link(unit, &number, &link, now);
        self.store.run(work).await
    }

    pub(crate) fn write_device(&self, id: &str, mail: &DeviceMail) -> OutgoingMail {
        let DeviceMail { number, hour, to, language, token } = mail;
        let link = format!("{}/d/{number}/{}", self.settings.pages, token.as_str());
        let until = calendar::said(UnixTime((hour + 2) * HOUR), *language);
        let written = device_letter(*language, &link, &until);
        OutgoingMail {
            id: id.to_string(),
            to: to.clone(),
            reply_to: None,
            language: language.tag().to_string(),
            subject: written.subject,
            text: written.text,
            html: Some(written.html),
        }
    }
}

impl DeviceMail {
    pub fn made(
        unit: &mut dyn Unit,
        number: &str,
        hour: u64,
    ) -> Result<Option<DeviceMail>, Problem> {
        let Some(member) = MEMBERS.get(unit, number)? else { return Ok(None) };
        let (to, language) = (member.mail, Language::of(&member.language));
        let token = token_of(unit, number, hour)?;
        Ok(Some(DeviceMail { number: number.to_string(), hour, to, language, token }))
    }

    pub fn is_stale(&self, now: UnixTime) -> bool {
        now.0 / HOUR > self.hour + 1
    }
}

/// A member's token of an hour: made of both and a key of the store, so that nobody has to keep it.
fn token_of(unit: &mut dyn Unit, number: &str, hour: u64) -> Result<Zeroizing<String>, Problem> {
    let hash = unit.keyed_hash("broker device link", format!("{number}/{hour}").as_bytes());
    token::of_hash(&Zeroizing::new(hash)).ok_or_else(Problem::internal)
}

fn check_link(unit: &mut dyn Unit, number: &str, link: &str, now: UnixTime) -> Result<(), Problem> {
    let hour = now.0 / HOUR;
    for hour in [hour, hour.saturating_sub(1)] {
        let right = token_of(unit, number, hour)?;
        if bool::from(right.as_bytes().ct_eq(link.as_bytes())) {
            return Ok(());
        }
    }
    Err(Problem::not_found("link"))
}
