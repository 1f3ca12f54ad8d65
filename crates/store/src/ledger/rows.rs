//! What the ledger needs of a database: rows found by their keys, and one way to write.

use warifu_ledger::{AccountId, AccountState, LedgerError, StoredTransfer, Transfer, TransferId};

pub(crate) const ACCOUNTS: &str = "accounts";
pub(crate) const TRANSFERS: &str = "transfers";
pub(crate) const HOLDS: &str = "holds";

/// An account with its number: the short key under which its balance lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Given out from 1, in the order of creation.
    pub(crate) number: i64,
    pub(crate) state: AccountState,
    /// Whether the state is newer than the tables.
    pub(crate) changed: bool,
}

/// What a transaction writes.
#[derive(Debug, Default)]
pub(crate) struct Pending<'m> {
    /// New accounts, by number.
    pub(crate) created: Vec<&'m Held>,
    /// Accounts whose balance changed, new ones among them, by number.
    pub(crate) changed: Vec<&'m Held>,
    /// New transfers, by id.
    pub(crate) transfers: &'m [StoredTransfer],
    /// Holds that were resolved and by which transfer, by hold.
    pub(crate) resolutions: Vec<(TransferId, TransferId)>,
}

/// The ledger's tables within a transaction. All of it reads; [`Pending`] is written by the engine
/// when it commits. Lists of ids are sorted and without duplicates; what is not there is left out.
pub(crate) trait Rows {
    /// Whether each call is a journey, so that what a batch needs is better fetched at once.
    const FAR: bool;

    fn accounts(&mut self, ids: &[AccountId]) -> Result<Vec<Held>, LedgerError>;
    fn transfers(&mut self, ids: &[TransferId]) -> Result<Vec<StoredTransfer>, LedgerError>;
    fn resolutions(
        &mut self,
        holds: &[TransferId],
    ) -> Result<Vec<(TransferId, TransferId)>, LedgerError>;
    fn highest_transfer(&mut self) -> Result<Option<TransferId>, LedgerError>;
    /// The highest number of an account; 0 where there is none.
    fn highest_number(&mut self) -> Result<i64, LedgerError>;
    /// At most `limit` transfers of an account's history, from this one back.
    fn chain(
        &mut self,
        account: AccountId,
        from: TransferId,
        limit: usize,
    ) -> Result<Vec<StoredTransfer>, LedgerError>;
    fn account_page(
        &mut self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountState>, LedgerError>;
    fn transfer_page(
        &mut self,
        after: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError>;
}
