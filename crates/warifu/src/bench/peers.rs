//! The schemes that Warifu's parts are compared with: one recipient per part, X25519.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use warifu_protocol::{ChaCha20Rng, SeedableRng};
use x25519_dalek::{PublicKey, StaticSecret};

/// One way to encrypt a part to its recipient.
pub trait Peer {
    /// Encrypts.
    fn encrypt(&self, plain: &[u8]) -> Vec<u8>;
    /// Decrypts; empty if it fails.
    fn decrypt(&self, sealed: &[u8]) -> Vec<u8>;
}

fn random32() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Should the machine fail to deliver, the comparison runs with zeros; nothing depends on it.
    let _ = getrandom::fill(&mut bytes);
    bytes
}

/// HPKE (RFC 9180) base mode: X25519, HKDF-SHA-256, AES-256-GCM.
pub struct HpkePeer {
    secret: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: <X25519HkdfSha256 as Kem>::PublicKey,
}

impl HpkePeer {
    /// A recipient.
    pub fn new() -> HpkePeer {
        let (secret, public) = X25519HkdfSha256::derive_keypair(&random32());
        HpkePeer { secret, public }
    }
}

impl Peer for HpkePeer {
    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let mut rng = ChaCha20Rng::from_seed(random32());
        let set_up = hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &self.public,
            b"bench",
            &mut rng,
        );
        let Ok((encapsulated, mut context)) = set_up else { return Vec::new() };
        let mut out = encapsulated.to_bytes().to_vec();
        out.extend(context.seal(plain, b"").unwrap_or_default());
        out
    }

    fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let Some((head, tail)) = sealed.split_at_checked(32) else { return Vec::new() };
        let Ok(key) = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(head) else {
            return Vec::new();
        };
        let set_up = hpke::setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret,
            &key,
            b"bench",
        );
        set_up.ok().and_then(|mut context| context.open(tail, b"").ok()).unwrap_or_default()
    }
}

/// age with one X25519 recipient per part.
pub struct AgePeer {
    identity: age::x25519::Identity,
}

impl AgePeer {
    /// A recipient.
    pub fn new() -> AgePeer {
        AgePeer { identity: age::x25519::Identity::generate() }
    }
}

impl Peer for AgePeer {
    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let recipient = self.identity.to_public();
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let mut out = Vec::new();
        let written = age::Encryptor::with_recipients(recipients).ok().and_then(|encryptor| {
            let mut writer = encryptor.wrap_output(&mut out).ok()?;
            writer.write_all(plain).ok()?;
            writer.finish().ok().map(drop)
        });
        if written.is_some() { out } else { Vec::new() }
    }

    fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let identity = std::iter::once(&self.identity as &dyn age::Identity);
        let read = age::Decryptor::new(sealed)
            .ok()
            .and_then(|decryptor| decryptor.decrypt(identity).ok())
            .and_then(|mut reader| reader.read_to_end(&mut out).ok());
        if read.is_some() { out } else { Vec::new() }
    }
}

/// JWE ECDH-ES+A256KW with X25519 and A256GCM (RFC 7518, section 4.6; RFC 8037), from the same
/// primitives that JOSE libraries use.
pub struct JwePeer {
    secret: StaticSecret,
    public: PublicKey,
}

impl JwePeer {
    /// A recipient.
    pub fn new() -> JwePeer {
        let secret = StaticSecret::from(random32());
        JwePeer { public: PublicKey::from(&secret), secret }
    }

    /// The Concat KDF of RFC 7518, section 4.6.2, one round.
    fn wrapping_key(shared: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(1u32.to_be_bytes());
        hash.update(shared);
        for item in [&b"ECDH-ES+A256KW"[..], b"", b""] {
            hash.update((item.len() as u32).to_be_bytes());
            hash.update(item);
        }
        hash.update(256u32.to_be_bytes());
        hash.finalize().into()
    }
}

impl Peer for JwePeer {
    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let ephemeral = StaticSecret::from(random32());
        let shared = ephemeral.diffie_hellman(&self.public);
        let (content, nonce) = (random32(), random32());
        let wrap = aes_kw::KwAes256::new(&Self::wrapping_key(shared.as_bytes()).into());
        let mut wrapped = [0; 40];
        if wrap.wrap_key(&content, &mut wrapped).is_err() {
            return Vec::new();
        }
        let epk = URL_SAFE_NO_PAD.encode(PublicKey::from(&ephemeral).as_bytes());
        let header = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{{"kty":"OKP","crv":"X25519","x":"{epk}"}}}}"#
        ));
        let iv: [u8; 12] = nonce[..12].try_into().unwrap_or_default();
        let payload = Payload { msg: plain, aad: header.as_bytes() };
        let mut sealed =
            Aes256Gcm::new(&content.into()).encrypt(&iv.into(), payload).unwrap_or_default();
        let tag = sealed.split_off(sealed.len().saturating_sub(16));
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (key, iv, text, tag) = (encode(&wrapped), encode(&iv), encode(&sealed), encode(&tag));
        format!("{header}.{key}.{iv}.{text}.{tag}").into_bytes()
    }

    fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        self.open(sealed).unwrap_or_default()
    }
}

impl JwePeer {
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(sealed).ok()?;
        let mut pieces = text.split('.');
        let header = pieces.next()?;
        let mut next = || URL_SAFE_NO_PAD.decode(pieces.next()?).ok();
        let (wrapped, iv, mut body, tag) = (next()?, next()?, next()?, next()?);
        let parsed: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let epk = URL_SAFE_NO_PAD.decode(parsed["epk"]["x"].as_str()?).ok()?;
        let epk: [u8; 32] = epk.try_into().ok()?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(epk));
        let wrap = aes_kw::KwAes256::new(&Self::wrapping_key(shared.as_bytes()).into());
        let mut content = [0; 32];
        wrap.unwrap_key(&wrapped, &mut content).ok()?;
        body.extend_from_slice(&tag);
        let iv: [u8; 12] = iv.try_into().ok()?;
        let payload = Payload { msg: &body, aad: header.as_bytes() };
        Aes256Gcm::new(&content.into()).decrypt(&iv.into(), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_opens_what_it_sealed() {
        let peers: [Box<dyn Peer>; 3] =
            [Box::new(HpkePeer::new()), Box::new(AgePeer::new()), Box::new(JwePeer::new())];
        for peer in peers {
            let sealed = peer.encrypt(b"four parts");
            assert_eq!(peer.decrypt(&sealed), b"four parts");
        }
    }
}
