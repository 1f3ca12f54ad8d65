//! Decisions without I/O: time and records come as arguments.

pub(crate) mod authenticate;
pub(crate) mod card;
pub(crate) mod decide;
pub(crate) mod month;
