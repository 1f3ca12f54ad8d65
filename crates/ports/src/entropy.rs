//! Randomness.

/// A source of random bytes fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`. There is no error: a source that cannot deliver must not return.
    fn fill(&self, bytes: &mut [u8]);

    /// 256 random bits, for an id, a nonce or a key.
    fn bytes32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }
}
