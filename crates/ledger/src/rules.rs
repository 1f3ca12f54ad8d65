//! The arithmetic of one transfer: how it moves the sums of its two accounts.

use crate::{Balance, Kind, LedgerError, Limit, MAX_TOTAL, Transfer, TransferResult};

/// What a transfer takes off the pending sums, adds to them, and adds to the posted sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Movement {
    release: u64,
    hold: u64,
    post: u64,
}

impl Movement {
    /// What `transfer` does; `held` is the amount of the hold that it posts or voids.
    pub(crate) fn of(transfer: &Transfer, held: u64) -> Movement {
        match transfer.kind {
            Kind::Plain => Movement { release: 0, hold: 0, post: transfer.amount },
            Kind::Pending => Movement { release: 0, hold: transfer.amount, post: 0 },
            Kind::Post { .. } => Movement { release: held, hold: 0, post: transfer.amount },
            Kind::Void { .. } => Movement { release: held, hold: 0, post: 0 },
        }
    }

    /// The debit account's balance after it.
    pub(crate) fn debit(&self, before: Balance, limit: Limit) -> Moved {
        let (debits_pending, debits_posted) =
            match self.sums(before.debits_pending, before.debits_posted)? {
                Ok(sums) => sums,
                Err(refused) => return Ok(Err(refused)),
            };
        let bounded = limit == Limit::DebitsMustNotExceedCredits;
        if bounded && debits_pending + debits_posted > before.credits_posted {
            return Ok(Err(TransferResult::ExceedsCredits));
        }
        Ok(Ok(Balance { debits_pending, debits_posted, ..before }))
    }

    /// The credit account's balance after it.
    pub(crate) fn credit(&self, before: Balance, limit: Limit) -> Moved {
        let (credits_pending, credits_posted) =
            match self.sums(before.credits_pending, before.credits_posted)? {
                Ok(sums) => sums,
                Err(refused) => return Ok(Err(refused)),
            };
        let bounded = limit == Limit::CreditsMustNotExceedDebits;
        if bounded && credits_pending + credits_posted > before.debits_posted {
            return Ok(Err(TransferResult::ExceedsDebits));
        }
        Ok(Ok(Balance { credits_pending, credits_posted, ..before }))
    }

    fn sums(&self, pending: u64, posted: u64) -> Result<Sums, LedgerError> {
        // A hold that is released was added before, unless somebody altered the account.
        let rest =
            pending.checked_sub(self.release).ok_or(LedgerError::Corrupt { what: "accounts" })?;
        let pending = rest.checked_add(self.hold);
        let posted = posted.checked_add(self.post);
        let (Some(pending), Some(posted)) = (pending, posted) else {
            return Ok(Err(TransferResult::Overflow));
        };
        match pending.checked_add(posted) {
            Some(total) if total <= MAX_TOTAL => Ok(Ok((pending, posted))),
            _ => Ok(Err(TransferResult::Overflow)),
        }
    }
}

type Sums = Result<(u64, u64), TransferResult>;

/// The balance after a movement, or why it is refused; the error is that of the engine.
pub(crate) type Moved = Result<Result<Balance, TransferResult>, LedgerError>;
