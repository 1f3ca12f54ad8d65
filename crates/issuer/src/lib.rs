//! The issuer, or the card manager: authenticates cards, holds and captures, bills (rows A10, A11,
//! A16, D2, D3, D8).
//!
//! [`Issuer`] answers the network through [`warifu_wire::Service`] and its operator through its own
//! methods. `rules` decides without I/O; `records` says what is kept; `books` is the money. One
//! authorization (record, hold, signed answer) commits in one job of the store, so that a retry
//! finds all of it or nothing.

#![allow(
    clippy::result_large_err,
    reason = "a problem is 128 bytes, and travels only where a request ends"
)]

mod audit;
mod authorize;
mod books;
mod card_network;
mod cards;
mod expire;
mod issuer;
mod part;
mod payments;
mod payouts;
mod presented;
mod records;
mod rules;
mod service;
mod settings;
mod settle;
mod statements;
mod story;
mod withdrawing;

pub use cards::CardSummary;
pub use issuer::Issuer;
pub use payments::Payment;
pub use payouts::{Debt, Payout};
pub use rules::card::{CardApplication, CardKind};
pub use settings::Settings;
pub use statements::{Statement, StatementLine};
pub use story::{Step, TradeStep};
pub use warifu_ports::{
    books::{AccountBalance, AccountKind},
    holds::{AuditFailure, Audited, CardId},
};
