//! The desk where parties are enrolled.

use crate::{
    CenterError,
    records::{
        CENTER, CenterRecord, GROUPS, MEMBERS, Member, NAMES, OWN, POINTS, SKELETONS, Taken, keep,
        own, with_shares,
    },
    rules::admission,
};
use warifu_keydist::{CenterEpoch, CenterMatrices, CenterSeed, Points, Share, Thresholds};
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault,
    credential::{CREDENTIAL, Class, Credential},
    enrolment::{
        self, Enrolment, EnrolmentRequest,
        renewal::{self, EpochNotice},
    },
    jws,
    signer::{Signer, VerifyingKey},
    trust::{Anchors, PinnedCenter},
};
use warifu_types::{Digest, Identifier, Nonce, Role, UnixTime};
use warifu_wire::Random;

/// Which desk a request is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Holders are issued keys freely.
    Issue,
    /// Services and brokers are admitted.
    Admit,
}

/// The desk where parties are enrolled.
pub struct Registrar<'a> {
    pub(crate) record: CenterRecord,
    pub(crate) signer: Option<&'a dyn Signer>,
    thresholds: Thresholds,
    /// A holder's first share, computed before the job.
    ready: Option<Share>,
}

/// The claims of a credential from the center's own records.
pub(crate) fn claims(token: &str) -> Result<Credential, CenterError> {
    Ok(jws::peek(CREDENTIAL, token, AtFault::Own)?)
}

impl<'a> Registrar<'a> {
    /// From the center's records. Without a signer it can compute shares, but sign nothing.
    pub fn load(
        unit: &mut dyn Unit,
        signer: Option<&'a dyn Signer>,
    ) -> Result<Registrar<'a>, CenterError> {
        let record = own(unit)?;
        let thresholds = Thresholds::new(record.thresholds.0, record.thresholds.1)
            .map_err(|error| CenterError::Thresholds(error.to_string()))?;
        Ok(Registrar { record, signer, thresholds, ready: None })
    }

    /// With a holder's first share that was computed beforehand: it takes a tenth of a second, in
    /// which a job would let nothing else into the store.
    pub(crate) fn with_share(self, ready: Option<Share>) -> Registrar<'a> {
        Registrar { ready, ..self }
    }

    /// The network and its centers, as parties pin them.
    pub fn anchors(&self) -> Option<Anchors> {
        self.signer.map(|signer| self.anchors_with(signer.verifying_key()))
    }

    pub(crate) fn anchors_with(&self, key: VerifyingKey) -> Anchors {
        let own = PinnedCenter {
            center: self.record.identifier.clone(),
            key,
            epoch: self.record.epoch,
            grace_until: self.record.grace_until,
        };
        let before = self.record.before.iter().cloned();
        let centers = before.chain([own]).chain(self.record.others.iter().cloned()).collect();
        Anchors { network: self.record.network.clone(), centers }
    }

    /// Whether this is the network's first center, which enrols.
    pub fn is_first(&self) -> bool {
        self.record.before.is_empty()
    }

    /// The signed notice of the epoch in force. The same epoch has the same notice.
    pub fn notice(&self) -> Result<String, CenterError> {
        let notice = EpochNotice {
            iss: self.record.identifier.clone(),
            network: self.record.network.clone(),
            epoch: self.record.epoch,
            grace_until: self.record.grace_until,
            iat: self.record.begun,
        };
        Ok(notice.sign(self.signer.ok_or(CenterError::Absent)?))
    }

    /// The matrices of the epoch in force.
    pub fn matrices(&self) -> CenterMatrices {
        self.expand(self.record.epoch, self.record.seed)
    }

    /// The matrices of the epoch in force, or of the one before while its grace time runs.
    pub fn matrices_of(&self, epoch: u32, now: UnixTime) -> Result<CenterMatrices, CenterError> {
        if epoch == self.record.epoch {
            return Ok(self.matrices());
        }
        let previous = self.record.previous.as_ref();
        let previous = previous.filter(|p| p.epoch == epoch && now < self.record.grace_until);
        let previous = previous.ok_or(CenterError::NotServed)?;
        Ok(self.expand(previous.epoch, previous.seed))
    }

    fn expand(&self, epoch: u32, seed: Nonce) -> CenterMatrices {
        CenterMatrices::new(
            CenterSeed::from_bytes(seed.0),
            &self.record.network,
            CenterEpoch { center: self.record.identifier.clone(), epoch },
            self.thresholds,
        )
    }

    /// Enrols a party, at the network's first center. The same request again gets the same answer;
    /// anything that could be taken for another party is refused.
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
        // A broker joins among the holders, and is admitted as services are.
        let by_itself = holder && !asked.roles.contains(&Role::Broker);
        if by_itself != (kind == Kind::Issue) {
            return Err(CenterError::WrongDesk);
        }
        if !self.is_first() {
            return Err(CenterError::NotFirst);
        }
        self.check_center(&asked)?;
        if let Some(known) = MEMBERS.get(unit, asked.sub.as_str())? {
            return repeat(unit, &asked, known);
        }
        self.take(unit, &asked.sub, holder)?;
        let class = if holder {
            Class::Holder {}
        } else {
            let group = admission::group_for_next(self.record.services, self.thresholds.capacity());
            self.record.services += 1;
            Class::Service { group }
        };
        let enrolment = self.answer(&asked, class, now, random)?;
        let member = Member {
            class,
            enrolment: enrolment.clone(),
            epoch: self.record.epoch,
            revoked: false,
        };
        keep(unit, &asked.sub, &member)?;
        CENTER.put(unit, OWN, &self.record)?;
        Ok(enrolment)
    }

    /// The role of a center is for the network's own centers.
    fn check_center(&self, asked: &EnrolmentRequest) -> Result<(), CenterError> {
        let own =
            self.signer.map(|signer| (self.record.identifier.clone(), signer.verifying_key()));
        let others = self.record.others.iter().map(|other| (other.center.clone(), other.key));
        let known = others.chain(own).any(|center| center == (asked.sub.clone(), asked.key));
        if asked.roles.contains(&Role::Center) && !known {
            return Err(CenterError::NotACenter);
        }
        Ok(())
    }

    /// Claims the identifier, its shape and its point.
    pub(crate) fn take(
        &self,
        unit: &mut dyn Unit,
        sub: &Identifier,
        holder: bool,
    ) -> Result<(), CenterError> {
        let by = Taken { by: sub.clone() };
        if !SKELETONS.insert(unit, &sub.skeleton(), &by)? {
            return Err(CenterError::LookAlike);
        }
        self.take_points(unit, sub, self.record.epoch)?;
        if !holder {
            for (_, part) in sub.parts() {
                // The first service of a name keeps it; others are found by identifier.
                NAMES.insert(unit, part, &by)?;
            }
        }
        Ok(())
    }

    /// Claims the points of a party in an epoch; they may be its own already.
    pub(crate) fn take_points(
        &self,
        unit: &mut dyn Unit,
        sub: &Identifier,
        epoch: u32,
    ) -> Result<(), CenterError> {
        let by = Taken { by: sub.clone() };
        let points = Points::of(&self.record.network, epoch, sub);
        for (instance, point) in points.each().iter().enumerate() {
            let mut text = [0; 32];
            text[..16].copy_from_slice(point);
            let key = format!("{epoch}/{instance}/{}", Digest(text));
            if !POINTS.insert(unit, &key, &by)? && POINTS.get(unit, &key)?.as_ref() != Some(&by) {
                return Err(CenterError::PointTaken);
            }
        }
        Ok(())
    }

    /// How many services of a group a further center knows; refuses one more than it has room for.
    pub(crate) fn check_room(&self, unit: &mut dyn Unit, class: Class) -> Result<u32, CenterError> {
        let Class::Service { group } = class else { return Ok(0) };
        let known = GROUPS.get(unit, &group.to_string())?.unwrap_or(0);
        if admission::has_room(class, known, self.thresholds.capacity()) {
            Ok(known)
        } else {
            Err(CenterError::GroupFull)
        }
    }

    /// Counts a party that a further center has not known before.
    pub(crate) fn count(&self, unit: &mut dyn Unit, class: Class) -> Result<(), CenterError> {
        let known = self.check_room(unit, class)?;
        let Class::Service { group } = class else { return Ok(()) };
        Ok(GROUPS.put(unit, &group.to_string(), &(known + 1))?)
    }

    /// The center's own enrolment under the anchors as they are now, with the shares that it has.
    pub(crate) fn reissue_own(
        &self,
        unit: &mut dyn Unit,
        now: UnixTime,
    ) -> Result<Enrolment, CenterError> {
        let signer = self.signer.ok_or(CenterError::Absent)?;
        let own = &self.record.identifier;
        let mut member = MEMBERS.get(unit, own.as_str())?.ok_or(CenterError::Absent)?;
        let credential = claims(&member.enrolment.credential)?;
        member.enrolment.credential = self.renewed(credential, now).sign(signer);
        member.enrolment.anchors = self.anchors_with(signer.verifying_key());
        keep(unit, own, &member)?;
        Ok(with_shares(unit, own, member)?)
    }

    /// A credential for the epochs in force, good for a lifetime from now.
    pub(crate) fn renewed(&self, old: Credential, now: UnixTime) -> Credential {
        let anchors = self.anchors_with(old.key);
        let exp = now.plus(self.record.lifetime);
        Credential { epochs: renewal::epochs(&anchors), iat: now, exp, ..old }
    }

    pub(crate) fn answer(
        &mut self,
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
            epochs: renewal::epochs(&anchors),
            url: asked.url.clone(),
            iat: now,
            exp: now.plus(self.record.lifetime),
        };
        let ready = self.ready.take();
        let shares = admission::first_shares_with(ready, &self.matrices(), class, &asked.sub);
        let key = asked.hpke.first().ok_or(CenterError::Absent)?;
        Ok(Enrolment {
            anchors,
            credential: credential.sign(signer),
            shares: enrolment::encrypt_shares(&asked.sub, key, &shares, random)?,
        })
    }
}

fn repeat(
    unit: &mut dyn Unit,
    asked: &EnrolmentRequest,
    known: Member,
) -> Result<Enrolment, CenterError> {
    if known.revoked {
        return Err(CenterError::Revoked);
    }
    let credential = claims(&known.enrolment.credential)?;
    if credential.key == asked.key && credential.roles == asked.roles {
        Ok(with_shares(unit, &asked.sub, known)?)
    } else {
        Err(CenterError::Duplicate)
    }
}
