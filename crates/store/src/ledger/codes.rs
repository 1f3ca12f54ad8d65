//! The numbers that stand for limits and kinds in the tables of every engine.

use warifu_ledger::{Kind, Limit, TransferId};

pub(crate) fn bound_number(limit: Limit) -> i16 {
    match limit {
        Limit::None => 0,
        Limit::DebitsMustNotExceedCredits => 1,
        Limit::CreditsMustNotExceedDebits => 2,
    }
}

/// `None` for a number that stands for nothing.
pub(crate) fn limit_of(number: i64) -> Option<Limit> {
    match number {
        0 => Some(Limit::None),
        1 => Some(Limit::DebitsMustNotExceedCredits),
        2 => Some(Limit::CreditsMustNotExceedDebits),
        _ => None,
    }
}

/// The kind's number, and the hold that it names.
pub(crate) fn kind_columns(kind: Kind) -> (i16, Option<TransferId>) {
    match kind {
        Kind::Plain => (0, None),
        Kind::Pending => (1, None),
        Kind::Post { pending } => (2, Some(pending)),
        Kind::Void { pending } => (3, Some(pending)),
    }
}

/// `None` for a number that stands for nothing, or does not go with the hold.
pub(crate) fn kind_of(number: i64, hold: Option<TransferId>) -> Option<Kind> {
    match (number, hold) {
        (0, None) => Some(Kind::Plain),
        (1, None) => Some(Kind::Pending),
        (2, Some(pending)) => Some(Kind::Post { pending }),
        (3, Some(pending)) => Some(Kind::Void { pending }),
        _ => None,
    }
}
