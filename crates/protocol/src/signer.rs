//! Ed25519 keys (RFC 8032). One rule for evidence (docs/adr/0003), and two libraries: aws-lc signs
//! in half of the time, and ed25519-dalek decides what a signature is (docs/adr/0014).

use crate::error::{AtFault, ProtocolError, Reason, Result};
use aws_lc_rs::signature::Ed25519KeyPair;
use curve25519_dalek::{constants::EIGHT_TORSION, edwards::EdwardsPoint};
use ed25519_dalek::Verifier as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, sync::LazyLock};
use zeroize::Zeroizing;

/// Whoever can sign for a party: a key in memory, or one kept in a vault.
pub trait Signer: Send + Sync {
    /// Signs a message.
    fn sign(&self, message: &[u8]) -> [u8; 64];
    /// The key that verifies.
    fn verifying_key(&self) -> VerifyingKey;
}

/// A signature key in memory, zeroized on drop.
pub struct SigningKey {
    /// The seed and the key that verifies.
    key: ed25519_dalek::SigningKey,
    /// The same key, where signing is quick.
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// From its 32-byte seed (RFC 8032, section 5.1.5).
    #[expect(clippy::expect_used, reason = "only for want of memory can it fail")]
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        SigningKey { key, pair: pair.expect("every 32 bytes are a seed") }
    }

    /// The seed, to keep it encrypted.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(secret)")
    }
}

impl Signer for SigningKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.key.verifying_key())
    }
}

/// The canonical encodings of the points of small order.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point: EdwardsPoint| point.compress().0));

/// A verification key, written as base64url of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// From 32 bytes; a key of small order is refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<VerifyingKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then_some(VerifyingKey(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Verifies strictly: canonical encodings, no keys and no R of small order. It takes what
    /// `verify_strict` of ed25519-dalek takes, without decompressing R: the equation holds for
    /// canonical encodings of R only, and those of small order are eight.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        at_fault: AtFault,
        field: &'static str,
    ) -> Result<()> {
        let bad = || ProtocolError::new(at_fault, Reason::BadSignature, field);
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| bad())?;
        self.0.verify(message, &signature).map_err(|_| bad())?;
        if SMALL_ORDER.contains(signature.r_bytes()) { Err(bad()) } else { Ok(()) }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", crate::encode::b64(self.as_bytes()))
    }
}

impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(&crate::encode::b64(self.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let bytes = warifu_types::Digest::deserialize(d)?.0;
        VerifyingKey::from_bytes(&bytes).ok_or_else(|| de::Error::custom("not an Ed25519 key"))
    }
}
