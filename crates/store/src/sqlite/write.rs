//! The ledger's records to rows: many in one statement, in the order of their keys, so that
//! neighbours share pages.

use super::{
    error::ledger_error,
    ledger::{SqliteRows, id_bytes},
};
use crate::ledger::{ACCOUNTS, HOLDS, Held, Pending, TRANSFERS, bound_number, kind_columns};
use rusqlite::{Statement, ToSql};
use std::sync::LazyLock;
use warifu_ledger::{LedgerError, StoredTransfer, TransferId};

/// Rows in one statement. What is left over goes row by row.
const ROWS: usize = 100;

/// One statement for many rows and one for a single row.
struct Insert {
    what: &'static str,
    many: String,
    one: String,
}

impl Insert {
    fn new(what: &'static str, into: &str, columns: usize) -> Insert {
        let row = format!("({})", vec!["?"; columns].join(","));
        Insert {
            what,
            many: format!("{into} VALUES {}", vec![row.as_str(); ROWS].join(",")),
            one: format!("{into} VALUES {row}"),
        }
    }

    /// Writes all rows; `bind` hands each row's columns over, in order.
    fn write<T>(
        &self,
        tables: &SqliteRows<'_>,
        rows: &[T],
        bind: impl Fn(&mut Row<'_, '_>, &T) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (chunks, rest) = rows.as_chunks::<ROWS>();
        if !chunks.is_empty() {
            let mut many = tables.prepare(&self.many, self.what)?;
            for chunk in chunks {
                self.execute(&mut many, chunk, &bind)?;
            }
        }
        if !rest.is_empty() {
            let mut one = tables.prepare(&self.one, self.what)?;
            for row in rest {
                self.execute(&mut one, std::slice::from_ref(row), &bind)?;
            }
        }
        Ok(())
    }

    fn execute<T>(
        &self,
        statement: &mut Statement<'_>,
        rows: &[T],
        bind: impl Fn(&mut Row<'_, '_>, &T) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut parameters = Row { statement, next: 1, what: self.what };
        for row in rows {
            bind(&mut parameters, row)?;
        }
        parameters.statement.raw_execute().map(|_| ()).map_err(ledger_error(self.what))
    }
}

/// The parameters of a statement, one after the other.
struct Row<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
    what: &'static str,
}

impl Row<'_, '_> {
    fn put(&mut self, value: impl ToSql) -> Result<(), LedgerError> {
        self.statement.raw_bind_parameter(self.next, value).map_err(ledger_error(self.what))?;
        self.next += 1;
        Ok(())
    }

    /// The rules keep every sum within [`warifu_ledger::MAX_TOTAL`].
    fn sum(&mut self, sum: u64) -> Result<(), LedgerError> {
        let sum = i64::try_from(sum).map_err(|_| LedgerError::Corrupt { what: self.what })?;
        self.put(sum)
    }

    fn id(&mut self, id: u128) -> Result<(), LedgerError> {
        self.put(id_bytes(id))
    }

    fn optional(&mut self, id: Option<TransferId>) -> Result<(), LedgerError> {
        self.put(id.map(|id| id_bytes(id.0)))
    }
}

static INSERT_ACCOUNT: LazyLock<Insert> =
    LazyLock::new(|| Insert::new(ACCOUNTS, "INSERT INTO ledger_accounts", 4));
/// A balance is known by its number alone, so that replacing one is a single step.
static PUT_BALANCE: LazyLock<Insert> =
    LazyLock::new(|| Insert::new(ACCOUNTS, "REPLACE INTO ledger_balances", 6));
static INSERT_TRANSFER: LazyLock<Insert> =
    LazyLock::new(|| Insert::new(TRANSFERS, "INSERT INTO ledger_transfers", 12));
static INSERT_RESOLUTION: LazyLock<Insert> =
    LazyLock::new(|| Insert::new(HOLDS, "INSERT INTO ledger_resolutions", 2));

/// Writes what a transaction has pending. An error leaves a part of it written: the transaction
/// must then be rolled back.
pub(super) fn pending(tables: &SqliteRows<'_>, pending: &Pending<'_>) -> Result<(), LedgerError> {
    INSERT_ACCOUNT.write(tables, &pending.created, |row, held| {
        let account = &held.state.account;
        row.put(held.number)?;
        row.id(account.id.0)?;
        row.put(account.currency.numeric())?;
        row.put(bound_number(account.limit))
    })?;
    PUT_BALANCE.write(tables, &pending.changed, put_balance)?;
    INSERT_TRANSFER.write(tables, pending.transfers, insert_transfer)?;
    INSERT_RESOLUTION.write(tables, &pending.resolutions, |row, (hold, by)| {
        row.id(hold.0)?;
        row.id(by.0)
    })
}

fn put_balance(row: &mut Row<'_, '_>, held: &&Held) -> Result<(), LedgerError> {
    let balance = &held.state.balance;
    row.put(held.number)?;
    row.sum(balance.debits_pending)?;
    row.sum(balance.debits_posted)?;
    row.sum(balance.credits_pending)?;
    row.sum(balance.credits_posted)?;
    row.optional(held.state.last)
}

fn insert_transfer(row: &mut Row<'_, '_>, stored: &StoredTransfer) -> Result<(), LedgerError> {
    let transfer = &stored.transfer;
    let (kind, hold) = kind_columns(transfer.kind);
    row.id(transfer.id.0)?;
    row.id(transfer.debit.0)?;
    row.id(transfer.credit.0)?;
    row.sum(transfer.amount)?;
    row.put(transfer.currency.numeric())?;
    row.put(kind)?;
    row.optional(hold)?;
    row.put(transfer.linked)?;
    row.put(transfer.code)?;
    row.put((transfer.user_data != 0).then(|| id_bytes(transfer.user_data)))?;
    row.optional(stored.previous_debit)?;
    row.optional(stored.previous_credit)
}
