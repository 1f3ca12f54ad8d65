//! A terminal has no ledger: money is moved where it lies, at the issuer or the center. An engine
//! that refuses, rather than one in memory: what a role wrote there would be gone with the program,
//! and nobody would notice.

use warifu_ledger::{
    Account, AccountId, AccountResult, Balance, Cursor, Ledger, LedgerError, Transfer, TransferId,
    TransferResult,
};

/// Refuses everything.
pub(super) struct NoLedger;

const NONE: LedgerError = LedgerError::Io;

impl Ledger for NoLedger {
    fn create_accounts(&mut self, _: &[Account]) -> Result<Vec<AccountResult>, LedgerError> {
        Err(NONE)
    }
    fn apply(&mut self, _: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError> {
        Err(NONE)
    }
    fn account(&mut self, _: AccountId) -> Result<Option<Account>, LedgerError> {
        Err(NONE)
    }
    fn balance(&mut self, _: AccountId) -> Result<Option<Balance>, LedgerError> {
        Err(NONE)
    }
    fn transfer(&mut self, _: TransferId) -> Result<Option<Transfer>, LedgerError> {
        Err(NONE)
    }
    fn resolution(&mut self, _: TransferId) -> Result<Option<Transfer>, LedgerError> {
        Err(NONE)
    }
    fn history(&mut self, _: AccountId, _: Cursor, _: usize) -> Result<Vec<Transfer>, LedgerError> {
        Err(NONE)
    }
    fn accounts(
        &mut self,
        _: Option<AccountId>,
        _: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError> {
        Err(NONE)
    }
    fn transfers(&mut self, _: Option<TransferId>, _: usize) -> Result<Vec<Transfer>, LedgerError> {
        Err(NONE)
    }
}
