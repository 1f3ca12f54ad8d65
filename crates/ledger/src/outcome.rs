//! What became of each account and transfer of a batch.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A field of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountField {
    /// The currency.
    Currency,
    /// The limit.
    Limit,
}

/// What became of an account that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountResult {
    /// Created.
    Ok,
    /// It exists already, the same: nothing changed.
    Exists,
    /// Another account has this id: nothing changed.
    ExistsWithDifferent {
        /// The first field that differs.
        field: AccountField,
    },
}

impl AccountResult {
    /// Whether the account exists now as it was asked for.
    pub fn is_there(self) -> bool {
        matches!(self, AccountResult::Ok | AccountResult::Exists)
    }
}

/// A field of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferField {
    /// The debit account.
    Debit,
    /// The credit account.
    Credit,
    /// The amount.
    Amount,
    /// The currency.
    Currency,
    /// The kind, or the hold that it names.
    Kind,
    /// Whether it is linked.
    Linked,
    /// The reason.
    Code,
    /// The caller's data.
    UserData,
}

/// What became of a transfer. Whatever is neither `Ok` nor `Exists` changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferResult {
    /// Applied now.
    Ok,
    /// Applied earlier, the same transfer: a replay.
    Exists,
    /// Another transfer has this id.
    ExistsWithDifferent {
        /// The first field that differs.
        field: TransferField,
    },
    /// Debit and credit are one account.
    SameAccount,
    /// The amount is zero.
    ZeroAmount,
    /// There is no such debit account.
    DebitAccountNotFound,
    /// There is no such credit account.
    CreditAccountNotFound,
    /// Transfer and accounts are not of one currency.
    CurrencyMismatch,
    /// The debit account's debits, holds included, would exceed its posted credits.
    ExceedsCredits,
    /// The credit account's credits, holds included, would exceed its posted debits.
    ExceedsDebits,
    /// The transfer to post or void does not exist.
    PendingNotFound,
    /// The transfer to post or void is not a hold.
    NotPending,
    /// The posting or void does not repeat what its hold says.
    PendingDiffers {
        /// The first field that differs.
        field: TransferField,
    },
    /// The hold has been posted.
    PendingAlreadyPosted,
    /// The hold has been voided.
    PendingAlreadyVoided,
    /// More is to be posted than was held.
    ExceedsPending,
    /// A sum would exceed [`crate::MAX_TOTAL`].
    Overflow,
    /// Another transfer of the chain failed.
    LinkedFailed,
    /// The batch's last transfer is linked, to nothing.
    LinkedChainOpen,
    /// Some of the chain's transfers exist and others do not: it is not the chain that was applied.
    ChainPartlyExists,
}

impl TransferResult {
    /// Whether the transfer is applied, now or earlier.
    pub fn is_applied(self) -> bool {
        matches!(self, TransferResult::Ok | TransferResult::Exists)
    }
}

impl fmt::Display for TransferResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TransferResult::*;
        f.write_str(match self {
            Ok => "applied",
            Exists => "applied earlier",
            ExistsWithDifferent { .. } => "another transfer has this id",
            SameAccount => "debit and credit are one account",
            ZeroAmount => "the amount is zero",
            DebitAccountNotFound => "no such debit account",
            CreditAccountNotFound => "no such credit account",
            CurrencyMismatch => "transfer and accounts are not of one currency",
            ExceedsCredits => "debits would exceed credits",
            ExceedsDebits => "credits would exceed debits",
            PendingNotFound => "no such hold",
            NotPending => "the transfer named is no hold",
            PendingDiffers { .. } => "the transfer does not repeat what its hold says",
            PendingAlreadyPosted => "the hold has been posted",
            PendingAlreadyVoided => "the hold has been voided",
            ExceedsPending => "more than was held",
            Overflow => "a sum too large",
            LinkedFailed => "another transfer of the chain failed",
            LinkedChainOpen => "the batch ends within a chain",
            ChainPartlyExists => "some of the chain's transfers exist and others do not",
        })
    }
}
