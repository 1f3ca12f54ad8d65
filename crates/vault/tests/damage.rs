//! Damaged, cut, hostile and half-written vaults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::{fs, path::PathBuf};
use tempfile::TempDir;
use warifu_vault::{LockOut, Vault, VaultError, inspect};

/// Never makes the tests wait.
const PATIENT: LockOut = LockOut { tries: u32::MAX, first: 0, longest: 0 };

struct Small {
    _folder: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Small {
    fn new() -> Small {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        create(&path, &two());
        let bytes = fs::read(&path).unwrap();
        Small { _folder: folder, path, bytes }
    }

    fn vault(&self) -> Vault {
        Vault::at(&self.path).with_lock_out(PATIENT)
    }

    /// The error that these bytes give.
    fn error(&self, bytes: &[u8]) -> VaultError {
        fs::write(&self.path, bytes).unwrap();
        self.vault().open_a(&password(A), NOW).unwrap_err()
    }
}

#[test]
fn an_altered_byte_gives_the_one_error_or_is_seen_in_the_header() {
    let small = Small::new();
    // Every byte of the header; of the rest a sample, the library's own tests alter each.
    for at in (0..small.bytes.len()).filter(|at| *at < 130 || at % 61 == 0) {
        let mut bytes = small.bytes.clone();
        bytes[at] ^= 1;
        let error = small.error(&bytes);
        let fits = match at {
            0..8 => matches!(error, VaultError::NotAVault { field: "magic" }),
            8..10 => {
                matches!(error, VaultError::NewerVersion { .. } | VaultError::NotAVault { .. })
            }
            10..12 => matches!(error, VaultError::NotAVault { field: "mode" }),
            // What Argon2 takes and a vault may demand is only another cost.
            12..24 => matches!(error, VaultError::Cost { .. } | VaultError::WrongPassword),
            _ => matches!(error, VaultError::WrongPassword),
        };
        assert!(fits, "byte {at}: {error}");
    }
    fs::write(&small.path, &small.bytes).unwrap();
    small.vault().open_ab(&password(A), &password(B), NOW).unwrap();
}

#[test]
fn cut_at_every_length_it_is_refused() {
    let small = Small::new();
    for length in (0..small.bytes.len()).filter(|at| *at < 130 || at % 61 == 0) {
        let error = small.error(&small.bytes[..length]);
        let fits = match length {
            0..96 => matches!(error, VaultError::Truncated),
            _ => matches!(error, VaultError::WrongPassword),
        };
        assert!(fits, "{length}: {error}");
    }
    let longer = [&small.bytes[..], b"x"].concat();
    assert!(matches!(small.error(&longer), VaultError::WrongPassword));
}

#[test]
fn what_a_hostile_file_demands_is_refused_before_any_work() {
    let small = Small::new();
    let demand = |at: usize, value: u32| {
        let mut bytes = small.bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        small.error(&bytes)
    };
    for (at, value, field) in [
        (12, 4 * 1024 * 1024 + 1, "memory_kib"),
        (12, u32::MAX, "memory_kib"),
        (12, 0, "memory_kib"),
        (16, 65, "passes"),
        (16, 0, "passes"),
        (16, u32::MAX, "passes"),
        (20, 0, "lanes"),
        (20, 9, "memory_kib"),
        (20, u32::MAX, "lanes"),
    ] {
        match demand(at, value) {
            VaultError::Cost { field: named } => assert_eq!(named, field, "{at} {value}"),
            other => panic!("{at} {value}: {other}"),
        }
    }
}

#[test]
fn no_vault_and_too_large_a_file_are_told_apart() {
    let small = Small::new();
    assert!(matches!(small.error(b"%PDF-1.7"), VaultError::NotAVault { field: "magic" }));
    assert!(matches!(inspect(b""), Err(VaultError::Truncated)));
    let file = fs::File::create(&small.path).unwrap();
    file.set_len(warifu_vault::MAX_FILE as u64 + 1).unwrap();
    assert!(matches!(small.vault().header(), Err(VaultError::TooLarge)));
    fs::remove_file(&small.path).unwrap();
    assert!(matches!(small.vault().header(), Err(VaultError::Io { .. })));
}

#[test]
fn a_write_that_was_cut_off_leaves_the_old_vault() {
    let small = Small::new();
    let mut opened = small.vault().open_a(&password(A), NOW).unwrap();
    opened.append(entry("before"), &mut rng(2)).unwrap();
    let whole = fs::read(&small.path).unwrap();
    for length in [0, 1, 95, 96, 4096, whole.len()] {
        let half = small.path.with_extension("new");
        fs::write(&half, &whole[..length]).unwrap();
        let mut again = small.vault().open_a(&password(A), NOW).unwrap();
        again.append(entry("after"), &mut rng(3)).unwrap();
        assert!(!half.exists());
    }
    let last = small.vault().open_a(&password(A), NOW).unwrap();
    assert_eq!(last.history().len(), 7);
    assert_eq!(last.history()[0].goods, "before");
}

#[cfg(unix)]
#[test]
fn every_file_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let small = Small::new();
    small.vault().backup(&small.path.with_extension("backup")).unwrap();
    let mut seen = Vec::new();
    for file in fs::read_dir(small.path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
        seen.push(file.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["vault", "vault.backup", "vault.lock", "vault.state"]);
}

#[test]
fn a_change_that_refuses_writes_nothing() {
    let small = Small::new();
    let mut opened = small.vault().open_ab(&password(A), &password(B), NOW).unwrap();
    let refused: Result<(), VaultError> = opened.update_ab(&mut rng(2), |a, b| {
        a.append(entry("never"));
        b.documents_mut().put("", b"a document without a name")
    });
    assert!(matches!(refused, Err(VaultError::BadName)));
    assert_eq!(fs::read(&small.path).unwrap(), small.bytes);
    assert!(opened.a().history().is_empty());
}
