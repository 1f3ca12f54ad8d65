//! The auditor: recomputes the books from the transfers and compares.
//!
//! It shares no arithmetic with the engines, so that a fault there shows here.

use crate::{AccountId, Balance, Cursor, Kind, Ledger, LedgerError, Limit, Transfer, TransferId};
use std::collections::{BTreeMap, HashMap};

const PAGE: usize = 1000;

/// The sums over all accounts of a currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Posted debits.
    pub debits_posted: u128,
    /// Posted credits; equal to the debits.
    pub credits_posted: u128,
    /// Held debits.
    pub debits_pending: u128,
    /// Held credits; equal to the debits.
    pub credits_pending: u128,
}

/// What an audit without a fault has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// How many accounts there are.
    pub accounts: u64,
    /// How many transfers there are.
    pub transfers: u64,
    /// The sums, by the currency's code.
    pub totals: BTreeMap<&'static str, Totals>,
}

/// A contradiction in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An account's balance is not the sum of its transfers.
    #[error("the balance of account {account} is not the sum of its transfers")]
    Balance {
        /// Whose.
        account: AccountId,
    },
    /// An account is beyond its limit.
    #[error("account {account} is beyond its limit")]
    Limit {
        /// Which.
        account: AccountId,
    },
    /// An account's history leaves out or repeats a transfer.
    #[error("the history of account {account} is not all of its transfers")]
    History {
        /// Whose.
        account: AccountId,
    },
    /// A transfer names an account or a hold that is not there, or resolves a hold again.
    #[error("transfer {transfer} refers to nothing")]
    Dangling {
        /// Which.
        transfer: TransferId,
    },
    /// The debits and credits of a currency differ.
    #[error("debits and credits of {currency} differ")]
    Unbalanced {
        /// The currency's code.
        currency: &'static str,
    },
}

/// Why there is no clean audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The books contradict themselves.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Recomputed from transfers alone.
#[derive(Default)]
struct Books {
    accounts: HashMap<AccountId, Sums>,
    resolved: HashMap<TransferId, TransferId>,
    transfers: u64,
}

#[derive(Default)]
struct Sums {
    debits_pending: i128,
    debits_posted: i128,
    credits_pending: i128,
    credits_posted: i128,
    transfers: u64,
}

/// Reads every account and transfer and checks that balances are the sums of transfers, that
/// limits hold, that histories are complete, and that debits equal credits in every currency.
///
/// Keeps the sums of all accounts in memory.
pub fn audit(ledger: &mut dyn Ledger) -> Result<Audit, AuditError> {
    let mut books = Books::default();
    let mut after = None;
    loop {
        let page = ledger.transfers(after, PAGE)?;
        for transfer in &page {
            books.enter(ledger, transfer)?;
        }
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    let mut audit = Audit { transfers: books.transfers, ..Audit::default() };
    let mut after = None;
    loop {
        let page = ledger.accounts(after, PAGE)?;
        for (account, balance) in &page {
            let sums = books.accounts.remove(&account.id).unwrap_or_default();
            check_account(&sums, account.limit, account.id, balance)?;
            check_history(ledger, account.id, sums.transfers)?;
            audit.accounts += 1;
            audit.totals.entry(account.currency.code()).or_default().add(balance);
        }
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
    }
    for (currency, totals) in &audit.totals {
        if totals.debits_posted != totals.credits_posted
            || totals.debits_pending != totals.credits_pending
        {
            return Err(Fault::Unbalanced { currency }.into());
        }
    }
    Ok(audit)
}

impl Books {
    fn enter(&mut self, ledger: &mut dyn Ledger, transfer: &Transfer) -> Result<(), AuditError> {
        let dangling = Fault::Dangling { transfer: transfer.id };
        let amount = i128::from(transfer.amount);
        let (pending, posted) = match transfer.kind {
            Kind::Plain => (0, amount),
            Kind::Pending => (amount, 0),
            Kind::Post { pending } | Kind::Void { pending } => {
                let hold = ledger.transfer(pending)?.ok_or(dangling)?;
                let fits = hold.kind == Kind::Pending
                    && (hold.debit, hold.credit) == (transfer.debit, transfer.credit)
                    && hold.amount >= transfer.amount;
                let again = self.resolved.insert(pending, transfer.id).is_some();
                let recorded = ledger.resolution(pending)?.map(|by| by.id);
                if !fits || again || recorded != Some(transfer.id) {
                    return Err(dangling.into());
                }
                let void = matches!(transfer.kind, Kind::Void { .. });
                (-i128::from(hold.amount), if void { 0 } else { amount })
            }
        };
        for account in [transfer.debit, transfer.credit] {
            let found = ledger.account(account)?.ok_or(dangling)?;
            if found.currency != transfer.currency {
                return Err(dangling.into());
            }
        }
        let debit = self.accounts.entry(transfer.debit).or_default();
        debit.debits_pending += pending;
        debit.debits_posted += posted;
        debit.transfers += 1;
        let credit = self.accounts.entry(transfer.credit).or_default();
        credit.credits_pending += pending;
        credit.credits_posted += posted;
        credit.transfers += 1;
        self.transfers += 1;
        Ok(())
    }
}

fn check_account(
    sums: &Sums,
    limit: Limit,
    account: AccountId,
    balance: &Balance,
) -> Result<(), Fault> {
    let same = sums.debits_pending == i128::from(balance.debits_pending)
        && sums.debits_posted == i128::from(balance.debits_posted)
        && sums.credits_pending == i128::from(balance.credits_pending)
        && sums.credits_posted == i128::from(balance.credits_posted);
    if !same {
        return Err(Fault::Balance { account });
    }
    let within = match limit {
        Limit::None => true,
        Limit::DebitsMustNotExceedCredits => {
            sums.debits_pending + sums.debits_posted <= sums.credits_posted
        }
        Limit::CreditsMustNotExceedDebits => {
            sums.credits_pending + sums.credits_posted <= sums.debits_posted
        }
    };
    if within { Ok(()) } else { Err(Fault::Limit { account }) }
}

/// The chain has exactly as many transfers as name the account. It cannot repeat one without
/// running in a circle, which the count ends.
fn check_history(
    ledger: &mut dyn Ledger,
    account: AccountId,
    expected: u64,
) -> Result<(), AuditError> {
    let fault = Fault::History { account };
    let (mut cursor, mut seen) = (Cursor::Newest, 0u64);
    loop {
        let page = ledger.history(account, cursor, PAGE)?;
        seen += page.len() as u64;
        if page.iter().any(|t| t.debit != account && t.credit != account) || seen > expected {
            return Err(fault.into());
        }
        let Some(last) = page.last() else { break };
        cursor = Cursor::Before(last.id);
    }
    if seen == expected { Ok(()) } else { Err(fault.into()) }
}

impl Totals {
    fn add(&mut self, balance: &Balance) {
        self.debits_posted += u128::from(balance.debits_posted);
        self.credits_posted += u128::from(balance.credits_posted);
        self.debits_pending += u128::from(balance.debits_pending);
        self.credits_pending += u128::from(balance.credits_pending);
    }
}

#[cfg(test)]
mod tests;
