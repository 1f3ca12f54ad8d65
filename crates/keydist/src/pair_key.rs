//! The 256-bit key of two parties.

use crate::KeyError;
use std::fmt;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes that two parties have in common. Wiped when dropped, compared in constant time.
///
/// Never used as it is: every working key is derived from it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairKey([u8; 32]);

impl PairKey {
    /// From 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> PairKey {
        PairKey(bytes)
    }

    /// The secret bytes, to derive from.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Adds another center's key (bitwise exclusive or).
    pub fn xor(&mut self, other: &PairKey) {
        for (byte, more) in self.0.iter_mut().zip(&other.0) {
            *byte ^= more;
        }
    }

    /// Refuses a buffer that nobody filled, for keys that come from outside.
    pub(crate) fn filled(self) -> Result<PairKey, KeyError> {
        if self.0.ct_eq(&[0; 32]).into() { Err(KeyError::ZeroKey) } else { Ok(self) }
    }
}

impl ConstantTimeEq for PairKey {
    fn ct_eq(&self, other: &PairKey) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for PairKey {
    fn eq(&self, other: &PairKey) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for PairKey {}

impl fmt::Debug for PairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairKey(secret)")
    }
}
