//! Several programs on one vault, and programs that are killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};
use warifu_vault::{Change, Vault, VaultError};

const PATH: &str = "WARIFU_TEST_VAULT";
const LINES: &str = "WARIFU_TEST_LINES";

/// Appends so many lines, each naming the process.
fn append_lines(path: &Path, who: &str, lines: u32) {
    let mut vault = Vault::at(path).open_a(&password(A), NOW).unwrap();
    let mut entropy = rng(who.len() as u8);
    for line in 0..lines {
        vault.append(entry(&format!("{who} {line}")), &mut entropy).unwrap();
    }
}

/// This test is also the other process: started by the tests below with a path, it works there.
#[test]
fn one_process_appends_alone() {
    if let Some(path) = env::var_os(PATH) {
        let lines = env::var(LINES).unwrap().parse().unwrap();
        append_lines(&PathBuf::from(path), &format!("process {}", std::process::id()), lines);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    create(&path, &two());
    append_lines(&path, "alone", 3);
    let vault = Vault::at(&path).open_a(&password(A), NOW).unwrap();
    assert_eq!(goods(vault.history()), ["alone 0", "alone 1", "alone 2"]);
}

fn other_process(path: &Path, lines: u32) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "one_process_appends_alone"])
        .env(PATH, path)
        .env(LINES, lines.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_and_threads_lose_nothing_of_each_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut signing = create(&path, &two());
    let mut processes = [other_process(&path, 15), other_process(&path, 15)];
    thread::scope(|scope| {
        for who in ["x", "yy"] {
            let path = &path;
            scope.spawn(move || append_lines(path, who, 15));
        }
        for line in 0..15 {
            let name = format!("telegram/{line}");
            let both = signing.update_ab(&mut rng(9), |a, b| {
                a.append(entry(&format!("signed {line}")));
                b.documents_mut().put(&name, b"telegram")
            });
            both.unwrap();
        }
    });
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    let vault = Vault::at(&path).open_ab(&password(A), &password(B), NOW).unwrap();
    let lines = goods(vault.a().history());
    assert_eq!(lines.len(), 75);
    let of =
        |who: &str| lines.iter().filter(|line| line.starts_with(who)).cloned().collect::<Vec<_>>();
    for who in ["x", "yy", "signed"] {
        assert_eq!(of(who), (0..15).map(|line| format!("{who} {line}")).collect::<Vec<_>>());
    }
    for process in &processes {
        assert_eq!(of(&format!("process {} ", process.id())).len(), 15);
    }
    assert_eq!(vault.contents().documents().under("telegram/").count(), 15);
    assert_eq!(vault.a().header().generation, 76);
}

#[test]
fn a_killed_writer_leaves_a_vault_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    create(&path, &two());
    let mut seen = 0;
    for round in 1..=5 {
        let mut child = other_process(&path, 100_000);
        // Killed as soon as it has written something.
        while Vault::at(&path).header().unwrap().generation < 1 + seen + 2 * round {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let vault = Vault::at(&path).open_ab(&password(A), &password(B), NOW).unwrap();
        let lines = vault.a().history().len() as u64;
        assert_eq!(vault.a().header().generation, 1 + lines);
        assert!(vault.a().restored().is_none());
        assert!(lines >= seen + 2 * round);
        seen = lines;
    }
}

#[test]
fn passwords_changed_elsewhere_are_noticed_by_who_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    let mut one = create(&path, &two());
    let vault = Vault::at(&path);
    let mut history = vault.open_a(&password(A), NOW).unwrap();
    let mut other = vault.open_ab(&password(A), &password(B), NOW).unwrap();
    one.change(&Change::B(password("a new one for B")), cheap(), &mut rng(3)).unwrap();
    // A alone never needs B, and B's new layer stays as it is.
    history.append(entry("under A"), &mut rng(4)).unwrap();
    let refused = other.update_ab(&mut rng(5), |_, _| Ok::<_, VaultError>(()));
    assert!(matches!(refused, Err(VaultError::PasswordsChanged)));
    vault.open_ab(&password(A), &password("a new one for B"), NOW).unwrap();

    one.change(&Change::A(password("a new one for A")), cheap(), &mut rng(6)).unwrap();
    let refused = history.append(entry("too late"), &mut rng(7));
    assert!(matches!(refused, Err(VaultError::PasswordsChanged)));
    assert!(matches!(other.reload(), Err(VaultError::PasswordsChanged)));
    one.reload().unwrap();
    assert_eq!(goods(one.a().history()), ["under A"]);
}
