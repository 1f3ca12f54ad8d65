//! The issuer pays merchants what it owes them for captured orders (row C8).

use crate::{
    Issuer,
    books::{BOOKS, Code, bank},
    records::{OWED, Owed, PAID_OUT, PAYOUTS, with_prefix},
};
use serde::{Deserialize, Serialize};
use warifu_ports::{
    Unit,
    books::{AccountKind, AccountName},
};
use warifu_protocol::encode::sha256;
use warifu_types::{Currency, Identifier, Money, OrderId, UnixTime};
use warifu_wire::Problem;

/// What a merchant is owed in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Debt {
    /// The sum; zero if nothing is owed.
    pub amount: Money,
    /// The captured orders that make it up, by id.
    pub orders: Vec<OrderId>,
}

/// A payout that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// Who was paid.
    pub merchant: Identifier,
    /// How much.
    pub amount: Money,
    /// For which orders, by id.
    pub orders: Vec<OrderId>,
    /// When.
    pub at: UnixTime,
}

impl Issuer {
    /// What a merchant is owed in a currency, and for which orders.
    pub async fn owed(&self, merchant: &Identifier, currency: Currency) -> Result<Debt, Problem> {
        let merchant = merchant.clone();
        self.store.run(move |unit| debt(unit, &merchant, currency)).await
    }

    /// Pays out all that a merchant is owed in a currency. `id` names the payout, 1 to 128 bytes: the
    /// same one again pays nothing and gives the same record; for another merchant or currency it is
    /// a conflict. Nothing owed is an error, so that a payout always stands for money.
    pub async fn pay_merchant(
        &self,
        merchant: &Identifier,
        currency: Currency,
        id: &str,
    ) -> Result<Payout, Problem> {
        check_id(id)?;
        let (merchant, id, now) = (merchant.clone(), id.to_string(), self.party.now());
        self.store.run(move |unit| pay(unit, merchant, currency, &id, now)).await
    }

    /// A payout by its id.
    pub async fn payout(&self, id: &str) -> Result<Option<Payout>, Problem> {
        check_id(id)?;
        let id = id.to_string();
        Ok(self.store.run(move |unit| PAYOUTS.get(unit, &id)).await?)
    }
}

/// Refuses an id that names nothing.
pub(crate) fn check_id(id: &str) -> Result<(), Problem> {
    let good = (1..=128).contains(&id.len()) && !id.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(Problem::bad_value("id", "1 to 128 bytes, no control characters"))
    }
}

/// Notes what a merchant is owed for an order that was captured.
pub(crate) fn owe(
    unit: &mut dyn Unit,
    merchant: &Identifier,
    order: OrderId,
    amount: Money,
) -> Result<(), Problem> {
    let key = format!("{}{order}", prefix(merchant, amount.currency()));
    Ok(OWED.put(unit, &key, &Owed { order, minor: amount.minor() })?)
}

fn prefix(merchant: &Identifier, currency: Currency) -> String {
    format!("{}/{}/", sha256(merchant.as_str().as_bytes()), currency.code())
}

fn debt(unit: &mut dyn Unit, merchant: &Identifier, currency: Currency) -> Result<Debt, Problem> {
    let mut amount = Money::zero(currency);
    let mut orders = Vec::new();
    for (_, owed) in with_prefix(unit, OWED, &prefix(merchant, currency))? {
        let more = Money::new(owed.minor, currency);
        amount = more.and_then(|more| amount.plus(more)).map_err(|_| Problem::internal())?;
        orders.push(owed.order);
    }
    Ok(Debt { amount, orders })
}

fn pay(
    unit: &mut dyn Unit,
    merchant: Identifier,
    currency: Currency,
    id: &str,
    now: UnixTime,
) -> Result<Payout, Problem> {
    if let Some(known) = PAYOUTS.get(unit, id)? {
        let same = known.merchant == merchant && known.amount.currency() == currency;
        return if same { Ok(known) } else { Err(Problem::conflict("id")) };
    }
    let Debt { amount, orders } = debt(unit, &merchant, currency)?;
    if amount.minor() == 0 {
        return Err(Problem::bad_value("merchant", "nothing is owed to this merchant"));
    }
    let from = AccountName::party(AccountKind::Merchant, &merchant, currency);
    let transfer = BOOKS.transfer_id("payout", &id);
    BOOKS.pay(unit, transfer, (&from, &bank(currency)), amount, Code::Payout as u16)?;
    for order in &orders {
        OWED.delete(unit, &format!("{}{order}", prefix(&merchant, currency)))?;
        PAID_OUT.put(unit, &order.to_string(), &id.to_string())?;
    }
    let payout = Payout { merchant, amount, orders, at: now };
    PAYOUTS.put(unit, id, &payout)?;
    Ok(payout)
}
