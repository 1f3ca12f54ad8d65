//! Key predistribution after Blom: two parties get the same key with no message between them.
//!
//! A center keeps a secret polynomial f(x, y) over GF(2^128). It gives each party a [`Share`], the
//! polynomial with the party's own point put in for one variable. A party puts its peer's point,
//! a hash of the peer's public identifier, into its share, and both arrive at f(x, y). Two
//! independent instances give a [`PairKey`] of 256 bits.
//!
//! Sources: R. Blom, "An optimal class of symmetric key generation systems" (EUROCRYPT 1984);
//! C. Blundo et al., "Perfectly-secure key distribution for dynamic conferences" (CRYPTO 1992).
//! The field, its multiplication and the evaluation are POLYVAL (RFC 8452, section 3).
//!
//! What a second implementation has to do, byte by byte, is written in this order: [`Points`]
//! (identifiers to points), [`CenterMatrices`] (seed to coefficients to shares),
//! [`Share::to_file`] (the share file), [`KeyRing::pair_key`] (several centers).
//! `tests/vectors/keydist.json` has examples, made by the separate program beside it.
//!
//! # What a threshold means
//! A matrix has N coefficients on the holders' side and M on the services' side ([`Thresholds`]).
//! N - 1 holders and M - 1 services who pool their shares learn nothing about the key of any pair
//! outside their circle. N holders, or M services, compute every key of that matrix, past and
//! future. Going over a threshold does not weaken the matrix a little: it opens it. The
//! coefficients expand from a seed of 256 bits, so all this holds against computation, not against
//! unlimited power.
//!
//! There are no sockets, files or clock here, and nothing that comes out depends on randomness
//! that was not passed in.

mod cache;
mod center;
mod coefficients;
mod encode;
mod error;
mod expansion;
mod matrix;
mod met;
mod pair_key;
mod points;
mod ring;
mod route;
mod share;
mod share_file;
mod thresholds;

pub use cache::KeyCache;
pub use center::{CenterMatrices, CenterSeed};
pub use error::KeyError;
pub use matrix::{BadMatrix, Matrix, Side};
pub use pair_key::PairKey;
pub use points::Points;
pub use ring::KeyRing;
pub use route::{CenterEpoch, MAX_CENTERS, Route};
pub use share::Share;
pub use share_file::FORMAT as SHARE_FORMAT;
pub use thresholds::Thresholds;
