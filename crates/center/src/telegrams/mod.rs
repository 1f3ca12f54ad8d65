//! Telegrams: sessions, the guard, and what is recorded of each (rows B1, B6, B13).

mod desk;
pub(crate) mod enclosures;
pub(crate) mod guard;
mod http;
pub(crate) mod keys;
pub(crate) mod record;
pub(crate) mod sessions;

pub(crate) use http::routes;
pub use record::TelegramEvidence;
