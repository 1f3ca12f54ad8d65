//! The banks and post offices where a center has accounts: what came in there (row B7, ways 2 to 4).
//!
//! An account's entries stand in an order that never changes, each with a cursor. Whoever reads
//! keeps the cursor of an entry in the unit of work in which it books the entry, and reads on behind
//! it: whenever the reader dies, nothing is lost and nothing is taken twice.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use warifu_protocol::telegram::Way;
use warifu_types::Money;

/// Where an entry stands in an account's list: text that only the bank reads. The empty one, the
/// default, stands before the first entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// How money came to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// From an account of the payer's.
    Transfer,
    /// In cash, at a counter.
    PayIn,
    /// In cash, in a registered letter.
    RegisteredMail,
}

impl From<Arrival> for Way {
    fn from(arrival: Arrival) -> Way {
        match arrival {
            Arrival::Transfer => Way::Transfer,
            Arrival::PayIn => Way::PayIn,
            Arrival::RegisteredMail => Way::RegisteredMail,
        }
    }
}

/// Money that came in, as the bank has booked it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankEntry {
    /// Where it stands in the list.
    pub cursor: Cursor,
    /// The bank's own name for this money, for ever. A bank may list the same money twice, as a
    /// statement repeats what a notice has said: the id is the same, the cursor is not.
    pub id: String,
    /// What the payer wrote, however unfit.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// How it came.
    pub arrival: Arrival,
}

/// Why a bank does not say what came in. Nothing is lost: the same question is asked again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BankError {
    /// The bank cannot be reached, or asks to try later.
    #[error("the bank does not answer: {0}")]
    Unreachable(String),
    /// The bank's answer cannot be read; the field.
    #[error("the bank's answer is wrong in {0}")]
    BadAnswer(&'static str),
    /// The bank has no entry with this cursor: it is another account's, or the list was cut.
    #[error("the bank does not know the cursor")]
    UnknownCursor,
}

/// An account at a bank or post office.
#[async_trait]
pub trait Bank: Send + Sync + 'static {
    /// At most `limit` entries behind a cursor, the oldest first; none when there is nothing new.
    ///
    /// # Errors
    /// See [`BankError`]; a cursor that the account never gave is one, and not an empty list.
    async fn incoming(&self, after: &Cursor, limit: usize) -> Result<Vec<BankEntry>, BankError>;
}
