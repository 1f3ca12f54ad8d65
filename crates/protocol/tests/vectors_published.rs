//! Published vectors through the libraries, in the very configurations that the protocol uses:
//! HPKE (RFC 9180), X-Wing, and Wycheproof for Ed25519, X25519, AES-256-GCM, HKDF and HMAC with
//! SHA-256. POLYVAL's (RFC 8452) are in keydist, AES-256-GCM-SIV's in store. `published/README.md` says where each file comes from.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]
#[path = "common/bytes.rs"]
mod bytes;

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};
use bytes::Bytes;
use curve25519_dalek::{Scalar, constants::EIGHT_TORSION};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable, aead::ExportOnlyAead,
    kdf::HkdfSha256, kem::X25519HkdfSha256, kem::XWing, setup_receiver, setup_sender_with_rng,
};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};
use warifu_protocol::{
    AtFault,
    encode::b64,
    hpke::{Binding, HpkeKey, KEM, encapsulate},
    jwe,
    signer::{Signer, SigningKey, VerifyingKey},
};
use x25519_dalek::{PublicKey, StaticSecret};

fn cases(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().unwrap()).unwrap()
}

fn is_valid(case: &Value) -> bool {
    case["valid"].as_bool().unwrap()
}

#[test]
fn ed25519_of_wycheproof() {
    let cases = cases(include_str!("published/ed25519.json"));
    assert_eq!(cases.len(), 151);
    for case in &cases {
        let key: [u8; 32] = bytes(case, "key").try_into().unwrap();
        // Ours is strict (no keys or R of small order), which these vectors never need: on every
        // one of them the strict and the ordinary answer are the same.
        let good = VerifyingKey::from_bytes(&key).is_some_and(|key| {
            let (message, signature) = (bytes(case, "message"), bytes(case, "signature"));
            key.verify(&message, &signature, AtFault::Sender, "test").is_ok()
        });
        assert_eq!(good, is_valid(case), "{case}");
    }
}

#[test]
fn where_strict_verification_differs() {
    // A key of small order, here the point of order 1: S = 0 and R = 1 "sign" every message. RFC
    // 8032 lets it pass; we refuse the key already.
    let one: [u8; 32] = std::array::from_fn(|place| u8::from(place == 0));
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&one);
    let lenient = ed25519_dalek::VerifyingKey::from_bytes(&one).unwrap();
    let made_up = ed25519_dalek::Signature::from_bytes(&signature);
    assert!(ed25519_dalek::Verifier::verify(&lenient, b"anything", &made_up).is_ok());
    assert!(VerifyingKey::from_bytes(&one).is_none());
    // An R of small order under an honest key: only who has the secret key can make it (the seed is
    // 32 ones, R is again the point of order 1, S = k a). We refuse it, so that no party can make
    // signatures that some verifiers take and others do not.
    let holder = SigningKey::from_seed(&[1; 32]);
    let scalar = "82abbbc9577b13a6ded6977adcb8249b70eb62246461c3fc78ae71a041b5eb05";
    signature[32..].copy_from_slice(&hex::decode(scalar).unwrap());
    let odd = ed25519_dalek::Signature::from_bytes(&signature);
    let key = holder.verifying_key();
    let lenient = ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).unwrap();
    assert!(ed25519_dalek::Verifier::verify(&lenient, b"pay", &odd).is_ok());
    assert!(key.verify(b"pay", &signature, AtFault::Sender, "test").is_err());
}

#[test]
fn the_rule_is_that_of_verify_strict() {
    // Every R of small order, also in its encodings that are not canonical (a sign for x = 0, a y
    // not below 2^255 - 19), under many S; and an honest signature with each of its bits turned.
    let holder = SigningKey::from_seed(&[1; 32]);
    let key = holder.verifying_key();
    let reference = ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).unwrap();
    let same = |signature: &[u8; 64]| {
        let parsed = ed25519_dalek::Signature::from_bytes(signature);
        let strict = reference.verify_strict(b"pay", &parsed).is_ok();
        let ours = key.verify(b"pay", signature, AtFault::Sender, "test").is_ok();
        assert_eq!(ours, strict, "{}", hex::encode(signature));
        let lenient = ed25519_dalek::Verifier::verify(&reference, b"pay", &parsed).is_ok();
        (ours, lenient)
    };
    let honest = holder.sign(b"pay");
    assert_eq!(same(&honest), (true, true));
    for bit in 0..512 {
        let mut turned = honest;
        turned[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(same(&turned), (false, false));
    }
    let mut told_apart = 0;
    for point in small_order_encodings() {
        // S = k a, which only the key's owner can make: the equation holds but for the torsion in
        // R, which goes away for the point of order 1.
        let signature = with_r(&holder, &point, b"pay");
        let (ours, lenient) = same(&signature);
        assert!(!ours);
        told_apart += usize::from(lenient);
    }
    assert_eq!(told_apart, 2, "the point of order 1, which is in the list twice");
}

/// The encodings of the points of small order: eight canonical ones, and those that are not.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut all: Vec<[u8; 32]> =
        EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    // y = 0, 1, p - 1, p and p + 1, with either sign.
    for (first, middle, last) in
        [(0, 0, 0), (1, 0, 0), (0xec, 0xff, 0x7f), (0xed, 0xff, 0x7f), (0xee, 0xff, 0x7f)]
    {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        all.push(bytes);
        bytes[31] |= 0x80;
        all.push(bytes);
    }
    all
}

/// A signature of the key's owner with an R that the owner chose, and S = k a.
fn with_r(holder: &SigningKey, r: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let secret = ed25519_dalek::SigningKey::from_bytes(&holder.seed()).to_scalar();
    let key = holder.verifying_key();
    let digest = Sha512::new().chain_update(r).chain_update(key.as_bytes()).chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&digest.finalize().into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice((k * secret).as_bytes());
    signature
}

#[test]
fn aes_256_gcm_of_wycheproof() {
    let cases = cases(include_str!("published/aes_256_gcm.json"));
    assert_eq!(cases.len(), 66);
    for case in &cases {
        let key: [u8; 32] = bytes(case, "key").try_into().unwrap();
        let iv: [u8; 12] = bytes(case, "iv").try_into().unwrap();
        let tag: [u8; 16] = bytes(case, "tag").try_into().unwrap();
        let mut text = bytes(case, "ciphertext");
        let opened = Aes256Gcm::new((&key).into()).decrypt_inout_detached(
            (&iv).into(),
            &bytes(case, "aad"),
            text.as_mut_slice().into(),
            (&tag).into(),
        );
        assert_eq!(opened.is_ok(), is_valid(case), "{case}");
        if opened.is_ok() {
            assert_eq!(text, bytes(case, "plaintext"), "{case}");
        }
    }
}

#[test]
fn aes_256_gcm_as_a_jwe() {
    // The additional data of a JWE is the header's base64url, so only the cases that have such data
    // go through our own code; the others are above.
    let mut tried = 0;
    for case in cases(include_str!("published/aes_256_gcm.json")).iter().filter(|c| is_valid(c)) {
        let key: [u8; 32] = bytes(case, "key").try_into().unwrap();
        let iv: [u8; 12] = bytes(case, "iv").try_into().unwrap();
        let token = jwe::encrypt(b"{}", &key, &iv, bytes(case, "plaintext").into());
        let pieces = jwe::split(&token, AtFault::Own, "test").unwrap();
        let opened = jwe::decrypt(&pieces, &key, AtFault::Own, "test").unwrap();
        assert_eq!(*opened, bytes(case, "plaintext"));
        // GCM's counter mode does not depend on the additional data.
        let middle = token.split('.').nth(3).unwrap();
        assert_eq!(middle, b64(&bytes(case, "ciphertext")), "{case}");
        tried += 1;
    }
    assert!(tried > 20);
}

#[test]
fn hkdf_sha_256_of_wycheproof() {
    let cases = cases(include_str!("published/hkdf_sha256.json"));
    assert_eq!(cases.len(), 86);
    for case in &cases {
        let mut okm = vec![0; usize::try_from(case["size"].as_u64().unwrap()).unwrap()];
        let hkdf = Hkdf::<Sha256>::new(Some(&bytes(case, "salt")), &bytes(case, "ikm"));
        let made = hkdf.expand(&bytes(case, "info"), &mut okm);
        assert_eq!(made.is_ok(), is_valid(case), "{case}");
        if made.is_ok() {
            assert_eq!(okm, bytes(case, "okm"), "{case}");
        }
    }
}

#[test]
fn hmac_sha_256_of_wycheproof() {
    let cases = cases(include_str!("published/hmac_sha256.json"));
    assert_eq!(cases.len(), 87);
    for case in &cases {
        let mut mac = Hmac::<Sha256>::new_from_slice(&bytes(case, "key")).unwrap();
        mac.update(&bytes(case, "message"));
        assert_eq!(mac.verify_slice(&bytes(case, "tag")).is_ok(), is_valid(case), "{case}");
    }
}

#[test]
fn x25519_of_wycheproof() {
    let cases = cases(include_str!("published/x25519.json"));
    assert_eq!(cases.len(), 518);
    for case in &cases {
        let [public, private, shared]: [[u8; 32]; 3] =
            ["public", "private", "shared"].map(|name| bytes(case, name).try_into().unwrap());
        let made = StaticSecret::from(private).diffie_hellman(&PublicKey::from(public));
        assert_eq!(*made.as_bytes(), shared, "{case}");
        // Points of small order: whoever wants both sides to contribute can tell.
        assert_eq!(made.was_contributory(), !case["zero"].as_bool().unwrap(), "{case}");
    }
}

/// HPKE's key schedule down to the exporter, written from RFC 9180, section 5.1, on HKDF alone.
struct Schedule {
    suite: Vec<u8>,
}

impl Schedule {
    fn new(kem: u16) -> Schedule {
        let mut suite = b"HPKE".to_vec();
        for id in [kem, 1, 0xffff] {
            suite.extend_from_slice(&id.to_be_bytes());
        }
        Schedule { suite }
    }

    fn extract(&self, salt: &[u8], label: &[u8], ikm: &[u8]) -> Hkdf<Sha256> {
        let labeled = [b"HPKE-v1", self.suite.as_slice(), label, ikm].concat();
        Hkdf::new(Some(salt), &labeled)
    }

    fn extract_bytes(&self, salt: &[u8], label: &[u8], ikm: &[u8]) -> Vec<u8> {
        let labeled = [b"HPKE-v1", self.suite.as_slice(), label, ikm].concat();
        Hkdf::<Sha256>::extract(Some(salt), &labeled).0.to_vec()
    }

    fn expand(&self, secret: &Hkdf<Sha256>, label: &[u8], info: &[u8]) -> [u8; 32] {
        let labeled = [&[0, 32], b"HPKE-v1".as_slice(), &self.suite, label, info].concat();
        let mut out = [0; 32];
        secret.expand(&labeled, &mut out).unwrap();
        out
    }

    fn export(
        &self,
        shared_secret: &[u8],
        info: &[u8],
        psk: Option<(&[u8], &[u8])>,
        exporter_context: &[u8],
    ) -> [u8; 32] {
        let (psk, psk_id) = psk.unwrap_or_default();
        let mut context = vec![u8::from(!psk.is_empty())];
        context.extend(self.extract_bytes(b"", b"psk_id_hash", psk_id));
        context.extend(self.extract_bytes(b"", b"info_hash", info));
        let secret = self.extract(shared_secret, b"secret", psk);
        let exporter = self.expand(&secret, b"exp", &context);
        self.expand(&Hkdf::from_prk(&exporter).unwrap(), b"sec", exporter_context)
    }
}

/// RFC 9180, appendix A.7: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export only. KDF and AEAD are
/// those of suite `kps+hpke`.
struct Rfc9180 {
    ikm_e: &'static str,
    ikm_r: &'static str,
    pk_r: &'static str,
    enc: &'static str,
    shared_secret: &'static str,
    psk: Option<(&'static str, &'static str)>,
    exported: [&'static str; 3],
}

const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
const CONTEXTS: [&str; 3] = ["", "00", "54657374436f6e74657874"];

/// A.7.1.
const BASE: Rfc9180 = Rfc9180 {
    ikm_e: "55bc245ee4efda25d38f2d54d5bb6665291b99f8108a8c4b686c2b14893ea5d9",
    ikm_r: "683ae0da1d22181e74ed2e503ebf82840deb1d5e872cade20f4b458d99783e31",
    pk_r: "194141ca6c3c3beb4792cd97ba0ea1faff09d98435012345766ee33aae2d7664",
    enc: "e5e8f9bfff6c2f29791fc351d2c25ce1299aa5eaca78a757c0b4fb4bcd830918",
    shared_secret: "e81716ce8f73141d4f25ee9098efc968c91e5b8ce52ffff59d64039e82918b66",
    psk: None,
    exported: [
        "7a36221bd56d50fb51ee65edfd98d06a23c4dc87085aa5866cb7087244bd2a36",
        "d5535b87099c6c3ce80dc112a2671c6ec8e811a2f284f948cec6dd1708ee33f0",
        "ffaabc85a776136ca0c378e5d084c9140ab552b78f039d2e8775f26efff4c70e",
    ],
};

/// A.7.2.
const PSK: Rfc9180 = Rfc9180 {
    ikm_e: "c51211a8799f6b8a0021fcba673d9c4067a98ebc6794232e5b06cb9febcbbdf5",
    ikm_r: "5e0516b1b29c0e13386529da16525210c796f7d647c37eac118023a6aa9eb89a",
    pk_r: "d53af36ea5f58f8868bb4a1333ed4cc47e7a63b0040eb54c77b9c8ec456da824",
    enc: "d3805a97cbcd5f08babd21221d3e6b362a700572d14f9bbeb94ec078d051ae3d",
    shared_secret: "024573db58c887decb4c57b6ed39f2c9a09c85600a8a0ecb11cac24c6aaec195",
    psk: Some((
        "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82",
        "456e6e796e20447572696e206172616e204d6f726961",
    )),
    exported: [
        "be6c76955334376aa23e936be013ba8bbae90ae74ed995c1c6157e6f08dd5316",
        "1721ed2aa852f84d44ad020c2e2be4e2e6375098bf48775a533505fd56a3f416",
        "7c9d79876a288507b81a5a52365a7d39cc0fa3f07e34172984f96fec07c44cba",
    ],
};

#[test]
fn hpke_of_rfc_9180() {
    type Dh = X25519HkdfSha256;
    let decode = |text| hex::decode(text).unwrap();
    for vector in [BASE, PSK] {
        let info = decode(INFO);
        let psk = vector.psk.map(|(psk, id)| (decode(psk), decode(id)));
        let bundle = || psk.as_ref().map(|(psk, id)| PskBundle::new(psk, id).unwrap());
        let (private, public) = Dh::derive_keypair(&decode(vector.ikm_r));
        assert_eq!(public.to_bytes().to_vec(), decode(vector.pk_r));
        let (enc, sender) = setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, Dh>(
            &bundle().map_or(OpModeS::Base, OpModeS::Psk),
            &public,
            &info,
            &mut Bytes::new(&decode(vector.ikm_e)),
        )
        .unwrap();
        assert_eq!(enc.to_bytes().to_vec(), decode(vector.enc));
        let receiver = setup_receiver::<ExportOnlyAead, HkdfSha256, Dh>(
            &bundle().map_or(OpModeR::Base, OpModeR::Psk),
            &private,
            &enc,
            &info,
        )
        .unwrap();
        for (context, expected) in CONTEXTS.map(decode).iter().zip(vector.exported.map(decode)) {
            let mut exported = [[0; 32]; 2];
            sender.export(context, &mut exported[0]).unwrap();
            receiver.export(context, &mut exported[1]).unwrap();
            let psk = psk.as_ref().map(|(psk, id)| (psk.as_slice(), id.as_slice()));
            let ours = Schedule::new(Dh::KEM_ID).export(
                &decode(vector.shared_secret),
                &info,
                psk,
                context,
            );
            assert_eq!([exported[0].to_vec(), exported[1].to_vec()], [expected.clone(), expected]);
            assert_eq!(ours, exported[0], "the schedule written here is the RFC's");
        }
    }
}

#[test]
fn x_wing_of_its_draft() {
    let cases = cases(include_str!("published/x_wing.json"));
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let private = <XWing as Kem>::PrivateKey::from_bytes(&bytes(case, "seed")).unwrap();
        let public = XWing::sk_to_pk(&private);
        assert_eq!(public.to_bytes().to_vec(), bytes(case, "public"));
        // Our own sending half, with the draft's randomness: the encapsulated key is the draft's,
        // and the content key is what RFC 9180 makes of the draft's shared secret.
        let to = HpkeKey { kid: "test".into(), kem: KEM.into(), key: b64(&bytes(case, "public")) };
        for psk in [None, Some([7; 32])] {
            let binding = Binding { psk: psk.as_ref(), info: b"some info" };
            let mut seed = Bytes::new(&bytes(case, "encapsulation_seed"));
            let (enc, content) = encapsulate(&to, &binding, &mut seed).unwrap();
            assert!(seed.is_empty());
            assert_eq!(enc, bytes(case, "encapsulated"));
            let expected = Schedule::new(0x647a).export(
                &bytes(case, "shared_secret"),
                b"some info",
                psk.as_ref().map(|psk| (psk.as_slice(), b"warifu/1 pair".as_slice())),
                b"warifu/1 content key",
            );
            assert_eq!(*content, expected);
            // The receiving half agrees.
            let mode = match &psk {
                Some(psk) => OpModeR::Psk(PskBundle::new(psk, b"warifu/1 pair").unwrap()),
                None => OpModeR::Base,
            };
            let enc = <XWing as Kem>::EncappedKey::from_bytes(&enc).unwrap();
            let receiver = setup_receiver::<ExportOnlyAead, HkdfSha256, XWing>(
                &mode,
                &private,
                &enc,
                b"some info",
            )
            .unwrap();
            let mut exported = [0; 32];
            receiver.export(b"warifu/1 content key", &mut exported).unwrap();
            assert_eq!(exported, expected);
        }
    }
}
