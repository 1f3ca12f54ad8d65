//! Setting a center up, and enrolling parties.

use crate::{
    CenterError,
    records::{CENTER, CenterRecord, MEMBERS, Member, NAMES, OWN, POINTS, SKELETONS, Taken},
    rules::admission,
};
use warifu_keydist::{CenterEpoch, CenterMatrices, CenterSeed, Points, Thresholds};
use warifu_ports::Unit;
use warifu_protocol::{
    credential::{Class, Credential},
    enrolment::{self, Enrolment, EnrolmentRequest},
    signer::Signer,
    suite::Suite,
    trust::{Anchors, PinnedCenter},
};
use warifu_types::{Digest, Identifier, Nonce, Role, UnixTime};
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

/// Which desk a request is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holders are issued keys freely.
    Issue,
    /// Services are admitted.
    Admit,
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
        others: Vec::new(),
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

/// Adds another center, whose share becomes part of every key (row D6). Only before parties enrol.
pub fn add_center(unit: &mut dyn Unit, other: PinnedCenter) -> Result<(), CenterError> {
    let mut record = CENTER.get(unit, OWN)?.ok_or(CenterError::Absent)?;
    if record.services > 1 {
        return Err(CenterError::TooLate);
    }
    record.others.retain(|known| known.center != other.center);
    record.others.push(other);
    CENTER.put(unit, OWN, &record)?;
    Ok(())
}

/// The desk where parties are enrolled.
pub struct Registrar<'a> {
    record: CenterRecord,
    matrices: CenterMatrices,
    signer: Option<&'a dyn Signer>,
}

impl<'a> Registrar<'a> {
    /// From the center's records. Without a signer it can compute shares, but sign nothing.
    pub fn load(
        unit: &mut dyn Unit,
        signer: Option<&'a dyn Signer>,
    ) -> Result<Registrar<'a>, CenterError> {
        let record = CENTER.get(unit, OWN)?.ok_or(CenterError::Absent)?;
        let thresholds = Thresholds::new(record.thresholds.0, record.thresholds.1)
            .map_err(|error| CenterError::Thresholds(error.to_string()))?;
        let matrices = CenterMatrices::new(
            CenterSeed::from_bytes(record.seed.0),
            &record.network,
            CenterEpoch { center: record.identifier.clone(), epoch: record.epoch },
            thresholds,
        );
        Ok(Registrar { record, matrices, signer })
    }

    /// The network and its centers, as parties pin them.
    pub fn anchors(&self) -> Option<Anchors> {
        self.signer.map(|signer| self.anchors_with(signer.verifying_key()))
    }

    fn anchors_with(&self, key: warifu_protocol::signer::VerifyingKey) -> Anchors {
        let own = PinnedCenter {
            center: self.record.identifier.clone(),
            key,
            epoch: self.record.epoch,
            grace_until: self.record.grace_until,
        };
        let mut centers = vec![own];
        centers.extend(self.record.others.iter().cloned());
        Anchors { network: self.record.network.clone(), centers }
    }

    /// The matrices of the epoch in force.
    pub fn matrices(&self) -> &CenterMatrices {
        &self.matrices
    }

    /// Enrols a party. The same request again gets the same answer; anything that could be taken
    /// for another party is refused.
    pub fn enrol(
        mut self,
        unit: &mut dyn Unit,
        request: &str,
        kind: Kind,
        now: UnixTime,
        random: &mut Random,
    ) -> Result<Enrolment, CenterError> {
        let asked = EnrolmentRequest::verify(request)?;
        let holder = asked.roles.contains(&Role::Holder);
        if holder != (kind == Kind::Issue) {
            return Err(CenterError::WrongDesk);
        }
        if let Some(known) = MEMBERS.get(unit, asked.sub.as_str())? {
            return self.repeat(&asked, known);
        }
        self.take(unit, &asked)?;
        let class = if holder {
            Class::Holder {}
        } else {
            let group = admission::group_for_next(
                self.record.services,
                self.matrices.thresholds().capacity(),
            );
            self.record.services += 1;
            Class::Service { group }
        };
        let enrolment = self.answer(&asked, class, now, random)?;
        MEMBERS.put(unit, asked.sub.as_str(), &Member { class, enrolment: enrolment.clone() })?;
        CENTER.put(unit, OWN, &self.record)?;
        Ok(enrolment)
    }

    /// Claims the identifier, its shape and its point.
    fn take(&self, unit: &mut dyn Unit, asked: &EnrolmentRequest) -> Result<(), CenterError> {
        let by = Taken { by: asked.sub.clone() };
        if !SKELETONS.insert(unit, &asked.sub.skeleton(), &by)? {
            return Err(CenterError::LookAlike);
        }
        let points = Points::of(&self.record.network, self.record.epoch, &asked.sub);
        for (instance, point) in points.each().iter().enumerate() {
            let mut text = [0; 32];
            text[..16].copy_from_slice(point);
            let key = format!("{}/{instance}/{}", self.record.epoch, Digest(text));
            if !POINTS.insert(unit, &key, &by)? {
                return Err(CenterError::PointTaken);
            }
        }
        if !asked.roles.contains(&Role::Holder) {
            for (_, part) in asked.sub.parts() {
                // The first service of a name keeps it; others are found by identifier.
                NAMES.insert(unit, part, &by)?;
            }
        }
        Ok(())
    }

    fn repeat(&self, asked: &EnrolmentRequest, known: Member) -> Result<Enrolment, CenterError> {
        let credential: Credential = warifu_protocol::jws::peek(
            warifu_protocol::credential::CREDENTIAL,
            &known.enrolment.credential,
            warifu_protocol::AtFault::Own,
        )?;
        if credential.key == asked.key && credential.roles == asked.roles {
            Ok(known.enrolment)
        } else {
            Err(CenterError::Duplicate)
        }
    }

    fn answer(
        &self,
        asked: &EnrolmentRequest,
        class: Class,
        now: UnixTime,
        random: &mut Random,
    ) -> Result<Enrolment, CenterError> {
        let signer = self.signer.ok_or(CenterError::Absent)?;
        let anchors = self.anchors_with(signer.verifying_key());
        let credential = Credential {
            iss: self.record.identifier.clone(),
            network: self.record.network.clone(),
            sub: asked.sub.clone(),
            class,
            roles: asked.roles.clone(),
            key: asked.key,
            hpke: asked.hpke.clone(),
            suites: asked.suites.clone(),
            epochs: anchors
                .centers
                .iter()
                .map(|c| CenterEpoch { center: c.center.clone(), epoch: c.epoch })
                .collect(),
            url: asked.url.clone(),
            iat: now,
            exp: now.plus(self.record.lifetime),
        };
        let shares = admission::first_shares(&self.matrices, class, &asked.sub);
        let key = asked.hpke.first().ok_or(CenterError::Absent)?;
        Ok(Enrolment {
            anchors,
            credential: credential.sign(signer),
            shares: enrolment::encrypt_shares(&asked.sub, key, &shares, random)?,
        })
    }
}
