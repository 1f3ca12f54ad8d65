//! Users: a membership number and a password (row C3). An attacker who knows a number cannot lock the
//! member out: what slows down is the pair of address and number, and a device that the member has
//! used before passes whatever others do. A member whose number is guessed at from everywhere makes
//! this device a known one by mail ([`crate::devices`]).

use crate::{
    broker::{Broker, count},
    passwords::{Stretcher, check_new},
    records::{DEVICES, MEMBERS, MemberRecord, SESSIONS, SessionRecord},
    rules::token,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};
use warifu_ports::{StoreError, Unit};
use warifu_types::{Bucket, Rate, UnixTime};
use warifu_wire::{
    Problem,
    private_line::{CodeQuestion, code_hash},
};
use zeroize::Zeroizing;

/// How often an address may try a number: then once in two minutes.
const PAIR: Rate = Rate { burst: 5, a_minute: 1 };
/// How often a device that is known may try.
const DEVICE: Rate = PAIR;
/// How often an address may try at all.
const ADDRESS: Rate = Rate { burst: 30, a_minute: 10 };
/// How often a number may be tried from everywhere, without a device that is known.
const NUMBER: Rate = Rate { burst: 60, a_minute: 6 };
/// Buckets that are kept at most; full ones go first.
const MOST_BUCKETS: usize = 100_000;
/// How long a device is remembered, in seconds: half a year.
pub(crate) const DEVICE_TIME: u64 = 182 * 86_400;
/// How long a registration code is good, in seconds: 30 days, since it goes by post.
const CODE_TIME: u64 = 30 * 86_400;

/// Who wants to become a member, as the contract has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberApplication {
    /// The name, as providers and issuers see it.
    pub name: String,
    /// The telephone number.
    pub telephone: String,
    /// The mail address, where confirmations go.
    pub mail: String,
    /// `en` or `ja`.
    pub language: String,
    /// The password: 10 characters or more.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for MemberApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemberApplication(…)")
    }
}

/// A member as the operator's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberSummary {
    /// The number.
    pub number: String,
    /// The name.
    pub name: String,
    /// Whether the member may log in.
    pub active: bool,
    /// When it was admitted.
    pub admitted: UnixTime,
}

/// A login.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The token of the session, for a cookie or `Authorization: Bearer`.
    pub session: Zeroizing<String>,
    /// The token by which the device is known next time.
    pub device: Zeroizing<String>,
    /// Until when the session lasts.
    pub until: UnixTime,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// Who is at the door.
pub(crate) struct Guard {
    stretcher: Stretcher,
    /// A line of its own for devices that are known: a crowd of strangers does not hold them up.
    known: Stretcher,
    buckets: Mutex<HashMap<String, (Rate, Bucket)>>,
}

impl Guard {
    pub fn new(cost: (u32, u32)) -> Guard {
        let (stretcher, known) = (Stretcher::new(cost), Stretcher::new(cost));
        Guard { stretcher, known, buckets: Mutex::default() }
    }

    /// Counts an asking for a link by mail.
    pub fn take_asking(&self, address: &str, now: UnixTime) -> Result<(), Problem> {
        self.take(format!("asking {address}"), ADDRESS, now)
    }

    fn take(&self, key: String, rate: Rate, now: UnixTime) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, (rate, bucket)| !bucket.is_full(*rate, now));
        }
        let (_, bucket) = buckets.entry(key).or_insert_with(|| (rate, Bucket::full(rate, now)));
        bucket.take(rate, now).map_err(|seconds| {
            let title = format!("too many attempts; try again in {seconds} seconds");
            Problem::new(429, "too_many_attempts", &title, None)
        })
    }

    /// An attempt of any kind from an address.
    pub(crate) fn take_address(&self, address: &str, now: UnixTime) -> Result<(), Problem> {
        self.take(format!("address {address}"), ADDRESS, now)
    }

    /// A login that was right gives the pair its attempts back.
    fn forget(&self, key: &str) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Broker {
    /// Admits a member; returns the membership number.
    pub async fn admit_member(&self, application: MemberApplication) -> Result<String, Problem> {
        check(&application)?;
        let salt = self.party.random32();
        let password = self.guard.stretcher.record(&application.password, salt).await?;
        let admitted = self.party.now();
        let MemberApplication { name, telephone, mail, language, .. } = application;
        let active = true;
        let record = MemberRecord { name, telephone, mail, language, password, active, admitted };
        let work = move |unit: &mut dyn Unit| {
            let number = count(unit, 'B')?;
            MEMBERS.put(unit, &number, &record)?;
            Ok::<_, Problem>(number)
        };
        self.store.run(work).await
    }

    /// A one-time code with which the member registers a card at the registry. It is told to the
    /// member alone, and its hash to the registry: the broker keeps neither.
    pub async fn card_code(&self, member: &str) -> Result<Zeroizing<String>, Problem> {
        self.member(member).await?;
        let code = token::code(&Zeroizing::new(self.party.random32()));
        let question = CodeQuestion {
            member: member.to_string(),
            code_hash: code_hash(&code),
            until: self.party.now().plus(CODE_TIME),
        };
        self.registry.code(&question).await?;
        Ok(code)
    }

    /// Lets a member in, or no more; sessions end at once.
    pub async fn activate_member(&self, member: &str, active: bool) -> Result<(), Problem> {
        let key = member.to_string();
        let work = move |unit: &mut dyn Unit| {
            let record = MEMBERS.get(unit, &key)?;
            let mut record = record.ok_or_else(|| Problem::not_found("member"))?;
            record.active = active;
            Ok::<_, Problem>(MEMBERS.put(unit, &key, &record)?)
        };
        self.store.run(work).await
    }

    /// Members after a number, by number.
    pub async fn members(&self, after: &str, limit: usize) -> Result<Vec<MemberSummary>, Problem> {
        let after = after.to_string();
        let page = self.store.run(move |unit| MEMBERS.scan(unit, &after, limit)).await?;
        let summary = |(number, record): (String, MemberRecord)| {
            let MemberRecord { name, active, admitted, .. } = record;
            MemberSummary { number, name, active, admitted }
        };
        Ok(page.into_iter().map(summary).collect())
    }

    /// Logs a member in from `address`; `device` is a token of an earlier login. Unknown numbers and
    /// wrong passwords are one answer, after the same work.
    pub async fn login(
        &self,
        number: &str,
        password: &str,
        from: (&str, Option<&str>),
    ) -> Result<Login, Problem> {
        let number = number.trim().to_ascii_uppercase();
        self.check_password(&number, password, from).await?;
        let (login, now) = (self.fresh_login(), self.party.now());
        let kept = login.clone();
        let work = move |unit: &mut dyn Unit| keep_login(unit, &kept, &number, now);
        self.store.run::<(), StoreError>(work).await?;
        Ok(login)
    }

    /// Whether this is the member's password, within the limits of attempts.
    pub(crate) async fn check_password(
        &self,
        number: &str,
        password: &str,
        (address, device): (&str, Option<&str>),
    ) -> Result<(), Problem> {
        let now = self.party.now();
        let device = self.known_device(number, device).await?;
        let (attempts, stretcher) = match &device {
            Some(device) => (format!("device {device}"), &self.guard.known),
            None => (format!("pair {address} {number}"), &self.guard.stretcher),
        };
        if device.is_some() {
            self.guard.take(attempts.clone(), DEVICE, now)?;
        } else {
            self.guard.take_address(address, now)?;
            self.guard.take(attempts.clone(), PAIR, now)?;
            self.guard.take(format!("number {number}"), NUMBER, now)?;
        }
        let key = number.to_string();
        let record = self.store.run(move |unit| MEMBERS.get(unit, &key)).await?;
        let record = record.filter(|record| record.active);
        let known = record.as_ref().map(|record| &record.password);
        if password.len() > 1_024 || !stretcher.is_right(password, known).await? {
            let title = "membership number or password is wrong";
            return Err(Problem::new(401, "wrong_login", title, Some("password")));
        }
        self.guard.forget(&attempts);
        Ok(())
    }

    /// A login that is not kept yet.
    pub(crate) fn fresh_login(&self) -> Login {
        Login {
            session: self.fresh_token(),
            device: self.fresh_token(),
            until: self.party.now().plus(self.settings.session_time),
        }
    }

    /// The key of a device that the member has used before.
    async fn known_device(
        &self,
        number: &str,
        device: Option<&str>,
    ) -> Result<Option<String>, Problem> {
        let Some(device) = device.filter(|device| device.len() == token::LENGTH) else {
            return Ok(None);
        };
        let (device, now) = (Zeroizing::new(device.to_string()), self.party.now());
        let number = number.to_string();
        let work = move |unit: &mut dyn Unit| {
            let key = device_key(unit, &device);
            let found = DEVICES.get(unit, &key)?;
            let good = found.is_some_and(|found| found.member == number && found.until >= now);
            Ok::<_, Problem>(good.then_some(key))
        };
        self.store.run(work).await
    }

    /// Whose session this is.
    pub async fn session(&self, session: &str) -> Result<String, Problem> {
        let (session, now) = (Zeroizing::new(session.to_string()), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let key = session_key(unit, &session);
            let Some(found) = SESSIONS.get(unit, &key)? else { return Ok(None) };
            let member = MEMBERS.get(unit, &found.member)?;
            let good = found.until >= now && member.is_some_and(|member| member.active);
            if !good {
                SESSIONS.delete(unit, &key)?;
            }
            Ok::<_, Problem>(good.then_some(found.member))
        };
        let title = "log in with membership number and password";
        let unknown = || Problem::new(401, "no_session", title, Some("authorization"));
        self.store.run(work).await?.ok_or_else(unknown)
    }

    /// Ends a session.
    pub async fn logout(&self, session: &str) -> Result<(), Problem> {
        let session = Zeroizing::new(session.to_string());
        let work = move |unit: &mut dyn Unit| {
            let key = session_key(unit, &session);
            SESSIONS.delete(unit, &key).map(|_| ())
        };
        Ok(self.store.run(work).await?)
    }

    pub(crate) async fn member(&self, number: &str) -> Result<MemberRecord, Problem> {
        let key = number.to_string();
        let found = self.store.run(move |unit| MEMBERS.get(unit, &key)).await?;
        found.ok_or_else(|| Problem::not_found("member"))
    }
}

/// Keeps a login of a member who has shown who it is.
pub(crate) fn keep_login(
    unit: &mut dyn Unit,
    login: &Login,
    member: &str,
    now: UnixTime,
) -> Result<(), StoreError> {
    let (key, member) = (session_key(unit, &login.session), member.to_string());
    SESSIONS.put(unit, &key, &SessionRecord { member: member.clone(), until: login.until })?;
    keep_device(unit, &login.device, member, now)
}

fn session_key(unit: &mut dyn Unit, session: &str) -> String {
    unit.keyed_hash("broker session", session.as_bytes())
}

/// Remembers a device of a member's.
pub(crate) fn keep_device(
    unit: &mut dyn Unit,
    device: &str,
    member: String,
    now: UnixTime,
) -> Result<(), StoreError> {
    let key = device_key(unit, device);
    DEVICES.put(unit, &key, &SessionRecord { member, until: now.plus(DEVICE_TIME) })
}

fn device_key(unit: &mut dyn Unit, device: &str) -> String {
    unit.keyed_hash("broker device", device.as_bytes())
}

fn check(application: &MemberApplication) -> Result<(), Problem> {
    let line = |text: &str, most| {
        let text = text.trim();
        !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
    };
    if !line(&application.name, 100) {
        return Err(Problem::bad_value("name", "1 to 100 characters on one line"));
    }
    if !line(&application.telephone, 40) {
        return Err(Problem::bad_value("telephone", "1 to 40 characters on one line"));
    }
    let mail = application.mail.as_str();
    let (local, domain) = mail.rsplit_once('@').unwrap_or_default();
    let plain = |c: char| c.is_ascii_graphic() && !"<>\"(),:;\\[]".contains(c);
    if local.is_empty() || !domain.contains('.') || mail.len() > 254 || !mail.chars().all(plain) {
        return Err(Problem::bad_value("mail", "a mail address"));
    }
    if !["en", "ja"].contains(&application.language.as_str()) {
        return Err(Problem::bad_value("language", "en or ja"));
    }
    check_new(&application.password)
}
