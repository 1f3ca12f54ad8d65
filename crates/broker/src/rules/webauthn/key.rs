//! A passkey's public key: a COSE key (RFC 9052, section 7; RFC 9053; RFC 8230) of one of three
//! algorithms.

use super::{
    Fault,
    cbor::{self, Members},
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// The algorithms that are offered, by COSE's numbers, the best first: EdDSA (Ed25519), ES256, and
/// RS256, which Windows' own authenticators have.
pub const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];
const EDDSA: i64 = -8;
const ES256: i64 = -7;
const RS256: i64 = -257;

/// Bytes of an RSA modulus: 2,048 to 4,096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// A public key, with the COSE key that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    cose: Vec<u8>,
    public: Public,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    Ed25519(Vec<u8>),
    /// An uncompressed point (SEC 1, section 2.3.3).
    P256(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl Key {
    /// Reads a key, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Result<(Key, &[u8]), Fault> {
        let (mut members, rest) = cbor::map(bytes).ok_or(Fault::Key)?;
        let public = Public::read(&mut members).filter(|_| members.is_empty());
        let cose = bytes.strip_suffix(rest).unwrap_or(bytes).to_vec();
        Ok((Key { cose, public: public.ok_or(Fault::Key)? }, rest))
    }

    /// Reads a key and nothing else, as it was kept.
    pub fn from_cose(bytes: &[u8]) -> Result<Key, Fault> {
        match Key::read(bytes)? {
            (key, []) => Ok(key),
            _ => Err(Fault::Key),
        }
    }

    /// The COSE key.
    pub fn as_cose(&self) -> &[u8] {
        &self.cose
    }

    /// Checks a signature (section 6.5.5).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let checked = match &self.public {
            Public::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            Public::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Public::Rsa { modulus: n, exponent: e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        checked.map_err(|_| Fault::Signature)
    }
}

impl Public {
    /// Takes what the algorithm needs; none if it is not there, or of another form.
    fn read(members: &mut Members) -> Option<Public> {
        let kind = number(members, 1)?;
        let algorithm = number(members, 3)?;
        match (kind, algorithm) {
            (1, EDDSA) if number(members, -1)? == 6 => {
                Some(Public::Ed25519(coordinate(members, -2)?))
            }
            (2, ES256) if number(members, -1)? == 1 => {
                let (x, y) = (coordinate(members, -2)?, coordinate(members, -3)?);
                Some(Public::P256([&[4][..], &x, &y].concat()))
            }
            (3, RS256) => {
                let (modulus, exponent) = (integer(members, -1)?, integer(members, -2)?);
                MODULUS.contains(&modulus.len()).then_some(Public::Rsa { modulus, exponent })
            }
            _ => None,
        }
    }
}

fn number(members: &mut Members, label: i64) -> Option<i64> {
    i64::try_from(members.take(label)?.into_integer().ok()?).ok()
}

fn bytes(members: &mut Members, label: i64) -> Option<Vec<u8>> {
    members.take(label)?.into_bytes().ok()
}

fn coordinate(members: &mut Members, label: i64) -> Option<Vec<u8>> {
    bytes(members, label).filter(|bytes| bytes.len() == 32)
}

/// A positive integer without leading zeros.
fn integer(members: &mut Members, label: i64) -> Option<Vec<u8>> {
    bytes(members, label).filter(|bytes| bytes.first().is_some_and(|first| *first != 0))
}
