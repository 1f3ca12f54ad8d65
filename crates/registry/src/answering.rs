//! Whether a member's card is good (row C4).

use crate::{
    records::{ANSWERS, AnswerRecord, CARDS, Given, MEMBERS, REFERENCES},
    registering::check_member,
    registry::{Registry, member_key, reference_key},
};
use warifu_ports::Unit;
use warifu_protocol::value::Expiry;
use warifu_types::Identifier;
use warifu_wire::{
    Problem,
    private_line::{AuthenticateAnswer, AuthenticateQuestion, CardReference, Refusal},
};
use zeroize::Zeroizing;

impl Registry {
    /// Yes with a one-time reference, or no with a reason. The same order number gives the same
    /// answer; for another member it is a conflict.
    pub(crate) async fn authenticate(
        &self,
        question: AuthenticateQuestion,
    ) -> Result<AuthenticateAnswer, Problem> {
        check_member(&question.member)?;
        check_number(&question.number)?;
        let AuthenticateQuestion { member, number } = question;
        let owner = {
            let member = member.clone();
            self.store.run(move |unit| Ok::<_, Problem>(member_key(unit, &member))).await?
        };
        if let Some(given) = self.given(&owner, &number).await? {
            return Ok(given);
        }
        let verdict = self.judge(&owner).await?;
        let reference = self.fresh_reference();
        let now = self.party.now();
        let work = move |unit: &mut dyn Unit| -> Result<AuthenticateAnswer, Problem> {
            // Another question with this number may have come first.
            if let Some(record) = ANSWERS.get(unit, &number)? {
                return told(&record, &owner);
            }
            let answer = match verdict {
                Ok((card, issuer)) => {
                    let key = reference_key(unit, &reference.0);
                    REFERENCES.put(unit, &key, &number)?;
                    Given::Yes { reference, card, issuer }
                }
                Err(reason) => Given::No { reason },
            };
            let record =
                AnswerRecord { member: owner.clone(), answer, at: now, void: false, bound: None };
            ANSWERS.put(unit, &number, &record)?;
            told(&record, &owner)
        };
        self.store.run(work).await
    }

    async fn given(
        &self,
        owner: &str,
        number: &str,
    ) -> Result<Option<AuthenticateAnswer>, Problem> {
        let key = number.to_string();
        let known = self.store.run(move |unit| ANSWERS.get(unit, &key)).await?;
        known.map(|record| told(&record, owner)).transpose()
    }

    /// The member's card and its issuer, or why not.
    async fn judge(&self, owner: &str) -> Result<Result<(String, Identifier), Refusal>, Problem> {
        let owner = owner.to_string();
        let found = self
            .store
            .run(move |unit| {
                let Some(member) = MEMBERS.get(unit, &owner)? else { return Ok(None) };
                let card = match &member.card {
                    Some(key) => CARDS.get(unit, key)?.map(|card| (key.clone(), card)),
                    None => None,
                };
                Ok::<_, Problem>(Some((member.blocked, card)))
            })
            .await?;
        let Some((blocked, card)) = found else { return Ok(Err(Refusal::UnknownMember)) };
        let Some((key, card)) = card else { return Ok(Err(Refusal::NoCard)) };
        if blocked || card.blocked {
            return Ok(Err(Refusal::Blocked));
        }
        let data = self.open(&key, &card)?;
        let good = Expiry::parse(&data.expiry).is_some_and(|e| e.is_good(self.party.now()));
        Ok(if good { Ok((key, card.issuer)) } else { Err(Refusal::Expired) })
    }

    /// 160 random bits in lower-case base 32.
    fn fresh_reference(&self) -> CardReference {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let random = Zeroizing::new(self.party.random32());
        let text = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
        CardReference(Zeroizing::new(text.collect()))
    }
}

/// What was answered before, for the same member.
fn told(record: &AnswerRecord, owner: &str) -> Result<AuthenticateAnswer, Problem> {
    if record.member != owner {
        return Err(Problem::conflict("number"));
    }
    Ok(match &record.answer {
        Given::Yes { reference, issuer, .. } => {
            AuthenticateAnswer::Yes { reference: reference.clone(), issuer: issuer.clone() }
        }
        Given::No { reason } => AuthenticateAnswer::No { reason: *reason },
    })
}

/// An order's number: letters, digits and hyphens, so that it is good in a fax job's name.
pub(crate) fn check_number(number: &str) -> Result<(), Problem> {
    let good = (4..=64).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if good { Ok(()) } else { Err(Problem::bad_value("number", "4 to 64 of A-Z, a-z, 0-9, -")) }
}
