//! Records to rows.

use super::{
    ACCOUNTS, HOLDS, SqliteLedger, TRANSFERS,
    rows::{bound_number, id_bytes, kind_columns},
};
use crate::error::ledger_error;
use rusqlite::{CachedStatement, params};
use warifu_ledger::{
    Account, AccountResult, AccountState, Changes, LedgerError, Records, StoredTransfer, TransferId,
};

const INSERT_ACCOUNT: &str = "INSERT INTO ledger_accounts VALUES (?1, ?2, ?3, 0, 0, 0, 0, NULL)";

const UPDATE_ACCOUNT: &str = "UPDATE ledger_accounts SET debits_pending = ?2, debits_posted = ?3,
    credits_pending = ?4, credits_posted = ?5, last = ?6 WHERE id = ?1";

const INSERT_TRANSFER: &str = "INSERT INTO ledger_transfers
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const INSERT_RESOLUTION: &str = "INSERT INTO ledger_resolutions VALUES (?1, ?2)";

impl SqliteLedger<'_> {
    pub(super) fn create_account(&self, account: &Account) -> Result<AccountResult, LedgerError> {
        let found = SqliteLedger::new(self.connection).account_state(account.id)?;
        if let Some(state) = found {
            return Ok(state.account.result_against(account));
        }
        let row = params![
            id_bytes(account.id.0),
            account.currency.numeric(),
            bound_number(account.limit)
        ];
        self.prepare(INSERT_ACCOUNT, ACCOUNTS)?.execute(row).map_err(ledger_error(ACCOUNTS))?;
        Ok(AccountResult::Ok)
    }

    pub(super) fn write(&self, mut changes: Changes) -> Result<(), LedgerError> {
        changes.transfers.sort_unstable_by_key(|stored| stored.transfer.id);
        let mut insert = self.prepare(INSERT_TRANSFER, TRANSFERS)?;
        for stored in &changes.transfers {
            insert_transfer(&mut insert, stored)?;
        }
        let mut update = self.prepare(UPDATE_ACCOUNT, ACCOUNTS)?;
        for state in &changes.accounts {
            update_account(&mut update, state)?;
        }
        if changes.resolutions.is_empty() {
            return Ok(());
        }
        let mut insert = self.prepare(INSERT_RESOLUTION, HOLDS)?;
        for (hold, by) in &changes.resolutions {
            insert
                .execute(params![id_bytes(hold.0), id_bytes(by.0)])
                .map_err(ledger_error(HOLDS))?;
        }
        Ok(())
    }
}

fn update_account(
    update: &mut CachedStatement<'_>,
    state: &AccountState,
) -> Result<(), LedgerError> {
    let balance = &state.balance;
    let rows = update
        .execute(params![
            id_bytes(state.account.id.0),
            integer(balance.debits_pending)?,
            integer(balance.debits_posted)?,
            integer(balance.credits_pending)?,
            integer(balance.credits_posted)?,
            optional(state.last),
        ])
        .map_err(ledger_error(ACCOUNTS))?;
    if rows == 1 { Ok(()) } else { Err(LedgerError::Corrupt { what: ACCOUNTS }) }
}

fn insert_transfer(
    insert: &mut CachedStatement<'_>,
    stored: &StoredTransfer,
) -> Result<(), LedgerError> {
    let transfer = &stored.transfer;
    let (kind, hold) = kind_columns(transfer.kind);
    let user_data = (transfer.user_data != 0).then(|| id_bytes(transfer.user_data));
    insert
        .execute(params![
            id_bytes(transfer.id.0),
            id_bytes(transfer.debit.0),
            id_bytes(transfer.credit.0),
            integer(transfer.amount)?,
            transfer.currency.numeric(),
            kind,
            optional(hold),
            transfer.linked,
            transfer.code,
            user_data,
            optional(stored.previous_debit),
            optional(stored.previous_credit),
        ])
        .map(|_| ())
        .map_err(ledger_error(TRANSFERS))
}

fn optional(id: Option<TransferId>) -> Option<[u8; 16]> {
    id.map(|id| id_bytes(id.0))
}

/// The rules keep every sum within [`warifu_ledger::MAX_TOTAL`].
fn integer(sum: u64) -> Result<i64, LedgerError> {
    i64::try_from(sum).map_err(|_| LedgerError::Corrupt { what: ACCOUNTS })
}
