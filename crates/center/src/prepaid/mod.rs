//! Prepaid cards (rows B7, B8): asking for value, the four ways to fund it, the card.

mod driving;
mod form;
mod intake;
mod issue;
mod issued;
mod money;
pub(crate) mod records;
mod top_up;
pub(crate) mod turns;

pub use intake::Source;
pub use money::{MoneyOutcome, MoneyReceived, MoneyRecord};
pub(crate) use records::card_of;
