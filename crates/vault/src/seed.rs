//! The signature key from what a person enters and the machine's randomness (row B4).

use crate::keys::derive;
use warifu_protocol::signer::{Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

/// A point of a pointer's stroke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Pixels from the left.
    pub x: i32,
    /// Pixels from the top.
    pub y: i32,
    /// Milliseconds since the first point.
    pub milliseconds: u32,
}

/// What the person enters as the seed: an autograph, or nothing.
#[derive(Clone, Copy)]
pub enum Entered<'a> {
    /// Random numbers made by the terminal alone.
    Nothing,
    /// A typed text, taken as it is.
    Text(&'a str),
    /// Strokes of a pointer, in order.
    Strokes(&'a [Point]),
}

impl std::fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entered(secret)")
    }
}

impl Entered<'_> {
    /// A kind byte, then the text's UTF-8, or 12 bytes (big-endian) for each point.
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Entered::Nothing => Zeroizing::new(vec![0]),
            Entered::Text(text) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(1 + text.len()));
                bytes.push(1);
                bytes.extend_from_slice(text.as_bytes());
                bytes
            }
            Entered::Strokes(points) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(1 + 12 * points.len()));
                bytes.push(2);
                for point in *points {
                    bytes.extend_from_slice(&point.x.to_be_bytes());
                    bytes.extend_from_slice(&point.y.to_be_bytes());
                    bytes.extend_from_slice(&point.milliseconds.to_be_bytes());
                }
                bytes
            }
        }
    }
}

/// Makes a signature key (Ed25519, RFC 8032).
///
/// Its seed is HKDF-SHA-256 (RFC 5869) with `machine`, 32 bytes of the machine's randomness, as
/// salt, and what was entered as input. A weak or known text therefore never weakens the key, and
/// a text that nobody knows protects it even where the machine's randomness is poor. The same
/// inputs give the same key, so the caller keeps neither.
pub fn signature_key(entered: Entered<'_>, machine: &[u8; 32]) -> SigningKey {
    SigningKey::from_seed(&derive(
        Some(machine),
        &entered.encode(),
        b"warifu vault 1: signature key seed",
    ))
}

/// The verification key of a signature key. It is a function of it alone (row B4; the source
/// document's example is n = p²q; for Ed25519 it is a multiple of the base point, RFC 8032,
/// section 5.1.5), so the vault keeps only the signature key.
pub fn verification_key(key: &SigningKey) -> VerifyingKey {
    key.verifying_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(entered: Entered<'_>, machine: u8) -> [u8; 32] {
        *signature_key(entered, &[machine; 32]).seed()
    }

    #[test]
    fn each_input_changes_the_key() {
        let point = Point { x: 0, y: 1, milliseconds: 2 };
        let moved = Point { x: 1, y: 0, milliseconds: 2 };
        // The strokes spell the text's bytes, and still are not the text.
        let text = "\0\0\0\0\0\0\0\u{1}\0\0\0\u{2}";
        let seeds = [
            seed(Entered::Nothing, 1),
            seed(Entered::Nothing, 2),
            seed(Entered::Text(""), 1),
            seed(Entered::Text("花子"), 1),
            seed(Entered::Text("花子"), 2),
            seed(Entered::Text(text), 1),
            seed(Entered::Strokes(&[]), 1),
            seed(Entered::Strokes(&[point]), 1),
            seed(Entered::Strokes(&[moved]), 1),
            seed(Entered::Strokes(&[point, point]), 1),
        ];
        for (at, one) in seeds.iter().enumerate() {
            assert!(!seeds[..at].contains(one), "{at}");
        }
        assert_eq!(seed(Entered::Text("花子"), 1), seeds[3]);
    }

    #[test]
    fn verification_key_is_a_function_of_the_signature_key() {
        let key = signature_key(Entered::Text("花子"), &[1; 32]);
        let again = SigningKey::from_seed(&key.seed());
        assert_eq!(verification_key(&key), verification_key(&again));
        let other = signature_key(Entered::Text("花子"), &[2; 32]);
        assert_ne!(verification_key(&key), verification_key(&other));
    }
}
