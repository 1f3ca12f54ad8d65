//! The project's own vectors, `vectors/` at the top: every file is read from disk and judged as it
//! says, and is byte for byte what the generator here writes. `WARIFU_REGENERATE=1` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]
#[path = "../common/mod.rs"]
mod common;

#[path = "../common/bytes.rs"]
mod bytes;

mod applications;
mod case;
mod credentials;
mod decisions;
mod enrolment;
mod identifiers;
mod judge;
mod judge_prepaid;
mod keys;
mod meetings;
mod network;
mod offers;
mod orders;
mod orders_altered;
mod orders_dishonest;
mod orders_headers;
mod outcomes;
mod prepaid;
mod renewals;
mod rules;
mod sessions;
mod shown;
mod telegrams;

use case::Case;
use network::Network;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Every file by its path under `vectors/`, as the generator writes it.
fn generated() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut names = BTreeMap::new();
    for network in [network::kps(), network::hybrid()] {
        names.insert(network.name().to_string(), network.credentials());
        files.insert(format!("networks/{}.json", network.name()), pretty(&network.json()));
    }
    for (name, value) in keys::files() {
        files.insert(format!("keys/{name}.json"), pretty(&value));
    }
    let cases = [
        identifiers::cases(),
        credentials::cases(),
        offers::cases(),
        orders::cases(),
        orders_altered::cases(),
        orders_dishonest::cases(),
        orders_headers::cases(),
        decisions::cases(),
        outcomes::cases(),
        enrolment::cases(),
        meetings::cases(),
        sessions::cases(),
        renewals::cases(),
        telegrams::cases(),
        applications::cases(),
        prepaid::cases(),
        shown::cases(),
        rules::cases(),
    ];
    for mut case in cases.into_iter().flatten() {
        case.shorten(&names[&case.terminal.0]);
        let path = format!("{}/{}.json", case.kind, case.name);
        assert!(files.insert(path.clone(), pretty(&case.json())).is_none(), "{path} twice");
    }
    files
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap();
    text.push('\n');
    text
}

/// Every file under `vectors/` but the README.
fn on_disk() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for kind in fs::read_dir(folder()).unwrap() {
        let kind = kind.unwrap().path();
        if !kind.is_dir() {
            assert_eq!(kind.file_name().unwrap(), "README.md");
            continue;
        }
        for file in fs::read_dir(&kind).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_string();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    files
}

fn cases_on_disk() -> Vec<Case> {
    let files = on_disk();
    let cases = files
        .iter()
        .filter(|(path, _)| !path.starts_with("networks/") && !path.starts_with("keys/"));
    cases.map(|(path, text)| Case::read(path, text)).collect()
}

#[test]
fn the_files_are_those_that_the_generator_writes() {
    let generated = generated();
    if std::env::var_os("WARIFU_REGENERATE").is_some() {
        for old in on_disk().keys() {
            fs::remove_file(folder().join(old)).unwrap();
        }
        for (path, text) in &generated {
            let path = folder().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let on_disk = on_disk();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&on_disk), names(&generated));
    for (path, text) in &generated {
        assert!(on_disk[path] == *text, "{path} differs from what the generator writes");
    }
}

#[test]
fn every_file_is_judged_as_it_says() {
    let files = on_disk();
    let networks: BTreeMap<String, Network> = ["kps", "hybrid"]
        .map(|name| {
            let json = serde_json::from_str(&files[&format!("networks/{name}.json")]).unwrap();
            (name.to_string(), Network::read(&json))
        })
        .into();
    let mut wrong = Vec::new();
    for mut case in cases_on_disk() {
        case.spell_out(&networks[&case.terminal.0].credentials());
        let outcome = judge::judge(&networks, &case);
        if outcome != case.expected {
            wrong.push(format!("{}/{}: {outcome}", case.kind, case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_keys_are_those_of_this_program() {
    let files = on_disk();
    let read = |name: &str| serde_json::from_str(&files[&format!("keys/{name}.json")]).unwrap();
    keys::check_pair_keys(&files, &read("pair_keys"));
    keys::check_working_keys(&read("working_keys"));
}

#[test]
fn invalid_ones_outnumber_valid_ones_and_all_are_small() {
    let cases = cases_on_disk();
    let invalid = cases.iter().filter(|case| case.expected.get("refused").is_some()).count();
    let valid = cases.len() - invalid;
    println!("{invalid} invalid, {valid} valid");
    assert!(invalid > 2 * valid);
    let size: usize = on_disk().values().map(String::len).sum();
    println!("{size} bytes");
    assert!(size < 2_000_000);
}
