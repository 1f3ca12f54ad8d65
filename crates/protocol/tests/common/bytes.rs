//! Randomness that is written down: the bytes of a vector, in order.
#![allow(dead_code, reason = "each test binary uses its own share of this")]

use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

/// Gives the bytes in order; asking for more than there are is an error of the test.
pub struct Bytes(Vec<u8>);

impl Bytes {
    pub fn new(bytes: &[u8]) -> Bytes {
        Bytes(bytes.to_vec())
    }

    /// Whether all were asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryRng for Bytes {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        assert!(self.0.len() >= out.len(), "the vector has too few random bytes");
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Bytes {}
