//! The holder's terminal: reads a form, gets a quote, seals an order, sends it, and keeps a receipt.
//! As a member of a settlement center it joins, loads prepaid cards and pays with them, by telegrams.

pub mod download;
mod error;
pub mod joining;
mod keys;
mod line;
mod paying;
mod playing;
mod prepaid;
mod purchase;
mod records;
mod registering;
pub mod rules;
mod sealing;
mod staged;
mod telegrams;
mod terminal;
mod topping_up;
mod vault_store;

pub use error::HolderError;
pub use keys::change_key;
pub use line::{CenterLine, Line};
pub use playing::Used;
pub use prepaid::PrepaidView;
pub use purchase::{Entry, Purchase, Wanted};
pub use records::{
    Card, HISTORY, Membership, OrderRecord, PrepaidRecord, Profile, Standing, TelegramRecord,
    TopUpRecord,
};
pub use telegrams::Writer;
pub use terminal::Holder;
pub use topping_up::{Source, TopUpWish};
pub use vault_store::VaultStore;
pub use warifu_protocol::telegram::Way;
