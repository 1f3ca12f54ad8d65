//! Transfers.

use crate::{AccountId, TransferField, TransferId};
use serde::{Deserialize, Serialize};
use warifu_types::{Currency, Money};

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Moves the amount at once.
    Plain,
    /// Holds the amount until it is posted or voided (authorize).
    Pending,
    /// Moves the amount of a hold, or less; the remainder is released (capture).
    Post {
        /// The hold.
        pending: TransferId,
    },
    /// Releases a hold (cancel).
    Void {
        /// The hold.
        pending: TransferId,
    },
}

/// A movement of money from `debit` to `credit`. It never changes once stored.
///
/// Postings and voids repeat the accounts and the currency of their hold, and a void its amount;
/// [`Transfer::post`] and [`Transfer::void`] see to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// The caller's id: the same id again moves nothing.
    pub id: TransferId,
    /// The account whose debits grow: the money leaves it.
    pub debit: AccountId,
    /// The account whose credits grow: the money arrives there.
    pub credit: AccountId,
    /// In minor units, above zero.
    pub amount: u64,
    /// The currency of both accounts.
    pub currency: Currency,
    /// What it does.
    pub kind: Kind,
    /// Joined with the next transfer of the batch: all of a chain are applied, or none.
    pub linked: bool,
    /// The reason, in the caller's numbering.
    pub code: u16,
    /// For the caller: an order, a payout.
    pub user_data: u128,
}

impl Transfer {
    /// Moves `amount` from `debit` to `credit` at once.
    pub fn plain(id: TransferId, debit: AccountId, credit: AccountId, amount: Money) -> Transfer {
        Transfer {
            id,
            debit,
            credit,
            amount: amount.minor(),
            currency: amount.currency(),
            kind: Kind::Plain,
            linked: false,
            code: 0,
            user_data: 0,
        }
    }

    /// Holds `amount` until it is posted or voided.
    pub fn pending(id: TransferId, debit: AccountId, credit: AccountId, amount: Money) -> Transfer {
        Transfer { kind: Kind::Pending, ..Transfer::plain(id, debit, credit, amount) }
    }

    /// Posts `amount` minor units of a hold, at most all of it, and releases the rest.
    pub fn post(id: TransferId, hold: &Transfer, amount: u64) -> Transfer {
        Transfer { id, amount, kind: Kind::Post { pending: hold.id }, linked: false, ..*hold }
    }

    /// Releases a hold.
    pub fn void(id: TransferId, hold: &Transfer) -> Transfer {
        Transfer { id, kind: Kind::Void { pending: hold.id }, linked: false, ..*hold }
    }

    /// The same transfer, joined with the next of its batch.
    #[must_use]
    pub fn linked(self) -> Transfer {
        Transfer { linked: true, ..self }
    }

    /// The same transfer with a reason.
    #[must_use]
    pub fn with_code(self, code: u16) -> Transfer {
        Transfer { code, ..self }
    }

    /// The same transfer with the caller's data.
    #[must_use]
    pub fn with_user_data(self, user_data: u128) -> Transfer {
        Transfer { user_data, ..self }
    }

    /// The first field in which the two differ, the id aside.
    pub fn difference(&self, other: &Transfer) -> Option<TransferField> {
        [
            (self.debit != other.debit, TransferField::Debit),
            (self.credit != other.credit, TransferField::Credit),
            (self.amount != other.amount, TransferField::Amount),
            (self.currency != other.currency, TransferField::Currency),
            (self.kind != other.kind, TransferField::Kind),
            (self.linked != other.linked, TransferField::Linked),
            (self.code != other.code, TransferField::Code),
            (self.user_data != other.user_data, TransferField::UserData),
        ]
        .into_iter()
        .find_map(|(differs, field)| differs.then_some(field))
    }
}
