//! An engine that only lives inside units of work, as a ledger of its own.

use crate::{
    Account, AccountId, AccountResult, Balance, Cursor, Ledger, LedgerError, Transfer, TransferId,
    TransferResult,
};

/// Runs one call in a unit of work of its own.
pub trait Step {
    /// Does `call` on the engine, and ends the unit of work.
    fn step<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError>;
}

/// A ledger of which every call is a [`Step`]: the suite then also sees what an engine forgets, or
/// wrongly remembers, between units of work.
#[derive(Debug)]
pub struct Stepped<S>(pub S);

impl<S: Step> Ledger for Stepped<S> {
    fn create_accounts(&mut self, accounts: &[Account]) -> Result<Vec<AccountResult>, LedgerError> {
        let accounts = accounts.to_vec();
        self.0.step(move |ledger| ledger.create_accounts(&accounts))
    }

    fn apply(&mut self, batch: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError> {
        let batch = batch.to_vec();
        self.0.step(move |ledger| ledger.apply(&batch))
    }

    fn account(&mut self, id: AccountId) -> Result<Option<Account>, LedgerError> {
        self.0.step(move |ledger| ledger.account(id))
    }

    fn balance(&mut self, id: AccountId) -> Result<Option<Balance>, LedgerError> {
        self.0.step(move |ledger| ledger.balance(id))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        self.0.step(move |ledger| ledger.transfer(id))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<Transfer>, LedgerError> {
        self.0.step(move |ledger| ledger.resolution(hold))
    }

    fn history(
        &mut self,
        account: AccountId,
        before: Cursor,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        self.0.step(move |ledger| ledger.history(account, before, limit))
    }

    fn accounts(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError> {
        self.0.step(move |ledger| ledger.accounts(after, limit))
    }

    fn transfers(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        self.0.step(move |ledger| ledger.transfers(after, limit))
    }
}
