//! The state of the books while a batch is decided on, with a way back for chains that fail.

use super::{AccountState, Changes, Records, StoredTransfer};
use crate::{
    AccountId, Balance, IdMap, Kind, LedgerError, Places, Transfer, TransferField, TransferId,
    TransferResult, rules::Movement,
};

pub(super) struct Draft<'r, R: ?Sized> {
    records: &'r mut R,
    /// Where in `seen` an account is.
    slots: IdMap<AccountId, usize>,
    seen: Vec<Seen>,
    transfers: Vec<StoredTransfer>,
    places: Places,
    resolutions: IdMap<TransferId, TransferId>,
    undo: Vec<Undo>,
}

struct Seen {
    state: Option<AccountState>,
    changed: bool,
}

/// An account of the draft, and where it is.
#[derive(Clone, Copy)]
struct Slot {
    slot: usize,
    state: AccountState,
}

/// The two accounts as they were before a transfer.
struct Undo {
    debit: Slot,
    credit: Slot,
}

/// Why a transfer is refused, or what it needs to be applied.
type Checked<T> = Result<Result<T, TransferResult>, LedgerError>;

impl<'r, R: Records + ?Sized> Draft<'r, R> {
    pub(super) fn new(records: &'r mut R, size: usize) -> Self {
        let accounts = (size * 2).min(4096);
        Draft {
            records,
            slots: IdMap::with_capacity_and_hasher(accounts, Default::default()),
            seen: Vec::with_capacity(accounts),
            transfers: Vec::with_capacity(size),
            places: Places::default(),
            resolutions: IdMap::default(),
            undo: Vec::new(),
        }
    }

    /// A point to roll back to, until the next one is taken.
    pub(super) fn mark(&mut self) -> usize {
        self.undo.clear();
        self.transfers.len()
    }

    /// Takes back every transfer since the last `mark`, the newest first.
    pub(super) fn roll_back(&mut self, mark: usize) {
        self.places.truncate(&self.transfers, mark);
        for stored in self.transfers.drain(mark..) {
            if let Some(hold) = hold_of(&stored.transfer) {
                self.resolutions.remove(&hold);
            }
        }
        while let Some(undo) = self.undo.pop() {
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
        let debit_after = match movement.debit(debit.state.balance, debit.state.account.limit)? {
            Ok(balance) => balance,
            Err(refused) => return Ok(refused),
        };
        let credit_after =
            match movement.credit(credit.state.balance, credit.state.account.limit)? {
                Ok(balance) => balance,
                Err(refused) => return Ok(refused),
            };
        self.set(debit.after(transfer, debit_after));
        self.set(credit.after(transfer, credit_after));
        self.undo.push(Undo { debit, credit });
        self.transfers.push(StoredTransfer {
            transfer: *transfer,
            previous_debit: debit.state.last,
            previous_credit: credit.state.last,
        });
        if let Some(hold) = hold_of(transfer) {
            self.resolutions.insert(hold, transfer.id);
        }
        Ok(TransferResult::Ok)
    }

    fn check_accounts(&mut self, transfer: &Transfer) -> Checked<(Slot, Slot)> {
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
        let of = |slot: &Slot| slot.state.account.currency;
        if of(&debit) != currency || of(&credit) != currency {
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

    fn account(&mut self, id: AccountId) -> Result<Option<Slot>, LedgerError> {
        let slot = match self.slots.get(&id) {
            Some(slot) => *slot,
            None => {
                let state = self.records.account_state(id)?;
                self.slots.insert(id, self.seen.len());
                self.seen.push(Seen { state, changed: false });
                self.seen.len() - 1
            }
        };
        Ok(self.seen.get(slot).and_then(|seen| seen.state).map(|state| Slot { slot, state }))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, LedgerError> {
        if let Some(place) = self.places.find(&self.transfers, id) {
            return Ok(self.transfers.get(place).map(|stored| stored.transfer));
        }
        Ok(self.records.stored_transfer(id)?.map(|stored| stored.transfer))
    }

    fn resolution(&mut self, hold: TransferId) -> Result<Option<TransferId>, LedgerError> {
        match self.resolutions.get(&hold) {
            Some(by) => Ok(Some(*by)),
            // A hold of this very batch cannot have been resolved before it.
            None if self.places.find(&self.transfers, hold).is_some() => Ok(None),
            None => self.records.resolved_by(hold),
        }
    }

    fn set(&mut self, Slot { slot, state }: Slot) {
        if let Some(seen) = self.seen.get_mut(slot) {
            *seen = Seen { state: Some(state), changed: true };
        }
    }

    pub(super) fn into_changes(self) -> Changes {
        let changed = |seen: Seen| if seen.changed { seen.state } else { None };
        let accounts = self.seen.into_iter().filter_map(changed).collect();
        let resolutions = self.resolutions.into_iter().collect();
        Changes { accounts, transfers: self.transfers, resolutions }
    }
}

impl Slot {
    fn after(self, transfer: &Transfer, balance: Balance) -> Slot {
        Slot { state: AccountState { balance, last: Some(transfer.id), ..self.state }, ..self }
    }
}

fn hold_of(transfer: &Transfer) -> Option<TransferId> {
    match transfer.kind {
        Kind::Post { pending } | Kind::Void { pending } => Some(pending),
        Kind::Plain | Kind::Pending => None,
    }
}
