//! A change of the signature key, by a telegram signed with the old one.

use super::records::{Ended, KEYS, KeyRecord, MEMBERSHIPS, end_key, key_place, membership_of};
use crate::{
    registrar::Registrar,
    settlement::Settlement,
    telegrams::record::{Entry, act},
};
use warifu_ports::Unit;
use warifu_protocol::{
    ProtocolError, Reason,
    enrolment::EnrolmentRequest,
    jws::Unsigned,
    telegram::{KeyChange, Outcome, key_id},
};
use warifu_wire::Problem;

impl Settlement {
    /// Enters a new key; the old one verifies nothing new any more.
    pub(crate) async fn change_key(
        &self,
        entry: Entry,
        change: KeyChange,
    ) -> Result<Unsigned, Problem> {
        let (signer, mut random) = (self.signer(), self.party.random());
        let work = move |unit: &mut dyn Unit| {
            let member = entry.telegram.iss.clone();
            let (old, now) = (entry.telegram.key.clone(), entry.now);
            act(unit, &entry, |unit| {
                let field = "telegram.instruction.enrolment";
                let request = EnrolmentRequest::verify(&change.enrolment)?;
                if request.sub != member {
                    return Err(ProtocolError::sender(Reason::WrongParty, field).into());
                }
                let key = key_id(&request.key);
                let place = key_place(&member, &key);
                if KEYS.get(unit, &place)?.is_some() {
                    return Err(Problem::bad_value(field, "the key is not a new one"));
                }
                let known = membership_of(unit, &member)?.ok_or_else(Problem::internal)?;
                let registrar = Registrar::load(unit, Some(signer.as_ref()))?;
                let enrolment = registrar.rekey(unit, &change.enrolment, now, &mut random)?;
                end_key(unit, &member, &old, (Ended::Replaced, now))?;
                KEYS.put(unit, &place, &KeyRecord { key: request.key, from: now, ended: None })?;
                let known = super::records::Membership { key: Some(key), ..known };
                MEMBERSHIPS.put(unit, &known.number.clone(), &known)?;
                Ok(Outcome::Registered(Box::new(enrolment)))
            })
        };
        self.store.run(work).await
    }
}
