//! Every crash point of the prepaid trade (rows B7 to B10, D8): a settlement center, an issuer, two
//! merchants and a carrier as real processes, on files and on PostgreSQL. They are killed while
//! Hanako and Taro load their cards and pay with them for goods of every kind, and all agree
//! afterwards; two centers on one database are one center.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a fault of the harness ends the test; the seed is printed"
)]

mod agreement;
mod buyer;
#[path = "../crashes/chance.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod chance;
mod fork;
mod gate;
mod network;
mod planted;
#[path = "../support/ports.rs"]
mod ports;
mod program;
#[path = "../membership/proxy.rs"]
#[allow(dead_code, reason = "the tests of membership use the rest")]
mod proxy;
mod rounds;
#[path = "../crashes/service.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod service;
mod stall;
mod steps;
mod terminal;
mod told;
#[path = "../membership/town.rs"]
#[allow(dead_code, reason = "the tests of membership use the rest")]
mod town;
mod two_centers;

use network::Network;
use std::time::Duration;

/// Rounds for a time, and then the comparison of all records.
async fn trial(mut network: Network) {
    let seconds = if std::env::var_os("WARIFU_LONG").is_some() { 900 } else { 30 };
    let mut chance = chance::Chance::new();
    let told = rounds::run(&mut network, &mut chance, Duration::from_secs(seconds));
    agreement::check(&mut network, &told).await;
}

#[tokio::test]
async fn killed_at_any_moment_all_agree_on_every_payment() {
    trial(Network::on_files().with_company()).await;
}

#[tokio::test]
async fn with_postgresql_killed_too_all_agree_on_every_payment() {
    trial(Network::on_postgres().with_company()).await;
}
