//! Adding a passkey.

use super::{
    Attempt, CreationOptions, bytes,
    challenges::Purpose,
    options::User,
    own::check_name,
    records::{OWNERS, PASSKEYS, PasskeyRecord, handle, user_handle},
    refused,
};
use crate::{
    broker::Broker,
    records::MEMBERS,
    rules::webauthn::{NewPasskey, made},
};
use serde::Deserialize;
use warifu_ports::Unit;
use warifu_protocol::encode::b64;
use warifu_types::UnixTime;
use warifu_wire::Problem;

/// Passkeys of one member.
const MOST: usize = 10;

/// What the browser hands over for a new passkey; bytes are unpadded base64url.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPasskeyAnswer {
    /// What the member calls it.
    pub name: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `attestationObject`.
    pub attestation: String,
}

impl Broker {
    /// Begins to add a passkey for a member who is logged in, and gives the password once more; `from`
    /// as at a login.
    pub async fn begin_passkey(
        &self,
        member: &str,
        password: &str,
        from: (&str, Option<&str>),
    ) -> Result<Attempt<CreationOptions>, Problem> {
        let site = self.site_or_problem()?;
        self.check_password(member, password, from).await?;
        let (ticket, member) = (self.ticket(), member.to_string());
        let known_ticket = ticket.clone();
        let work = move |unit: &mut dyn Unit| {
            let record = MEMBERS.get(unit, &member)?.ok_or_else(|| Problem::not_found("member"))?;
            let known = PASSKEYS.get(unit, &member)?.unwrap_or_default();
            has_room(&known)?;
            let known = known.into_iter().map(|passkey| passkey.id).collect();
            let id = user_handle(unit, &member);
            let user = User { id, name: member.clone(), display_name: record.name };
            let challenge = Purpose::Enrol(member).challenge(unit, &known_ticket);
            Ok::<_, Problem>(CreationOptions::new(site, challenge, user, known))
        };
        let options = self.store.run(work).await?;
        Ok(Attempt { options, ticket })
    }

    /// Adds the passkey that the browser has made in answer to the ticket's challenge.
    pub async fn add_passkey(
        &self,
        member: &str,
        ticket: &str,
        answer: &NewPasskeyAnswer,
    ) -> Result<(), Problem> {
        let site = self.site_or_problem()?;
        let name = check_name(&answer.name)?;
        let client_data = bytes(&answer.client_data, "client_data")?;
        let attestation = bytes(&answer.attestation, "attestation")?;
        let challenge = self.spend(ticket, Purpose::Enrol(member.to_string())).await?;
        let new = made(&site, &challenge, &client_data, &attestation)
            .map_err(|fault| refused(422, "bad_passkey", fault))?;
        let (member, now) = (member.to_string(), self.party.now());
        self.store.run(move |unit| keep(unit, member, name, &new, now)).await
    }
}

fn keep(
    unit: &mut dyn Unit,
    member: String,
    name: String,
    new: &NewPasskey,
    now: UnixTime,
) -> Result<(), Problem> {
    let mut passkeys = PASSKEYS.get(unit, &member)?.unwrap_or_default();
    has_room(&passkeys)?;
    let handle = handle(unit, &new.id);
    // Anybody can claim an id that somebody else has.
    if !OWNERS.insert(unit, &handle, &member)? {
        return Err(Problem::conflict("attestation"));
    }
    let (id, key) = (b64(&new.id), b64(new.key.as_cose()));
    let counter = new.counter;
    passkeys.push(PasskeyRecord { handle, id, key, counter, name, made: now, used: None });
    Ok(PASSKEYS.put(unit, &member, &passkeys)?)
}

fn has_room(passkeys: &[PasskeyRecord]) -> Result<(), Problem> {
    if passkeys.len() < MOST {
        return Ok(());
    }
    let title = format!("at most {MOST} passkeys; remove one first");
    Err(Problem::new(409, "too_many_passkeys", &title, Some("passkeys")))
}
