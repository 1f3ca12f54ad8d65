//! Decisions of the registry, without I/O.

pub mod claim;
pub mod fax;
pub mod pause;
pub mod recall;
