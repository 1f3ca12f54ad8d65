//! Changes of passwords and mode, their cost, and waiting after wrong ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::fs;
use tempfile::TempDir;
use warifu_protocol::signer::Signer;
use warifu_types::UnixTime;
use warifu_vault::{
    Change, Cost, Entered, LockOut, Mode, Passwords, Vault, VaultError, signature_key,
};

fn small() -> (TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut vault = create(&path, &two());
    vault.a_mut().append(entry("kept"), &mut rng(2)).unwrap();
    (folder, Vault::at(&path))
}

#[test]
fn each_password_changes_alone_and_both_together() {
    let (_folder, vault) = small();
    let (new_a, new_b) = (password("new password A"), password("new password B"));
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    opened.change(&Change::A(new_a.clone()), cheap(), &mut rng(3)).unwrap();
    assert!(is_wrong(vault.open_a(&password(A), NOW)));
    vault.open_ab(&new_a, &password(B), NOW).unwrap();

    opened.change(&Change::B(new_b.clone()), cheap(), &mut rng(4)).unwrap();
    assert!(is_wrong(vault.open_ab(&new_a, &password(B), NOW)));
    vault.open_ab(&new_a, &new_b, NOW).unwrap();

    opened.change(&Change::All(two()), cheap(), &mut rng(5)).unwrap();
    assert!(is_wrong(vault.open_ab(&new_a, &new_b, NOW)));
    let opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    assert_eq!(goods(opened.a().history()), ["kept"]);
    assert_eq!(opened.verifying_key(), key().verifying_key());
}

#[test]
fn the_mode_changes_there_and_back() {
    let (_folder, vault) = small();
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    opened.change(&Change::All(one()), cheap(), &mut rng(3)).unwrap();
    assert_eq!(vault.header().unwrap().mode, Mode::OnePassword);
    let mut opened = vault.open_a(&password(A), NOW).unwrap().open_one().unwrap();
    assert_eq!(opened.verifying_key(), key().verifying_key());
    let refused = opened.change(&Change::B(password(B)), cheap(), &mut rng(4));
    assert!(matches!(refused, Err(VaultError::WrongMode)));
    opened.change(&Change::A(password("another for A")), cheap(), &mut rng(4)).unwrap();
    opened.change(&Change::All(two()), cheap(), &mut rng(5)).unwrap();
    let opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    assert_eq!(opened.verifying_key(), key().verifying_key());
    assert_eq!(goods(opened.a().history()), ["kept"]);
}

#[test]
fn a_new_signature_key_is_kept_by_programs_that_had_the_old_one() {
    let (_folder, vault) = small();
    let mut one = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    let mut other = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    let new = signature_key(Entered::Nothing, &[77; 32]);
    let verifies = new.verifying_key();
    one.replace_key(new, &mut rng(3)).unwrap();
    assert_eq!(one.verifying_key(), verifies);
    other.update_ab(&mut rng(4), |_, b| b.documents_mut().put("card/1", b"card")).unwrap();
    assert_eq!(other.verifying_key(), verifies);
    one.reload().unwrap();
    assert_eq!(one.verifying_key(), verifies);
    assert_eq!(one.contents().documents().get("card/1"), Some(&b"card"[..]));
}

#[test]
fn bad_new_passwords_change_nothing() {
    let (_folder, vault) = small();
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    let before = fs::read(vault.path()).unwrap();
    for (change, same) in [
        (Change::A(password(B)), true),
        (Change::B(password(A)), true),
        (Change::A(password("short")), false),
        (Change::B(password("short")), false),
    ] {
        let error = opened.change(&change, cheap(), &mut rng(3)).unwrap_err();
        match same {
            true => assert!(matches!(error, VaultError::SamePasswords), "{change:?} {error}"),
            false => assert!(matches!(error, VaultError::PasswordTooShort), "{change:?} {error}"),
        }
    }
    assert_eq!(fs::read(vault.path()).unwrap(), before);
}

#[test]
fn cost_is_raised_at_the_next_change_and_never_lowered() {
    let (_folder, vault) = small();
    let cost = |memory, passes| Cost::new(memory, passes, 1).unwrap();
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    assert_eq!(vault.header().unwrap().cost, cost(64, 1));
    opened.change(&Change::A(password(A)), cost(128, 2), &mut rng(3)).unwrap();
    assert_eq!(vault.header().unwrap().cost, cost(128, 2));
    opened.change(&Change::A(password(A)), cost(32, 3), &mut rng(4)).unwrap();
    assert_eq!(vault.header().unwrap().cost, cost(128, 3));
    opened.change(&Change::B(password(B)), cost(256, 1), &mut rng(5)).unwrap();
    opened.change(&Change::All(two()), cost(8, 1), &mut rng(6)).unwrap();
    assert_eq!(vault.header().unwrap().cost, cost(128, 3));
    vault.open_ab(&password(A), &password(B), NOW).unwrap();
}

#[test]
fn after_ten_wrong_passwords_in_a_row_the_terminal_waits() {
    let (_folder, vault) = small();
    let (right, wrong) = (password(A), password("wrong password"));
    for _ in 0..10 {
        assert!(is_wrong(vault.open_a(&wrong, NOW)));
    }
    let before = fs::read(vault.path()).unwrap();
    // Even the right one waits, in another program too, and the wait grows.
    let again = Vault::at(vault.path());
    match again.open_a(&right, NOW.plus(29)) {
        Err(VaultError::Wait { until }) => assert_eq!(until, NOW.plus(30)),
        other => panic!("{other:?}"),
    }
    assert!(is_wrong(vault.open_a(&wrong, NOW.plus(30))));
    let refused = vault.open_a(&right, NOW.plus(30 + 59));
    assert!(matches!(refused, Err(VaultError::Wait { until }) if until == NOW.plus(90)));
    assert_eq!(fs::read(vault.path()).unwrap(), before, "nothing is destroyed");
    assert_eq!(goods(vault.open_a(&right, NOW.plus(90)).unwrap().history()), ["kept"]);
    // The right one ends the row.
    for _ in 0..9 {
        assert!(is_wrong(vault.open_a(&wrong, NOW.plus(90))));
    }
    vault.open_a(&right, NOW.plus(90)).unwrap();
}

#[test]
fn tries_of_b_are_counted_apart() {
    let (_folder, vault) = small();
    let vault = vault.with_lock_out(LockOut { tries: 3, first: 60, longest: 60 });
    let wrong = password("wrong password");
    for _ in 0..3 {
        // Opening A in between does not let anyone guess at B for ever.
        assert!(is_wrong(vault.open_ab(&password(A), &wrong, NOW)));
    }
    let refused = vault.open_ab(&password(A), &password(B), NOW);
    assert!(matches!(refused, Err(VaultError::Wait { until }) if until == NOW.plus(60)));
    vault.open_a(&password(A), NOW).unwrap();
    vault.open_ab(&password(A), &password(B), NOW.plus(60)).unwrap();
    vault.open_ab(&password(A), &password(B), UnixTime(0)).unwrap();
}

#[test]
fn passwords_are_the_same_however_wide_they_are_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    create(&path, &Passwords::one(password("ｈａｎａｋｏ１２３")).unwrap());
    Vault::at(&path).open_a(&password("hanako123"), NOW).unwrap();
}

#[test]
fn nothing_secret_is_shown() {
    let (_folder, vault) = small();
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    opened
        .update_ab(&mut rng(3), |a, b| {
            a.documents_mut().put("name canary", b"document canary")?;
            b.documents_mut().put("name canary", b"document canary")
        })
        .unwrap();
    let shown = [
        format!("{:?} {:?} {:?}", vault, vault.header().unwrap(), opened),
        format!("{:?} {:?}", opened.a(), opened.a().history()),
        format!("{:?} {:?}", opened.contents(), opened.contents().documents()),
        format!("{:?} {:?}", opened.a().contents(), opened.a().contents().documents()),
        format!("{:?} {:?} {:?}", password(A), two(), Change::All(two())),
        format!("{:?} {:?}", Change::A(password(A)), Change::B(password(B))),
        format!("{:?}", warifu_vault::Entered::Text("花子")),
        format!("{:?} {:?}", opened.a().restored(), LockOut::default()),
        format!("{:?}", vault.open_a(&password("wrong password"), NOW)),
        key_debug(),
    ]
    .concat();
    let seed = key().seed();
    let seed_text = format!("{:?}", &seed[..4]);
    for secret in [A, B, "花子", "kept", "tea.example", "1980", "canary", "wrong password"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert!(!shown.contains(seed_text.trim_matches(['[', ']'])));
}

fn key_debug() -> String {
    format!("{:?}", key())
}
