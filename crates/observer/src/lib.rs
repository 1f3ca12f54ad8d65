//! A further party, such as a gateway manager or a key certification authority (row A15): it opens
//! a part of its own, and is told of orders once they are authorized.
//!
//! An [`Observer`] answers one question within sessions, `notify`. [`rules`] decides and touches
//! nothing.

mod observer;
mod records;
pub mod rules;

pub use observer::{NoticeSummary, Observer, routes};
