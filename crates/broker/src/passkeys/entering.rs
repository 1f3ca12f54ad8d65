//! Coming in with a passkey.

use super::{
    Attempt, RequestOptions, bytes,
    challenges::Purpose,
    records::{OWNERS, PASSKEYS, PasskeyRecord, handle, user_handle},
    refused,
};
use crate::{
    broker::Broker,
    members::{Login, keep_login},
    records::MEMBERS,
    rules::webauthn::{Assertion, Fault, Key, asserted, check_counter},
};
use serde::Deserialize;
use warifu_ports::{StoreError, Unit};
use warifu_types::UnixTime;
use warifu_wire::Problem;

const WRONG: &str = "wrong_passkey";

/// What the browser hands over when somebody comes in with a passkey; bytes are unpadded base64url.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The passkey's id.
    pub id: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `authenticatorData`.
    pub authenticator_data: String,
    /// The signature over both.
    pub signature: String,
    /// `userHandle`, which a discoverable passkey always has.
    pub user: String,
}

/// A passkey, and whose it is.
struct Found {
    member: String,
    user: String,
    passkey: PasskeyRecord,
}

impl Broker {
    /// Begins a login with a passkey, from an address.
    pub async fn begin_entry(&self, address: &str) -> Result<Attempt<RequestOptions>, Problem> {
        let site = self.site_or_problem()?;
        self.guard.take_address(address, self.party.now())?;
        let ticket = self.ticket();
        let known = ticket.clone();
        let work =
            move |unit: &mut dyn Unit| Ok::<_, Problem>(Purpose::Enter.challenge(unit, &known));
        let challenge = self.store.run(work).await?;
        Ok(Attempt { options: RequestOptions::new(site, challenge), ticket })
    }

    /// Logs in whoever the passkey is of, if it has answered the ticket's challenge. Passkeys that are
    /// unknown or removed, and wrong signatures, are one answer.
    pub async fn enter(
        &self,
        ticket: &str,
        answer: &Answer,
        address: &str,
    ) -> Result<Login, Problem> {
        let site = self.site_or_problem()?;
        self.guard.take_address(address, self.party.now())?;
        let id = bytes(&answer.id, "id")?;
        let client_data = bytes(&answer.client_data, "client_data")?;
        let authenticator_data = bytes(&answer.authenticator_data, "authenticator_data")?;
        let signature = bytes(&answer.signature, "signature")?;
        let challenge = self.spend(ticket, Purpose::Enter).await?;
        let wrong = |fault| refused(401, WRONG, fault);
        let unknown = || wrong(Fault::Signature);
        let found = self.find(id).await?.ok_or_else(unknown)?;
        if found.user != answer.user {
            return Err(unknown());
        }
        let key = kept_key(&found.passkey)?;
        let assertion = Assertion {
            client_data: &client_data,
            authenticator_data: &authenticator_data,
            signature: &signature,
        };
        let counter = asserted(&site, &challenge, &key, &assertion).map_err(wrong)?;
        let (login, now) = (self.fresh_login(), self.party.now());
        let kept = login.clone();
        let work = move |unit: &mut dyn Unit| {
            count_up(unit, &found, counter, now)?;
            Ok::<_, Problem>(keep_login(unit, &kept, &found.member, now)?)
        };
        self.store.run(work).await?;
        Ok(login)
    }

    /// The passkey with this id, if its member may log in.
    async fn find(&self, id: Vec<u8>) -> Result<Option<Found>, Problem> {
        let work = move |unit: &mut dyn Unit| {
            let handle = handle(unit, &id);
            let Some(member) = OWNERS.get(unit, &handle)? else { return Ok(None) };
            let active = MEMBERS.get(unit, &member)?.is_some_and(|member| member.active);
            let passkeys = PASSKEYS.get(unit, &member)?.unwrap_or_default();
            let passkey = passkeys.into_iter().find(|passkey| passkey.handle == handle);
            let user = user_handle(unit, &member);
            let found = passkey.map(|passkey| Found { member, user, passkey });
            Ok::<_, StoreError>(found.filter(|_| active))
        };
        Ok(self.store.run(work).await?)
    }
}

/// The key as it was kept: what cannot be read is the broker's own fault.
fn kept_key(passkey: &PasskeyRecord) -> Result<Key, Problem> {
    let cose = bytes(&passkey.key, "key").map_err(|_| Problem::internal())?;
    Key::from_cose(&cose).map_err(|_| Problem::internal())
}

/// Records that a passkey was used. Its counter is compared here, where nobody else works: of two
/// authenticators with one key, at once, one comes in.
fn count_up(
    unit: &mut dyn Unit,
    found: &Found,
    counter: u32,
    now: UnixTime,
) -> Result<(), Problem> {
    let mut passkeys = PASSKEYS.get(unit, &found.member)?.unwrap_or_default();
    let passkey = passkeys.iter_mut().find(|passkey| passkey.handle == found.passkey.handle);
    let passkey = passkey.ok_or_else(|| refused(401, WRONG, Fault::Signature))?;
    if let Err(fault) = check_counter(passkey.counter, counter) {
        tracing::warn!(member = found.member, "a passkey may have been copied");
        return Err(refused(401, WRONG, fault));
    }
    passkey.counter = counter;
    passkey.used = Some(now);
    Ok(PASSKEYS.put(unit, &found.member, &passkeys)?)
}
