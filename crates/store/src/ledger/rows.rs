//! Rows to records. Columns are read in the order of the schema.

use rusqlite::{Row, types::FromSqlError};
use warifu_ledger::{
    Account, AccountId, AccountState, Balance, Kind, Limit, StoredTransfer, Transfer, TransferId,
};
use warifu_types::Currency;

/// Big endian, so that the order of the bytes is that of the numbers.
pub(super) fn id_bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

pub(super) fn id_of(row: &Row<'_>, column: usize) -> rusqlite::Result<u128> {
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

pub(super) fn bound_number(limit: Limit) -> i64 {
    match limit {
        Limit::None => 0,
        Limit::DebitsMustNotExceedCredits => 1,
        Limit::CreditsMustNotExceedDebits => 2,
    }
}

pub(super) fn account_of(row: &Row<'_>) -> rusqlite::Result<AccountState> {
    let limit = match row.get_ref(2)?.as_i64()? {
        0 => Limit::None,
        1 => Limit::DebitsMustNotExceedCredits,
        2 => Limit::CreditsMustNotExceedDebits,
        other => return Err(FromSqlError::OutOfRange(other).into()),
    };
    Ok(AccountState {
        account: Account { id: AccountId(id_of(row, 0)?), currency: currency(row, 1)?, limit },
        balance: Balance {
            debits_pending: sum(row, 3)?,
            debits_posted: sum(row, 4)?,
            credits_pending: sum(row, 5)?,
            credits_posted: sum(row, 6)?,
        },
        last: optional_transfer(row, 7)?,
    })
}

/// The kind's number, and the hold that it names.
pub(super) fn kind_columns(kind: Kind) -> (i64, Option<TransferId>) {
    match kind {
        Kind::Plain => (0, None),
        Kind::Pending => (1, None),
        Kind::Post { pending } => (2, Some(pending)),
        Kind::Void { pending } => (3, Some(pending)),
    }
}

fn kind_of(number: i64, hold: Option<TransferId>) -> rusqlite::Result<Kind> {
    match (number, hold) {
        (0, None) => Ok(Kind::Plain),
        (1, None) => Ok(Kind::Pending),
        (2, Some(pending)) => Ok(Kind::Post { pending }),
        (3, Some(pending)) => Ok(Kind::Void { pending }),
        _ => Err(FromSqlError::OutOfRange(number).into()),
    }
}

pub(super) fn transfer_of(row: &Row<'_>) -> rusqlite::Result<StoredTransfer> {
    let code = row.get_ref(8)?.as_i64()?;
    let transfer = Transfer {
        id: TransferId(id_of(row, 0)?),
        debit: AccountId(id_of(row, 1)?),
        credit: AccountId(id_of(row, 2)?),
        amount: sum(row, 3)?,
        currency: currency(row, 4)?,
        kind: kind_of(row.get_ref(5)?.as_i64()?, optional_transfer(row, 6)?)?,
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
