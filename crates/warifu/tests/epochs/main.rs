//! New epochs and several centers, with real processes and nothing but the commands of
//! docs/operations.md (rows A2 and D6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a fault of the harness ends the test; the seed is printed"
)]

#[path = "../crashes/chance.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod chance;
mod killed;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../crashes/program.rs"]
mod program;
mod refused;
#[path = "../crashes/service.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod service;
mod several;
mod town;
mod turning;
