//! A new key for a party that is in the register already.

use crate::{
    CenterError,
    records::{MEMBERS, Member, keep},
    registrar::{Registrar, claims},
};
use warifu_ports::Unit;
use warifu_protocol::enrolment::{Enrolment, EnrolmentRequest};
use warifu_types::UnixTime;
use warifu_wire::Random;

impl Registrar<'_> {
    /// Enters another key under a known identifier, with the same roles; a party that was revoked
    /// is in the register again. Who may ask is the caller's to decide. Shares follow from the
    /// identifier, so a lost terminal keeps those of the epoch in force.
    pub(crate) fn rekey(
        mut self,
        unit: &mut dyn Unit,
        request: &str,
        now: UnixTime,
        random: &mut Random,
    ) -> Result<Enrolment, CenterError> {
        let asked = EnrolmentRequest::verify(request)?;
        if !self.is_first() {
            return Err(CenterError::NotFirst);
        }
        let known = MEMBERS.get(unit, asked.sub.as_str())?.ok_or(CenterError::Unknown)?;
        let before = claims(&known.enrolment.credential)?;
        if before.roles != asked.roles {
            return Err(CenterError::WrongDesk);
        }
        let epoch = self.record.epoch;
        self.take_points(unit, &asked.sub, epoch)?;
        let enrolment = self.answer(&asked, known.class, now, random)?;
        let member = Member { enrolment: enrolment.clone(), epoch, revoked: false, ..known };
        keep(unit, &asked.sub, &member)?;
        Ok(enrolment)
    }
}
