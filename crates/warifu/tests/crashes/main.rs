//! The program as real processes: a network set up as the documentation says, the command line's
//! contract, and processes killed at any moment, after which all parties agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a fault of the harness ends the test; the seed is printed"
)]

mod agreement;
mod chance;
mod contract;
mod loops;
#[path = "../support/ports.rs"]
mod ports;
mod program;
mod service;
mod town;

use std::time::Duration;

#[tokio::test]
async fn killed_at_any_moment_all_parties_agree() {
    let seconds = if std::env::var_os("WARIFU_LONG").is_some() { 900 } else { 45 };
    let mut chance = chance::Chance::new();
    let mut town = town::Town::open();
    let orders = loops::rounds(&mut town, &mut chance, Duration::from_secs(seconds));
    for (party, service) in std::mem::take(&mut town.services) {
        assert_eq!(service.stop(), Some(0), "{party}");
    }
    agreement::check(&town, &orders).await;
}
