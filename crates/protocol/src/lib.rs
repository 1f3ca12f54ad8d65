//! The sealed order protocol, a file for each step. `docs/protocol.md` is its specification.
//!
//! One purchase: [`form`] and [`quote`] (signed by the merchant) → [`order`] (signed by the holder)
//! and [`part`]s → [`sealed`] order → [`authorization`] → [`delivery`] → [`settlement`], and the
//! holder's own [`receipt`]. Before anything is sent, the pair completes a [`meeting`]; everything
//! between them then travels in a [`session`].
//!
//! Nothing here reads a clock, a file, a socket or randomness: time and entropy are arguments.

pub mod authorization;
pub mod credential;
pub mod delivery;
pub mod derive;
pub mod encode;
pub mod enrolment;
pub mod error;
pub mod form;
pub mod goods;
pub mod hpke;
pub mod joining;
pub mod jwe;
pub mod jws;
pub mod meeting;
pub mod metering;
pub mod order;
pub mod part;
pub mod prepaid;
pub mod presented;
pub mod quote;
pub mod receipt;
pub mod rule;
pub mod sealed;
pub mod session;
pub mod settlement;
pub mod signer;
pub mod status;
pub mod suite;
pub mod telegram;
pub mod terminal;
pub mod trade_number;
pub mod trust;
pub mod value;
pub mod view;

pub use error::{AtFault, ProtocolError, Reason};

/// How far two parties' clocks may differ, in seconds.
pub const CLOCK_SKEW: u64 = 120;

/// The generator for salts, ids and encapsulations; the caller seeds it from the machine's entropy.
pub use chacha20::{
    ChaCha20Rng,
    rand_core::{self, SeedableRng},
};
