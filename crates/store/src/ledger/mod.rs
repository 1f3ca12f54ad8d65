//! The ledger engine over the tables of any database.
//!
//! [`warifu_ledger::judge`] decides, on what [`Memo`] knows and on rows that are read for a whole
//! batch at once. What it decided is kept in the memo until the transaction commits.

mod codes;
mod memo;
mod recent;
mod rows;

pub(crate) use codes::{bound_number, kind_columns, kind_of, limit_of};
pub(crate) use memo::Memo;
pub(crate) use rows::{ACCOUNTS, HOLDS, Held, Pending, Rows, TRANSFERS};

use recent::Recent;
use warifu_ledger::{
    Account, AccountId, AccountResult, AccountState, Balance, Cursor, IdMap, IdSet, Kind, Ledger,
    LedgerError, Records, StoredTransfer, Transfer, TransferId, TransferResult, history, judge,
};

/// The ledger of one unit of work.
pub(crate) struct Books<'m, R> {
    pub(crate) rows: R,
    memo: &'m mut Memo,
    fetched: Fetched,
}

/// Rows that were read for the call that runs; `None` for those that are not there.
#[derive(Default)]
struct Fetched {
    no_accounts: IdSet<AccountId>,
    transfers: IdMap<TransferId, Option<StoredTransfer>>,
    resolutions: IdMap<TransferId, Option<TransferId>>,
}

impl Fetched {
    fn clear(&mut self) {
        self.no_accounts.clear();
        self.transfers.clear();
        self.resolutions.clear();
    }
}

impl<'m, R: Rows> Books<'m, R> {
    pub(crate) fn new(rows: R, memo: &'m mut Memo) -> Books<'m, R> {
        Books { rows, memo, fetched: Fetched::default() }
    }

    /// Whether the tables may have a transfer of this id. The memo's own are not there yet.
    fn may_be_stored(&mut self, id: TransferId) -> Result<bool, LedgerError> {
        if self.memo.recent().is_none() {
            self.memo.set_recent(Recent::new(self.rows.highest_transfer()?));
        }
        Ok(self.memo.recent().is_none_or(|recent| recent.may_have(id)))
    }

    fn fetch_accounts(&mut self, mut ids: Vec<AccountId>) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        ids.sort_unstable();
        ids.dedup();
        for held in self.rows.accounts(&ids)? {
            self.memo.keep(held);
        }
        ids.retain(|id| self.memo.account(*id).is_none());
        self.fetched.no_accounts.extend(ids);
        Ok(())
    }

    fn fetch_transfers(&mut self, mut ids: Vec<TransferId>) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        ids.sort_unstable();
        ids.dedup();
        let found = self.rows.transfers(&ids)?;
        self.fetched.transfers.extend(ids.into_iter().map(|id| (id, None)));
        let found = found.into_iter().map(|stored| (stored.transfer.id, Some(stored)));
        self.fetched.transfers.extend(found);
        Ok(())
    }

    fn fetch_resolutions(&mut self, mut holds: Vec<TransferId>) -> Result<(), LedgerError> {
        if holds.is_empty() {
            return Ok(());
        }
        holds.sort_unstable();
        holds.dedup();
        let found = self.rows.resolutions(&holds)?;
        self.fetched.resolutions.extend(holds.into_iter().map(|hold| (hold, None)));
        self.fetched.resolutions.extend(found.into_iter().map(|(hold, by)| (hold, Some(by))));
        Ok(())
    }

    /// Reads what deciding on a batch needs and the memo does not know, at once.
    fn fetch(&mut self, batch: &[Transfer]) -> Result<(), LedgerError> {
        let (mut accounts, mut transfers, mut holds) = (Vec::new(), Vec::new(), Vec::new());
        for transfer in batch {
            let both = [transfer.debit, transfer.credit];
            accounts.extend(both.into_iter().filter(|id| self.memo.account(*id).is_none()));
            if self.may_be_stored(transfer.id)? {
                transfers.push(transfer.id);
            }
            if let Kind::Post { pending } | Kind::Void { pending } = transfer.kind
                && self.may_be_stored(pending)?
            {
                transfers.push(pending);
                holds.push(pending);
            }
        }
        self.fetch_accounts(accounts)?;
        self.fetch_transfers(transfers)?;
        self.fetch_resolutions(holds)
    }

    /// Reads the part of a history that is in the tables.
    fn fetch_history(
        &mut self,
        account: AccountId,
        before: Cursor,
        limit: usize,
    ) -> Result<(), LedgerError> {
        self.fetched.clear();
        let mut next = match before {
            Cursor::Newest => self.account_state(account)?.and_then(|state| state.last),
            Cursor::Before(id) => match self.stored_transfer(id)? {
                Some(stored) => stored.previous(account).unwrap_or(None),
                None => None,
            },
        };
        let mut left = limit;
        while let Some(id) = next
            && left > 0
        {
            let Some(stored) = self.memo.transfer(id) else {
                let chain = self.rows.chain(account, id, left)?;
                let found = chain.into_iter().map(|stored| (stored.transfer.id, Some(stored)));
                self.fetched.transfers.extend(found);
                break;
            };
            next = stored.previous(account)?;
            left -= 1;
        }
        Ok(())
    }

    fn create(&mut self, account: &Account) -> Result<AccountResult, LedgerError> {
        if let Some(state) = self.account_state(account.id)? {
            return Ok(state.account.result_against(account));
        }
        self.memo.create(*account);
        self.fetched.no_accounts.remove(&account.id);
        Ok(AccountResult::Ok)
    }
}

impl<R: Rows> Records for Books<'_, R> {
    fn account_state(&mut self, id: AccountId) -> Result<Option<AccountState>, LedgerError> {
        if let Some(held) = self.memo.account(id) {
            return Ok(Some(held.state));
        }
        if !self.fetched.no_accounts.contains(&id) {
            self.fetch_accounts(vec![id])?;
        }
        Ok(self.memo.account(id).map(|held| held.state))
    }

    fn stored_transfer(&mut self, id: TransferId) -> Result<Option<StoredTransfer>, LedgerError> {
        if let Some(stored) = self.memo.transfer(id) {
            return Ok(Some(stored));
        }
        if !self.may_be_stored(id)? {
            return Ok(None);
        }
        if !self.fetched.transfers.contains_key(&id) {
            self.fetch_transfers(vec![id])?;
        }
        Ok(self.fetched.transfers.get(&id).copied().flatten())
    }

    fn resolved_by(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError> {
        if let Some(by) = self.memo.resolved_by(hold) {
            return Ok(Some(by));
        }
        if self.memo.transfer(hold).is_some() {
            return Ok(None);
        }
        if !self.fetched.resolutions.contains_key(&hold) {
            self.fetch_resolutions(vec![hold])?;
        }
        Ok(self.fetched.resolutions.get(&hold).copied().flatten())
    }
}

impl<R: Rows> Ledger for Books<'_, R> {
    fn create_accounts(&mut self, accounts: &[Account]) -> Result<Vec<AccountResult>, LedgerError> {
        self.fetched.clear();
        let unknown = accounts.iter().map(|account| account.id);
        let unknown = unknown.filter(|id| self.memo.account(*id).is_none()).collect();
        self.fetch_accounts(unknown)?;
        // Asked before anything is created, so that an error changes nothing.
        if self.memo.next_number().is_none() {
            let highest = self.rows.highest_number()?;
            self.memo.set_next_number(highest + 1);
        }
        accounts.iter().map(|account| self.create(account)).collect()
    }

    fn apply(&mut self, batch: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError> {
        self.fetched.clear();
        if R::FAR {
            self.fetch(batch)?;
        }
        let (results, changes) = judge(self, batch)?;
        self.memo.record(changes);
        Ok(results)
    }

    fn account(&mut self, id: AccountId) -> Result<Option<Account>, LedgerError> {
        self.fetched.clear();
        Ok(self.account_state(id)?.map(|state| state.account))
    }

    fn balance(&mut self, id: AccountId) -> Result<Option<Balance>, LedgerError> {
        self.fetched.clear();
        Ok(self.account_state(id)?.map(|state| state.balance))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        self.fetched.clear();
        Ok(self.stored_transfer(id)?.map(|stored| stored.transfer))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<Transfer>, LedgerError> {
        self.fetched.clear();
        match self.resolved_by(hold)? {
            Some(by) => self.transfer(by),
            None => Ok(None),
        }
    }

    fn history(
        &mut self,
        account: AccountId,
        before: Cursor,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        self.fetch_history(account, before, limit)?;
        history(self, account, before, limit)
    }

    fn accounts(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError> {
        let page = self.rows.account_page(after, limit)?;
        let mut page: Vec<AccountState> = page
            .into_iter()
            .map(|state| self.memo.account(state.account.id).map_or(state, |held| held.state))
            .chain(self.memo.created().filter(|state| Some(state.account.id) > after))
            .collect();
        page.sort_unstable_by_key(|state| state.account.id);
        page.truncate(limit);
        Ok(page.into_iter().map(|state| (state.account, state.balance)).collect())
    }

    fn transfers(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let mut page = self.rows.transfer_page(after, limit)?;
        let own = self.memo.transfers().iter().map(|stored| stored.transfer);
        page.extend(own.filter(|transfer| Some(transfer.id) > after));
        page.sort_unstable_by_key(|transfer| transfer.id);
        page.truncate(limit);
        Ok(page)
    }
}
