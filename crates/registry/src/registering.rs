//! Registering a card, beforehand and apart from any order (row C2): the holder's terminal meets the
//! registry, and the card travels within their session.

use crate::{
    keys::CardData,
    records::{CARDS, CardRecord, CodeRecord, MEMBERS, MemberRecord},
    registry::{Registry, card_key, member_key, own},
};
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use warifu_ports::Unit;
use warifu_protocol::value::{Expiry, is_card_number};
use warifu_types::{Digest, Role, UnixTime};
use warifu_wire::{
    Party, Peer, Problem, Service,
    private_line::{CardRegistration, CodeQuestion, LineDone, RegisteredAnswer, code_hash},
    read_body, write_answer,
};

impl Registry {
    /// The broker's word that a member may register a card with the code of this hash. An earlier
    /// code is void from then on.
    pub(crate) async fn take_code(&self, question: CodeQuestion) -> Result<LineDone, Problem> {
        check_member(&question.member)?;
        let work = move |unit: &mut dyn Unit| -> Result<LineDone, Problem> {
            let key = member_key(unit, &question.member);
            let mut record = MEMBERS.get(unit, &key)?.unwrap_or_default();
            let same = record.code.as_ref().is_some_and(|code| code.hash == question.code_hash);
            if !same {
                let (hash, until) = (question.code_hash, question.until);
                record.code = Some(CodeRecord { hash, until, used_for: None });
                MEMBERS.put(unit, &key, &record)?;
            }
            Ok(LineDone {})
        };
        self.store.run(work).await
    }

    /// Registers a card. The same card with the same code again is a retry; another card takes the
    /// place of the one before, which needs a new code.
    pub async fn register_card(
        &self,
        registration: CardRegistration,
    ) -> Result<RegisteredAnswer, Problem> {
        check(&registration, self.party.now())?;
        let now = self.party.now();
        let mut random = self.party.random();
        let hash = code_hash(&registration.code);
        let CardRegistration { member, holder_name, card_number, card_expiry, issuer, .. } =
            registration;
        let card = CardData { holder_name, number: card_number, expiry: card_expiry };
        // The place of a card is known within the job alone, and its keys outside it alone: the hash
        // is asked for first.
        let number = card.number.clone();
        let place = self.store.run(move |unit| Ok::<_, Problem>(card_key(unit, &number))).await?;
        let (wrapped, sealed) = self.keys.seal(&place, &card, &mut random).map_err(own)?;
        let key = self.keys.current().to_string();
        let work = move |unit: &mut dyn Unit| -> Result<RegisteredAnswer, Problem> {
            let owner = member_key(unit, &member);
            let mut record = MEMBERS.get(unit, &owner)?.unwrap_or_default();
            if let Some(done) = use_code(&mut record, &hash, &place, now)? {
                let known = CARDS.get(unit, &done)?.ok_or_else(wrong_code)?;
                return Ok(RegisteredAnswer { registered: known.registered });
            }
            let known = CARDS.get(unit, &place)?;
            if known.as_ref().is_some_and(|card| card.member != owner && !card.replaced) {
                return Err(Problem::conflict("card_number"));
            }
            let blocked = known.is_some_and(|card| card.blocked);
            if let Some(before) = record.card.replace(place.clone())
                && before != place
                && let Some(mut old) = CARDS.get(unit, &before)?
            {
                old.replaced = true;
                CARDS.put(unit, &before, &old)?;
            }
            let member = owner.clone();
            let card = CardRecord {
                member,
                issuer,
                key,
                wrapped,
                sealed,
                blocked,
                replaced: false,
                registered: now,
            };
            CARDS.put(unit, &place, &card)?;
            MEMBERS.put(unit, &owner, &record)?;
            tracing::info!("a card was registered");
            Ok(RegisteredAnswer { registered: now })
        };
        self.store.run(work).await
    }
}

/// Uses the member's code for the card at `place`. A code that was used for this very card gives its
/// place: nothing is to be done. Unknown member, no code and wrong code are one answer.
fn use_code(
    record: &mut MemberRecord,
    hash: &Digest,
    place: &str,
    now: UnixTime,
) -> Result<Option<String>, Problem> {
    let code = record.code.as_mut().ok_or_else(wrong_code)?;
    let right = bool::from(code.hash.0.ct_eq(&hash.0));
    match &code.used_for {
        Some(used) if right && used == place => return Ok(Some(used.clone())),
        None if right && now <= code.until => code.used_for = Some(place.to_string()),
        _ => return Err(wrong_code()),
    }
    Ok(None)
}

fn wrong_code() -> Problem {
    let title = "the code is wrong, used or out of date; the broker's operator gives out another";
    Problem::new(403, "wrong_code", title, Some("code"))
}

pub(crate) fn check_member(member: &str) -> Result<(), Problem> {
    let good = (1..=64).contains(&member.len()) && !member.chars().any(char::is_control);
    if good { Ok(()) } else { Err(Problem::bad_value("member", "1 to 64 bytes of plain text")) }
}

fn check(asked: &CardRegistration, now: UnixTime) -> Result<(), Problem> {
    check_member(&asked.member)?;
    let name = asked.holder_name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Problem::bad_value("holder_name", "1 to 100 characters of plain text"));
    }
    if !is_card_number(&asked.card_number) {
        let title = "12 to 19 digits with a good check digit (Luhn)";
        return Err(Problem::bad_value("card_number", title));
    }
    if !Expiry::parse(&asked.card_expiry).is_some_and(|expiry| expiry.is_good(now)) {
        return Err(Problem::bad_value("card_expiry", "YYYY-MM, not in the past"));
    }
    Ok(())
}

#[async_trait]
impl Service for Registry {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        match (peer.role, op) {
            (Role::Holder, "register_card") => {
                write_answer(&self.register_card(read_body(body)?).await?)
            }
            (Role::Holder, _) => Err(Problem::not_found("op")),
            _ => Err(Problem::forbidden("role")),
        }
    }
}
