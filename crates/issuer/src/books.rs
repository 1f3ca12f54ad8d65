//! The money: accounts and transfers in double entry (row D8).
//!
//! Each card has an account in each of its currencies, whose debits may not exceed its credits: the
//! ledger itself enforces the limit. A credit line and a deposit credit it, a purchase holds and
//! then debits it in favour of the merchant, the payment of a statement credits it again. The ids
//! of accounts and transfers follow from what they are for, so that a retry moves nothing twice.

use crate::{Issuer, records::CardId};
use serde::{Deserialize, Serialize};
use warifu_ledger::{Account, AccountId, Balance, Limit, Transfer, TransferId, TransferResult};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::encode::{sha256, to_json};
use warifu_types::{Currency, Digest, Identifier, Money, UnixTime};
use warifu_wire::Problem;

/// What each account is, by its id.
const ACCOUNTS: Collection<AccountName> = Collection::new("issuer_accounts");

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Where credit lines come from.
    Line,
    /// What comes in from the bank: deposits and payments of statements.
    Bank,
    /// A card.
    Card,
    /// What is owed to a merchant.
    Merchant,
}

/// An account with its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountName {
    kind: AccountKind,
    /// A card's id or a merchant's identifier; empty for the issuer's own accounts.
    owner: String,
    currency: Currency,
}

/// An account's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBalance {
    /// What the account is for.
    pub kind: AccountKind,
    /// A card's id or a merchant's identifier; empty for the issuer's own accounts.
    pub owner: String,
    /// The currency.
    pub currency: Currency,
    /// The sums, in minor units.
    pub balance: Balance,
}

/// Why money moves, in the ledger's records.
#[derive(Debug, Clone, Copy)]
#[repr(u16)]
pub(crate) enum Code {
    CreditLine = 1,
    Deposit = 2,
    Purchase = 3,
    Payment = 4,
}

impl AccountName {
    pub fn line(currency: Currency) -> AccountName {
        AccountName { kind: AccountKind::Line, owner: String::new(), currency }
    }

    pub fn bank(currency: Currency) -> AccountName {
        AccountName { kind: AccountKind::Bank, owner: String::new(), currency }
    }

    pub fn card(card: &CardId, currency: Currency) -> AccountName {
        AccountName { kind: AccountKind::Card, owner: card.to_string(), currency }
    }

    pub fn merchant(merchant: &Identifier, currency: Currency) -> AccountName {
        AccountName { kind: AccountKind::Merchant, owner: merchant.to_string(), currency }
    }

    fn id(&self) -> AccountId {
        AccountId::from_digest(&digest("account", self).0)
    }

    fn account(&self) -> Account {
        let limit = match self.kind {
            AccountKind::Card => Limit::DebitsMustNotExceedCredits,
            _ => Limit::None,
        };
        Account::new(self.id(), self.currency).limited(limit)
    }

    /// Makes the account where there is none.
    pub fn open(&self, unit: &mut dyn Unit) -> Result<AccountId, Problem> {
        let account = self.account();
        let made = unit.ledger().create_accounts(&[account]).map_err(StoreError::from)?;
        if !made.iter().all(|result| result.is_there()) {
            return Err(Problem::internal());
        }
        ACCOUNTS.insert(unit, &account.id.to_string(), self)?;
        Ok(account.id)
    }
}

/// The hash that an id is made of: a label and whatever names the thing.
fn digest(label: &str, what: &impl Serialize) -> Digest {
    sha256(&to_json(&("warifu-issuer", label, what)))
}

/// The id of the transfer that `label` names, for what `what` names.
pub(crate) fn transfer_id(label: &str, what: &impl Serialize) -> TransferId {
    TransferId::from_digest(&digest(label, what).0)
}

/// As [`transfer_id`], for an order: ids grow with the order's own time, so that the ledger's rows
/// lie beside one another.
pub(crate) fn order_transfer(label: &str, identity: &Digest, at: UnixTime) -> TransferId {
    TransferId::ordered(at, &digest(label, identity).0)
}

/// Applies one transfer. A replay is as good as the first time.
pub(crate) fn apply(unit: &mut dyn Unit, transfer: Transfer) -> Result<TransferResult, Problem> {
    let results = unit.ledger().apply(&[transfer]).map_err(StoreError::from)?;
    results.first().copied().ok_or_else(Problem::internal)
}

/// Applies one transfer that nothing may refuse.
pub(crate) fn must_apply(unit: &mut dyn Unit, transfer: Transfer) -> Result<(), Problem> {
    let result = apply(unit, transfer)?;
    if result.is_applied() {
        return Ok(());
    }
    tracing::error!(transfer = %transfer.id, %result, "the ledger refused");
    Err(Problem::internal())
}

/// Moves an amount between two accounts at once, both made where there are none.
pub(crate) fn pay(
    unit: &mut dyn Unit,
    id: TransferId,
    (from, to): (&AccountName, &AccountName),
    amount: Money,
    code: Code,
) -> Result<(), Problem> {
    let (from, to) = (from.open(unit)?, to.open(unit)?);
    must_apply(unit, Transfer::plain(id, from, to, amount).with_code(code as u16))
}

/// Posts or voids a hold, all of it.
pub(crate) fn resolve(
    unit: &mut dyn Unit,
    hold: TransferId,
    id: TransferId,
    post: bool,
) -> Result<(), Problem> {
    let held = unit.ledger().transfer(hold).map_err(StoreError::from)?;
    let held = held.ok_or_else(Problem::internal)?;
    let by = if post { Transfer::post(id, &held, held.amount) } else { Transfer::void(id, &held) };
    must_apply(unit, by)
}

impl Issuer {
    /// Every account with its balance: for reports and tests. It holds all of them in memory.
    pub async fn balances(&self) -> Result<Vec<AccountBalance>, Problem> {
        self.store
            .run(|unit| {
                let mut all = Vec::new();
                let mut after = None;
                loop {
                    let page = unit.ledger().accounts(after, 500).map_err(StoreError::from)?;
                    let Some((last, _)) = page.last() else { return Ok(all) };
                    after = Some(last.id);
                    for (account, balance) in page {
                        let name = ACCOUNTS.get(unit, &account.id.to_string())?;
                        let AccountName { kind, owner, currency } =
                            name.ok_or_else(Problem::internal)?;
                        all.push(AccountBalance { kind, owner, currency, balance });
                    }
                }
            })
            .await
    }
}
