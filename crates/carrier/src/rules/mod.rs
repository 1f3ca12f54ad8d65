//! What a carrier decides, without a clock, a store or a network of its own.

pub mod deliveries;
