//! Decisions of the broker, without I/O.

pub mod calendar;
pub mod csv_file;
pub mod forwarded;
pub mod grams;
pub mod letter;
pub mod picture;
pub mod price;
pub mod reply;
pub mod schema_org;
pub mod service;
pub mod steps;
pub mod token;
pub mod webauthn;
