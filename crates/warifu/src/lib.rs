//! The composition of everything: configuration, commands, the demonstration, the benchmarks.

pub mod bench;
pub mod brokering;
pub mod command;
pub mod config;
pub mod demo;
pub mod error;
pub mod newcomer;
pub mod output;
pub mod passwords;
pub mod rules;
pub mod scratch;
pub mod serve;
pub mod setup;

pub use error::Failure;
