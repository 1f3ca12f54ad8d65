//! Requests for renewal. The register decides, shares are computed outside of it, and the answer is
//! kept, so that the same party gets the same answer as long as nothing is new.

use crate::{
    CenterError,
    records::{CENTER, Member, OWN, keep, member, with_shares},
    registrar::{Registrar, claims},
    rules::admission,
};
use warifu_keydist::CenterMatrices;
use warifu_ports::Unit;
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::{Class, Credential},
    encode::sha256,
    enrolment::{
        self, Enrolment,
        renewal::{self, Grant, Renewal, RenewalRequest},
    },
    trust::Trust,
};
use warifu_types::UnixTime;
use warifu_wire::Random;

/// What a request comes to.
pub(crate) enum Step {
    /// The stored answer.
    Answer(Renewal),
    /// Shares have to be computed first, which takes a tenth of a second.
    Compute(Box<Computing>),
}

/// Shares that are to be computed for a party.
pub(crate) struct Computing {
    matrices: CenterMatrices,
    /// The party, as the first center has it in its register, or as it has shown itself.
    party: Credential,
    token: String,
    shares: String,
}

impl Computing {
    /// Computes the shares, and encrypts them to the party's key.
    pub(crate) fn compute(&mut self, random: &mut Random) -> Result<(), ProtocolError> {
        let missing = || ProtocolError::sender(Reason::BadValue, "credential.hpke");
        let key = self.party.hpke.first().ok_or_else(missing)?;
        let shares = admission::first_shares(&self.matrices, self.party.class, &self.party.sub);
        self.shares = enrolment::encrypt_shares(&self.party.sub, key, &shares, random)?;
        Ok(())
    }
}

impl Registrar<'_> {
    /// Checks a request for renewal, learns from its notices, and finds the answer.
    pub(crate) fn begin_renewal(
        mut self,
        unit: &mut dyn Unit,
        token: &str,
        now: UnixTime,
    ) -> Result<Step, CenterError> {
        let claimed = RenewalRequest::peek(token)?;
        let known = match member(unit, &claimed.iss) {
            Ok(known) => Some(known),
            Err(CenterError::Unknown) if !self.is_first() => None,
            Err(error) => return Err(error),
        };
        let (party, shown) = match &known {
            Some(known) if self.is_first() => {
                let token = known.enrolment.credential.clone();
                (claims(&token)?, token)
            }
            known => (self.shown(&claimed, known.as_ref(), now)?, claimed.credential),
        };
        let to = (self.record.network.as_str(), &self.record.identifier);
        let request = RenewalRequest::verify(token, (&party.sub, &party.key), to, now)?;
        self.learn(unit, &request.notices, now)?;
        if known.is_none() {
            // Before anything is computed.
            self.check_room(unit, party.class)?;
        }
        if let Some(known) = known
            && known.epoch == self.record.epoch
        {
            return Ok(Step::Answer(self.up_to_date(unit, known, now)?));
        }
        let matrices = self.matrices();
        let computing = Computing { matrices, party, token: shown, shares: String::new() };
        Ok(Step::Compute(Box::new(computing)))
    }

    /// Keeps computed shares and answers with them; or with those that were kept in the meantime.
    pub(crate) fn finish_renewal(
        self,
        unit: &mut dyn Unit,
        computed: Computing,
        now: UnixTime,
    ) -> Result<Renewal, CenterError> {
        let epoch = computed.matrices.center().epoch;
        if epoch != self.record.epoch {
            return Err(CenterError::Moved);
        }
        let party = computed.party;
        let mut kept = match member(unit, &party.sub) {
            Ok(known) => known,
            Err(CenterError::Unknown) if !self.is_first() => {
                self.take(unit, &party.sub, party.class == (Class::Holder {}))?;
                self.count(unit, party.class)?;
                self.stranger(&party, &computed.token)?
            }
            Err(error) => return Err(error),
        };
        if kept.epoch != epoch {
            self.take_points(unit, &party.sub, epoch)?;
            kept.epoch = epoch;
            kept.enrolment.shares = computed.shares;
            if !self.is_first() {
                kept.enrolment.credential = computed.token;
            }
            keep(unit, &party.sub, &kept)?;
        }
        self.up_to_date(unit, kept, now)
    }

    /// The party that shows itself to a further center by the first center's credential.
    fn shown(
        &self,
        claimed: &RenewalRequest,
        known: Option<&Member>,
        now: UnixTime,
    ) -> Result<Credential, CenterError> {
        let anchors = self.anchors().ok_or(CenterError::Absent)?;
        let first = anchors.centers.first().map(|first| first.center.clone());
        let trust = Trust::new(anchors, 1);
        let shown = trust.credential(&claimed.credential, now, AtFault::Sender)?;
        if Some(&shown.iss) != first.as_ref() {
            return Err(ProtocolError::sender(Reason::Untrusted, "credential.iss").into());
        }
        if let Some(known) = known {
            // The first center's word on a party counts once: another key is another party.
            let before = claims(&known.enrolment.credential)?;
            if (before.key, before.class) != (shown.key, shown.class) {
                return Err(CenterError::Duplicate);
            }
        }
        Ok((*shown).clone())
    }

    fn stranger(&self, party: &Credential, token: &str) -> Result<Member, CenterError> {
        let anchors = self.anchors().ok_or(CenterError::Absent)?;
        let enrolment = Enrolment { anchors, credential: token.to_string(), shares: String::new() };
        // No epoch has the number 0: its shares are still to come.
        Ok(Member { class: party.class, enrolment, epoch: 0, revoked: false })
    }

    /// Takes later epochs of the other centers from their notices.
    fn learn(
        &mut self,
        unit: &mut dyn Unit,
        notices: &[String],
        now: UnixTime,
    ) -> Result<(), CenterError> {
        let known = self.anchors().ok_or(CenterError::Absent)?;
        let learnt = renewal::learn(&known, notices, now, AtFault::Sender)?;
        if learnt == known {
            return Ok(());
        }
        let place = self.record.before.len();
        self.record.before = learnt.centers.iter().take(place).cloned().collect();
        self.record.others = learnt.centers.iter().skip(place + 1).cloned().collect();
        Ok(CENTER.put(unit, OWN, &self.record)?)
    }

    /// The answer for a party whose shares are those of the epoch in force. The first center makes
    /// a new credential where the epochs are others, or the old one comes to its end.
    fn up_to_date(
        &self,
        unit: &mut dyn Unit,
        mut known: Member,
        now: UnixTime,
    ) -> Result<Renewal, CenterError> {
        let signer = self.signer.ok_or(CenterError::Absent)?;
        let credential = claims(&known.enrolment.credential)?;
        let sub = credential.sub.clone();
        if self.is_first() {
            let anchors = self.anchors_with(signer.verifying_key());
            let other = credential.epochs != renewal::epochs(&anchors);
            if other || renewal::is_due(&credential, now) {
                known.enrolment.credential = self.renewed(credential, now).sign(signer);
                known.enrolment.anchors = anchors;
                keep(unit, &sub, &known)?;
            }
        }
        let epoch = known.epoch;
        let Enrolment { credential, shares, .. } = with_shares(unit, &sub, known)?;
        let grant = Grant {
            iss: self.record.identifier.clone(),
            network: self.record.network.clone(),
            sub,
            epoch,
            shares: sha256(shares.as_bytes()),
        };
        let credential = self.is_first().then_some(credential);
        Ok(Renewal { grant: grant.sign(signer), credential, shares })
    }
}
