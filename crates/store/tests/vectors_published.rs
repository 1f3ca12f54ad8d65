//! Published vectors through the library that records, vaults and cards are encrypted with:
//! Wycheproof for AES-256-GCM-SIV (RFC 8452). `published/README.md` says where they come from.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use aes_gcm_siv::{
    Aes256GcmSiv,
    aead::{AeadInOut, KeyInit},
};
use serde_json::Value;

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().unwrap()).unwrap()
}

#[test]
fn aes_256_gcm_siv_of_wycheproof() {
    let file: Value = serde_json::from_str(include_str!("published/aes_256_gcm_siv.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 103);
    for case in cases {
        let key: [u8; 32] = bytes(case, "key").try_into().unwrap();
        let (iv, tag) = (bytes(case, "iv"), bytes(case, "tag"));
        let iv: [u8; 12] = iv.try_into().unwrap();
        let tag: [u8; 16] = tag.try_into().unwrap();
        let (aad, plain) = (bytes(case, "aad"), bytes(case, "plaintext"));
        let cipher = Aes256GcmSiv::new((&key).into());
        let mut text = bytes(case, "ciphertext");
        let inout = text.as_mut_slice().into();
        let opened = cipher.decrypt_inout_detached((&iv).into(), &aad, inout, (&tag).into());
        let valid = case["valid"].as_bool().unwrap();
        assert_eq!(opened.is_ok(), valid, "{case}");
        if valid {
            assert_eq!(text, plain, "{case}");
            let inout = text.as_mut_slice().into();
            let made = cipher.encrypt_inout_detached((&iv).into(), &aad, inout).unwrap();
            assert_eq!((text, made.to_vec()), (bytes(case, "ciphertext"), tag.to_vec()), "{case}");
        }
    }
}
