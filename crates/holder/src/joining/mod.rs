//! Joining a center from the terminal, as a member or with a store (rows B2, B3, B6): the guide, the
//! fingerprint, the registration telegram.

mod guide;
mod letter;

pub use guide::{CheckedGuide, apply};
pub use letter::{Fresh, Joiner, Letter, Shop};

use crate::{
    HolderError, Line,
    records::{
        HISTORY, MEMBERSHIP, Membership, OWN, PROFILE, REGISTRATION, TELEGRAMS, TelegramRecord,
    },
    telegrams::{Draft, Writer},
};
use rand_core::Rng;
use std::sync::Arc;
use warifu_ports::{Store, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, SeedableRng,
    credential::Credential,
    enrolment::{Enrolment, fingerprint},
    joining::MemberKind,
    signer::{Signer, SigningKey},
    telegram::{Instruction, Outcome, Registration, TELEGRAM_LIFETIME},
    trust::Trust,
};
use warifu_types::{Identifier, Role, UnixTime};
use warifu_vault::{Entry, EntryKind};
use warifu_wire::{
    Random,
    identity::{self, Wish},
};
use zeroize::{Zeroize, Zeroizing};

/// The signature key that [`prepare`] makes with a generator of this seed: the identity takes its
/// first 32 bytes. A vault is made around it before there is an identity.
pub fn first_key(seed: &[u8; 32]) -> SigningKey {
    let mut first = Zeroizing::new([0; 32]);
    Random::from_seed(*seed).fill_bytes(&mut *first);
    SigningKey::from_seed(&first)
}

/// Makes the terminal's keys, signs the registration telegram and keeps it; sends nothing. Again
/// before the center has answered, it makes another telegram with the same keys.
pub async fn prepare(
    store: &Arc<dyn Store>,
    guide: &CheckedGuide,
    letter: Letter,
    line: Arc<dyn Line>,
    fresh: Fresh,
) -> Result<(), HolderError> {
    let Fresh { now, random, jti } = fresh;
    let profile = letter.who.profile();
    profile.check()?;
    let wish = letter.who.wish(&letter.number)?;
    let membership = membership(guide, &letter.number, profile.kind(), &wish.sub)?;
    let (enrolment, key) = make_keys(store, wish, now, random).await?;
    let registration = Registration {
        number: letter.number,
        code: letter.code,
        terms: letter.terms,
        profile,
        enrolment,
    };
    let writer = Writer {
        member: membership.identifier.clone(),
        signer: Arc::new(key),
        center: guide.center().clone(),
        line,
    };
    let draft = Draft {
        jti,
        instruction: Instruction::Register(Box::new(registration)),
        now,
        exp: now.plus(TELEGRAM_LIFETIME),
    };
    let telegram = writer.write(store, draft).await?;
    let keep = move |unit: &mut dyn Unit| {
        MEMBERSHIP.put(unit, OWN, &membership)?;
        REGISTRATION.put(unit, OWN, &telegram)
    };
    Ok(store.run(keep).await?)
}

/// The membership that waits for the center's entry.
fn membership(
    guide: &CheckedGuide,
    number: &str,
    kind: MemberKind,
    identifier: &Identifier,
) -> Result<Membership, HolderError> {
    let center = guide.center();
    let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
    Ok(Membership {
        number: number.to_string(),
        kind,
        identifier: identifier.clone(),
        center: center.sub.clone(),
        center_url: center.url.clone().ok_or_else(missing)?,
        center_credential: guide.token().to_string(),
        anchors: guide.anchors().clone(),
        registered: None,
    })
}

/// The request for a credential, and the key that signs it and the telegram.
async fn make_keys(
    store: &Arc<dyn Store>,
    wish: Wish,
    now: UnixTime,
    mut random: Random,
) -> Result<(String, SigningKey), HolderError> {
    let make = move |unit: &mut dyn Unit| {
        if MEMBERSHIP.get(unit, OWN)?.is_some_and(|known| known.registered.is_some()) {
            return Err(HolderError::Registered);
        }
        let enrolment = identity::request(unit, &wish, now, &mut random)?;
        Ok((enrolment, identity::signing_key(unit)?))
    };
    store.run(make).await
}

/// The membership, and the registration telegram if it waits.
pub async fn standing(
    store: &Arc<dyn Store>,
) -> Result<Option<(Membership, Option<TelegramRecord>)>, HolderError> {
    let read = |unit: &mut dyn Unit| {
        let Some(membership) = MEMBERSHIP.get(unit, OWN)? else { return Ok(None) };
        Ok::<_, HolderError>(Some((membership, REGISTRATION.get(unit, OWN)?)))
    };
    store.run(read).await
}

/// The center of a membership, as it was pinned.
pub fn center_of(membership: &Membership, now: UnixTime) -> Result<Arc<Credential>, HolderError> {
    let trust = Trust::new(membership.anchors.clone(), 4);
    let center = trust.credential(&membership.center_credential, now, AtFault::Own)?;
    center.require_role(Role::Center, AtFault::Own)?;
    Ok(center)
}

/// Keeps a later credential of the center, which the caller has checked against what was pinned.
pub async fn renew_center(store: &Arc<dyn Store>, credential: String) -> Result<(), HolderError> {
    let work = move |unit: &mut dyn Unit| {
        if let Some(mut membership) = MEMBERSHIP.get(unit, OWN)? {
            membership.center_credential = credential;
            MEMBERSHIP.put(unit, OWN, &membership)?;
        }
        Ok(())
    };
    store.run(work).await
}

/// Keeps who the member is for orders, unless that was entered already.
pub async fn keep_profile(
    store: &Arc<dyn Store>,
    profile: crate::Profile,
) -> Result<(), HolderError> {
    store.run(move |unit| Ok(PROFILE.insert(unit, OWN, &profile).map(drop)?)).await
}

/// Sends the registration telegram that waits, and takes credential and shares from the answer. A
/// definite refusal lets the telegram go, since another code or another number is needed; the keys
/// stay.
pub async fn register(
    store: &Arc<dyn Store>,
    line: Arc<dyn Line>,
    now: UnixTime,
) -> Result<Membership, HolderError> {
    let (membership, telegram) = standing(store).await?.ok_or(HolderError::NotRegistered)?;
    let Some(telegram) = telegram else {
        return match membership.registered {
            Some(_) => Ok(membership),
            None => Err(HolderError::Missing("registration")),
        };
    };
    let center = center_of(&membership, now)?;
    let key = store.run(identity::signing_key).await?;
    let signer: Arc<dyn Signer> = Arc::new(key);
    let writer = Writer { member: membership.identifier.clone(), signer, center, line };
    let (answer, outcome) = match writer.hear(&telegram).await {
        Ok(heard) => heard,
        Err(error) => {
            if error.definite().is_some() {
                store.run(|unit| REGISTRATION.delete(unit, OWN)).await?;
            }
            return Err(error.into());
        }
    };
    match outcome {
        Outcome::Registered(enrolment) => {
            take(store, membership, (telegram, answer), *enrolment, now).await
        }
        Outcome::Refused { reason, field } => {
            store.run(|unit| REGISTRATION.delete(unit, OWN)).await?;
            Err(HolderError::Refused { reason, field })
        }
        _ => {
            let at_fault = AtFault::Role(Role::Center);
            Err(ProtocolError::new(at_fault, Reason::Mismatch, "telegram_answer.outcome").into())
        }
    }
}

/// Takes the center's answer to the registration.
async fn take(
    store: &Arc<dyn Store>,
    mut membership: Membership,
    (mut telegram, answer): (TelegramRecord, String),
    enrolment: Enrolment,
    now: UnixTime,
) -> Result<Membership, HolderError> {
    same_network(&membership, &enrolment)?;
    membership.registered = Some(now);
    let work = move |unit: &mut dyn Unit| {
        identity::accept(unit, &enrolment, now)?;
        MEMBERSHIP.put(unit, OWN, &membership)?;
        telegram.answer = Some(answer);
        // It has the one-time code and personal data.
        telegram.token.zeroize();
        let key = telegram.jti.to_string();
        TELEGRAMS.put(unit, &key, &telegram)?;
        REGISTRATION.delete(unit, OWN)?;
        let entry = Entry {
            at: now,
            kind: EntryKind::Note,
            party: membership.center.to_string(),
            goods: format!("registered as {}", membership.number),
            amount: None,
            reference: Some(key.clone()),
        };
        HISTORY.insert(unit, &key, &entry)?;
        Ok::<_, HolderError>(membership)
    };
    store.run(work).await
}

/// Refuses an enrolment into another network than the letter's.
pub(crate) fn same_network(
    membership: &Membership,
    enrolment: &Enrolment,
) -> Result<(), HolderError> {
    if fingerprint(&membership.anchors) != fingerprint(&enrolment.anchors) {
        let at_fault = AtFault::Role(Role::Center);
        return Err(ProtocolError::new(at_fault, Reason::Untrusted, "enrolment.anchors").into());
    }
    Ok(())
}
