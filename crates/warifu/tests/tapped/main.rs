//! The tapped network, the most important test there is: purchases of every kind, while every byte
//! on every socket, every file of every party and every log line is recorded; then a search in each
//! place for the values that it must never hold. A planted leak of each kind makes the same check
//! fail.
//!
//! What may be seen: the holder's identifier travels in clear, and so does the catalogue to whoever
//! asks for it over HTTP, which nobody does here. Amounts stand in the ledger's tables as numbers,
//! under pseudonyms, so that it can be reconciled with SQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fault of the harness ends the test"
)]

mod canary;
mod check;
#[path = "../support/disclosure.rs"]
mod disclosure;
mod files;
mod log;
mod members;
mod network;
mod planted;
mod secrets;
mod trades;

use network::Tapped;
use trades::SCRIPTS;
use warifu_holder::OrderRecord;
use warifu_protocol::{AtFault, encode::unb64, suite::Suite};

/// The suite of each part, as its header says.
fn suites(record: &OrderRecord) -> Vec<String> {
    let suite = |part: &String| {
        let header = unb64(part.split('.').next().unwrap(), AtFault::Own, "part").unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        header["suite"].as_str().unwrap().to_string()
    };
    record.receipt.sealed.parts.values().map(suite).collect()
}

async fn every_kind(suite: Option<Suite>, word: &str) {
    let mut tapped = Tapped::start(suite).await;
    for script in SCRIPTS {
        let record = tapped.trade(script).await;
        assert!(suites(&record).iter().all(|suite| suite == word), "{}", script.name);
    }
    tapped.assert_recorded();
    let faults = tapped.faults();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_with_hpke() {
    every_kind(None, "kps+hpke").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_with_key_predistribution_alone() {
    every_kind(Some(Suite::Kps), "kps").await;
}
