//! The registration telegram (row B6): number, code and terms of the letter, and then the entry in
//! the register, in one job.

use super::records::{
    Ended, KEYS, KeyRecord, LETTERS, LetterRecord, MEMBERSHIPS, Membership, NUMBERS, key_place,
};
use crate::{
    registrar::{Kind, Registrar},
    rules::{admission, codes},
    settlement::Settlement,
    telegrams::record::{Entry, repeated, store},
};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use warifu_keydist::{CenterMatrices, Share};
use warifu_ports::Unit;
use warifu_protocol::{
    ProtocolError, Reason,
    credential::Class,
    enrolment::{Enrolment, EnrolmentRequest},
    joining::MemberKind,
    jws::Unsigned,
    signer::Signer,
    telegram::{Claimed, Instruction, Outcome, Profile, Registration, key_id},
};
use warifu_types::{Role, UnixTime};
use warifu_wire::{Problem, Random};

/// After so many wrong codes a letter is worth nothing.
const MOST_TRIES: usize = 5;

/// The keyed hash of a number's code: of no use to whoever has only the database.
pub(super) fn code_hash(unit: &mut dyn Unit, number: &str, code: &str) -> String {
    unit.keyed_hash("joining_code", format!("{number}/{code}").as_bytes())
}

/// What a job needs, gathered before it runs.
struct Work {
    entry: Entry,
    registration: Registration,
    request: EnrolmentRequest,
    /// What was written as the code, if it can be one.
    code: zeroize::Zeroizing<String>,
    signer: Arc<dyn Signer>,
    random: Random,
    /// The member's first share, if it could be computed beforehand.
    share: Option<Share>,
}

impl Settlement {
    /// Answers a registration telegram. What is refused here is not recorded but for the count of
    /// wrong codes: nobody is registered yet who could have asked.
    pub(crate) async fn register(&self, claimed: Claimed) -> Result<Unsigned, Problem> {
        let now = self.party.now();
        let Instruction::Register(registration) = &claimed.telegram().instruction else {
            return Err(Problem::internal());
        };
        let request = EnrolmentRequest::verify(&registration.enrolment)?;
        let (telegram, token) = claimed.verify(&request.key, &self.party.id())?;
        if telegram.iss != request.sub {
            return Err(ProtocolError::sender(Reason::WrongParty, "telegram.iss").into());
        }
        let in_time = telegram.check_time(now);
        let (entry, Instruction::Register(registration)) = Entry::new(telegram, token, now) else {
            return Err(Problem::internal());
        };
        let known = entry.place();
        let identity = entry.identity;
        let before = move |unit: &mut dyn Unit| repeated(unit, &known, &identity);
        if let Some(answer) = self.store.run(before).await? {
            return Ok(answer);
        }
        in_time?;
        registration.profile.check()?;
        let code = codes::read(&registration.code, codes::CODE_LENGTH);
        let code = code.ok_or_else(|| bad("code", "not the code of a letter: compare it again"))?;
        let (signer, random) = (self.signer(), self.party.random());
        let (registration, code) = (*registration, code.into());
        let mut work = Work { entry, registration, request, code, signer, random, share: None };
        work.share = self.share_for(&work).await?;
        // A wrong code is counted, so the job commits with it.
        self.store.run(move |unit| work.commit(unit)).await?
    }
}

impl Settlement {
    /// The first share of a member whose number and code are right: a tenth of a second of computing,
    /// which would hold up everybody's payments in the job.
    async fn share_for(&self, work: &Work) -> Result<Option<Share>, Problem> {
        let (number, code) = (work.registration.number.clone(), work.code.clone());
        let look = move |unit: &mut dyn Unit| matrices_for(unit, &number, &code);
        let Some(matrices) = self.store.run(look).await? else { return Ok(None) };
        let who = work.request.sub.clone();
        let computed = tokio::task::spawn_blocking(move || {
            admission::first_shares(&matrices, Class::Holder {}, &who).pop()
        });
        computed.await.map_err(|_| Problem::internal())
    }
}

/// The matrices that a member's share comes from; none if number or code are wrong, or a store's.
fn matrices_for(
    unit: &mut dyn Unit,
    number: &str,
    code: &str,
) -> Result<Option<CenterMatrices>, Problem> {
    let membership = MEMBERSHIPS.get(unit, number)?;
    if membership.is_none_or(|membership| membership.kind != MemberKind::Member) {
        return Ok(None);
    }
    match LETTERS.get(unit, number)? {
        Some(letter) if may_use(&letter) && is_code_of(unit, number, code, &letter) => {
            Ok(Some(Registrar::load(unit, None)?.matrices()))
        }
        _ => Ok(None),
    }
}

/// Whether a letter has not met too many wrong codes.
fn may_use(letter: &LetterRecord) -> bool {
    letter.tries.len() < MOST_TRIES
}

fn is_code_of(unit: &mut dyn Unit, number: &str, code: &str, letter: &LetterRecord) -> bool {
    bool::from(code_hash(unit, number, code).as_bytes().ct_eq(letter.code.as_bytes()))
}

fn bad(field: &str, title: &str) -> Problem {
    Problem::bad_value(&format!("telegram.instruction.{field}"), title)
}

fn refused(code: &str, title: &str, field: &str) -> Problem {
    Problem::new(403, code, title, Some(&format!("telegram.instruction.{field}")))
}

impl Work {
    fn commit(mut self, unit: &mut dyn Unit) -> Result<Result<Unsigned, Problem>, Problem> {
        if let Some(answer) = repeated(unit, &self.entry.place(), &self.entry.identity)? {
            return Ok(Ok(answer));
        }
        let number = self.registration.number.clone();
        let not_issued = || refused("not_issued", "no letter was made for this number", "number");
        let membership = MEMBERSHIPS.get(unit, &number)?.ok_or_else(not_issued)?;
        let mut letter = LETTERS.get(unit, &number)?.ok_or_else(not_issued)?;
        if let Some(problem) = self.wrong_code(unit, &number, &mut letter)? {
            return Ok(Err(problem));
        }
        self.check(unit, &membership, &letter)?;
        let enrolment = self.enrol(unit, &membership)?;
        let now = self.entry.now;
        let key = key_id(&self.request.key);
        let sub = &self.request.sub;
        let membership = Membership {
            profile: self.registration.profile.clone(),
            identifier: Some(sub.clone()),
            key: Some(key.clone()),
            registered: Some(now),
            ..membership
        };
        MEMBERSHIPS.put(unit, &number, &membership)?;
        NUMBERS.put(unit, sub.as_str(), &number)?;
        let record = KeyRecord { key: self.request.key, from: now, ended: None };
        KEYS.insert(unit, &key_place(sub, &key), &record)?;
        letter.used = Some(key);
        LETTERS.put(unit, &number, &letter)?;
        let outcome = Outcome::Registered(Box::new(enrolment));
        store(unit, &self.entry, outcome).map(Ok)
    }

    /// Compares the code; a wrong one is counted once for each telegram.
    fn wrong_code(
        &self,
        unit: &mut dyn Unit,
        number: &str,
        letter: &mut LetterRecord,
    ) -> Result<Option<Problem>, Problem> {
        let locked = || {
            let text = "too many wrong codes: ask the center for a new letter";
            Some(refused("locked", text, "number"))
        };
        if !may_use(letter) {
            return Ok(locked());
        }
        if is_code_of(unit, number, &self.code, letter) {
            return Ok(None);
        }
        if !letter.tries.contains(&self.entry.identity) {
            letter.tries.push(self.entry.identity);
            LETTERS.put(unit, number, letter)?;
        }
        if !may_use(letter) {
            return Ok(locked());
        }
        Ok(Some(refused("wrong_code", "not the code of this number's letter", "code")))
    }

    /// Everything but the code.
    fn check(
        &self,
        unit: &mut dyn Unit,
        membership: &Membership,
        letter: &LetterRecord,
    ) -> Result<(), Problem> {
        let registration = &self.registration;
        if registration.profile.kind() != membership.kind {
            return Err(bad("profile", "the number is for the other kind of member"));
        }
        if registration.terms != letter.terms {
            let text = "not the terms of the letter";
            return Err(refused("terms_not_confirmed", text, "terms"));
        }
        if name(&registration.profile) != name(&membership.profile) {
            return Err(bad("profile.name", "not the name of the application"));
        }
        self.check_identifier(unit, membership)?;
        let key = key_id(&self.request.key);
        if let Some(known) = KEYS.get(unit, &key_place(&self.request.sub, &key))?
            && let Some((Ended::Revoked | Ended::Replaced, _)) = known.ended
        {
            return Err(refused("key_ended", "this key was given up: make a new one", "enrolment"));
        }
        if membership.key.as_ref().or(letter.used.as_ref()).is_some_and(|used| *used != key) {
            let text = "this number is registered with another key";
            let field = "telegram.instruction.number";
            return Err(Problem::new(409, "number_used", text, Some(field)));
        }
        Ok(())
    }

    /// A member's identifier is the number; a merchant brings its own.
    fn check_identifier(
        &self,
        unit: &mut dyn Unit,
        membership: &Membership,
    ) -> Result<(), Problem> {
        let (sub, roles) = (&self.request.sub, &self.request.roles);
        let wrong = |text| Err(bad("enrolment", text));
        match membership.kind {
            MemberKind::Member => {
                if sub.as_str() != format!("name:{}", membership.number) || *roles != [Role::Holder]
                {
                    return wrong("a member's identifier is name: and the number, its role holder");
                }
            }
            MemberKind::Merchant if !roles.contains(&Role::Merchant) => {
                return wrong("a merchant's request has the role merchant");
            }
            MemberKind::Merchant => {}
        }
        if membership.identifier.as_ref().is_some_and(|known| known != sub) {
            return wrong("this number was registered under another identifier");
        }
        let other = NUMBERS.get(unit, sub.as_str())?;
        if other.is_some_and(|number| number != membership.number) {
            return wrong("this identifier was registered under another number");
        }
        Ok(())
    }

    /// The first time as anyone is enrolled; with a new letter, under a new key.
    fn enrol(
        &mut self,
        unit: &mut dyn Unit,
        membership: &Membership,
    ) -> Result<Enrolment, Problem> {
        let now: UnixTime = self.entry.now;
        let registrar = Registrar::load(unit, Some(self.signer.as_ref()))?;
        let registrar = registrar.with_share(self.share.take());
        let request = &self.registration.enrolment;
        let enrolment = match (&membership.identifier, &membership.key) {
            (Some(_), None) => registrar.rekey(unit, request, now, &mut self.random),
            _ => {
                let kind = match membership.kind {
                    MemberKind::Member => Kind::Issue,
                    MemberKind::Merchant => Kind::Admit,
                };
                registrar.enrol(unit, request, kind, now, &mut self.random)
            }
        };
        Ok(enrolment?)
    }
}

/// A profile's name in one spelling: NFKC, and white space as single spaces.
fn name(profile: &Profile) -> String {
    let name = match profile {
        Profile::Member(person) => &person.name,
        Profile::Merchant(store) => &store.name,
    };
    let nfkc: String = name.nfkc().collect();
    nfkc.split_whitespace().collect::<Vec<_>>().join(" ")
}
