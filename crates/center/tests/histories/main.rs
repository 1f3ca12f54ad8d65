//! Random histories: people join, load cards in every way, buy at two merchants, use metered goods;
//! merchants capture and void; everything comes again; time goes by; and the center dies at any
//! moment. After each step every balance of the center's books is the one that an independent model
//! expects, on SQLite and on PostgreSQL. `WARIFU_LONG` makes it a long time and long histories.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test, which prints its seed"
)]
#[path = "../common/mod.rs"]
mod common;
mod model;
mod step;
mod town;

use common::Place;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};
use step::{Step, steps};
use town::Town;
use warifu_testkit::Postgres;

/// For how long histories are begun, in seconds, and how many steps they have at most.
fn length() -> (u64, usize) {
    if std::env::var_os("WARIFU_LONG").is_some() { (900, 120) } else { (20, 40) }
}

/// From `WARIFU_SEED`, or from the clock; it is printed.
fn seed() -> u64 {
    let seed = match std::env::var("WARIFU_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
    };
    println!("WARIFU_SEED={seed}");
    seed
}

/// Runs history after history; one that fails is made smaller before it is shown.
fn run(place: impl Fn() -> Place) {
    let (seconds, most) = length();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let config =
        Config { failure_persistence: None, max_shrink_time: 120_000, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let (until, done) = (Instant::now() + Duration::from_secs(seconds), Cell::new((0, 0, 0)));
    let history = |steps: Vec<Step>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deaths = runtime.block_on(one(place(), &steps));
        let (histories, all, before) = done.get();
        done.set((histories + 1, all + steps.len(), before + deaths));
        Ok(())
    };
    while Instant::now() < until {
        let case = steps(most).new_tree(&mut runner).unwrap();
        if let Err(TestError::Fail(why, steps)) = runner.run_one(case, history) {
            panic!("{why}\n{steps:#?}");
        }
    }
    let (histories, steps, deaths) = done.get();
    println!("{histories} histories, {steps} steps, {deaths} deaths");
    assert!(histories > 0 && deaths > 0, "nothing was tried");
}

/// One history; how often the center died while something was under way.
async fn one(place: Place, steps: &[Step]) -> usize {
    let mut town = Town::new(place).await;
    for step in steps {
        town.go(step).await;
        town.compare().await;
    }
    town.end().await
}

#[test]
fn money_is_never_made_or_lost() {
    run(Place::sqlite);
}

#[test]
fn money_is_never_made_or_lost_on_postgresql() {
    let server = Arc::new(Postgres::start());
    run(|| Place::postgres(&server));
}
