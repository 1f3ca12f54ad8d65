//! Cards' holders pay what they were billed, whole or in pieces (row C8).

use crate::{
    Issuer,
    books::{BOOKS, Code, bank},
    cards::known,
    payouts::check_id,
    records::{CLOSED, PAID, PAYMENTS, RECEIVED, card_month},
    rules::{card::CardKind, month::Month},
    statements::statement,
};
use serde::{Deserialize, Serialize};
use warifu_ports::{Unit, books::AccountName, holds::CardId};
use warifu_types::{Money, UnixTime};
use warifu_wire::Problem;

/// A payment that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Whose.
    pub card: CardId,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: UnixTime,
}

impl Issuer {
    /// Takes a payment for a credit card's closed statements, the earliest first; the card's limit is
    /// free again by so much. `id` names the payment, 1 to 128 bytes: the same one again moves nothing,
    /// and with another card or amount is a conflict. More than was billed and is not paid is refused.
    pub async fn take_payment(
        &self,
        card: &CardId,
        amount: Money,
        id: &str,
    ) -> Result<Payment, Problem> {
        check_id(id)?;
        let payment = Payment { card: card.clone(), amount, at: self.party.now() };
        let id = id.to_string();
        self.store.run(move |unit| take(unit, payment, &id)).await
    }
}

fn take(unit: &mut dyn Unit, payment: Payment, id: &str) -> Result<Payment, Problem> {
    if let Some(before) = PAYMENTS.get(unit, id)? {
        let same = (&before.card, before.amount) == (&payment.card, payment.amount);
        return if same { Ok(before) } else { Err(Problem::conflict("id")) };
    }
    let Payment { card, amount, at } = &payment;
    if amount.minor() == 0 {
        return Err(Problem::bad_value("amount", "a payment is above zero"));
    }
    if known(unit, card)?.application.kind != CardKind::Credit {
        return Err(Problem::bad_value("card", "a debit card's purchases are paid already"));
    }
    let mut left = amount.minor();
    for (month, _) in CLOSED.all(unit)? {
        let Some(month) = Month::parse(&month) else { continue };
        left = pay_month(unit, month, card, (left, *amount), *at)?;
    }
    if left > 0 {
        return Err(Problem::bad_value("amount", "more than is billed and not paid yet"));
    }
    let (from, to) = (bank(amount.currency()), AccountName::card(card, amount.currency()));
    let transfer = BOOKS.transfer_id("received", &id);
    BOOKS.pay(unit, transfer, (&from, &to), *amount, Code::Payment as u16)?;
    PAYMENTS.put(unit, id, &payment)?;
    Ok(payment)
}

/// Pays as much of a month's statement as there is money left; returns what is left after.
fn pay_month(
    unit: &mut dyn Unit,
    month: Month,
    card: &CardId,
    (left, amount): (u64, Money),
    at: UnixTime,
) -> Result<u64, Problem> {
    let due = statement(unit, card.clone(), month)?;
    if left == 0 || due.paid || due.totals.is_empty() {
        return Ok(left);
    }
    let mut now_left = left;
    for total in due.totals.iter().filter(|total| total.currency() == amount.currency()) {
        let minor = open(unit, month, card, *total)?.minor().min(now_left);
        let paid = Money::new(minor, total.currency()).map_err(|_| Problem::internal())?;
        receive(unit, month, card, paid)?;
        now_left -= minor;
    }
    for total in &due.totals {
        if open(unit, month, card, *total)?.minor() > 0 {
            return Ok(now_left);
        }
    }
    PAID.put(unit, &card_month(month, card), &at)?;
    Ok(now_left)
}

fn received_key(month: Month, card: &CardId, amount: Money) -> String {
    format!("{}{}", card_month(month, card), amount.currency().code())
}

/// What is left to pay of one total of a statement.
pub(crate) fn open(
    unit: &mut dyn Unit,
    month: Month,
    card: &CardId,
    total: Money,
) -> Result<Money, Problem> {
    let received = RECEIVED.get(unit, &received_key(month, card, total))?.unwrap_or(0);
    let left = total.minor().saturating_sub(received);
    Money::new(left, total.currency()).map_err(|_| Problem::internal())
}

/// Notes that so much more was paid of a statement.
pub(crate) fn receive(
    unit: &mut dyn Unit,
    month: Month,
    card: &CardId,
    paid: Money,
) -> Result<(), Problem> {
    let key = received_key(month, card, paid);
    let received = RECEIVED.get(unit, &key)?.unwrap_or(0);
    let sum = received.checked_add(paid.minor()).ok_or_else(Problem::internal)?;
    Ok(RECEIVED.put(unit, &key, &sum)?)
}
