//! Compact JWS (RFC 7515) with EdDSA (RFC 8037), in a strict profile: the header holds `alg` and
//! `typ`, and nothing that could name a key; keys come from credentials alone.

use crate::{
    encode::{b64, b64_onto, from_json_object, sha256, to_json, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    signer::{Signer, VerifyingKey},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;
use warifu_types::Digest;

/// Messages are at most this long, in bytes.
pub const MAX_TOKEN: usize = 256 * 1024;

/// A kind of signed message: its `typ`, and the name that errors give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenType {
    /// The `typ` header parameter.
    pub typ: &'static str,
    /// The word for it in errors.
    pub word: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
}

/// A token without its signature (the signing input of RFC 7515), to be kept and signed whenever it
/// is given out. Ed25519 signs a text in one way only (RFC 8032, section 5.1.6), so that it is the
/// same token each time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unsigned(String);

impl Unsigned {
    /// Claims, as they will be signed.
    pub fn new<T: Serialize>(kind: TokenType, claims: &T) -> Unsigned {
        let payload = to_json(claims);
        let mut token = b64(format!(r#"{{"alg":"EdDSA","typ":"{}"}}"#, kind.typ).as_bytes());
        token.reserve(payload.len() * 4 / 3 + 96);
        token.push('.');
        b64_onto(&payload, &mut token);
        Unsigned(token)
    }

    /// The compact JWS.
    pub fn sign(self, signer: &dyn Signer) -> String {
        let signature = signer.sign(self.0.as_bytes());
        let mut token = self.0;
        token.push('.');
        b64_onto(&signature, &mut token);
        token
    }
}

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsigned(token)")
    }
}

/// Signs claims as a compact JWS.
pub fn sign<T: Serialize>(kind: TokenType, claims: &T, signer: &dyn Signer) -> String {
    Unsigned::new(kind, claims).sign(signer)
}

/// Verifies a compact JWS and reads its claims.
pub fn verify<T: DeserializeOwned>(
    kind: TokenType,
    token: &str,
    key: &VerifyingKey,
    at_fault: AtFault,
) -> Result<T> {
    verify_blaming(kind, token, key, at_fault, at_fault)
}

/// As [`verify`], for a message that came through other hands: a bad signature is the fault of
/// whoever handed it over, and what was signed is the `signer`'s.
pub fn verify_blaming<T: DeserializeOwned>(
    kind: TokenType,
    token: &str,
    key: &VerifyingKey,
    at_fault: AtFault,
    signer: AtFault,
) -> Result<T> {
    let (_, payload) = verify_signature(kind, token, key, at_fault)?;
    from_json_object(&unb64(payload, signer, kind.word)?, signer, kind.word)
}

/// As [`verify_blaming`]; with the identity of what was signed, the hash of [`signing_input`].
pub fn verify_identified<T: DeserializeOwned>(
    kind: TokenType,
    token: &str,
    key: &VerifyingKey,
    at_fault: AtFault,
    signer: AtFault,
) -> Result<(T, Digest)> {
    let (signed, payload) = verify_signature(kind, token, key, at_fault)?;
    let claims = from_json_object(&unb64(payload, signer, kind.word)?, signer, kind.word)?;
    Ok((claims, sha256(signed.as_bytes())))
}

/// Verifies the signature alone, and returns signing input and payload as they stand: for a token
/// whose claims were read by [`peek`].
pub fn verify_signature<'a>(
    kind: TokenType,
    token: &'a str,
    key: &VerifyingKey,
    at_fault: AtFault,
) -> Result<(&'a str, &'a str)> {
    let (signed, payload, signature) = split(kind, token, at_fault)?;
    let signature = unb64(signature, at_fault, kind.word)?;
    key.verify(signed.as_bytes(), &signature, at_fault, kind.word)?;
    Ok((signed, payload))
}

/// Reads the claims without verifying, to find whose key to verify with. What it returns proves
/// nothing.
pub fn peek<T: DeserializeOwned>(kind: TokenType, token: &str, at_fault: AtFault) -> Result<T> {
    let (_, payload, _) = split(kind, token, at_fault)?;
    from_json_object(&unb64(payload, at_fault, kind.word)?, at_fault, kind.word)
}

/// The signing input: header and payload. Its hash is the identity of an order.
pub fn signing_input(kind: TokenType, token: &str, at_fault: AtFault) -> Result<&str> {
    split(kind, token, at_fault).map(|(signed, _, _)| signed)
}

/// Whether a token says that it is of this kind.
pub fn is_of(kind: TokenType, token: &str) -> bool {
    split(kind, token, AtFault::Sender).is_ok()
}

fn split(kind: TokenType, token: &str, at_fault: AtFault) -> Result<(&str, &str, &str)> {
    let malformed = || ProtocolError::new(at_fault, Reason::Malformed, kind.word);
    if token.len() > MAX_TOKEN {
        return Err(ProtocolError::new(at_fault, Reason::TooLarge, kind.word));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let header: Header =
        from_json_object(&unb64(header, at_fault, kind.word)?, at_fault, kind.word)?;
    if header.alg != "EdDSA" {
        return Err(ProtocolError::new(
            at_fault,
            Reason::BadSignature,
            format!("{}.alg", kind.word),
        ));
    }
    if header.typ != kind.typ {
        return Err(ProtocolError::new(at_fault, Reason::Malformed, format!("{}.typ", kind.word)));
    }
    Ok((signed, payload, signature))
}
