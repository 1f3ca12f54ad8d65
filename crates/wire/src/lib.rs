//! How parties meet on the wire: meetings and sessions over HTTP.
//!
//! A [`Party`] is a terminal with a clock and entropy. [`serve`] answers other parties' meetings and
//! hands what they ask to a [`Service`]; [`Connection`] meets another party and asks. Nothing here
//! relies on TLS: what travels between two parties is under their session's keys.

mod centers;
mod client;
mod directory;
pub mod identity;
mod operation;
pub mod ordering;
mod party;
pub mod private_line;
mod problem;
mod renewing;
mod repeat;
mod server;
mod telegram;

pub use centers::OwnCenter;
pub use client::{Connection, Connections};
pub use directory::{Directory, DirectoryAnswer, Found};
pub use operation::{
    Answer, AuthorizeAnswer, AuthorizeQuestion, DeliverQuestion, DeliveryAnswer,
    DeliveryStatusQuestion, EpochAnswer, FormAnswer, GoodsAnswer, GoodsQuestion,
    GoodsReceiptQuestion, MAX_NOTICES, MeterAnswer, MeterQuestion, OrderQuestion, PartQuestion,
    PaymentNoticesAnswer, PaymentNoticesQuestion, PlayAnswer, PlayQuestion, QuoteAnswer, QuoteItem,
    QuoteQuestion, ReceivedAnswer, RenewQuestion, SettleQuestion, SettlementAnswer, ShareAnswer,
    ShareQuestion, StatusAnswer, StatusQuestion, StopAnswer, StopQuestion, TradeKeyAnswer,
    TradeKeyQuestion, WithdrawQuestion,
};
pub use party::{CenterLink, Party, Random};
pub use problem::{CallError, Problem};
pub use renewing::Renewed;
pub use repeat::same_order;
pub use server::{
    Body, Peer, Service, read_body, read_question, serve_routes, whole, write_answer,
};
pub use telegram::TelegramSession;

/// The greatest body that is read, in bytes.
pub const MAX_BODY: usize = 2 * 1024 * 1024;
