//! The center: issues keys and credentials (row A2), begins new epochs, keeps the directory, and
//! hands out keys for single trades where the network works so (row A4). A network may have several
//! centers, whose shares add (row D6): the first of them enrols, the others add their shares on its
//! word.
//!
//! Beside that it is a settlement center: members join by letter and telegram ([`Settlement`], rows
//! B1 to B3), ask for value on prepaid cards (B7, B8), and pay with them (B9, B10).

#![allow(
    clippy::result_large_err,
    reason = "a problem is 128 bytes, and travels only where a request ends"
)]

mod accounts;
mod desk;
mod error;
mod http;
mod joining;
mod network;
mod paying;
mod prepaid;
mod records;
mod registrar;
mod rekey;
mod renewals;
pub mod rules;
mod settings;
mod settlement;
mod telegrams;

pub use error::CenterError;
pub use http::{Center, routes};
pub use joining::{ApplicationState, ApplicationSummary, Letter, MemberSummary};
pub use network::{CenterWish, add_center, advance, init, join, request, revoke};
pub use prepaid::{MoneyOutcome, MoneyReceived, MoneyRecord, Source};
pub use registrar::{Kind, Registrar};
pub use rules::limits::Limit;
pub use settings::{Rates, Settings, Terms};
pub use settlement::Settlement;
pub use telegrams::TelegramEvidence;
pub use warifu_protocol::telegram::Way;
