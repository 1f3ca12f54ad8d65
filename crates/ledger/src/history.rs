//! An account's history, along the chain of its transfers.

use crate::{AccountId, Cursor, LedgerError, Records, Transfer};

/// At most `limit` transfers of an account, newest first, each found by primary key. Engines call
/// it for [`crate::Ledger::history`].
pub fn history<R: Records + ?Sized>(
    records: &mut R,
    account: AccountId,
    before: Cursor,
    limit: usize,
) -> Result<Vec<Transfer>, LedgerError> {
    let mut next = match before {
        Cursor::Newest => records.account_state(account)?.and_then(|state| state.last),
        Cursor::Before(id) => records
            .stored_transfer(id)?
            .ok_or(LedgerError::UnknownCursor)?
            .previous(account)
            .map_err(|_| LedgerError::UnknownCursor)?,
    };
    let mut page = Vec::new();
    while let Some(id) = next
        && page.len() < limit
    {
        let stored =
            records.stored_transfer(id)?.ok_or(LedgerError::Corrupt { what: "transfers" })?;
        next = stored.previous(account)?;
        page.push(stored.transfer);
    }
    Ok(page)
}
