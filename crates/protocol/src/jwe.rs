//! Compact JWE (RFC 7516) with `alg: dir` and A256GCM (RFC 7518), no compression.

use crate::{
    encode::{b64_onto, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
};
use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};
use zeroize::Zeroizing;

/// A 256-bit content key, zeroized on drop.
pub type ContentKey = Zeroizing<[u8; 32]>;

/// The four parts of a compact JWE whose encrypted key is empty.
pub struct Split<'a> {
    /// The protected header as it stands, which is the additional authenticated data.
    pub header: &'a str,
    iv: &'a str,
    ciphertext: &'a str,
    tag: &'a str,
}

/// Encrypts under a content key. The key must never meet the same IV twice.
pub fn encrypt(
    header: &[u8],
    key: &[u8; 32],
    iv: &[u8; 12],
    mut plaintext: Zeroizing<Vec<u8>>,
) -> String {
    // The whole token's length, so that it grows nowhere.
    let length = encoded_length(header.len()) + encoded_length(plaintext.len());
    let mut token = String::with_capacity(length + 44);
    b64_onto(header, &mut token);
    let cipher = Aes256Gcm::new(key.into());
    // GCM refuses only messages over 64 GiB; ours are bounded far below.
    let tag = cipher
        .encrypt_inout_detached(iv.into(), token.as_bytes(), plaintext.as_mut_slice().into())
        .unwrap_or_default();
    token.push_str("..");
    b64_onto(iv, &mut token);
    token.push('.');
    // What is there now is no secret: wiping it, byte by byte, would take longer than the cipher did.
    let ciphertext = std::mem::take(&mut *plaintext);
    b64_onto(&ciphertext, &mut token);
    token.push('.');
    b64_onto(&tag, &mut token);
    token
}

fn encoded_length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Takes a compact JWE apart.
pub fn split<'a>(token: &'a str, at_fault: AtFault, field: &'static str) -> Result<Split<'a>> {
    let mut pieces = token.split('.');
    let mut next = || pieces.next().ok_or(ProtocolError::new(at_fault, Reason::Malformed, field));
    let (header, key, iv, ciphertext, tag) = (next()?, next()?, next()?, next()?, next()?);
    if !key.is_empty() || pieces.next().is_some() {
        return Err(ProtocolError::new(at_fault, Reason::Malformed, field));
    }
    Ok(Split { header, iv, ciphertext, tag })
}

/// Decrypts; `sealed_wrong` if the tag does not fit.
pub fn decrypt(
    token: &Split<'_>,
    key: &[u8; 32],
    at_fault: AtFault,
    field: &'static str,
) -> Result<Zeroizing<Vec<u8>>> {
    let malformed = |_| ProtocolError::new(at_fault, Reason::Malformed, field);
    let iv: [u8; 12] = unb64(token.iv, at_fault, field)?.try_into().map_err(malformed)?;
    let tag: [u8; 16] = unb64(token.tag, at_fault, field)?.try_into().map_err(malformed)?;
    let mut text = Zeroizing::new(unb64(token.ciphertext, at_fault, field)?);
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(
            (&iv).into(),
            token.header.as_bytes(),
            text.as_mut_slice().into(),
            (&tag).into(),
        )
        .map_err(|_| ProtocolError::new(at_fault, Reason::SealedWrong, field))?;
    Ok(text)
}
