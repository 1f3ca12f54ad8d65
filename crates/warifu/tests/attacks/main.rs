//! Attacks on running services over real sockets (row A17). Each shows the error with its field, that
//! no database has changed, and that no card data got out. What an attack does to the formats alone is
//! tested in `warifu-protocol`; here somebody stands at a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fault of the harness ends the test"
)]

#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod http;
mod impostors;
mod meetings;
mod orders;
mod stage;
