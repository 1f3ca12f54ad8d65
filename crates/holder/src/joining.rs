//! Joining a center from the terminal (rows B2, B6): the guide, the fingerprint, the registration
//! telegram.

use crate::{
    HolderError, Line,
    records::{
        HISTORY, MEMBERSHIP, Membership, OWN, PROFILE, REGISTRATION, TELEGRAMS, TelegramRecord,
    },
    telegrams::{Draft, Writer},
};
use rand_core::Rng;
use std::{fmt, sync::Arc};
use warifu_ports::{Store, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, SeedableRng,
    credential::Credential,
    enrolment::{Enrolment, fingerprint},
    joining::{Guide, MemberKind, terms_hash},
    signer::{Signer, SigningKey},
    suite::Suite,
    telegram::{Instruction, Outcome, Profile, Registration, TELEGRAM_LIFETIME},
    trust::Trust,
};
use warifu_types::{Digest, Identifier, Nonce, Role, UnixTime};
use warifu_vault::{Entry, EntryKind};
use warifu_wire::{
    Random,
    identity::{self, Wish},
};
use zeroize::{Zeroize, Zeroizing};

/// A center's guide whose parts fit each other. Whether it is the right center's, only the
/// fingerprint tells.
pub struct CheckedGuide {
    guide: Guide,
    center: Arc<Credential>,
}

impl fmt::Debug for CheckedGuide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedGuide({})", self.center.sub)
    }
}

/// What the person has from the letter, and confirms.
pub struct Letter {
    /// The number.
    pub number: String,
    /// The one-time code, as typed.
    pub code: Zeroizing<String>,
    /// The hash of the terms that the person has confirmed.
    pub terms: Digest,
    /// Who joins.
    pub profile: Profile,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, secret)", self.number)
    }
}

/// Time and entropy of one act.
pub struct Fresh {
    /// Now.
    pub now: UnixTime,
    /// For the keys.
    pub random: Random,
    /// The telegram's id.
    pub jti: Nonce,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fresh({})", self.jti)
    }
}

impl CheckedGuide {
    /// Checks that the center's credential is signed by the very anchors that the guide names.
    pub fn new(guide: Guide, now: UnixTime) -> Result<CheckedGuide, HolderError> {
        let trust = Trust::new(guide.anchors.clone(), 4);
        let center = trust.credential(&guide.credential, now, AtFault::Sender)?;
        center.require_role(Role::Center, AtFault::Sender)?;
        Ok(CheckedGuide { guide, center })
    }

    /// The center's credential.
    pub fn center(&self) -> &Arc<Credential> {
        &self.center
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.guide.anchors.network
    }

    /// The fingerprint that the letter has too, if this is the right center.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.guide.anchors)
    }

    /// The terms, and the hash by which they are confirmed.
    pub fn terms(&self, kind: MemberKind) -> (&str, Digest) {
        let terms = self.guide.terms(kind);
        (terms, terms_hash(terms))
    }

    /// Compares with the letter's fingerprint, as it was typed: spaces, colons, hyphens and case do
    /// not matter.
    pub fn compare(&self, typed: &str) -> Result<(), HolderError> {
        let shown = self.fingerprint();
        let bare = |text: &str| text.replace([' ', ':', '-', '\t'], "").to_lowercase();
        match bare(typed) == bare(&shown) {
            true => Ok(()),
            false => Err(HolderError::OtherFingerprint { shown }),
        }
    }
}

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
    let Fresh { now, mut random, jti } = fresh;
    letter.profile.check()?;
    let identifier = Identifier::parse(&format!("name:{}", letter.number)).map_err(|_| {
        HolderError::BadInput { field: "number", problem: "is not one of a letter" }
    })?;
    let wish = Wish {
        sub: identifier.clone(),
        roles: vec![Role::Holder],
        suites: vec![Suite::KpsHpke, Suite::Kps],
        url: None,
    };
    let make = move |unit: &mut dyn Unit| {
        if MEMBERSHIP.get(unit, OWN)?.is_some_and(|known| known.registered.is_some()) {
            return Err(HolderError::Registered);
        }
        let enrolment = identity::request(unit, &wish, now, &mut random)?;
        Ok((enrolment, identity::signing_key(unit)?))
    };
    let (enrolment, key) = store.run(make).await?;
    let kind = letter.profile.kind();
    let registration = Registration {
        number: letter.number.clone(),
        code: letter.code,
        terms: letter.terms,
        profile: letter.profile,
        enrolment,
    };
    let signer: Arc<dyn Signer> = Arc::new(key);
    let center = guide.center.clone();
    let writer = Writer { member: identifier.clone(), signer, center: center.clone(), line };
    let draft = Draft {
        jti,
        instruction: Instruction::Register(Box::new(registration)),
        now,
        exp: now.plus(TELEGRAM_LIFETIME),
    };
    let telegram = writer.write(store, draft).await?;
    let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
    let membership = Membership {
        number: letter.number,
        kind,
        identifier,
        center: center.sub.clone(),
        center_url: center.url.clone().ok_or_else(missing)?,
        center_credential: guide.guide.credential.clone(),
        anchors: guide.guide.anchors.clone(),
        registered: None,
    };
    let keep = move |unit: &mut dyn Unit| {
        MEMBERSHIP.put(unit, OWN, &membership)?;
        REGISTRATION.put(unit, OWN, &telegram)
    };
    Ok(store.run(keep).await?)
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
