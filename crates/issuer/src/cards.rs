//! Cards: issuing, blocking, listing, paying in.

use crate::{
    Issuer,
    books::{BOOKS, Code, bank, line},
    records::CARDS,
    rules::card::{BadInput, Card, CardApplication, CardKind, plain, telephone_digits},
};
use warifu_ports::{Unit, books::AccountName, holds::CardId};
use warifu_types::{Identifier, Money, UnixTime};
use warifu_wire::Problem;

/// A card as an operator sees it: no number but the last four digits, no name, no telephone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CardSummary {
    /// The card's pseudonym.
    pub id: CardId,
    /// What it is for.
    pub kind: CardKind,
    /// `**** 1111`.
    pub masked: String,
    /// The last month in which it is good, `YYYY-MM`.
    pub expiry: String,
    /// Whose orders may use it.
    pub holder: Identifier,
    /// Credit: the lines; debit: the opening deposits.
    pub limits: Vec<Money>,
    /// Badge: the zones.
    pub zones: Vec<String>,
    /// The greatest number of instalments.
    pub max_instalments: u32,
    /// Whether it is blocked.
    pub blocked: bool,
}

impl From<BadInput> for Problem {
    fn from(bad: BadInput) -> Problem {
        Problem::bad_value(bad.field, bad.text)
    }
}

impl Issuer {
    /// Issues a card, with its credit line or opening deposit. The same card again changes nothing;
    /// other content under the same number is a conflict. An error names the field.
    pub async fn add_card(&self, application: CardApplication) -> Result<CardId, Problem> {
        let now = self.party.now();
        application.check(self.settings.role, now)?;
        self.store.run(move |unit| add(unit, application, now)).await
    }

    /// Refuses every further authorization on a card. What is held already can still be captured.
    pub async fn block_card(&self, card: &CardId) -> Result<(), Problem> {
        self.set_blocked(card, true).await
    }

    /// Undoes [`Issuer::block_card`].
    pub async fn unblock_card(&self, card: &CardId) -> Result<(), Problem> {
        self.set_blocked(card, false).await
    }

    async fn set_blocked(&self, card: &CardId, blocked: bool) -> Result<(), Problem> {
        let id = card.clone();
        self.store
            .run(move |unit| {
                let mut card = known(unit, &id)?;
                card.blocked = blocked;
                Ok(CARDS.put(unit, id.as_str(), &card)?)
            })
            .await
    }

    /// Pays in on a debit card, in a currency that it serves. `reference` names the deposit: the
    /// same one again pays nothing in, and with another amount is a conflict.
    pub async fn deposit(
        &self,
        card: &CardId,
        reference: &str,
        amount: Money,
    ) -> Result<(), Problem> {
        let (id, reference) = (card.clone(), reference.to_string());
        if reference.is_empty() {
            return Err(Problem::bad_value("reference", "a deposit has a reference"));
        }
        if amount.minor() == 0 {
            return Err(Problem::bad_value("amount", "a deposit is above zero"));
        }
        self.store
            .run(move |unit| {
                let card = known(unit, &id)?;
                if card.application.kind != CardKind::Debit || !card.serves(amount) {
                    let text = "only a debit card takes deposits, in its own currencies";
                    return Err(Problem::bad_value("card", text));
                }
                let transfer = BOOKS.transfer_id("deposit", &(&id, &reference));
                let known = unit.ledger().transfer(transfer);
                let known = known.map_err(warifu_ports::StoreError::from)?;
                if let Some(known) = known {
                    let same =
                        (known.amount, known.currency) == (amount.minor(), amount.currency());
                    return if same { Ok(()) } else { Err(Problem::conflict("reference")) };
                }
                let from = bank(amount.currency());
                let to = AccountName::card(&id, amount.currency());
                Ok(BOOKS.pay(unit, transfer, (&from, &to), amount, Code::Deposit as u16)?)
            })
            .await
    }

    /// Every card, by id. It holds all of them in memory.
    pub async fn cards(&self) -> Result<Vec<CardSummary>, Problem> {
        self.store
            .run(|unit| {
                let mut all: Vec<CardSummary> = Vec::new();
                loop {
                    let after = all.last().map_or("", |card| card.id.as_str()).to_string();
                    let page = CARDS.scan(unit, &after, 500)?;
                    if page.is_empty() {
                        return Ok(all);
                    }
                    all.extend(page.into_iter().map(|(key, card)| summary(key, &card)));
                }
            })
            .await
    }
}

/// The card of this id.
pub(crate) fn known(unit: &mut dyn Unit, id: &CardId) -> Result<Card, Problem> {
    CARDS.get(unit, id.as_str())?.ok_or_else(|| Problem::not_found("card"))
}

fn add(
    unit: &mut dyn Unit,
    application: CardApplication,
    now: UnixTime,
) -> Result<CardId, Problem> {
    let id = CardId::of(unit, &application.card_number);
    if let Some(card) = CARDS.get(unit, id.as_str())? {
        let same = is_same(&card.application, &application);
        return if same { Ok(id) } else { Err(Problem::conflict("card_number")) };
    }
    let (label, code) = match application.kind {
        CardKind::Debit => ("opening deposit", Code::Deposit),
        _ => ("credit line", Code::CreditLine),
    };
    for limit in &application.limits {
        let currency = limit.currency();
        let from = match application.kind {
            CardKind::Debit => bank(currency),
            _ => line(currency),
        };
        let to = AccountName::card(&id, currency);
        let transfer = BOOKS.transfer_id(label, &(&id, currency));
        BOOKS.pay(unit, transfer, (&from, &to), *limit, code as u16)?;
    }
    CARDS.put(unit, id.as_str(), &Card { application, blocked: false, added: now })?;
    Ok(id)
}

/// Whether two applications mean the same card, however the name and the telephone are spelled.
fn is_same(a: &CardApplication, b: &CardApplication) -> bool {
    (a.kind, &a.card_number, &a.expiry, &a.holder, &a.limits, &a.zones, a.max_instalments)
        == (b.kind, &b.card_number, &b.expiry, &b.holder, &b.limits, &b.zones, b.max_instalments)
        && plain(&a.holder_name) == plain(&b.holder_name)
        && telephone_digits(&a.holder_telephone) == telephone_digits(&b.holder_telephone)
}

fn summary(key: String, card: &Card) -> CardSummary {
    let application = &card.application;
    CardSummary {
        id: CardId::from_key(key),
        kind: application.kind,
        masked: application.masked(),
        expiry: application.expiry.clone(),
        holder: application.holder.clone(),
        limits: application.limits.clone(),
        zones: application.zones.clone(),
        max_instalments: application.max_instalments,
        blocked: card.blocked,
    }
}
