//! Orders through a broker (rows C1 to C9) with real processes, real mail servers (Postfix and
//! Dovecot) and a real fax server (HylaFAX): set up by the commands of docs/operations.md, attacked,
//! and killed at any moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a fault of the harness ends the test; the seed is printed"
)]

mod agreed;
#[path = "../crashes/chance.rs"]
mod chance;
mod clerk;
mod desk;
mod evidence;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod http;
mod killed;
mod line;
mod orders;
mod passkeys;
mod peer;
mod people;
#[path = "../support/ports.rs"]
mod ports;
mod program;
mod providers;
#[path = "../crashes/service.rs"]
#[allow(dead_code, reason = "the tests of crashes use the rest")]
mod service;
mod town;
mod user;

use std::time::{Duration, Instant};

/// How long anything may take that comes by itself, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// Waits for what comes by itself.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
