//! Random use of a vault, beside a model of what must be in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::PathBuf};
use tempfile::TempDir;
use warifu_protocol::{ChaCha20Rng, signer::Signer};
use warifu_vault::{
    BoxA, BoxB, Change, Documents, Existing, Passwords, Vault, VaultA, VaultAB, VaultError, restore,
};

#[derive(Debug, Clone)]
enum Step {
    AppendUnderA(String),
    Keep(bool, u8, Vec<u8>),
    Drop(bool, u8),
    ChangeA(u8),
    ChangeB(u8),
    ChangeAll(u8, Option<u8>),
    Backup,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..6000);
    prop_oneof![
        4 => "\\PC{0,40}".prop_map(Step::AppendUnderA),
        3 => (any::<bool>(), 0..4u8, bytes()).prop_map(|(b, name, bytes)| Step::Keep(b, name, bytes)),
        1 => (any::<bool>(), 0..4u8).prop_map(|(b, name)| Step::Drop(b, name)),
        1 => (0..4u8).prop_map(Step::ChangeA),
        1 => (0..4u8).prop_map(Step::ChangeB),
        2 => (0..4u8, proptest::option::of(0..4u8)).prop_map(|(a, b)| Step::ChangeAll(a, b)),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ]
}

/// What must be in the vault.
#[derive(Clone, Default)]
struct Model {
    a: String,
    b: Option<String>,
    history: Vec<String>,
    kept: [BTreeMap<String, Vec<u8>>; 2],
}

struct Run {
    folder: TempDir,
    model: Model,
    backup: Option<(PathBuf, Model)>,
    rng: ChaCha20Rng,
    steps: usize,
}

fn word(which: &str, number: u8) -> String {
    format!("{which} password {number}")
}

impl Run {
    fn new() -> Run {
        let model = Model { a: word("a", 0), b: Some(word("b", 0)), ..Model::default() };
        let run = Run {
            folder: tempfile::tempdir().unwrap(),
            model,
            backup: None,
            rng: rng(1),
            steps: 0,
        };
        let two = Passwords::two(password(&word("a", 0)), password(&word("b", 0))).unwrap();
        run.vault().create(&two, cheap(), key(), &mut rng(2)).unwrap();
        run
    }

    fn vault(&self) -> Vault {
        Vault::at(&self.folder.path().join("vault"))
    }

    fn open_a(&self) -> VaultA {
        self.vault().open_a(&password(&self.model.a), NOW).unwrap()
    }

    fn open(&self) -> VaultAB {
        match &self.model.b {
            Some(b) => self.vault().open_ab(&password(&self.model.a), &password(b), NOW).unwrap(),
            None => self.open_a().open_one().unwrap(),
        }
    }

    fn change_documents(&mut self, b: bool, change: impl Fn(&mut Documents)) {
        let mut vault = self.open();
        let done: Result<(), VaultError> =
            vault.update_ab(&mut self.rng, |in_a: &mut BoxA, in_b: &mut BoxB| {
                change(if b { in_b.documents_mut() } else { in_a.documents_mut() });
                Ok(())
            });
        done.unwrap();
    }

    fn change(&mut self, change: Change) -> Result<(), VaultError> {
        self.open().change(&change, cheap(), &mut self.rng)
    }

    fn take(&mut self, step: Step) {
        self.steps += 1;
        match step {
            Step::AppendUnderA(text) => {
                self.open_a().append(entry(&text), &mut self.rng).unwrap();
                self.model.history.push(text);
            }
            Step::Keep(b, name, bytes) => {
                let name = name.to_string();
                self.change_documents(b, |documents| documents.put(&name, &bytes).unwrap());
                self.model.kept[usize::from(b)].insert(name, bytes);
            }
            Step::Drop(b, name) => {
                let name = name.to_string();
                let there = self.model.kept[usize::from(b)].remove(&name).is_some();
                self.change_documents(b, |documents| assert_eq!(documents.remove(&name), there));
            }
            Step::ChangeA(number) => {
                self.change(Change::A(password(&word("a", number)))).unwrap();
                self.model.a = word("a", number);
            }
            Step::ChangeB(number) => {
                let done = self.change(Change::B(password(&word("b", number))));
                match &mut self.model.b {
                    Some(b) => (*b, ()) = (word("b", number), done.unwrap()),
                    None => assert!(matches!(done, Err(VaultError::WrongMode))),
                }
            }
            Step::ChangeAll(a, b) => {
                let (a, b) = (word("a", a), b.map(|b| word("b", b)));
                let passwords = match &b {
                    Some(b) => Passwords::two(password(&a), password(b)),
                    None => Passwords::one(password(&a)),
                };
                self.change(Change::All(passwords.unwrap())).unwrap();
                (self.model.a, self.model.b) = (a, b);
            }
            Step::Backup => {
                let path = self.folder.path().join(format!("backup {}", self.steps));
                self.vault().backup(&path).unwrap();
                self.backup = Some((path, self.model.clone()));
            }
            Step::Restore => {
                let Some((path, model)) = self.backup.clone() else { return };
                let changed = fs::read(&path).unwrap() != fs::read(self.vault().path()).unwrap();
                restore(&path, self.vault().path(), Existing::SetAside).unwrap();
                self.model = model;
                let mut opened = self.open_a();
                assert!(opened.restored().is_some() || !changed);
                opened.accept_restored(&mut self.rng).unwrap();
            }
        }
    }

    fn check(&self) {
        let vault = self.open();
        assert_eq!(goods(vault.a().history()), self.model.history);
        let boxes = [vault.a().contents().documents(), vault.contents().documents()];
        for (documents, model) in boxes.iter().zip(&self.model.kept) {
            let found: BTreeMap<String, Vec<u8>> = documents
                .under("")
                .map(|(name, bytes)| (name.to_string(), bytes.to_vec()))
                .collect();
            assert_eq!(&found, model);
        }
        assert_eq!(vault.verifying_key(), key().verifying_key());
        assert!(vault.a().restored().is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_is_done_the_vault_holds_what_the_model_holds(
        steps in proptest::collection::vec(step(), 1..14)
    ) {
        let mut run = Run::new();
        for step in steps {
            run.take(step);
            run.check();
        }
    }
}
