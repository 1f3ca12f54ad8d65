//! Double entry in integer minor units: accounts, transfers, holds and chains.
//!
//! Accounts and transfers are immutable records, close to TigerBeetle's model. [`Ledger`] is the
//! interface; an engine that keeps rows implements [`Records`] and lets [`judge`] decide, so that
//! every engine decides alike. [`MemoryLedger`] is the engine for tests, [`contract`] the suite
//! that every engine passes, [`audit`] the check that the books balance.
//!
//! Nothing here reads a clock, a file, a socket or randomness.

mod account;
mod audit;
pub mod contract;
mod engine;
mod history;
mod id;
mod ids;
mod judge;
mod memory;
mod outcome;
mod places;
mod rules;
mod transfer;

pub use account::{Account, Balance, Limit, MAX_TOTAL};
pub use audit::{Audit, AuditError, Fault, Totals, audit};
pub use engine::{Cursor, Ledger, LedgerError};
pub use history::history;
pub use id::{AccountId, BadId, TransferId};
pub use ids::{IdMap, IdSet};
pub use judge::{AccountState, Changes, Records, StoredTransfer, judge};
pub use memory::MemoryLedger;
pub use outcome::{AccountField, AccountResult, TransferField, TransferResult};
pub use places::Places;
pub use transfer::{Kind, Transfer};
