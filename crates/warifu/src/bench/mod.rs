//! The figures that the README quotes.

mod ledger;
mod measure;
mod payments;
mod peers;
mod scheme;
mod seal;
mod search;
mod stage;

pub use ledger::{LedgerReport, LedgerWish, ledger};
pub use payments::{PaymentsReport, PaymentsWish, payments};
pub use seal::{SealReport, seal};
pub use search::{SearchReport, search};
