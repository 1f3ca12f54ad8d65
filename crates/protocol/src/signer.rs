//! Ed25519 keys (RFC 8032). `verify_strict` decides: one rule for evidence (docs/adr/0003).

use crate::error::{AtFault, ProtocolError, Reason, Result};
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::Zeroizing;

/// Whoever can sign for a party: a key in memory, or one kept in a vault.
pub trait Signer: Send + Sync {
    /// Signs a message.
    fn sign(&self, message: &[u8]) -> [u8; 64];
    /// The key that verifies.
    fn verifying_key(&self) -> VerifyingKey;
}

/// A signature key in memory, zeroized on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From its 32-byte seed (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to keep it encrypted.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(secret)")
    }
}

impl Signer for SigningKey {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }
}

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

    /// Verifies strictly: canonical encodings, no keys of small order.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        at_fault: AtFault,
        field: &'static str,
    ) -> Result<()> {
        let bad = || ProtocolError::new(at_fault, Reason::BadSignature, field);
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| bad())?;
        self.0.verify_strict(message, &signature).map_err(|_| bad())
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
