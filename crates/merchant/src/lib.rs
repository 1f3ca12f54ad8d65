//! The merchant, and the door of an access badge: catalogue, quotes, orders (rows A5 to A16).
//!
//! A [`Merchant`] answers holders within sessions (`quote`, `order`, `status`; `goods` and
//! `goods_receipt` for files, `play` and `stop` for use in real time), a center that has paid
//! (`payment_notices`, rows B9 and B10), and everyone over plain HTTP (`GET /v1/form`, `GET /v1/catalogue`); [`routes`] has both. An order is a recorded
//! state machine ([`rules::steps`]): each step asks a peer who answers the same twice, checks the
//! signed answer, and stores answer and state in one job. What a crash leaves open, the worker asks
//! again. [`rules`] decides and touches nothing.

mod acceptance;
mod authorizing;
mod brokering;
mod cancelling;
mod catalogue;
mod delivering;
mod drive;
mod files;
mod forms;
mod handing;
mod http;
mod merchant;
mod noticing;
mod orders;
mod paying;
mod playing;
mod quotes;
mod records;
pub mod rules;
mod settings;
mod stock;
mod turns;
mod waits;
mod worker;

pub use brokering::{Billing, BrokerOrder, BrokerTrade, Brokering, PROVIDER_PATIENCE, card_routes};
pub use catalogue::{CatalogueEntry, CataloguePage, parse_catalogue};
pub use http::{CatalogueAnswer, routes};
pub use merchant::{Merchant, RECEIPT_PATIENCE};
pub use orders::OrderSummary;
pub use records::Trouble;
pub use rules::{
    brokering::{CardWay, Channel},
    catalogue::{Item, ItemName, Language},
    goods::Goods,
};
pub use settings::{OfferedRule, Settings};
pub use worker::Pass;
