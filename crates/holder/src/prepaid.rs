//! The prepaid cards in the terminal (row B8): what they prove offline, what the center says is on
//! them, and taking them in again after a loss.

use crate::{
    Card, Holder, HolderError, Writer,
    records::{self, CARDS, PREPAID, PrepaidRecord},
};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason, jws,
    prepaid::{PREPAID_CARD, PrepaidCard},
    telegram::{Instruction, Outcome},
};
use warifu_types::{Money, Nonce, Role, UnixTime};

/// What a card is called that comes without a label.
const USUAL_LABEL: &str = "prepaid";

/// A prepaid card as the terminal knows it.
#[derive(Debug, Clone)]
pub struct PrepaidView {
    /// Its label.
    pub label: String,
    /// What the signed document says; it was verified offline just now, or the error says why not.
    pub card: Result<PrepaidCard, ProtocolError>,
    /// What it held when the center last said so, and when that was.
    pub balance: Option<(Money, UnixTime)>,
}

impl Holder {
    /// The prepaid cards, each verified with the center's key and nothing else.
    pub async fn prepaid_cards(&self) -> Result<Vec<PrepaidView>, HolderError> {
        let (writer, now) = (self.writer()?, self.party.now());
        let view = |record: PrepaidRecord| PrepaidView {
            label: record.label.clone(),
            card: writer.verify_card(&record.document, now),
            balance: record.balance.zip(record.balance_at),
        };
        let all = self.store.run(|unit| records::all(unit, PREPAID)).await?;
        Ok(all.into_iter().map(view).collect())
    }

    /// A card's signed document, for whoever wants to check it.
    pub async fn card_document(&self, label: &str) -> Result<String, HolderError> {
        let label = label.to_string();
        let found = self.store.run(move |unit| PREPAID.get(unit, &label)).await?;
        found.map(|record| record.document.clone()).ok_or(HolderError::Missing("prepaid card"))
    }

    /// What somebody's card says, if this member's center has issued it.
    pub fn check_card(&self, document: &str) -> Result<PrepaidCard, HolderError> {
        Ok(PrepaidCard::verify(document, &self.writer()?.center, self.party.now())?)
    }

    /// Asks the center for all cards of the member that have not expired, and takes in what is new:
    /// after a terminal is lost, the new one has them again. Top-ups that are under way come first,
    /// since their cards have labels already. Returns the labels of the cards that the center has.
    pub async fn refresh_cards(&self) -> Result<Vec<String>, HolderError> {
        let under_way = self.resume_top_ups().await;
        let (writer, now) = (self.writer()?, self.party.now());
        let mut cards = Vec::new();
        for document in self.issued_cards().await? {
            cards.push((writer.verify_card(&document, now)?, document));
        }
        let take = move |unit: &mut dyn Unit| {
            let mut labels = Vec::with_capacity(cards.len());
            for (claims, document) in &cards {
                labels.push(take_card(unit, USUAL_LABEL, claims, document)?);
            }
            Ok::<_, HolderError>(labels)
        };
        let labels = self.store.run(take).await?;
        under_way?;
        Ok(labels)
    }

    /// The documents of the member's cards, from the center.
    async fn issued_cards(&self) -> Result<Vec<String>, HolderError> {
        let (mut documents, mut from) = (Vec::new(), 0);
        loop {
            let id = (Nonce(self.party.new_name()), self.party.now());
            let question = Instruction::Cards { from };
            let Outcome::Cards(page) = self.writer()?.ask(&self.store, id, question).await? else {
                return Err(wrong("telegram_answer.outcome").into());
            };
            documents.extend(page.documents);
            match page.next {
                Some(next) if next > from => from = next,
                Some(_) => return Err(wrong("telegram_answer.outcome.cards.next").into()),
                None => return Ok(documents),
            }
        }
    }

    /// Asks the center what a prepaid card holds, available at once.
    pub async fn balance(&self, label: &str) -> Result<Money, HolderError> {
        let wanted = label.to_string();
        let find = move |unit: &mut dyn Unit| {
            PREPAID.get(unit, &wanted)?.ok_or(HolderError::Missing("prepaid card"))?;
            CARDS.get(unit, &wanted)?.ok_or(HolderError::Missing("card"))
        };
        let card: Card = self.store.run(find).await?;
        let id = (Nonce(self.party.new_name()), self.party.now());
        let question = Instruction::Balance { card: card.number.clone() };
        let Outcome::Balance(balance) = self.writer()?.ask(&self.store, id, question).await? else {
            return Err(wrong("telegram_answer.outcome").into());
        };
        let (label, now) = (label.to_string(), self.party.now());
        let note = move |unit: &mut dyn Unit| {
            if let Some(mut record) = PREPAID.get(unit, &label)? {
                record.balance = Some(balance);
                record.balance_at = Some(now);
                PREPAID.put(unit, &label, &record)?;
            }
            Ok::<_, HolderError>(())
        };
        self.store.run(note).await?;
        Ok(balance)
    }
}

impl Writer {
    /// What a document says, if it is a card that the center has issued to this member.
    pub(crate) fn verify_card(
        &self,
        document: &str,
        now: UnixTime,
    ) -> Result<PrepaidCard, ProtocolError> {
        let card = PrepaidCard::verify(document, &self.center, now)?;
        if card.sub != self.member {
            return Err(wrong("prepaid_card.sub"));
        }
        Ok(card)
    }
}

/// Puts a card where it is already, or else under the label that is wanted, or one like it where
/// another card has that. An earlier document of the same card does not replace a later one.
/// Returns the label.
pub(crate) fn take_card(
    unit: &mut dyn Unit,
    wanted: &str,
    claims: &PrepaidCard,
    document: &str,
) -> Result<String, HolderError> {
    let label = label_of(unit, wanted, &claims.number)?;
    if let Some(known) = PREPAID.get(unit, &label)? {
        let known: PrepaidCard = jws::peek(PREPAID_CARD, &known.document, AtFault::Own)?;
        if known.serial >= claims.serial {
            return Ok(label);
        }
    }
    let card = Card {
        label: label.clone(),
        issuer: claims.iss.clone(),
        number: claims.number.clone(),
        expiry: claims.expiry.clone(),
    };
    CARDS.put(unit, &label, &card)?;
    let record = PrepaidRecord {
        label: label.clone(),
        document: document.to_string(),
        balance: None,
        balance_at: None,
    };
    PREPAID.put(unit, &label, &record)?;
    Ok(label)
}

/// The label of the card of this number, or a free one for it.
fn label_of(unit: &mut dyn Unit, wanted: &str, number: &str) -> Result<String, StoreError> {
    let known = records::all(unit, CARDS)?;
    if let Some(card) = known.iter().find(|card| card.number == number) {
        return Ok(card.label.clone());
    }
    let is_free = |label: &String| known.iter().all(|card| card.label != *label);
    let further = (2_u64..).map(|count| format!("{wanted}-{count}"));
    let mut labels = std::iter::once(wanted.to_string()).chain(further);
    Ok(labels.find(is_free).unwrap_or_default())
}

/// The center's answer is not what it should be.
pub(crate) fn wrong(field: &'static str) -> ProtocolError {
    ProtocolError::new(AtFault::Role(Role::Center), Reason::Mismatch, field)
}
