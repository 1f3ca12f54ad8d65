//! The holder's terminal: reads a form, gets a quote, seals an order, sends it, and keeps a receipt.

mod error;
mod purchase;
mod records;
pub mod rules;
mod terminal;

pub use error::HolderError;
pub use purchase::{Entry, Purchase, Wanted};
pub use records::{Card, OrderRecord, Profile};
pub use terminal::Holder;
