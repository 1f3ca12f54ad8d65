//! Monthly statements: what falls due on a card, closed once, paid once.

use crate::{
    Issuer,
    books::{BOOKS, Code, bank},
    cards::known,
    payments,
    records::{CLOSED, LINES, Line, PAID, card_month, with_prefix},
    rules::{card::CardKind, month::Month},
};
use serde::Serialize;
use std::collections::BTreeMap;
use warifu_ports::{Unit, books::AccountName, holds::CardId};
use warifu_types::{Identifier, Money, MoneyError, OrderId, UnixTime};
use warifu_wire::Problem;

/// One payment, or one instalment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    /// The order.
    pub order: OrderId,
    /// The merchant.
    pub merchant: Identifier,
    /// What falls due.
    pub amount: Money,
    /// Which instalment, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
    /// When the merchant captured.
    pub captured: UnixTime,
}

/// A card's statement for a month (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The card.
    pub card: CardId,
    /// `**** 1111`.
    pub masked: String,
    /// Credit or debit; a debit card's purchases are paid already.
    pub kind: CardKind,
    /// The year.
    pub year: u32,
    /// The month, 1 to 12.
    pub month: u32,
    /// The lines, by order id.
    pub lines: Vec<StatementLine>,
    /// The sum in each currency, by code.
    pub totals: Vec<Money>,
    /// Whether the month is closed, so that nothing changes any more.
    pub closed: bool,
    /// Whether it is paid.
    pub paid: bool,
}

impl Issuer {
    /// A card's statement for a month, so far if the month is not closed.
    pub async fn statement(
        &self,
        card: &CardId,
        year: u32,
        month: u32,
    ) -> Result<Statement, Problem> {
        let card = card.clone();
        let month = read_month(year, month)?;
        self.store.run(move |unit| statement(unit, card, month)).await
    }

    /// Closes a month that has begun, for every card; a capture after that falls into the next open
    /// month. Returns the statements that have lines. Closing again changes nothing.
    pub async fn close_month(&self, year: u32, month: u32) -> Result<Vec<Statement>, Problem> {
        let month = read_month(year, month)?;
        let now = self.party.now();
        if month > Month::of(now) {
            return Err(Problem::bad_value("month", "the month has not begun"));
        }
        self.store
            .run(move |unit| {
                CLOSED.insert(unit, &month.to_string(), &now)?;
                let lines = with_prefix(unit, LINES, &format!("{month}/"))?;
                let mut cards: Vec<CardId> =
                    lines.iter().filter_map(|(key, _)| card_of(key)).collect();
                cards.dedup();
                cards.into_iter().map(|card| statement(unit, card, month)).collect()
            })
            .await
    }

    /// Takes the payment of a closed statement from the bank, or what is left of it to pay: the card's
    /// limit is free again by so much. Paying again moves nothing.
    pub async fn pay_statement(
        &self,
        card: &CardId,
        year: u32,
        month: u32,
    ) -> Result<Statement, Problem> {
        let card = card.clone();
        let month = read_month(year, month)?;
        let now = self.party.now();
        self.store
            .run(move |unit| {
                let mut due = statement(unit, card.clone(), month)?;
                if due.kind != CardKind::Credit {
                    let text = "a debit card's purchases are paid already";
                    return Err(Problem::bad_value("card", text));
                }
                if !due.closed {
                    return Err(Problem::bad_value("month", "the month is not closed"));
                }
                if due.paid {
                    return Ok(due);
                }
                for total in &due.totals {
                    let currency = total.currency();
                    let left = payments::open(unit, month, &card, *total)?;
                    if left.minor() == 0 {
                        continue;
                    }
                    let from = bank(currency);
                    let to = AccountName::card(&card, currency);
                    let id = BOOKS.transfer_id("payment", &(&card, month.to_string(), currency));
                    BOOKS.pay(unit, id, (&from, &to), left, Code::Payment as u16)?;
                    payments::receive(unit, month, &card, left)?;
                }
                PAID.put(unit, &card_month(month, &card), &now)?;
                due.paid = true;
                Ok(due)
            })
            .await
    }
}

fn read_month(year: u32, month: u32) -> Result<Month, Problem> {
    Month::new(year, month)
        .ok_or_else(|| Problem::bad_value("month", "a year from 1970 and a month from 1 to 12"))
}

/// The card in a key of [`LINES`].
fn card_of(key: &str) -> Option<CardId> {
    key.split('/').nth(1).map(|card| CardId::from_key(card.to_string()))
}

pub(crate) fn statement(
    unit: &mut dyn Unit,
    card: CardId,
    month: Month,
) -> Result<Statement, Problem> {
    let known = known(unit, &card)?;
    let lines = with_prefix(unit, LINES, &card_month(month, &card))?;
    let lines: Vec<StatementLine> = lines.into_iter().map(|(_, line)| line.into()).collect();
    Ok(Statement {
        masked: known.application.masked(),
        kind: known.application.kind,
        year: month.year(),
        month: month.number(),
        totals: totals(&lines).map_err(|_| Problem::internal())?,
        lines,
        closed: CLOSED.get(unit, &month.to_string())?.is_some(),
        paid: PAID.get(unit, &card_month(month, &card))?.is_some(),
        card,
    })
}

fn totals(lines: &[StatementLine]) -> Result<Vec<Money>, MoneyError> {
    let mut sums: BTreeMap<&str, Money> = BTreeMap::new();
    for line in lines {
        let currency = line.amount.currency();
        let sum = sums.entry(currency.code()).or_insert(Money::zero(currency));
        *sum = sum.plus(line.amount)?;
    }
    Ok(sums.into_values().collect())
}

impl From<Line> for StatementLine {
    fn from(line: Line) -> StatementLine {
        let Line { order, merchant, amount, number, of, captured } = line;
        StatementLine { order, merchant, amount, number, of, captured }
    }
}
