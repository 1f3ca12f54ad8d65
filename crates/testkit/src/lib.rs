//! What the tests share: a tap that records sockets, a scanner that finds canaries, a PostgreSQL
//! server.
//!
//! A [`Tap`] stands in front of a service and records every byte that passes, in both directions,
//! into a [`Recording`]. A [`Scanner`] knows the canaries (values that are unique to one field of
//! one order) and looks for them in recorded bytes, database files and logs, in every encoding that
//! a leak could hide in. A [`Postgres`] is a server of its own for one test.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a fault of the harness stops the test that uses it"
)]

mod decode;
pub mod fax;
pub mod mail;
mod needles;
mod postgres;
mod recording;
mod scanner;
mod tap;

pub use postgres::Postgres;
pub use recording::{Direction, Entry, Recording};
pub use scanner::{Finding, INCOMPLETE, Scanner};
pub use tap::Tap;
