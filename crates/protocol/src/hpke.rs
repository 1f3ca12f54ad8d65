//! HPKE (RFC 9180) in PSK mode: X-Wing, HKDF-SHA-256, export only. The exporter gives the content
//! key, so that a part has one format in both suites.
//!
//! X-Wing (X25519 with ML-KEM-768) is still a draft, so its name carries the version that is meant.

use crate::{
    error::{AtFault, ProtocolError, Reason, Result},
    jwe::ContentKey,
};
use ::hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, PskBundle, Serializable, aead::ExportOnlyAead,
    kdf::HkdfSha256, kem::XWing, setup_receiver, setup_sender_with_rng,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// The KEM's name in credentials: HPKE KEM id 0x647a, draft-connolly-cfrg-xwing-kem-10.
pub const KEM: &str = "X-Wing-10";

/// A recipient's public HPKE key, as its credential publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HpkeKey {
    /// Names the key within its credential.
    pub kid: String,
    /// [`KEM`].
    pub kem: String,
    /// base64url of 1,216 bytes.
    pub key: String,
}

/// A recipient's private HPKE key: its 32-byte seed.
pub struct HpkeSecret {
    kid: String,
    seed: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for HpkeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HpkeSecret({}, secret)", self.kid)
    }
}

impl HpkeSecret {
    /// From a seed of 32 random bytes; the key's id is the beginning of its public key's hash.
    pub fn from_seed(seed: [u8; 32]) -> HpkeSecret {
        let mut secret = HpkeSecret { kid: String::new(), seed: Zeroizing::new(seed) };
        let hash = crate::encode::sha256(&secret.public_bytes());
        secret.kid = crate::encode::b64(&hash.0[..9]);
        secret
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The seed, to keep it encrypted.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The public key, for the credential.
    pub fn public(&self) -> HpkeKey {
        HpkeKey {
            kid: self.kid.clone(),
            kem: KEM.to_string(),
            key: crate::encode::b64(&self.public_bytes()),
        }
    }

    fn public_bytes(&self) -> Vec<u8> {
        XWing::derive_keypair(self.seed.as_ref()).1.to_bytes().to_vec()
    }
}

/// What both sides feed into HPKE beside the KEM.
pub struct Binding<'a> {
    /// The working key that only the pair has; none at enrolment, before the first share (Base mode).
    pub psk: Option<&'a [u8; 32]>,
    /// Everything that the content key is bound to; also the PSK's id.
    pub info: &'a [u8],
}

const PSK_ID: &[u8] = b"warifu/1 pair";
const EXPORT: &[u8] = b"warifu/1 content key";

/// The sender's half: the encapsulated key for the header, and the content key.
pub fn encapsulate(
    to: &HpkeKey,
    binding: &Binding<'_>,
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, ContentKey)> {
    let bad = || ProtocolError::own(Reason::Malformed, "credential.hpke");
    if to.kem != KEM {
        return Err(bad());
    }
    let bytes = crate::encode::unb64(&to.key, AtFault::Own, "credential.hpke")?;
    let key = <XWing as ::hpke::Kem>::PublicKey::from_bytes(&bytes).map_err(|_| bad())?;
    let mode = match binding.psk {
        Some(psk) => OpModeS::Psk(PskBundle::new(psk, PSK_ID).map_err(|_| bad())?),
        None => OpModeS::Base,
    };
    let (encapsulated, context) =
        setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, XWing>(&mode, &key, binding.info, rng)
            .map_err(|_| bad())?;
    let mut content = Zeroizing::new([0; 32]);
    context.export(EXPORT, content.as_mut()).map_err(|_| bad())?;
    Ok((encapsulated.to_bytes().to_vec(), content))
}

/// The recipient's half.
pub fn decapsulate(
    secret: &HpkeSecret,
    encapsulated: &[u8],
    binding: &Binding<'_>,
    at_fault: AtFault,
    field: &'static str,
) -> Result<ContentKey> {
    let bad = || ProtocolError::new(at_fault, Reason::SealedWrong, field);
    let private = XWing::derive_keypair(secret.seed.as_ref()).0;
    let encapsulated =
        <XWing as ::hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| bad())?;
    let mode = match binding.psk {
        Some(psk) => OpModeR::Psk(PskBundle::new(psk, PSK_ID).map_err(|_| bad())?),
        None => OpModeR::Base,
    };
    let context = setup_receiver::<ExportOnlyAead, HkdfSha256, XWing>(
        &mode,
        &private,
        &encapsulated,
        binding.info,
    )
    .map_err(|_| bad())?;
    let mut content = Zeroizing::new([0; 32]);
    context.export(EXPORT, content.as_mut()).map_err(|_| bad())?;
    Ok(content)
}
