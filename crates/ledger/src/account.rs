//! Accounts and their balances.

use crate::{AccountField, AccountId, AccountResult};
use serde::{Deserialize, Serialize};
use warifu_types::Currency;

/// The greatest sum of posted and pending debits, or credits, that an account can reach: the
/// greatest integer that SQLite and PostgreSQL store. Beyond it a transfer fails with
/// [`crate::TransferResult::Overflow`].
pub const MAX_TOTAL: u64 = i64::MAX as u64;

/// Which side of an account bounds the other. Holds count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// No bound: a clearing or an equity account.
    None,
    /// What was paid in bounds what goes out: a holder's prepaid value.
    DebitsMustNotExceedCredits,
    /// What went out bounds what comes back: a claim that can be settled but not oversettled.
    CreditsMustNotExceedDebits,
}

/// An account, as it was created. It never changes; only its [`Balance`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// The caller's id.
    pub id: AccountId,
    /// The currency of every transfer on this account.
    pub currency: Currency,
    /// The bound that the engine enforces.
    pub limit: Limit,
}

impl Account {
    /// An account without a limit.
    pub fn new(id: AccountId, currency: Currency) -> Account {
        Account { id, currency, limit: Limit::None }
    }

    /// The same account with a limit.
    #[must_use]
    pub fn limited(self, limit: Limit) -> Account {
        Account { limit, ..self }
    }

    /// The result of creating `other` where this account already has its id.
    pub fn result_against(&self, other: &Account) -> AccountResult {
        if self.currency != other.currency {
            AccountResult::ExistsWithDifferent { field: AccountField::Currency }
        } else if self.limit != other.limit {
            AccountResult::ExistsWithDifferent { field: AccountField::Limit }
        } else {
            AccountResult::Exists
        }
    }
}

/// The sums of an account's transfers, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Balance {
    /// Held, to go out.
    pub debits_pending: u64,
    /// Gone out.
    pub debits_posted: u64,
    /// Held elsewhere, to come in.
    pub credits_pending: u64,
    /// Come in.
    pub credits_posted: u64,
}

impl Balance {
    /// What can still go out of an account whose debits must not exceed its credits: posted
    /// credits less posted debits and holds. Zero where debits are greater.
    pub fn available(&self) -> u64 {
        self.credits_posted.saturating_sub(self.debits_posted.saturating_add(self.debits_pending))
    }

    /// Posted credits less posted debits: what the account holds, holds included.
    pub fn net(&self) -> i128 {
        i128::from(self.credits_posted) - i128::from(self.debits_posted)
    }
}
