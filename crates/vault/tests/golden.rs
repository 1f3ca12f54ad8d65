//! Vaults whose bytes are fixed for ever: every later program opens them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::{fs, path::PathBuf};
use warifu_protocol::signer::Signer;
use warifu_vault::{Passwords, Vault};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What the golden vaults were made from.
fn made(passwords: &Passwords) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut vault = create(&path, passwords);
    vault
        .update_ab(&mut rng(2), |a, b| {
            a.append(entry("煎茶"));
            a.documents_mut().put("member", b"42")?;
            b.documents_mut().put("telegram/1", b"eyJ")
        })
        .unwrap();
    fs::read(&path).unwrap()
}

/// With `WARIFU_WRITE_GOLDEN` set the files are written, for a new format version.
fn is_golden(name: &str, passwords: &Passwords) {
    let bytes = made(passwords);
    if std::env::var_os("WARIFU_WRITE_GOLDEN").is_some() {
        fs::write(golden(name), &bytes).unwrap();
    }
    assert!(fs::read(golden(name)).unwrap() == bytes, "{name} is written otherwise than it was");
}

#[test]
fn same_inputs_give_the_same_bytes() {
    is_golden("two-passwords.vault", &two());
    is_golden("one-password.vault", &one());
}

#[test]
fn golden_vaults_open() {
    for name in ["two-passwords.vault", "one-password.vault"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        fs::copy(golden(name), &path).unwrap();
        let a = Vault::at(&path).open_a(&password(A), NOW).unwrap();
        assert_eq!(a.header().generation, 2);
        assert_eq!(goods(a.history()), ["煎茶"]);
        assert_eq!(a.history()[0].date(540), "26/09/21");
        assert_eq!(a.contents().documents().get("member"), Some(&b"42"[..]));
        let ab = match name {
            "one-password.vault" => a.open_one().unwrap(),
            _ => a.open_b(&password(B), NOW).unwrap(),
        };
        assert_eq!(ab.contents().documents().get("telegram/1"), Some(&b"eyJ"[..]));
        assert_eq!(ab.verifying_key(), key().verifying_key());
    }
}
