//! ISO 8583 over TCP (row C8): a client for providers, a server in front of an issuer, and an issuer
//! for trials.
//!
//! Messages of 1987 in ASCII ([`message`]). A trade is what fields 42 and 37 name; a question on it
//! may come any number of times, under its own type or as a repeat, and has one answer. Field 4 is
//! in the minor units of the currency of field 49 (ISO 4217).

mod client;
mod date;
mod line;
pub mod message;
mod questions;
mod server;
pub mod simulator;
mod wire;

pub use client::{Client, ClientLine, ClientSettings};
pub use line::{Identity, LineError, certificate, client_tls, read_frame, server_tls};
pub use server::{Limits, Server, ServerLine};

/// Field 70: the line comes up.
pub const SIGN_ON: u16 = 1;
/// Field 70: the line goes down.
pub const SIGN_OFF: u16 = 2;
/// Field 70: is anybody there?
pub const ECHO: u16 = 301;
