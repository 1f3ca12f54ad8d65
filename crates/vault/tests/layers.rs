//! A shows the history and no key; B without A opens nothing; neither opens nothing (row B14).
//! The bytes are decoded here from `docs/vault.md` alone, with none of the crate's code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce, aead::Aead, aead::Payload};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use common::*;
use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;
use std::fs;
use warifu_protocol::signer::Signer;
use warifu_vault::{Passwords, Vault, VaultError};

const CARD: &[u8] = b"prepaid card canary 7f3a";

fn argon2(password: &str, salt: &[u8], m: u32, t: u32, p: u32) -> [u8; 32] {
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(m, t, p, Some(32)).unwrap())
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .unwrap();
    out
}

fn hkdf(salt: Option<&[u8]>, secret: &[u8], info: &str) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(salt, secret).expand(info.as_bytes(), &mut out).unwrap();
    out
}

fn decrypt(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (iv, msg) = sealed.split_at(12);
    let iv = Nonce::from(<[u8; 12]>::try_from(iv).unwrap());
    Aes256GcmSiv::new(key.into()).decrypt(&iv, Payload { msg, aad }).ok()
}

fn number(file: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(file[at..at + 4].try_into().unwrap())
}

fn root_a(file: &[u8], a: &str) -> [u8; 32] {
    argon2(a, &file[64..96], number(file, 12), number(file, 16), number(file, 20))
}

fn layer_a(file: &[u8], root: &[u8; 32]) -> Option<Vec<u8>> {
    decrypt(&hkdf(None, root, "warifu vault 1: layer a"), &file[..96], &file[96..])
}

fn root_b(layer_a: &Value, b: &str) -> [u8; 32] {
    let password = &layer_a["b"]["password"];
    let cost = |name: &str| u32::try_from(password["cost"][name].as_u64().unwrap()).unwrap();
    let salt = B64.decode(password["salt"].as_str().unwrap()).unwrap();
    argon2(b, &salt, cost("memory_kib"), cost("passes"), cost("lanes"))
}

fn sealed_b(layer_a: &Value) -> Vec<u8> {
    B64.decode(layer_a["b"]["sealed"].as_str().unwrap()).unwrap()
}

fn layer_b(file: &[u8], sealed: &[u8], link_from: &[u8; 32], own: &[u8; 32]) -> Option<Vec<u8>> {
    let link = hkdf(None, link_from, "warifu vault 1: link to layer b");
    let key = hkdf(Some(&link), own, "warifu vault 1: layer b");
    let aad = [b"warifu vault 1: layer b", &file[10..11], &file[32..64]].concat();
    decrypt(&key, &aad, sealed)
}

/// A vault with something of each kind in it; its bytes and the signature key's seed.
fn filled(passwords: &Passwords) -> (Vec<u8>, [u8; 32]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut vault = create(&path, passwords);
    vault
        .update_ab(&mut rng(2), |a, b| {
            a.append(entry("sencha canary"));
            a.documents_mut().put("member", b"member canary 0042")?;
            b.documents_mut().put("card/1", CARD)
        })
        .unwrap();
    (fs::read(&path).unwrap(), *key().seed())
}

/// The forms in which a secret could lie in clear.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let standard = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
    vec![secret.to_vec(), hex.into_bytes(), B64.encode(secret).into_bytes(), standard.into_bytes()]
}

#[test]
fn both_passwords_open_everything_by_the_documented_format() {
    let (file, seed) = filled(&two());
    assert_eq!(&file[..8], b"WARIFUVA");
    assert_eq!(&file[8..12], [0, 1, 2, 0]);
    assert_eq!(&file[24..32], 2u64.to_be_bytes());
    assert_eq!((file.len() - 96 - 12 - 16) % 4096, 0);
    let root_a = root_a(&file, A);
    let plain = layer_a(&file, &root_a).unwrap();
    let a: Value = serde_json::from_slice(&plain).unwrap();
    let line = &a["a"]["history"][0];
    assert_eq!(line["goods"], "sencha canary");
    assert_eq!(line["amount"]["minor"], 1980);
    let b = layer_b(&file, &sealed_b(&a), &root_a, &root_b(&a, B)).unwrap();
    assert_eq!(b.len() % 4096, 0);
    let b: Value = serde_json::from_slice(&b).unwrap();
    assert_eq!(B64.decode(b["seed"].as_str().unwrap()).unwrap(), seed);
    assert_eq!(b["b"]["documents"]["card/1"], B64.encode(CARD));
}

#[test]
fn a_shows_history_and_no_key() {
    let (file, seed) = filled(&two());
    let root_a = root_a(&file, A);
    let plain = layer_a(&file, &root_a).unwrap();
    assert!(contains(&plain, b"sencha canary"), "the scanner would find what is there");
    for secret in [&seed[..], CARD] {
        for form in forms(secret) {
            assert!(!contains(&plain, &form));
        }
    }
    // Who has A alone has nothing that opens B: not A's own root, not A in place of B.
    let a: Value = serde_json::from_slice(&plain).unwrap();
    let alone = hkdf(None, &root_a, "warifu vault 1: one password");
    for own in [alone, root_a, root_b(&a, A), [0; 32]] {
        assert!(layer_b(&file, &sealed_b(&a), &root_a, &own).is_none());
    }
}

#[test]
fn b_without_a_opens_nothing() {
    let (file, _) = filled(&two());
    assert!(layer_a(&file, &root_a(&file, B)).is_none());
    // Even where the inner layer was extracted with its salt.
    let a: Value = serde_json::from_slice(&layer_a(&file, &root_a(&file, A)).unwrap()).unwrap();
    let own = root_b(&a, B);
    for link_from in [own, root_a(&file, B), [0; 32]] {
        assert!(layer_b(&file, &sealed_b(&a), &link_from, &own).is_none());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    fs::write(&path, &file).unwrap();
    let vault = Vault::at(&path);
    assert!(is_wrong(vault.open_a(&password(B), NOW)));
    assert!(is_wrong(vault.open_ab(&password(B), &password(B), NOW)));
    assert!(is_wrong(vault.open_ab(&password(B), &password(A), NOW)));
}

#[test]
fn without_a_password_the_file_tells_nothing() {
    for passwords in [two(), one()] {
        let (file, seed) = filled(&passwords);
        let secrets: [&[u8]; 6] =
            [&seed, CARD, b"sencha canary", b"tea.example", b"member", A.as_bytes()];
        for secret in secrets {
            for form in forms(secret) {
                assert!(!contains(&file, &form));
            }
        }
    }
}

#[test]
fn in_one_password_mode_a_alone_signs() {
    let (file, seed) = filled(&one());
    assert_eq!(file[10], 1);
    let root_a = root_a(&file, A);
    let a: Value = serde_json::from_slice(&layer_a(&file, &root_a).unwrap()).unwrap();
    assert_eq!(a["b"]["password"], Value::Null);
    let alone = hkdf(None, &root_a, "warifu vault 1: one password");
    let b = layer_b(&file, &sealed_b(&a), &root_a, &alone).unwrap();
    assert!(contains(&b, B64.encode(seed).as_bytes()));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    fs::write(&path, &file).unwrap();
    let vault = Vault::at(&path);
    let opened = vault.open_a(&password(A), NOW).unwrap();
    assert!(matches!(opened.open_b(&password(B), NOW), Err(VaultError::WrongMode)));
    assert!(matches!(vault.open_ab(&password(A), &password(B), NOW), Err(VaultError::WrongMode)));
    let signing = opened.open_one().unwrap();
    assert_eq!(signing.sign(b"order"), key().sign(b"order"));
}

#[test]
fn wrong_a_wrong_b_and_both_wrong_are_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    create(&path, &two());
    let vault = Vault::at(&path);
    let (a, b, wrong) = (password(A), password(B), password("neither of them"));
    let errors: Vec<String> = [(&wrong, &b), (&a, &wrong), (&wrong, &wrong), (&b, &a)]
        .map(|(a, b)| vault.open_ab(a, b, NOW).unwrap_err().to_string())
        .to_vec();
    assert_eq!(errors, ["the password is wrong, or the vault is damaged"; 4]);
    let opened = vault.open_a(&a, NOW).unwrap();
    assert!(is_wrong(opened.open_b(&wrong, NOW)));
    assert!(matches!(opened.open_one(), Err(VaultError::WrongMode)));
    let signing = opened.open_b(&b, NOW).unwrap();
    assert_eq!(signing.verifying_key(), key().verifying_key());
    assert_eq!(signing.signer().sign(b"order"), key().sign(b"order"));
}
