//! The ledger's rows. Columns are read in the order of the schema.

use super::error::ledger_error;
#[cfg(test)]
use crate::ledger::Pending;
use crate::ledger::{ACCOUNTS, HOLDS, Held, Rows, TRANSFERS, kind_of, limit_of};
use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Params, Row, params, types::FromSqlError,
};
use warifu_ledger::{
    Account, AccountId, AccountState, Balance, LedgerError, StoredTransfer, Transfer, TransferId,
};
use warifu_types::Currency;

const ACCOUNT: &str = "SELECT * FROM ledger_accounts LEFT JOIN ledger_balances USING (number)
    WHERE id = ?1";
const ACCOUNT_PAGE: &str = "SELECT * FROM ledger_accounts LEFT JOIN ledger_balances USING (number)
    WHERE id > ?1 ORDER BY id LIMIT ?2";
const TRANSFER: &str = "SELECT * FROM ledger_transfers WHERE id = ?1";
const TRANSFER_PAGE: &str = "SELECT * FROM ledger_transfers WHERE id > ?1 ORDER BY id LIMIT ?2";

/// The ledger's tables on a connection with an open transaction.
pub(super) struct SqliteRows<'c> {
    connection: &'c Connection,
}

impl<'c> SqliteRows<'c> {
    pub(super) fn new(connection: &'c Connection) -> SqliteRows<'c> {
        SqliteRows { connection }
    }

    /// An error may have made SQLite give up the transaction by itself: what was read after that
    /// would not be of one moment.
    pub(super) fn prepare(
        &self,
        sql: &str,
        what: &'static str,
    ) -> Result<CachedStatement<'c>, LedgerError> {
        if self.connection.is_autocommit() {
            return Err(LedgerError::Io);
        }
        self.connection.prepare_cached(sql).map_err(ledger_error(what))
    }

    /// The rows that a statement finds for each id.
    fn each<T>(
        &self,
        sql: &str,
        what: &'static str,
        ids: impl Iterator<Item = u128>,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut statement = self.prepare(sql, what)?;
        ids.filter_map(|id| statement.query_row([id_bytes(id)], &mut read).optional().transpose())
            .collect::<Result<_, _>>()
            .map_err(ledger_error(what))
    }

    fn page<T>(
        &self,
        sql: &str,
        what: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        self.prepare(sql, what)?
            .query_map(params, read)
            .and_then(Iterator::collect)
            .map_err(ledger_error(what))
    }
}

impl Rows for SqliteRows<'_> {
    const FAR: bool = false;

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Held>, LedgerError> {
        self.each(ACCOUNT, ACCOUNTS, ids.iter().map(|id| id.0), account_of)
    }

    fn transfers(&mut self, ids: &[TransferId]) -> Result<Vec<StoredTransfer>, LedgerError> {
        self.each(TRANSFER, TRANSFERS, ids.iter().map(|id| id.0), transfer_of)
    }

    fn resolutions(
        &mut self,
        holds: &[TransferId],
    ) -> Result<Vec<(TransferId, TransferId)>, LedgerError> {
        let sql = "SELECT * FROM ledger_resolutions WHERE hold = ?1";
        let read = |row: &Row<'_>| Ok((TransferId(id_of(row, 0)?), TransferId(id_of(row, 1)?)));
        self.each(sql, HOLDS, holds.iter().map(|id| id.0), read)
    }

    fn highest_transfer(&mut self) -> Result<Option<TransferId>, LedgerError> {
        let sql = "SELECT id FROM ledger_transfers ORDER BY id DESC LIMIT 1";
        let page = self.page(sql, TRANSFERS, [], |row| Ok(TransferId(id_of(row, 0)?)))?;
        Ok(page.into_iter().next())
    }

    fn highest_number(&mut self) -> Result<i64, LedgerError> {
        let sql = "SELECT coalesce(max(number), 0) FROM ledger_accounts";
        let page = self.page(sql, ACCOUNTS, [], |row| row.get(0))?;
        Ok(page.into_iter().next().unwrap_or(0))
    }

    fn chain(
        &mut self,
        account: AccountId,
        from: TransferId,
        limit: usize,
    ) -> Result<Vec<StoredTransfer>, LedgerError> {
        let mut chain = Vec::new();
        let mut next = Some(from);
        while let Some(id) = next
            && chain.len() < limit
        {
            let found = self.transfers(&[id])?;
            let stored = *found.first().ok_or(LedgerError::Corrupt { what: TRANSFERS })?;
            next = stored.previous(account)?;
            chain.push(stored);
        }
        Ok(chain)
    }

    fn account_page(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountState>, LedgerError> {
        let from = params![bytes_after(after.map(|id| id.0)), limit_number(limit)];
        self.page(ACCOUNT_PAGE, ACCOUNTS, from, |row| account_of(row).map(|held| held.state))
    }

    fn transfer_page(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let from = params![bytes_after(after.map(|id| id.0)), limit_number(limit)];
        self.page(TRANSFER_PAGE, TRANSFERS, from, |row| transfer_of(row).map(|s| s.transfer))
    }
}

/// An empty blob comes before every id.
fn bytes_after(id: Option<u128>) -> Vec<u8> {
    id.map_or(Vec::new(), |id| id_bytes(id).to_vec())
}

fn limit_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Big endian, so that the order of the bytes is that of the numbers.
pub(super) fn id_bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

fn id_of(row: &Row<'_>, column: usize) -> rusqlite::Result<u128> {
    optional_id(row, column)?.ok_or_else(|| FromSqlError::InvalidType.into())
}

fn optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u128>> {
    let Some(bytes) = row.get_ref(column)?.as_blob_or_null()? else { return Ok(None) };
    let bytes = bytes.try_into().map_err(|_| FromSqlError::InvalidType)?;
    Ok(Some(u128::from_be_bytes(bytes)))
}

fn optional_transfer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TransferId>> {
    Ok(optional_id(row, column)?.map(TransferId))
}

fn sum(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored = row.get_ref(column)?.as_i64()?;
    u64::try_from(stored).map_err(|_| FromSqlError::OutOfRange(stored).into())
}

fn currency(row: &Row<'_>, column: usize) -> rusqlite::Result<Currency> {
    let stored = row.get_ref(column)?.as_i64()?;
    let code = u16::try_from(stored).map_err(|_| FromSqlError::OutOfRange(stored))?;
    Currency::from_numeric(code).map_err(|_| FromSqlError::OutOfRange(stored).into())
}

fn account_of(row: &Row<'_>) -> rusqlite::Result<Held> {
    let bound = row.get_ref(3)?.as_i64()?;
    let limit = limit_of(bound).ok_or(FromSqlError::OutOfRange(bound))?;
    let state = AccountState {
        account: Account { id: AccountId(id_of(row, 1)?), currency: currency(row, 2)?, limit },
        balance: Balance {
            debits_pending: sum(row, 4)?,
            debits_posted: sum(row, 5)?,
            credits_pending: sum(row, 6)?,
            credits_posted: sum(row, 7)?,
        },
        last: optional_transfer(row, 8)?,
    };
    Ok(Held { number: row.get_ref(0)?.as_i64()?, state, changed: false })
}

fn transfer_of(row: &Row<'_>) -> rusqlite::Result<StoredTransfer> {
    let kind = row.get_ref(5)?.as_i64()?;
    let code = row.get_ref(8)?.as_i64()?;
    let transfer = Transfer {
        id: TransferId(id_of(row, 0)?),
        debit: AccountId(id_of(row, 1)?),
        credit: AccountId(id_of(row, 2)?),
        amount: sum(row, 3)?,
        currency: currency(row, 4)?,
        kind: kind_of(kind, optional_transfer(row, 6)?).ok_or(FromSqlError::OutOfRange(kind))?,
        linked: row.get_ref(7)?.as_i64()? != 0,
        code: u16::try_from(code).map_err(|_| FromSqlError::OutOfRange(code))?,
        user_data: optional_id(row, 9)?.unwrap_or(0),
    };
    Ok(StoredTransfer {
        transfer,
        previous_debit: optional_transfer(row, 10)?,
        previous_credit: optional_transfer(row, 11)?,
    })
}

#[cfg(test)]
mod tests;
