//! The ledger's rows. Columns are read in the order of the statements.

use super::{
    error::ledger_error,
    link::{Link, Params},
    pages::decode,
};
use crate::ledger::{ACCOUNTS, HOLDS, Held, Rows, TRANSFERS, kind_of, limit_of};
use tokio_postgres::{Row, types::FromSql};
use warifu_ledger::{
    Account, AccountId, AccountState, LedgerError, StoredTransfer, Transfer, TransferId,
};
use warifu_types::Currency;

const ACTION: &str = "use the ledger";

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, currency, bound,
                substr(balances, (number % 32)::integer * 49 + 1, 49)
             FROM ledger_accounts LEFT JOIN ledger_pages ON page = number / 32 ",
            $rest
        )
    };
}

macro_rules! transfers {
    ($from:literal) => {
        concat!(
            "SELECT id, debit, credit, amount, currency, kind, hold, linked, code, user_data,
                previous_debit, previous_credit FROM ",
            $from
        )
    };
}

const ACCOUNTS_OF: &str = accounts!("WHERE id = ANY($1)");
const ACCOUNT_PAGE: &str = accounts!("WHERE id > $1 ORDER BY id LIMIT $2");
const TRANSFERS_OF: &str = transfers!("ledger_transfers WHERE id = ANY($1)");
const TRANSFER_PAGE: &str = transfers!("ledger_transfers WHERE id > $1 ORDER BY id LIMIT $2");
/// From a transfer back along an account's history, each step by primary key.
const CHAIN: &str = concat!(
    "WITH RECURSIVE chain AS (
        SELECT ledger_transfers.*, 1::bigint AS place FROM ledger_transfers WHERE id = $1
        UNION ALL
        SELECT before.*, place + 1 FROM chain JOIN ledger_transfers before ON before.id =
            CASE WHEN chain.debit = $2 THEN chain.previous_debit ELSE chain.previous_credit END
        WHERE place < $3
     ) ",
    transfers!("chain ORDER BY place")
);

/// The ledger's tables on a connection with an open transaction.
pub(super) struct PostgresRows<'a> {
    link: &'a Link,
}

impl<'a> PostgresRows<'a> {
    pub(super) fn new(link: &'a Link) -> PostgresRows<'a> {
        PostgresRows { link }
    }

    fn query<T>(
        &self,
        what: &'static str,
        sql: &'static str,
        params: Params<'_>,
        read: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let rows = self.link.query(ACTION, sql, params).map_err(ledger_error(what))?;
        let read = |row| read(row).ok_or(LedgerError::Corrupt { what });
        rows.iter().map(read).collect()
    }
}

impl Rows for PostgresRows<'_> {
    const FAR: bool = true;

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Held>, LedgerError> {
        let ids: Vec<_> = ids.iter().map(|id| id.0.to_be_bytes()).collect();
        self.query(ACCOUNTS, ACCOUNTS_OF, &[&slices(&ids)], held_of)
    }

    fn transfers(&mut self, ids: &[TransferId]) -> Result<Vec<StoredTransfer>, LedgerError> {
        let ids: Vec<_> = ids.iter().map(|id| id.0.to_be_bytes()).collect();
        self.query(TRANSFERS, TRANSFERS_OF, &[&slices(&ids)], transfer_of)
    }

    fn resolutions(
        &mut self,
        holds: &[TransferId],
    ) -> Result<Vec<(TransferId, TransferId)>, LedgerError> {
        let holds: Vec<_> = holds.iter().map(|id| id.0.to_be_bytes()).collect();
        let sql = "SELECT hold, resolved_by FROM ledger_resolutions WHERE hold = ANY($1)";
        let read = |row: &Row| Some((TransferId(id(row, 0)?), TransferId(id(row, 1)?)));
        self.query(HOLDS, sql, &[&slices(&holds)], read)
    }

    fn highest_transfer(&mut self) -> Result<Option<TransferId>, LedgerError> {
        let sql = "SELECT id FROM ledger_transfers ORDER BY id DESC LIMIT 1";
        let found = self.query(TRANSFERS, sql, &[], |row| Some(TransferId(id(row, 0)?)))?;
        Ok(found.into_iter().next())
    }

    fn highest_number(&mut self) -> Result<i64, LedgerError> {
        let sql = "SELECT coalesce(max(number), 0) FROM ledger_accounts";
        let found = self.query(ACCOUNTS, sql, &[], |row| column(row, 0))?;
        Ok(found.into_iter().next().unwrap_or(0))
    }

    fn chain(
        &mut self,
        account: AccountId,
        from: TransferId,
        limit: usize,
    ) -> Result<Vec<StoredTransfer>, LedgerError> {
        let (from, account) = (from.0.to_be_bytes(), account.0.to_be_bytes());
        let limit = limit_number(limit);
        let params: Params<'_> = &[&from.as_slice(), &account.as_slice(), &limit];
        self.query(TRANSFERS, CHAIN, params, transfer_of)
    }

    fn account_page(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountState>, LedgerError> {
        let (after, limit) = (bytes_after(after.map(|id| id.0)), limit_number(limit));
        let read = |row: &Row| held_of(row).map(|held| held.state);
        self.query(ACCOUNTS, ACCOUNT_PAGE, &[&after, &limit], read)
    }

    fn transfer_page(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let (after, limit) = (bytes_after(after.map(|id| id.0)), limit_number(limit));
        let read = |row: &Row| transfer_of(row).map(|stored| stored.transfer);
        self.query(TRANSFERS, TRANSFER_PAGE, &[&after, &limit], read)
    }
}

/// What the driver takes for an array of bytes.
pub(super) fn slices(ids: &[[u8; 16]]) -> Vec<&[u8]> {
    ids.iter().map(<[u8; 16]>::as_slice).collect()
}

/// No bytes come before every id.
fn bytes_after(id: Option<u128>) -> Vec<u8> {
    id.map_or(Vec::new(), |id| id.to_be_bytes().to_vec())
}

fn limit_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// `None` for what does not have its shape.
fn column<'r, T: FromSql<'r>>(row: &'r Row, index: usize) -> Option<T> {
    row.try_get(index).ok()
}

fn id(row: &Row, index: usize) -> Option<u128> {
    optional_id(row, index)?
}

fn optional_id(row: &Row, index: usize) -> Option<Option<u128>> {
    let Some(bytes) = column::<Option<&[u8]>>(row, index)? else { return Some(None) };
    Some(Some(u128::from_be_bytes(bytes.try_into().ok()?)))
}

fn optional_transfer(row: &Row, index: usize) -> Option<Option<TransferId>> {
    Some(optional_id(row, index)?.map(TransferId))
}

fn sum(row: &Row, index: usize) -> Option<u64> {
    u64::try_from(column::<i64>(row, index)?).ok()
}

fn currency(row: &Row, index: usize) -> Option<Currency> {
    let code = u16::try_from(column::<i16>(row, index)?).ok()?;
    Currency::from_numeric(code).ok()
}

fn held_of(row: &Row) -> Option<Held> {
    let (balance, last) = decode(column(row, 4)?)?;
    let account = Account {
        id: AccountId(id(row, 1)?),
        currency: currency(row, 2)?,
        limit: limit_of(column::<i16>(row, 3)?.into())?,
    };
    let state = AccountState { account, balance, last };
    Some(Held { number: column(row, 0)?, state, changed: false })
}

fn transfer_of(row: &Row) -> Option<StoredTransfer> {
    let transfer = Transfer {
        id: TransferId(id(row, 0)?),
        debit: AccountId(id(row, 1)?),
        credit: AccountId(id(row, 2)?),
        amount: sum(row, 3)?,
        currency: currency(row, 4)?,
        kind: kind_of(column::<i16>(row, 5)?.into(), optional_transfer(row, 6)?)?,
        linked: column(row, 7)?,
        code: u16::try_from(column::<i32>(row, 8)?).ok()?,
        user_data: optional_id(row, 9)?.unwrap_or(0),
    };
    Some(StoredTransfer {
        transfer,
        previous_debit: optional_transfer(row, 10)?,
        previous_credit: optional_transfer(row, 11)?,
    })
}
