//! What a store's thread knows of the ledger: accounts as they are, and what is not written yet.
//!
//! Transfers of a transaction stay here until it commits; then each account that changed is
//! written once, however many transfers it had. Account states stay for the next transaction, as
//! long as the engine sees that nobody else has written in between. After anything but a commit
//! that succeeded, all of it is forgotten, so that nothing here is ever ahead of the tables.

use super::{
    recent::Recent,
    rows::{Held, Pending},
};
use warifu_ledger::{
    Account, AccountId, AccountState, Balance, Changes, IdMap, Places, StoredTransfer, TransferId,
};

/// More accounts than this are not kept from one transaction to the next (some 40 MB).
const MOST_ACCOUNTS: usize = 1 << 18;

#[derive(Default)]
pub(crate) struct Memo {
    /// Where in `held` an account is. One that was taken back has no place any more.
    slots: IdMap<AccountId, usize>,
    held: Vec<Held>,
    /// Not known before it has been asked for.
    recent: Option<Recent>,
    /// The number of the next account, once it has been asked for.
    next_number: Option<i64>,
    // Of this transaction, in the order in which it came.
    created: Vec<usize>,
    changed: Vec<usize>,
    transfers: Vec<StoredTransfer>,
    places: Places,
    resolutions: IdMap<TransferId, TransferId>,
    resolved: Vec<TransferId>,
    // Of this job: the way back.
    undo: Vec<(usize, Held)>,
    mark: Mark,
}

/// How much there was when the job began.
#[derive(Default, Clone, Copy)]
struct Mark {
    created: usize,
    transfers: usize,
    resolved: usize,
}

impl Memo {
    /// A job begins; the one before it is kept.
    pub(crate) fn begin_job(&mut self) {
        self.undo.clear();
        self.mark = Mark {
            created: self.created.len(),
            transfers: self.transfers.len(),
            resolved: self.resolved.len(),
        };
    }

    /// The job is taken back.
    pub(crate) fn undo_job(&mut self) {
        while let Some((slot, before)) = self.undo.pop() {
            if let Some(held) = self.held.get_mut(slot) {
                *held = before;
            }
        }
        for slot in self.created.drain(self.mark.created..) {
            if let Some(held) = self.held.get_mut(slot) {
                self.slots.remove(&held.state.account.id);
                held.changed = false;
            }
        }
        self.places.truncate(&self.transfers, self.mark.transfers);
        self.transfers.truncate(self.mark.transfers);
        for hold in self.resolved.drain(self.mark.resolved..) {
            self.resolutions.remove(&hold);
        }
    }

    /// What the transaction has to write, by key. Nothing more can be added to it.
    pub(crate) fn pending(&mut self) -> Pending<'_> {
        self.transfers.sort_unstable_by_key(|stored| stored.transfer.id);
        let held = &self.held;
        let of = |slots: &[usize]| {
            let mut of: Vec<&Held> = slots.iter().filter_map(|slot| held.get(*slot)).collect();
            of.sort_unstable_by_key(|held| held.number);
            of
        };
        let mut changed = of(&self.changed);
        // A job that was taken back may have left an account twice, or unchanged.
        changed.retain(|held| held.changed);
        changed.dedup_by_key(|held| held.number);
        let mut resolutions: Vec<_> =
            self.resolutions.iter().map(|(hold, by)| (*hold, *by)).collect();
        resolutions.sort_unstable();
        Pending { created: of(&self.created), changed, transfers: &self.transfers, resolutions }
    }

    /// What was pending has been committed.
    pub(crate) fn settle(&mut self) {
        if let Some(recent) = &mut self.recent {
            recent.extend(self.transfers.iter().map(|stored| stored.transfer.id));
        }
        for slot in self.changed.drain(..) {
            if let Some(held) = self.held.get_mut(slot) {
                held.changed = false;
            }
        }
        self.end();
        if self.held.len() > MOST_ACCOUNTS {
            self.slots.clear();
            self.held.clear();
        }
    }

    /// The transaction is lost, or somebody else has written.
    pub(crate) fn forget(&mut self) {
        self.slots.clear();
        self.held.clear();
        self.recent = None;
        self.next_number = None;
        self.changed.clear();
        self.end();
    }

    fn end(&mut self) {
        self.created.clear();
        self.transfers.clear();
        self.places.clear();
        self.resolutions.clear();
        self.resolved.clear();
        self.begin_job();
    }

    pub(crate) fn account(&self, id: AccountId) -> Option<&Held> {
        self.slots.get(&id).and_then(|slot| self.held.get(*slot))
    }

    /// Keeps an account as it is stored.
    pub(crate) fn keep(&mut self, held: Held) {
        self.slots.insert(held.state.account.id, self.held.len());
        self.held.push(held);
    }

    pub(crate) fn next_number(&self) -> Option<i64> {
        self.next_number
    }

    /// `number` and all above it are free. A number that is lost with a job stays unused.
    pub(crate) fn set_next_number(&mut self, number: i64) {
        self.next_number = Some(number);
    }

    /// Adds an account under the next number, which is known.
    pub(crate) fn create(&mut self, account: Account) {
        let number = self.next_number.unwrap_or(1);
        self.next_number = Some(number + 1);
        self.created.push(self.held.len());
        self.changed.push(self.held.len());
        let state = AccountState { account, balance: Balance::default(), last: None };
        self.keep(Held { number, state, changed: true });
    }

    /// Accounts of this transaction.
    pub(crate) fn created(&self) -> impl Iterator<Item = AccountState> + '_ {
        self.created.iter().filter_map(|slot| self.held.get(*slot)).map(|held| held.state)
    }

    pub(crate) fn recent(&self) -> Option<&Recent> {
        self.recent.as_ref()
    }

    pub(crate) fn set_recent(&mut self, recent: Recent) {
        self.recent = Some(recent);
    }

    /// A transfer of this transaction.
    pub(crate) fn transfer(&mut self, id: TransferId) -> Option<StoredTransfer> {
        let place = self.places.find(&self.transfers, id)?;
        self.transfers.get(place).copied()
    }

    /// The transfers of this transaction.
    pub(crate) fn transfers(&self) -> &[StoredTransfer] {
        &self.transfers
    }

    /// Which transfer of this transaction resolved a hold.
    pub(crate) fn resolved_by(&self, hold: TransferId) -> Option<TransferId> {
        self.resolutions.get(&hold).copied()
    }

    /// Takes in what was decided on a batch. Every account of it is known here.
    pub(crate) fn record(&mut self, changes: Changes) {
        for state in changes.accounts {
            let slot = self.slots.get(&state.account.id).copied();
            let Some((slot, held)) = slot.and_then(|at| Some((at, self.held.get_mut(at)?))) else {
                continue;
            };
            self.undo.push((slot, *held));
            if !held.changed {
                self.changed.push(slot);
            }
            *held = Held { state, changed: true, ..*held };
        }
        if self.transfers.is_empty() {
            self.transfers = changes.transfers;
        } else {
            self.transfers.extend(changes.transfers);
        }
        for (hold, by) in changes.resolutions {
            self.resolutions.insert(hold, by);
            self.resolved.push(hold);
        }
    }
}
