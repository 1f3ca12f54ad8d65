//! What the documents' tables name exists: every file, and every test. And the table of an order
//! through a broker has every step of the document that it comes from.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// What stands between backquotes in a table.
fn named(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect()
}

/// `crate/tests/file.rs`, `crate/src/folder`.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_/.".contains(c);
    span.contains('/') && span.chars().all(plain) && !span.starts_with('/')
}

/// The name of a test: lower case, and at least three words.
fn is_test(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    span.chars().all(plain) && span.matches('_').count() > 1
}

/// Whether a crate has a function of this name.
fn has_function(folder: &Path, name: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_function(&path, name);
        }
        let rust = path.extension().is_some_and(|extension| extension == "rs");
        rust && fs::read_to_string(&path).unwrap().contains(&format!("fn {name}("))
    })
}

/// What a text's tables name that is not there. A file without a folder lies where the one before it
/// lies; a test is in the crate of the file before it.
fn missing(text: &str) -> Vec<String> {
    let (root, crates) = (root(), root().join("crates"));
    let (mut last, mut missing) = (String::new(), Vec::new());
    for span in named(text) {
        if is_path(span) {
            last = span.to_string();
        } else if span.ends_with(".rs") {
            last = Path::new(&last).with_file_name(span).to_str().unwrap().to_string();
        } else if is_test(span) {
            let name = last.split('/').next().unwrap();
            if !has_function(&crates.join(name), span) {
                missing.push(span.to_string());
            }
            continue;
        } else {
            continue;
        }
        if !crates.join(&last).exists() && !root.join(&last).exists() {
            missing.push(last.clone());
        }
    }
    missing
}

#[test]
fn every_file_and_test_that_a_table_names_is_there() {
    for name in ["requirements.md", "broker.md"] {
        let text = document(name);
        let tests = named(&text).into_iter().filter(|span| is_test(span)).count();
        assert!(tests >= 10, "{name}: {tests} tests found");
        assert_eq!(missing(&text), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_planted_name_is_found() {
    let good = "| `warifu/tests/layout.rs` `an_allowed_edge_passes`; `documents.rs` |";
    assert_eq!(missing(good), Vec::<String>::new());
    for (row, what) in [
        ("| `warifu/tests/nowhere.rs` |", "warifu/tests/nowhere.rs"),
        ("| `warifu/tests/layout.rs`, `nowhere.rs` |", "warifu/tests/nowhere.rs"),
        ("| `issuer/tests/paid.rs` `an_allowed_edge_passes` |", "an_allowed_edge_passes"),
    ] {
        assert_eq!(missing(row), [what]);
    }
}

#[test]
fn every_step_of_a_brokers_order_stands_in_its_table_once() {
    let text = document("broker.md");
    let mut steps: Vec<u8> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(' ')?.0.parse().ok())
        .collect();
    steps.sort_unstable();
    let document = [21..=26, 31..=34, 41..=44, 51..=51, 61..=64];
    assert_eq!(steps, document.into_iter().flatten().collect::<Vec<u8>>());
}
