//! Setting a center up, joining it to a network, new epochs: what its operator does.

use crate::{
    CenterError,
    records::{CENTER, CenterRecord, GROUPS, MEMBERS, OWN, PreviousEpoch, keep, own},
    registrar::{Kind, Registrar},
};
use warifu_keydist::Thresholds;
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault,
    credential::{Class, Credential},
    enrolment::{Enrolment, EnrolmentRequest},
    signer::Signer,
    suite::Suite,
    trust::{Anchors, PinnedCenter, Trust},
};
use warifu_types::{Identifier, Nonce, Role, UnixTime};
use warifu_wire::{
    Random,
    identity::{self, Wish},
};

/// How long a credential is good unless said otherwise, in seconds: 400 days.
const LIFETIME: u64 = 400 * 86_400;

/// What a center is set up with.
#[derive(Debug, Clone)]
pub struct CenterWish {
    /// The network's name.
    pub network: String,
    /// The center's identifier.
    pub identifier: Identifier,
    /// Where it answers.
    pub url: String,
    /// The matrices' size.
    pub thresholds: Thresholds,
}

/// Sets a center up: its seed, its keys, its own credential as the first service. One transaction.
pub fn init(
    unit: &mut dyn Unit,
    wish: &CenterWish,
    seed: [u8; 32],
    now: UnixTime,
    random: &mut Random,
) -> Result<Anchors, CenterError> {
    if CENTER.get(unit, OWN)?.is_some() {
        return Err(CenterError::Exists);
    }
    let record = CenterRecord {
        network: wish.network.clone(),
        identifier: wish.identifier.clone(),
        thresholds: (wish.thresholds.holders(), wish.thresholds.services()),
        seed: Nonce(seed),
        epoch: 1,
        grace_until: UnixTime(0),
        begun: UnixTime(0),
        previous: None,
        before: Vec::new(),
        others: Vec::new(),
        first_url: None,
        services: 0,
        lifetime: LIFETIME,
    };
    CENTER.put(unit, OWN, &record)?;
    let own = Wish {
        sub: wish.identifier.clone(),
        roles: vec![Role::Center],
        suites: vec![Suite::KpsHpke, Suite::Kps],
        url: Some(wish.url.clone()),
    };
    let request = identity::request(unit, &own, now, random)?;
    let key = EnrolmentRequest::verify(&request)?.key;
    let registrar = Registrar::load(unit, None)?;
    let anchors = registrar.anchors_with(key);
    // The center signs its own credential with the key that it has just made.
    let signer = identity::signing_key(unit)?;
    let registrar = Registrar::load(unit, Some(&signer))?;
    let answer = registrar.enrol(unit, &request, Kind::Admit, now, random)?;
    identity::accept(unit, &answer, now)?;
    Ok(anchors)
}

/// Adds another center, whose share becomes part of every key (row D6), at the end of the network's
/// order. At the network's first center, and before anyone else is enrolled. Returns the anchors,
/// whose fingerprint is another one now.
pub fn add_center(
    unit: &mut dyn Unit,
    other: PinnedCenter,
    now: UnixTime,
) -> Result<Anchors, CenterError> {
    let mut record = own(unit)?;
    if !record.before.is_empty() {
        return Err(CenterError::NotFirst);
    }
    if record.services > 1 {
        return Err(CenterError::TooLate);
    }
    if other.center == record.identifier {
        return Err(CenterError::Duplicate);
    }
    record.others.retain(|known| known.center != other.center);
    record.others.push(other);
    CENTER.put(unit, OWN, &record)?;
    let signer = identity::signing_key(unit)?;
    let answer = Registrar::load(unit, Some(&signer))?.reissue_own(unit, now)?;
    identity::accept(unit, &answer, now)?;
    Ok(answer.anchors)
}

/// This center's request to the network's first center, with the keys that it has.
pub fn request(
    unit: &mut dyn Unit,
    now: UnixTime,
    random: &mut Random,
) -> Result<String, CenterError> {
    let identifier = own(unit)?.identifier.clone();
    let known = MEMBERS.get(unit, identifier.as_str())?.ok_or(CenterError::Absent)?;
    let credential = crate::registrar::claims(&known.enrolment.credential)?;
    let wish = Wish {
        sub: credential.sub,
        roles: credential.roles,
        suites: credential.suites,
        url: credential.url,
    };
    Ok(identity::request(unit, &wish, now, random)?)
}

/// Joins this center to a network, as one of its further centers: takes the order of the centers
/// and its credential from the first center's answer. Before it has served anyone. `first_url` is
/// where the first center answers.
pub fn join(
    unit: &mut dyn Unit,
    answer: &Enrolment,
    first_url: &str,
    now: UnixTime,
) -> Result<(), CenterError> {
    let mut record = own(unit)?;
    if record.services > 1 {
        return Err(CenterError::TooLate);
    }
    let anchors = &answer.anchors;
    let key = identity::signing_key(unit)?.verifying_key();
    let names_this =
        |c: &PinnedCenter| c.center == record.identifier && c.key == key && c.epoch == record.epoch;
    let place = anchors.centers.iter().position(names_this).filter(|place| *place > 0);
    let place = place.filter(|_| anchors.network == record.network).ok_or(CenterError::NotNamed)?;
    let at_fault = AtFault::Role(Role::Center);
    let credential: Credential =
        (*Trust::new(anchors.clone(), 1).credential(&answer.credential, now, at_fault)?).clone();
    // Every party can meet a center of the first group from the beginning.
    if credential.class != (Class::Service { group: 0 }) {
        return Err(CenterError::GroupFull);
    }
    record.before = anchors.centers.iter().take(place).cloned().collect();
    record.others = anchors.centers.iter().skip(place + 1).cloned().collect();
    record.first_url = Some(first_url.trim_end_matches('/').to_string());
    CENTER.put(unit, OWN, &record)?;
    if let Some(mut member) = MEMBERS.get(unit, record.identifier.as_str())? {
        member.enrolment.anchors = anchors.clone();
        member.enrolment.credential.clone_from(&answer.credential);
        keep(unit, &record.identifier, &member)?;
        GROUPS.put(unit, "0", &1)?;
    }
    Ok(identity::accept(unit, answer, now)?)
}

/// Begins a new epoch with new matrices. Orders under the epoch before are accepted for `grace`
/// seconds; with none, at once no more. Returns the epoch and the end of the grace time.
pub fn advance(
    unit: &mut dyn Unit,
    seed: [u8; 32],
    grace: u64,
    now: UnixTime,
) -> Result<(u32, UnixTime), CenterError> {
    let mut record = own(unit)?;
    // One epoch before is all that parties accept: a second change would cut its grace time off.
    if now < record.grace_until && grace > 0 {
        return Err(CenterError::GraceRuns(record.grace_until.0));
    }
    let before = PreviousEpoch { epoch: record.epoch, seed: record.seed };
    record.previous = (grace > 0).then_some(before);
    record.seed = Nonce(seed);
    record.epoch = record.epoch.checked_add(1).ok_or(CenterError::NotServed)?;
    record.grace_until = now.plus(grace);
    record.begun = now;
    CENTER.put(unit, OWN, &record)?;
    Ok((record.epoch, record.grace_until))
}

/// Forgets the matrices of the epoch before, once its grace time is over.
pub fn forget_previous(unit: &mut dyn Unit, now: UnixTime) -> Result<(), CenterError> {
    let mut record = own(unit)?;
    if record.previous.is_some() && record.grace_until <= now {
        record.previous = None;
        CENTER.put(unit, OWN, &record)?;
    }
    Ok(())
}

/// Revokes a party: it gets nothing more from this center, neither shares nor credentials, and is
/// no longer in the directory. Others accept the keys that it has until its credential expires, or
/// until the next epoch's grace time is over.
pub fn revoke(unit: &mut dyn Unit, who: &Identifier) -> Result<(), CenterError> {
    let mut member = MEMBERS.get(unit, who.as_str())?.ok_or(CenterError::Unknown)?;
    if own(unit)?.identifier == *who {
        return Err(CenterError::NotACenter);
    }
    member.revoked = true;
    Ok(keep(unit, who, &member)?)
}
