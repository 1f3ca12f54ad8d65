//! The state of the books while a batch is decided on, with a way back for chains that fail.

use super::{AccountState, Changes, Records, StoredTransfer};
use crate::{
    AccountId, Kind, LedgerError, Transfer, TransferField, TransferId, TransferResult,
    rules::Movement,
};
use std::collections::HashMap;

pub(super) struct Draft<'r, R: ?Sized> {
    records: &'r mut R,
    accounts: HashMap<AccountId, Seen>,
    transfers: Vec<StoredTransfer>,
    places: HashMap<TransferId, usize>,
    resolutions: HashMap<TransferId, TransferId>,
    undo: Vec<Undo>,
}

struct Seen {
    state: Option<AccountState>,
    changed: bool,
}

/// The two accounts as they were before a transfer.
struct Undo {
    debit: AccountState,
    credit: AccountState,
}

/// Why a transfer is refused, or what it needs to be applied.
type Checked<T> = Result<Result<T, TransferResult>, LedgerError>;

impl<'r, R: Records + ?Sized> Draft<'r, R> {
    pub(super) fn new(records: &'r mut R, size: usize) -> Self {
        Draft {
            records,
            accounts: HashMap::with_capacity(size.min(1024)),
            transfers: Vec::with_capacity(size),
            places: HashMap::with_capacity(size),
            resolutions: HashMap::new(),
            undo: Vec::with_capacity(size),
        }
    }

    /// A point to roll back to.
    pub(super) fn mark(&self) -> usize {
        self.transfers.len()
    }

    /// Takes back every transfer since `mark`, the newest first.
    pub(super) fn roll_back(&mut self, mark: usize) {
        while self.transfers.len() > mark {
            let (Some(stored), Some(undo)) = (self.transfers.pop(), self.undo.pop()) else {
                return;
            };
            self.places.remove(&stored.transfer.id);
            if let Some(hold) = hold_of(&stored.transfer) {
                self.resolutions.remove(&hold);
            }
            self.set(undo.debit);
            self.set(undo.credit);
        }
    }

    /// Applies a transfer to the draft if nothing speaks against it.
    pub(super) fn try_transfer(
        &mut self,
        transfer: &Transfer,
    ) -> Result<TransferResult, LedgerError> {
        if let Some(stored) = self.transfer(transfer.id)? {
            return Ok(match stored.difference(transfer) {
                None => TransferResult::Exists,
                Some(field) => TransferResult::ExistsWithDifferent { field },
            });
        }
        let (debit, credit) = match self.check_accounts(transfer)? {
            Ok(accounts) => accounts,
            Err(refused) => return Ok(refused),
        };
        let held = match self.check_hold(transfer)? {
            Ok(held) => held,
            Err(refused) => return Ok(refused),
        };
        let movement = Movement::of(transfer, held);
        let debit_after = match movement.debit(debit.balance, debit.account.limit)? {
            Ok(balance) => balance,
            Err(refused) => return Ok(refused),
        };
        let credit_after = match movement.credit(credit.balance, credit.account.limit)? {
            Ok(balance) => balance,
            Err(refused) => return Ok(refused),
        };
        let last = Some(transfer.id);
        self.set(AccountState { balance: debit_after, last, ..debit });
        self.set(AccountState { balance: credit_after, last, ..credit });
        self.undo.push(Undo { debit, credit });
        self.places.insert(transfer.id, self.transfers.len());
        self.transfers.push(StoredTransfer {
            transfer: *transfer,
            previous_debit: debit.last,
            previous_credit: credit.last,
        });
        if let Some(hold) = hold_of(transfer) {
            self.resolutions.insert(hold, transfer.id);
        }
        Ok(TransferResult::Ok)
    }

    fn check_accounts(&mut self, transfer: &Transfer) -> Checked<(AccountState, AccountState)> {
        if transfer.debit == transfer.credit {
            return Ok(Err(TransferResult::SameAccount));
        }
        if transfer.amount == 0 {
            return Ok(Err(TransferResult::ZeroAmount));
        }
        let Some(debit) = self.account(transfer.debit)? else {
            return Ok(Err(TransferResult::DebitAccountNotFound));
        };
        let Some(credit) = self.account(transfer.credit)? else {
            return Ok(Err(TransferResult::CreditAccountNotFound));
        };
        let currency = transfer.currency;
        if debit.account.currency != currency || credit.account.currency != currency {
            return Ok(Err(TransferResult::CurrencyMismatch));
        }
        Ok(Ok((debit, credit)))
    }

    /// The amount of the hold that the transfer posts or voids; 0 for the other kinds.
    fn check_hold(&mut self, transfer: &Transfer) -> Checked<u64> {
        let Some(id) = hold_of(transfer) else { return Ok(Ok(0)) };
        let Some(hold) = self.transfer(id)? else {
            return Ok(Err(TransferResult::PendingNotFound));
        };
        if hold.kind != Kind::Pending {
            return Ok(Err(TransferResult::NotPending));
        }
        let void = matches!(transfer.kind, Kind::Void { .. });
        let differs = |field| Ok(Err(TransferResult::PendingDiffers { field }));
        if hold.debit != transfer.debit {
            return differs(TransferField::Debit);
        }
        if hold.credit != transfer.credit {
            return differs(TransferField::Credit);
        }
        if void && hold.amount != transfer.amount {
            return differs(TransferField::Amount);
        }
        if let Some(by) = self.resolution(id)? {
            return match self.transfer(by)?.map(|resolving| resolving.kind) {
                Some(Kind::Post { .. }) => Ok(Err(TransferResult::PendingAlreadyPosted)),
                Some(Kind::Void { .. }) => Ok(Err(TransferResult::PendingAlreadyVoided)),
                _ => Err(LedgerError::Corrupt { what: "holds" }),
            };
        }
        if transfer.amount > hold.amount {
            return Ok(Err(TransferResult::ExceedsPending));
        }
        Ok(Ok(hold.amount))
    }

    fn account(&mut self, id: AccountId) -> Result<Option<AccountState>, LedgerError> {
        if let Some(seen) = self.accounts.get(&id) {
            return Ok(seen.state);
        }
        let state = self.records.account_state(id)?;
        self.accounts.insert(id, Seen { state, changed: false });
        Ok(state)
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        if let Some(place) = self.places.get(&id) {
            return Ok(self.transfers.get(*place).map(|stored| stored.transfer));
        }
        Ok(self.records.stored_transfer(id)?.map(|stored| stored.transfer))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError> {
        match self.resolutions.get(&hold) {
            Some(by) => Ok(Some(*by)),
            // A hold of this very batch cannot have been resolved before it.
            None if self.places.contains_key(&hold) => Ok(None),
            None => self.records.resolved_by(hold),
        }
    }

    fn set(&mut self, state: AccountState) {
        self.accounts.insert(state.account.id, Seen { state: Some(state), changed: true });
    }

    pub(super) fn into_changes(self) -> Changes {
        let changed = |seen: Seen| if seen.changed { seen.state } else { None };
        let mut accounts: Vec<_> = self.accounts.into_values().filter_map(changed).collect();
        accounts.sort_unstable_by_key(|state| state.account.id);
        let mut resolutions: Vec<_> = self.resolutions.into_iter().collect();
        resolutions.sort_unstable();
        Changes { accounts, transfers: self.transfers, resolutions }
    }
}

fn hold_of(transfer: &Transfer) -> Option<TransferId> {
    match transfer.kind {
        Kind::Post { pending } | Kind::Void { pending } => Some(pending),
        Kind::Plain | Kind::Pending => None,
    }
}
