//! From stretched passwords to the keys of the two layers.

use crate::{
    cost::{Cost, stretch},
    error::{Result, VaultError},
    header::Header,
    password::Password,
};
use aes_gcm_siv::{
    Aes256GcmSiv, Nonce as Iv,
    aead::{Aead, KeyInit, Payload},
};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use warifu_types::Nonce;
use zeroize::Zeroizing;

pub(crate) type Key = Zeroizing<[u8; 32]>;

const IV: usize = 12;

/// Password A, stretched.
#[derive(Clone)]
pub(crate) struct RootA(Key);

impl RootA {
    pub(crate) fn stretch(a: &Password, header: &Header) -> Result<RootA> {
        stretch(a, &header.salt, header.cost).map(RootA)
    }

    /// Whether both come from one password and salt, in constant time.
    pub(crate) fn is(&self, other: &RootA) -> bool {
        self.0.ct_eq(&*other.0).into()
    }

    /// The key of layer A.
    pub(crate) fn layer(&self) -> Key {
        derive(None, &*self.0, b"warifu vault 1: layer a")
    }

    /// The key of layer B: from A's root and B's, so that B alone opens nothing.
    pub(crate) fn layer_b(&self, b: &RootB) -> Key {
        let link = derive(None, &*self.0, b"warifu vault 1: link to layer b");
        let own = match b {
            RootB::Alone => derive(None, &*self.0, b"warifu vault 1: one password"),
            RootB::Stretched(stretched) => stretched.root.clone(),
        };
        derive(Some(&*link), &*own, b"warifu vault 1: layer b")
    }
}

/// What opens layer B beside A's root.
#[derive(Clone)]
pub(crate) enum RootB {
    /// One-password mode: nothing.
    Alone,
    /// Two-password mode: password B.
    Stretched(Stretched),
}

/// Password B, stretched, with the salt and cost that its layer names.
#[derive(Clone)]
pub(crate) struct Stretched {
    root: Key,
    pub(crate) salt: Nonce,
    pub(crate) cost: Cost,
}

impl Stretched {
    pub(crate) fn new(b: &Password, salt: Nonce, cost: Cost) -> Result<Stretched> {
        Ok(Stretched { root: stretch(b, &salt, cost)?, salt, cost })
    }

    /// Whether both come from one password, salt and cost, in constant time.
    pub(crate) fn is(&self, other: &Stretched) -> bool {
        self.root.ct_eq(&*other.root).into()
    }
}

/// HKDF-SHA-256 (RFC 5869).
pub(crate) fn derive(salt: Option<&[u8]>, secret: &[u8], info: &[u8]) -> Key {
    let mut key = Key::default();
    // The only error is an output of more than 8,160 bytes.
    let _ = Hkdf::<Sha256>::new(salt, secret).expand(info, &mut *key);
    key
}

/// AES-256-GCM-SIV (RFC 8452): a fresh random nonce, then ciphertext and tag.
pub(crate) fn seal(
    key: &Key,
    aad: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    let mut iv = [0; IV];
    rng.fill_bytes(&mut iv);
    let sealed = Aes256GcmSiv::new((&**key).into())
        .encrypt(&Iv::from(iv), Payload { msg: plain, aad })
        .map_err(|_| VaultError::TooLarge)?;
    Ok([&iv[..], &sealed].concat())
}

/// Opens what [`seal`] made. Whatever is wrong, the error is the same.
pub(crate) fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (iv, ciphertext) = sealed.split_first_chunk::<IV>().ok_or(VaultError::WrongPassword)?;
    Aes256GcmSiv::new((&**key).into())
        .decrypt(&Iv::from(*iv), Payload { msg: ciphertext, aad })
        .map(Zeroizing::new)
        .map_err(|_| VaultError::WrongPassword)
}

/// 32 fresh random bytes: a salt, or a vault's name.
pub(crate) fn fresh(rng: &mut impl CryptoRng) -> Nonce {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    Nonce(bytes)
}
