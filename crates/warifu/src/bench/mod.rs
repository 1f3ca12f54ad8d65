//! The figures that the README quotes.

mod measure;
mod peers;
mod seal;
mod stage;

pub use seal::{SealReport, seal};
