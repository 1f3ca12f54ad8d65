//! What a merchant decides, without a clock, a store or a network of its own.

pub mod brokering;
pub mod catalogue;
pub mod goods;
pub mod handing;
pub mod metering;
pub mod ordering;
pub mod quoting;
pub mod steps;
pub mod verdict;
