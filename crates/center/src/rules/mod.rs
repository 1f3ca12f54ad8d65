//! The center's decisions, without I/O.

pub mod admission;
pub mod codes;
pub mod limits;
pub mod numbers;
