//! The engine in memory: for tests, simulations and demonstrations.

use crate::{
    Account, AccountId, AccountResult, AccountState, Balance, Cursor, Ledger, LedgerError, Records,
    StoredTransfer, Transfer, TransferId, TransferResult, history, judge,
};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A ledger in memory. Nothing of it lasts.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    pub(crate) accounts: BTreeMap<AccountId, AccountState>,
    pub(crate) transfers: BTreeMap<TransferId, StoredTransfer>,
    pub(crate) resolutions: BTreeMap<TransferId, TransferId>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> MemoryLedger {
        MemoryLedger::default()
    }
}

impl Records for MemoryLedger {
    fn account_state(&mut self, id: AccountId) -> Result<Option<AccountState>, LedgerError> {
        Ok(self.accounts.get(&id).copied())
    }

    fn stored_transfer(&mut self, id: TransferId) -> Result<Option<StoredTransfer>, LedgerError> {
        Ok(self.transfers.get(&id).copied())
    }

    fn resolved_by(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError> {
        Ok(self.resolutions.get(&hold).copied())
    }
}

impl Ledger for MemoryLedger {
    fn create_accounts(&mut self, accounts: &[Account]) -> Result<Vec<AccountResult>, LedgerError> {
        let mut create = |account: &Account| match self.accounts.get(&account.id) {
            Some(state) => state.account.result_against(account),
            None => {
                let state =
                    AccountState { account: *account, balance: Balance::default(), last: None };
                self.accounts.insert(account.id, state);
                AccountResult::Ok
            }
        };
        Ok(accounts.iter().map(&mut create).collect())
    }

    fn apply(&mut self, batch: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError> {
        let (results, changes) = judge(self, batch)?;
        let accounts = changes.accounts.into_iter().map(|state| (state.account.id, state));
        self.accounts.extend(accounts);
        let transfers = changes.transfers.into_iter().map(|stored| (stored.transfer.id, stored));
        self.transfers.extend(transfers);
        self.resolutions.extend(changes.resolutions);
        Ok(results)
    }

    fn account(&mut self, id: AccountId) -> Result<Option<Account>, LedgerError> {
        Ok(self.accounts.get(&id).map(|state| state.account))
    }

    fn balance(&mut self, id: AccountId) -> Result<Option<Balance>, LedgerError> {
        Ok(self.accounts.get(&id).map(|state| state.balance))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        Ok(self.transfers.get(&id).map(|stored| stored.transfer))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<Transfer>, LedgerError> {
        match self.resolutions.get(&hold) {
            Some(by) => self.transfer(*by),
            None => Ok(None),
        }
    }

    fn history(
        &mut self,
        account: AccountId,
        before: Cursor,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        history(self, account, before, limit)
    }

    fn accounts(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError> {
        let states = self.accounts.range((above(after), Bound::Unbounded));
        Ok(states.take(limit).map(|(_, state)| (state.account, state.balance)).collect())
    }

    fn transfers(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let stored = self.transfers.range((above(after), Bound::Unbounded));
        Ok(stored.take(limit).map(|(_, stored)| stored.transfer).collect())
    }
}

fn above<T>(after: Option<T>) -> Bound<T> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}
