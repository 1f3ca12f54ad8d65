//! What roles need from outside: records with a unit of work, a clock, entropy, mail, fax, the card
//! network, the bank.
//!
//! Traits only; implementations are in `warifu-store` and `warifu-gateways`. A role holds an `Arc<dyn Store>` and passes
//! closures to its `run`; what a closure does to documents and money
//! commits together or not at all. [`books`] and [`holds`] are the money of whoever authorizes: the
//! issuer and the center share them.

pub mod bank;
pub mod books;
pub mod card_network;
mod clock;
mod collection;
mod entropy;
mod error;
pub mod fax;
pub mod holds;
pub mod mail;
pub mod search;
mod store;

pub use clock::{Clock, FixedClock};
pub use collection::Collection;
pub use entropy::Entropy;
pub use error::StoreError;
pub use store::{Job, KeyAndValue, Store, Submitted, Unit};
