//! Members of a settlement center, with real processes and nothing but commands: joining by letter,
//! prepaid cards, payments, the vault (rows B2 to B10, B14).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a fault of the harness ends the test; the seed is printed"
)]

mod another_make;
mod buying;
#[path = "../crashes/chance.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod chance;
mod checking;
#[path = "../support/http.rs"]
mod http;
mod joining;
mod keeping;
mod limits;
mod losing;
mod merchants;
mod own_rules;
mod playing;
#[path = "../support/ports.rs"]
mod ports;
#[path = "../crashes/program.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod program;
mod proxy;
#[path = "../crashes/service.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod service;
mod topping_up;
mod town;
mod typing;
