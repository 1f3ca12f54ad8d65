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

mod brokering;
mod canary;
mod check;
#[path = "../support/disclosure.rs"]
mod disclosure;
mod files;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod http;
mod keys;
mod log;
mod member;
mod members;
mod network;
mod planted;
mod secrets;
mod trades;
mod vault;

use keys::Keys;
use network::Tapped;
use trades::{PREPAID_SCRIPTS, SCRIPTS};
use warifu_holder::OrderRecord;
use warifu_protocol::{AtFault, encode::unb64, terminal::KeyPolicy};

/// The suite of each part, as its header says.
fn suites(record: &OrderRecord) -> Vec<String> {
    let suite = |part: &String| {
        let header = unb64(part.split('.').next().unwrap(), AtFault::Own, "part").unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        header["suite"].as_str().unwrap().to_string()
    };
    record.receipt.sealed.parts.values().map(suite).collect()
}

/// Every kind of trade in one network, by card and by prepaid card.
async fn every_kind(keys: Keys) {
    let mut tapped = Tapped::start(keys).await;
    for script in SCRIPTS {
        let record = tapped.trade(script).await;
        assert!(suites(&record).iter().all(|suite| suite == keys.word()), "{}", script.name);
    }
    tapped.join().await;
    let card = tapped.load_by_issuer().await;
    for script in PREPAID_SCRIPTS {
        let record = tapped.prepaid_trade(script, &card).await;
        assert!(suites(&record).iter().any(|suite| suite == keys.word()), "{}", script.name);
    }
    tapped.assert_recorded();
    tapped.assert_telegrams_were_recorded();
    let faults = tapped.faults();
    assert!(faults.is_empty(), "{keys:?}: {faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_with_hpke() {
    every_kind(Keys::HPKE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_with_key_predistribution_alone() {
    every_kind(Keys::KPS).await;
}

/// These with one suite each, and a long run with both.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_under_keys_agreed_beforehand() {
    for keys in (Keys { policy: KeyPolicy::Agreed, ..Keys::KPS }).with_each_suite() {
        every_kind(keys).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_under_keys_handed_out_by_the_center() {
    for keys in (Keys { policy: KeyPolicy::HandedOut, ..Keys::HPKE }).with_each_suite() {
        every_kind(keys).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_where_every_key_is_the_sum_of_two_centers() {
    for keys in (Keys { second_center: true, ..Keys::KPS }).with_each_suite() {
        every_kind(keys).await;
    }
}
