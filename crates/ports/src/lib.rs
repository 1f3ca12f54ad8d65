//! What roles need from outside: records with a unit of work, a clock, entropy.
//!
//! Traits only; implementations are in `warifu-store`. A role holds an `Arc<dyn Store>` and passes
//! closures to its `run`; what a closure does to documents and money
//! commits together or not at all. [`books`] and [`holds`] are the money of whoever authorizes: the
//! issuer and the center share them.

pub mod books;
mod clock;
mod collection;
mod entropy;
mod error;
pub mod holds;
mod store;

pub use clock::{Clock, FixedClock};
pub use collection::Collection;
pub use entropy::Entropy;
pub use error::StoreError;
pub use store::{Job, KeyAndValue, Store, Submitted, Unit};
