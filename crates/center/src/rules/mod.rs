//! The center's decisions, without I/O.

pub mod admission;
