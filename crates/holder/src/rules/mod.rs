//! The holder's decisions, without I/O.

pub mod compose;
pub mod consent;
pub mod pace;
