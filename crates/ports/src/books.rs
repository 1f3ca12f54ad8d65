//! The money of a role: accounts and transfers in double entry (row D8), by what they are for.
//!
//! A card has an account in each of its currencies, whose debits may not exceed its credits: the
//! ledger itself enforces the limit. The ids of accounts and transfers follow from what they are
//! for, so that a retry moves nothing twice.

use crate::{Collection, StoreError, Unit};
use serde::{Deserialize, Serialize};
use warifu_ledger::{Account, AccountId, Balance, Limit, Transfer, TransferId, TransferResult};
use warifu_protocol::encode::{sha256, to_json};
use warifu_types::{Currency, Digest, Identifier, Money, OrderId, UnixTime};

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Where credit lines come from.
    Line,
    /// What comes in from the bank or the post office.
    Bank,
    /// A card.
    Card,
    /// What is owed to a merchant.
    Merchant,
    /// What an issuer owes a center for prepaid cards (row B7, way 1).
    Issuer,
    /// Money that came in and belongs to no request yet.
    Unmatched,
}

/// An account with its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountName {
    /// What it is for.
    pub kind: AccountKind,
    /// A card's id or a party's identifier; empty for the role's own accounts.
    pub owner: String,
    /// The currency.
    pub currency: Currency,
}

/// An account's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBalance {
    /// What the account is for.
    pub kind: AccountKind,
    /// A card's id or a party's identifier; empty for the role's own accounts.
    pub owner: String,
    /// The currency.
    pub currency: Currency,
    /// The sums, in minor units.
    pub balance: Balance,
}

impl AccountName {
    /// One of the role's own accounts.
    pub fn own(kind: AccountKind, currency: Currency) -> AccountName {
        AccountName { kind, owner: String::new(), currency }
    }

    /// A card's account in one currency.
    pub fn card(card: &crate::holds::CardId, currency: Currency) -> AccountName {
        AccountName { kind: AccountKind::Card, owner: card.to_string(), currency }
    }

    /// A party's account: a merchant's or an issuer's.
    pub fn party(kind: AccountKind, who: &Identifier, currency: Currency) -> AccountName {
        AccountName { kind, owner: who.to_string(), currency }
    }

    fn limit(&self) -> Limit {
        match self.kind {
            AccountKind::Card => Limit::DebitsMustNotExceedCredits,
            _ => Limit::None,
        }
    }
}

/// The books of one role: how its accounts and transfers are named in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Books {
    label: &'static str,
    accounts: Collection<AccountName>,
}

impl Books {
    /// Books whose ids are made under `label`; `accounts` is the collection that says what each
    /// account is, by its id.
    pub const fn new(label: &'static str, accounts: &'static str) -> Books {
        Books { label, accounts: Collection::new(accounts) }
    }

    /// The hash that an id is made of: a label and whatever names the thing.
    fn digest(&self, label: &str, what: &impl Serialize) -> Digest {
        sha256(&to_json(&(self.label, label, what)))
    }

    /// The id of an account.
    pub fn account_id(&self, name: &AccountName) -> AccountId {
        AccountId::from_digest(&self.digest("account", name).0)
    }

    /// The id of the transfer that `label` names, for what `what` names.
    pub fn transfer_id(&self, label: &str, what: &impl Serialize) -> TransferId {
        TransferId::from_digest(&self.digest(label, what).0)
    }

    /// As [`Books::transfer_id`], for an order: ids grow with the order's own time, so that the
    /// ledger's rows lie beside one another.
    pub fn order_transfer(
        &self,
        label: &str,
        (order, identity): (&OrderId, &Digest),
        at: UnixTime,
    ) -> TransferId {
        // An order's id begins with its time, here in seconds (4 bytes) and parts of a second. If
        // it does not, because its holder names orders in another way, nothing but speed is lost.
        TransferId::ordered(at, order.0[4], &self.digest(label, identity).0)
    }

    /// Makes the account where there is none.
    pub fn open(&self, unit: &mut dyn Unit, name: &AccountName) -> Result<AccountId, StoreError> {
        let id = self.account_id(name);
        if unit.ledger().balance(id)?.is_some() {
            return Ok(id);
        }
        let account = Account::new(id, name.currency).limited(name.limit());
        let made = unit.ledger().create_accounts(&[account])?;
        if !made.iter().all(|result| result.is_there()) {
            return Err(StoreError::Corrupt { collection: self.accounts.name().to_string() });
        }
        self.accounts.insert(unit, &id.to_string(), name)?;
        Ok(id)
    }

    /// An account's sums; all zero where it was never opened.
    pub fn balance(&self, unit: &mut dyn Unit, name: &AccountName) -> Result<Balance, StoreError> {
        Ok(unit.ledger().balance(self.account_id(name))?.unwrap_or_default())
    }

    /// Moves an amount between two accounts at once, both made where there are none.
    pub fn pay(
        &self,
        unit: &mut dyn Unit,
        id: TransferId,
        (from, to): (&AccountName, &AccountName),
        amount: Money,
        code: u16,
    ) -> Result<(), StoreError> {
        let (from, to) = (self.open(unit, from)?, self.open(unit, to)?);
        must_apply(unit, Transfer::plain(id, from, to, amount).with_code(code))
    }

    /// Every account with its balance: for reports and tests. It holds all of them in memory.
    pub fn balances(&self, unit: &mut dyn Unit) -> Result<Vec<AccountBalance>, StoreError> {
        let missing = || StoreError::Corrupt { collection: self.accounts.name().to_string() };
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = unit.ledger().accounts(after, 500)?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            after = Some(last.id);
            for (account, balance) in page {
                let name = self.accounts.get(unit, &account.id.to_string())?;
                let AccountName { kind, owner, currency } = name.ok_or_else(missing)?;
                all.push(AccountBalance { kind, owner, currency, balance });
            }
        }
    }
}

/// Applies one transfer. A replay is as good as the first time.
pub fn apply(unit: &mut dyn Unit, transfer: Transfer) -> Result<TransferResult, StoreError> {
    let results = unit.ledger().apply(&[transfer])?;
    let none = || StoreError::Corrupt { collection: "transfers".to_string() };
    results.first().copied().ok_or_else(none)
}

/// Applies one transfer that nothing may refuse.
pub fn must_apply(unit: &mut dyn Unit, transfer: Transfer) -> Result<(), StoreError> {
    let result = apply(unit, transfer)?;
    if result.is_applied() {
        return Ok(());
    }
    Err(StoreError::Refused { transfer: transfer.id, result })
}

/// Posts so many minor units of a hold and releases the rest; zero releases all of it.
pub fn resolve(
    unit: &mut dyn Unit,
    hold: TransferId,
    id: TransferId,
    minor: u64,
) -> Result<(), StoreError> {
    let held = unit.ledger().transfer(hold)?;
    let held = held.ok_or_else(|| StoreError::Corrupt { collection: "holds".to_string() })?;
    let by = if minor > 0 { Transfer::post(id, &held, minor) } else { Transfer::void(id, &held) };
    must_apply(unit, by)
}
