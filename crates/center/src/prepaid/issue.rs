//! Issuing value (row B8): the money and the signed card, in the caller's job.

use super::records::{CARDS, Card, HOLDINGS, TopUpRecord};
use crate::{
    accounts::{BOOKS, Code},
    rules::numbers::{card_expiry, card_number},
    settlement::Settlement,
};
use std::sync::Arc;
use warifu_ports::{Unit, books::AccountName, holds::CardId};
use warifu_protocol::{prepaid::PrepaidCard, signer::Signer};
use warifu_types::{Identifier, UnixTime};
use warifu_wire::Problem;

/// So many random numbers are tried until one is free.
const NUMBERS: usize = 8;

/// What issuing needs beside the records.
pub(crate) struct Press {
    own: Identifier,
    network: String,
    signer: Arc<dyn Signer>,
    numbers: [u64; NUMBERS],
    pub now: UnixTime,
}

impl Settlement {
    /// What issuing needs, gathered before a job.
    pub(crate) fn press(&self) -> Press {
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            let [a, b, c, d, e, f, g, h, ..] = self.party.random32();
            *number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        }
        Press {
            own: self.party.id(),
            network: self.party.terminal().trust.network().to_string(),
            signer: self.signer(),
            numbers,
            now: self.party.now(),
        }
    }
}

impl Press {
    /// Moves the amount of a request from `from` to its card, a new one if it names none, and signs
    /// the card. `key` names the request; it is issued once.
    pub fn issue(
        &self,
        unit: &mut dyn Unit,
        (key, request): (&str, &TopUpRecord),
        from: &AccountName,
        code: Code,
    ) -> Result<String, Problem> {
        let known = match &request.card {
            Some(id) => CARDS.get(unit, id.as_str())?.map(|card| (id.clone(), card)),
            None => None,
        };
        let amount = request.amount;
        let (id, mut card) = match known {
            Some(known) => known,
            None => self.new_card(unit, request)?,
        };
        if card.serial > 0 {
            card.loaded = card.loaded.plus(amount).map_err(|_| Problem::internal())?;
        }
        card.serial += 1;
        let document = PrepaidCard {
            iss: self.own.clone(),
            network: self.network.clone(),
            sub: card.owner.clone(),
            number: card.number.clone(),
            expiry: card.expiry.clone(),
            loaded: card.loaded,
            serial: card.serial,
            iat: self.now,
            exp: card.until,
        };
        card.document = document.sign(self.signer.as_ref());
        let to = AccountName::card(&id, amount.currency());
        let transfer = BOOKS.transfer_id("top up", &key);
        BOOKS.pay(unit, transfer, (from, &to), amount, code as u16)?;
        CARDS.put(unit, id.as_str(), &card)?;
        let mut holdings = HOLDINGS.get(unit, request.member.as_str())?.unwrap_or_default();
        holdings.asked.retain(|asked| asked != key);
        if !holdings.cards.contains(&id) {
            holdings.cards.push(id);
        }
        HOLDINGS.put(unit, request.member.as_str(), &holdings)?;
        Ok(card.document.clone())
    }

    fn new_card(
        &self,
        unit: &mut dyn Unit,
        request: &TopUpRecord,
    ) -> Result<(CardId, Card), Problem> {
        let (expiry, until) = card_expiry(self.now, request.months);
        for random in self.numbers {
            let number = card_number(random);
            let id = CardId::of(unit, &number);
            if CARDS.get(unit, id.as_str())?.is_some() {
                continue;
            }
            let card = Card {
                number,
                owner: request.member.clone(),
                expiry,
                until,
                loaded: request.amount,
                serial: 0,
                document: String::new(),
            };
            return Ok((id, card));
        }
        Err(Problem::internal())
    }
}

/// A request that comes to nothing is no longer counted.
pub(crate) fn forget(unit: &mut dyn Unit, key: &str, member: &Identifier) -> Result<(), Problem> {
    let mut holdings = HOLDINGS.get(unit, member.as_str())?.unwrap_or_default();
    holdings.asked.retain(|asked| asked != key);
    Ok(HOLDINGS.put(unit, member.as_str(), &holdings)?)
}
