//! The corpora: every file goes through its target in `./test`, on stable Rust. Included by the tests
//! `crates/protocol/tests/fuzz_corpora` and `crates/warifu/tests/fuzz_corpora`.
//!
//! A file named `good_…` must be accepted, one named `bad_…` refused; others (what a fuzzer found) only
//! must not panic. `WARIFU_WRITE_CORPUS=1` writes the seeds anew.

use std::{fs, path::PathBuf};

type Targets = [(&'static str, fn(&[u8]) -> bool)];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn corpus(target: &str) -> PathBuf {
    folder().join("corpus").join(target)
}

/// Runs every file; `write_seeds` is called before if the seeds are to be written anew.
pub fn run(targets: &Targets, write_seeds: fn()) {
    if std::env::var_os("WARIFU_WRITE_CORPUS").is_some() {
        write_seeds();
    }
    for (name, target) in targets {
        let (mut good, mut bad) = (0, 0);
        for entry in fs::read_dir(corpus(name)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let accepted = target(&fs::read(&path).unwrap());
            if file.starts_with("good_") {
                assert!(accepted, "{name}/{file} is good, and was refused");
                good += 1;
            } else if file.starts_with("bad_") {
                assert!(!accepted, "{name}/{file} is bad, and was accepted");
                bad += 1;
            }
        }
        assert!(good > 0 && bad > 0, "{name} has {good} good seeds and {bad} bad ones");
    }
}

/// Every target of a module has a program, and every program of the module a target.
pub fn check_programs(module: &str, targets: &Targets) {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let mut programs = 0;
    for entry in fs::read_dir(folder().join("fuzz_targets")).unwrap() {
        let program = fs::read_to_string(entry.unwrap().path()).unwrap();
        programs += usize::from(program.contains(&format!("warifu_fuzz::{module}::")));
    }
    assert_eq!(programs, targets.len());
    for (name, _) in targets {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
        let program = folder().join(format!("fuzz_targets/{name}.rs"));
        let program = fs::read_to_string(program).unwrap();
        assert!(program.contains(&format!("warifu_fuzz::{module}::{name}(data)")), "{name}");
    }
}

/// Writes one seed.
pub fn seed(target: &str, name: &str, content: impl AsRef<[u8]>) {
    fs::create_dir_all(corpus(target)).unwrap();
    fs::write(corpus(target).join(name), content).unwrap();
}

/// The good seed, and three bad ones made of it: cut, with a byte changed, and empty.
pub fn seeds(target: &str, name: &str, content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    seed(target, &format!("good_{name}"), content);
    seed(target, &format!("bad_{name}_cut"), &content[..content.len() / 2]);
    let mut changed = content.to_vec();
    // Past the middle lies the payload, not only a header.
    changed[content.len() * 2 / 3] ^= 1;
    seed(target, &format!("{name}_changed"), changed);
    seed(target, "bad_empty", b"");
}
