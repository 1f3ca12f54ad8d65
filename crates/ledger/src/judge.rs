//! The decision on a batch: what each transfer's result is, and what an engine must then write.
//!
//! Engines differ in how they keep rows, not in what they allow, so the decision is here once. It
//! reads through [`Records`], keeps each account of the batch in memory, and returns [`Changes`].

mod draft;

use crate::{Account, AccountId, Balance, LedgerError, Transfer, TransferId, TransferResult};
use draft::Draft;

/// An account with what changes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// As it was created.
    pub account: Account,
    /// Its sums.
    pub balance: Balance,
    /// Its newest transfer: where its history begins.
    pub last: Option<TransferId>,
}

/// A transfer with its place in the histories of both its accounts. The histories are chains from
/// the newest transfer back, so that no index has to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTransfer {
    /// The transfer.
    pub transfer: Transfer,
    /// The debit account's transfer before this one.
    pub previous_debit: Option<TransferId>,
    /// The credit account's transfer before this one.
    pub previous_credit: Option<TransferId>,
}

impl StoredTransfer {
    /// The transfer before this one in an account's history; an error if this transfer is not the
    /// account's.
    pub fn previous(&self, account: AccountId) -> Result<Option<TransferId>, LedgerError> {
        if self.transfer.debit == account {
            Ok(self.previous_debit)
        } else if self.transfer.credit == account {
            Ok(self.previous_credit)
        } else {
            Err(LedgerError::Corrupt { what: "transfers" })
        }
    }
}

/// What an engine that keeps rows must be able to find by primary key.
pub trait Records {
    /// An account.
    fn account_state(&mut self, id: AccountId) -> Result<Option<AccountState>, LedgerError>;
    /// A transfer.
    fn stored_transfer(&mut self, id: TransferId) -> Result<Option<StoredTransfer>, LedgerError>;
    /// The transfer that posted or voided a hold.
    fn resolved_by(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError>;
}

/// What a batch changes. An engine writes all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Accounts that exist and whose balance and last transfer are now these, each once.
    pub accounts: Vec<AccountState>,
    /// New transfers, in the order in which they were applied.
    pub transfers: Vec<StoredTransfer>,
    /// Holds that are now resolved, each with the transfer that did it.
    pub resolutions: Vec<(TransferId, TransferId)>,
}

/// Decides on a batch. Writes nothing.
pub fn judge<R: Records + ?Sized>(
    records: &mut R,
    batch: &[Transfer],
) -> Result<(Vec<TransferResult>, Changes), LedgerError> {
    let mut draft = Draft::new(records, batch.len());
    let mut results = Vec::with_capacity(batch.len());
    let mut rest = batch;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|transfer| !transfer.linked) else {
            results.resize(batch.len() - 1, TransferResult::LinkedFailed);
            results.push(TransferResult::LinkedChainOpen);
            break;
        };
        let (chain, after) = rest.split_at(end + 1);
        judge_chain(&mut draft, chain, &mut results)?;
        rest = after;
    }
    Ok((results, draft.into_changes()))
}

/// All of a chain or none of it. A single transfer is a chain of one.
fn judge_chain<R: Records + ?Sized>(
    draft: &mut Draft<'_, R>,
    chain: &[Transfer],
    results: &mut Vec<TransferResult>,
) -> Result<(), LedgerError> {
    let start = results.len();
    let mark = draft.mark();
    for transfer in chain {
        let mut result = draft.try_transfer(transfer)?;
        // A replay is the whole chain again. A chain of old and new is neither a replay nor new.
        let mixed = result.is_applied()
            && results.get(start).is_some_and(|first: &TransferResult| *first != result);
        if mixed {
            result = TransferResult::ChainPartlyExists;
        }
        if !result.is_applied() {
            draft.roll_back(mark);
            results[start..].fill(TransferResult::LinkedFailed);
            results.push(result);
            results.resize(start + chain.len(), TransferResult::LinkedFailed);
            return Ok(());
        }
        results.push(result);
    }
    Ok(())
}
