//! The figures that the README quotes.

mod ledger;
mod measure;
mod peers;
mod scheme;
mod seal;
mod stage;

pub use ledger::{LedgerReport, LedgerWish, ledger};
pub use seal::{SealReport, seal};
