//! The interface of every ledger engine.

use crate::{Account, AccountId, AccountResult, Balance, Transfer, TransferId, TransferResult};

/// Where a page of history begins. Pages run from the newest transfer to the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// With the account's newest transfer.
    Newest,
    /// Just before this transfer of the account: pass the last one of the page before.
    Before(TransferId),
}

/// Why an engine could not answer. A transfer that is refused is not an error: it has a
/// [`TransferResult`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Another process holds the ledger; try again.
    #[error("the ledger is busy")]
    Busy,
    /// The disk is full.
    #[error("no room for the ledger on the disk")]
    Full,
    /// The disk or the connection failed.
    #[error("the ledger's storage failed")]
    Io,
    /// What is stored contradicts itself.
    #[error("the ledger's {what} are corrupt")]
    Corrupt {
        /// `accounts`, `transfers` or `holds`.
        what: &'static str,
    },
    /// The caller's cursor is no transfer of this account.
    #[error("the cursor is no transfer of this account")]
    UnknownCursor,
}

/// A ledger. Where an engine works inside a unit of work, changes last when that commits.
pub trait Ledger {
    /// Creates accounts: one result each, in order. An account that fails does not stop the others.
    fn create_accounts(&mut self, accounts: &[Account]) -> Result<Vec<AccountResult>, LedgerError>;

    /// Applies transfers in order: one result each. Within a chain all are applied or none; an
    /// error changes nothing at all.
    ///
    /// A chain that was applied and comes again whole is [`TransferResult::Exists`] throughout.
    fn apply(&mut self, batch: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError>;

    /// An account as it was created.
    fn account(&mut self, id: AccountId) -> Result<Option<Account>, LedgerError>;

    /// An account's sums.
    fn balance(&mut self, id: AccountId) -> Result<Option<Balance>, LedgerError>;

    /// A transfer as it was applied.
    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError>;

    /// The transfer that posted or voided a hold; none while the hold is open.
    fn resolution(&mut self, hold: TransferId) -> Result<Option<Transfer>, LedgerError>;

    /// At most `limit` of an account's transfers, newest first. Empty for an unknown account.
    fn history(
        &mut self,
        account: AccountId,
        before: Cursor,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError>;

    /// At most `limit` accounts with ids above `after`, by id: for the auditor and for reports.
    fn accounts(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError>;

    /// At most `limit` transfers with ids above `after`, by id: for the auditor.
    fn transfers(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError>;
}
