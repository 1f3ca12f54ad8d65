//! The ledger engine over SQLite's tables.
//!
//! [`warifu_ledger::judge`] decides, with each account of a batch read once and kept; what it
//! decided is then written row by row, in the order of the ids, so that neighbours share pages.

mod rows;
mod write;

use crate::error::ledger_error;
use rows::{account_of, id_bytes, id_of, transfer_of};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use warifu_ledger::{
    Account, AccountId, AccountResult, AccountState, Balance, Cursor, Ledger, LedgerError, Records,
    StoredTransfer, Transfer, TransferId, TransferResult, history, judge,
};

const ACCOUNTS: &str = "accounts";
const TRANSFERS: &str = "transfers";
const HOLDS: &str = "holds";

/// The ledger of a connection with an open transaction.
pub(crate) struct SqliteLedger<'c> {
    connection: &'c Connection,
    /// While a large batch is decided on: no transfer has an id above this one.
    highest: Option<u128>,
}

/// From this size on a batch first asks for the highest id.
const LARGE: usize = 16;

impl<'c> SqliteLedger<'c> {
    pub(crate) fn new(connection: &'c Connection) -> SqliteLedger<'c> {
        SqliteLedger { connection, highest: None }
    }

    /// See `SqliteUnit::documents`: without its transaction a unit of work must not go on.
    fn prepare(&self, sql: &str, what: &'static str) -> Result<CachedStatement<'c>, LedgerError> {
        if self.connection.is_autocommit() {
            return Err(LedgerError::Io);
        }
        self.connection.prepare_cached(sql).map_err(ledger_error(what))
    }

    fn one<T>(
        &self,
        sql: &str,
        what: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, LedgerError> {
        self.prepare(sql, what)?.query_row(params, read).optional().map_err(ledger_error(what))
    }

    fn page<T>(
        &self,
        sql: &str,
        what: &'static str,
        after: Option<u128>,
        limit: usize,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        // An empty blob comes before every id.
        let after = after.map_or(Vec::new(), |id| id_bytes(id).to_vec());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.prepare(sql, what)?
            .query_map(params![after, limit], read)
            .and_then(Iterator::collect)
            .map_err(ledger_error(what))
    }

    /// Zero in an empty ledger: that look-up is made, and finds nothing.
    fn highest_transfer(&self) -> Result<u128, LedgerError> {
        let sql = "SELECT id FROM ledger_transfers ORDER BY id DESC LIMIT 1";
        Ok(self.one(sql, TRANSFERS, [], |row| id_of(row, 0))?.unwrap_or(0))
    }

    fn execute(&self, sql: &str) -> Result<(), LedgerError> {
        self.prepare(sql, TRANSFERS)?.execute([]).map(|_| ()).map_err(ledger_error(TRANSFERS))
    }

    /// All of `write` or nothing, also where the job ignores the error.
    fn whole<T>(
        &self,
        write: impl FnOnce(&Self) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.execute("SAVEPOINT ledger")?;
        let written = write(self);
        if written.is_err() {
            self.execute("ROLLBACK TO ledger")?;
        }
        self.execute("RELEASE ledger")?;
        written
    }
}

impl Records for SqliteLedger<'_> {
    fn account_state(&mut self, id: AccountId) -> Result<Option<AccountState>, LedgerError> {
        let sql = "SELECT * FROM ledger_accounts WHERE id = ?1";
        self.one(sql, ACCOUNTS, [id_bytes(id.0)], account_of)
    }

    fn stored_transfer(&mut self, id: TransferId) -> Result<Option<StoredTransfer>, LedgerError> {
        if self.highest.is_some_and(|highest| id.0 > highest) {
            return Ok(None);
        }
        let sql = "SELECT * FROM ledger_transfers WHERE id = ?1";
        self.one(sql, TRANSFERS, [id_bytes(id.0)], transfer_of)
    }

    fn resolved_by(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError> {
        let sql = "SELECT resolved_by FROM ledger_resolutions WHERE hold = ?1";
        self.one(sql, HOLDS, [id_bytes(hold.0)], |row| Ok(TransferId(id_of(row, 0)?)))
    }
}

impl Ledger for SqliteLedger<'_> {
    fn create_accounts(&mut self, accounts: &[Account]) -> Result<Vec<AccountResult>, LedgerError> {
        self.whole(|ledger| accounts.iter().map(|account| ledger.create_account(account)).collect())
    }

    fn apply(&mut self, batch: &[Transfer]) -> Result<Vec<TransferResult>, LedgerError> {
        // Ids that grow with time spare a look-up each: above the highest there is nothing.
        self.highest = if batch.len() < LARGE { None } else { Some(self.highest_transfer()?) };
        let judged = judge(self, batch);
        self.highest = None;
        let (results, changes) = judged?;
        if !changes.transfers.is_empty() {
            self.whole(|ledger| ledger.write(changes))?;
        }
        Ok(results)
    }

    fn account(&mut self, id: AccountId) -> Result<Option<Account>, LedgerError> {
        Ok(self.account_state(id)?.map(|state| state.account))
    }

    fn balance(&mut self, id: AccountId) -> Result<Option<Balance>, LedgerError> {
        Ok(self.account_state(id)?.map(|state| state.balance))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        Ok(self.stored_transfer(id)?.map(|stored| stored.transfer))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<Transfer>, LedgerError> {
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
        history(self, account, before, limit)
    }

    fn accounts(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Balance)>, LedgerError> {
        let sql = "SELECT * FROM ledger_accounts WHERE id > ?1 ORDER BY id LIMIT ?2";
        let read = |row: &Row<'_>| account_of(row).map(|state| (state.account, state.balance));
        self.page(sql, ACCOUNTS, after.map(|id| id.0), limit, read)
    }

    fn transfers(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let sql = "SELECT * FROM ledger_transfers WHERE id > ?1 ORDER BY id LIMIT ?2";
        let read = |row: &Row<'_>| transfer_of(row).map(|stored| stored.transfer);
        self.page(sql, TRANSFERS, after.map(|id| id.0), limit, read)
    }
}

#[cfg(test)]
mod tests;
