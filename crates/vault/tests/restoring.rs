//! Backups, and what a terminal says when it has an older state.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::{fs, path::PathBuf};
use tempfile::TempDir;
use warifu_vault::{Existing, Restored, Vault, VaultError, restore};

/// A folder with a vault that has one line, a backup of it, and then a second line.
fn backed_up() -> (TempDir, Vault, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::at(&folder.path().join("vault"));
    let backup = folder.path().join("backup");
    let mut opened = create(vault.path(), &two());
    opened.a_mut().append(entry("first"), &mut rng(2)).unwrap();
    assert_eq!(vault.backup(&backup).unwrap().generation, 2);
    opened.a_mut().append(entry("second"), &mut rng(3)).unwrap();
    (folder, vault, backup)
}

#[test]
fn a_vault_in_use_is_not_called_restored() {
    let (_folder, vault, _) = backed_up();
    assert_eq!(vault.open_a(&password(A), NOW).unwrap().restored(), None);
}

#[test]
fn a_backup_needs_its_passwords_and_overwrites_nothing() {
    let (folder, vault, backup) = backed_up();
    assert!(matches!(vault.backup(&backup), Err(VaultError::Exists { .. })));
    let target = folder.path().join("elsewhere");
    restore(&backup, &target, Existing::Keep).unwrap();
    let restored = Vault::at(&target);
    assert!(is_wrong(restored.open_a(&password(B), NOW)));
    let opened = restored.open_ab(&password(A), &password(B), NOW).unwrap();
    assert_eq!(goods(opened.a().history()), ["first"]);
}

#[test]
fn a_different_vault_is_kept_or_set_aside() {
    let (_folder, vault, backup) = backed_up();
    let newest = fs::read(vault.path()).unwrap();
    let refused = restore(&backup, vault.path(), Existing::Keep);
    assert!(matches!(refused, Err(VaultError::Exists { .. })));
    assert_eq!(fs::read(vault.path()).unwrap(), newest);
    for _ in 0..2 {
        fs::write(vault.path(), &newest).unwrap();
        let done = restore(&backup, vault.path(), Existing::SetAside).unwrap();
        assert_eq!(fs::read(done.set_aside.unwrap()).unwrap(), newest);
    }
    let same = restore(&backup, vault.path(), Existing::Keep).unwrap();
    assert_eq!(same.set_aside, None);
    // What is no vault is not overwritten either.
    fs::write(vault.path(), b"letters").unwrap();
    assert!(restore(&backup, vault.path(), Existing::Keep).is_err());
    let done = restore(&backup, vault.path(), Existing::SetAside).unwrap();
    assert_eq!(fs::read(done.set_aside.unwrap()).unwrap(), b"letters");
}

#[test]
fn no_vault_is_restored() {
    let (folder, vault, backup) = backed_up();
    let newest = fs::read(vault.path()).unwrap();
    fs::write(&backup, b"letters").unwrap();
    let refused = restore(&backup, vault.path(), Existing::SetAside);
    assert!(matches!(refused, Err(VaultError::NotAVault { .. })));
    assert_eq!(fs::read(vault.path()).unwrap(), newest);
    assert!(!folder.path().join("vault.aside-1").exists());
}

#[test]
fn an_older_state_is_said_until_it_is_accepted() {
    let (_folder, vault, backup) = backed_up();
    restore(&backup, vault.path(), Existing::SetAside).unwrap();
    let told = Some(Restored { generation: 2, newest: Some(3) });
    let mut opened = vault.open_a(&password(A), NOW).unwrap();
    assert_eq!(opened.restored(), told);
    // It counts on from the newest, so that no two states have one number.
    opened.append(entry("third"), &mut rng(4)).unwrap();
    assert_eq!(opened.header().generation, 4);
    let mut again = vault.open_a(&password(A), NOW).unwrap();
    assert_eq!(again.restored().unwrap().generation, 4);
    again.accept_restored(&mut rng(5)).unwrap();
    assert_eq!((again.restored(), again.header().generation), (None, 5));
    assert_eq!(vault.open_a(&password(A), NOW).unwrap().restored(), None);
}

#[test]
fn a_file_put_there_by_hand_is_noticed() {
    let (folder, vault, backup) = backed_up();
    // Over the vault that this terminal knows.
    fs::copy(&backup, vault.path()).unwrap();
    let told = Some(Restored { generation: 2, newest: Some(3) });
    assert_eq!(vault.open_a(&password(A), NOW).unwrap().restored(), told);
    // On a terminal that knows nothing of it.
    let elsewhere = folder.path().join("elsewhere");
    fs::copy(&backup, &elsewhere).unwrap();
    let told = Some(Restored { generation: 2, newest: None });
    assert_eq!(Vault::at(&elsewhere).open_a(&password(A), NOW).unwrap().restored(), told);
    // And where what it knew was damaged.
    fs::write(folder.path().join("vault.state"), b"{").unwrap();
    assert_eq!(vault.open_a(&password(A), NOW).unwrap().restored(), told);
}

#[test]
fn a_vault_that_is_open_notices_that_it_was_replaced() {
    let (_folder, vault, backup) = backed_up();
    let mut opened = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    restore(&backup, vault.path(), Existing::SetAside).unwrap();
    let refused = opened.a_mut().append(entry("lost"), &mut rng(4));
    assert!(matches!(refused, Err(VaultError::Replaced)));
    assert!(matches!(opened.reload(), Err(VaultError::Replaced)));
    // Another vault in its place.
    fs::remove_file(vault.path()).unwrap();
    Vault::at(vault.path()).create(&two(), cheap(), key(), &mut rng(8)).unwrap();
    assert!(matches!(opened.reload(), Err(VaultError::Replaced)));
    let taken = vault.create(&two(), cheap(), key(), &mut rng(8));
    assert!(matches!(taken, Err(VaultError::Exists { .. })));
}

#[test]
fn wrong_passwords_stay_counted_over_a_restoration() {
    let (_folder, vault, backup) = backed_up();
    for _ in 0..10 {
        assert!(is_wrong(vault.open_a(&password("wrong password"), NOW)));
    }
    restore(&backup, vault.path(), Existing::SetAside).unwrap();
    assert!(matches!(vault.open_a(&password(A), NOW), Err(VaultError::Wait { .. })));
}

#[test]
fn an_accepted_state_is_the_newest_even_if_nothing_else_is_written() {
    let (_folder, vault, backup) = backed_up();
    let newest = fs::read(vault.path()).unwrap();
    restore(&backup, vault.path(), Existing::SetAside).unwrap();
    vault.open_a(&password(A), NOW).unwrap().accept_restored(&mut rng(4)).unwrap();
    let opened = vault.open_a(&password(A), NOW).unwrap();
    assert_eq!((opened.restored(), opened.header().generation), (None, 4));
    // What was the newest before is an older state now.
    fs::write(vault.path(), newest).unwrap();
    let told = Some(Restored { generation: 3, newest: Some(4) });
    assert_eq!(vault.open_a(&password(A), NOW).unwrap().restored(), told);
}
