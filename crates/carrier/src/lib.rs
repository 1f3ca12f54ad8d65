//! The carrier: deliveries (rows A12, A13).
//!
//! A [`Carrier`] answers merchants within sessions: `deliver` and `delivery_status`. It takes the
//! destination from its own part alone, and demands the issuer's authorization. [`rules`] decides
//! and touches nothing.

mod accepting;
mod carrier;
mod operating;
mod records;
pub mod rules;

pub use carrier::{Carrier, Settings, routes};
pub use operating::DeliverySummary;
