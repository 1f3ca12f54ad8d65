//! What a person's terminal has, a buyer's or a merchant's: a place for its things, passwords, a
//! history, keys, and a way to join a center.

pub mod history;
pub mod joining;
pub mod place;
pub mod seed;
pub mod vault;
