//! The layout holds: which crate may depend on which, and which sources have no world of their own.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const ROLES: [&str; 8] =
    ["center", "issuer", "merchant", "carrier", "observer", "holder", "broker", "registry"];
const ROLE_MAY: &[&str] = &["types", "keydist", "protocol", "ports", "ledger", "wire"];
/// A person sits at these roles' terminals, whose secrets are in a vault.
const TERMINAL_MAY: &[&str] = &["types", "keydist", "protocol", "ports", "ledger", "wire", "vault"];

/// What a crate of the workspace may depend on inside it, or `None` for a crate that the layout
/// does not know. The program, `warifu`, composes everything.
fn allowed(crate_name: &str) -> Option<&'static [&'static str]> {
    Some(match crate_name {
        "types" | "testkit" => &[],
        "keydist" | "ledger" => &["types"],
        "protocol" => &["types", "keydist"],
        "vault" => &["types", "keydist", "protocol"],
        "ports" => &["types", "ledger", "protocol"],
        "store" | "gateways" => &["types", "ledger", "ports"],
        "wire" => &["types", "keydist", "protocol", "ports"],
        "merchant" | "holder" => TERMINAL_MAY,
        role if ROLES.contains(&role) => ROLE_MAY,
        _ => return None,
    })
}

/// What breaks the rule in the output of `cargo metadata --no-deps`.
fn forbidden_edges(metadata: &Value) -> Vec<String> {
    metadata["packages"].as_array().unwrap().iter().flat_map(faults_of).collect()
}

fn faults_of(package: &Value) -> Vec<String> {
    let name = short(package);
    let dependencies = package["dependencies"].as_array().unwrap();
    let inside = dependencies
        .iter()
        .map(|dependency| (short(dependency), dependency["kind"] == "dev"))
        .filter(|(target, _)| *target == "warifu" || allowed(target).is_some());
    let Some(may) = allowed(name) else {
        return match name {
            "warifu" => inside
                .filter(|(target, in_tests)| *target == "testkit" && !in_tests)
                .map(|(target, _)| format!("{name} -> {target}"))
                .collect(),
            _ => vec![format!("{name} is not in the layout")],
        };
    };
    inside
        .filter(|(target, in_tests)| {
            // A crate's tests may stand on others, but never on another party or the whole.
            let tests_may = !ROLES.contains(target) && *target != "warifu" && name != "testkit";
            !may.contains(target) && (!in_tests || !tests_may)
        })
        .map(|(target, _)| format!("{name} -> {target}"))
        .collect()
}

/// The name of a package or a dependency, without the workspace's prefix.
fn short(named: &Value) -> &str {
    let name = named["name"].as_str().unwrap();
    name.strip_prefix("warifu-").unwrap_or(name)
}

/// Words that give away a socket, a file, a clock, randomness, or the process's environment.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "tokio",
    "reqwest",
    "axum",
    "rusqlite",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "rand::",
    "OsRng",
    "SysRng",
];
/// The modules of the standard library among them, as a grouped `use std::{…}` names them.
const WORLD_IN_STD: &[&str] = &["fs", "net", "env", "process"];

/// Where a source text reaches for the world: line number and word. Comments, and a module of tests
/// that closes the file, are not the program.
fn reaches_world(source: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut in_std_group = false;
    let lines: Vec<&str> = source.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).map_or("", |next| next.trim());
        if line.trim() == "#[cfg(test)]" && next.starts_with("mod ") && next.contains('{') {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        let start = code.trim_start().trim_start_matches("pub ");
        in_std_group |= start.starts_with("use std::{");
        let hits = WORLD.iter().filter(|word| has_word(code, word));
        let in_group = WORLD_IN_STD.iter().filter(|word| in_std_group && has_word(code, word));
        found.extend(hits.chain(in_group).map(|word| (index + 1, *word)));
        in_std_group &= !code.contains(';');
    }
    found
}

/// Whether the word stands in the code, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part_of_name)
            && (word.ends_with(':') || !after.is_some_and(part_of_name))
    })
}

fn crates() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All Rust files below a folder, which may not exist, but for modules of tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The sources that may not reach for the world: four crates, and every crate's `rules`.
fn worldless_sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let source = folder.join("src");
        if ["types", "keydist", "protocol", "ledger"].contains(&name) {
            files.extend(rust_files(&source));
        } else {
            files.extend(rust_files(&source.join("rules")));
            files.extend(Some(source.join("rules.rs")).filter(|path| path.exists()));
        }
    }
    files
}

#[test]
fn crates_depend_only_where_the_layout_lets_them() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| env!("CARGO").to_string());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(crates().parent().unwrap().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metadata["packages"].as_array().unwrap().len() >= 15);
    assert_eq!(forbidden_edges(&metadata), Vec::<String>::new());
}

#[test]
fn decisions_reach_for_nothing_outside() {
    let sources = worldless_sources();
    assert!(sources.len() >= 4, "{sources:?}");
    let mut faults = Vec::new();
    for path in sources {
        for (line, word) in reaches_world(&fs::read_to_string(&path).unwrap()) {
            faults.push(format!("{}:{line}: {word}", path.display()));
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

fn edges(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
    forbidden_edges(&serde_json::json!({"packages": [{
        "name": from,
        "dependencies": [{"name": "serde", "kind": null}, {"name": to, "kind": kind}],
    }]}))
}

#[test]
fn a_planted_edge_is_found() {
    for (from, to, kind) in [
        ("warifu-types", "warifu-keydist", None),
        ("warifu-keydist", "warifu-protocol", None),
        ("warifu-ledger", "warifu-ports", None),
        ("warifu-protocol", "warifu-wire", None),
        ("warifu-store", "warifu-wire", None),
        ("warifu-merchant", "warifu-issuer", None),
        ("warifu-merchant", "warifu-issuer", Some("dev")),
        ("warifu-merchant", "warifu-store", None),
        ("warifu-merchant", "warifu-store", Some("build")),
        ("warifu-merchant", "warifu-testkit", None),
        ("warifu-issuer", "warifu-vault", None),
        ("warifu-vault", "warifu-wire", None),
        ("warifu-testkit", "warifu-types", None),
        ("warifu-testkit", "warifu-types", Some("dev")),
        ("warifu-holder", "warifu", None),
        ("warifu-holder", "warifu", Some("dev")),
        ("warifu-surprise", "serde", None),
        ("surprise", "serde", None),
        ("warifu", "warifu-testkit", None),
    ] {
        assert_eq!(edges(from, to, kind).len(), 1, "{from} -> {to} {kind:?}");
    }
}

#[test]
fn an_allowed_edge_passes() {
    for (from, to, kind) in [
        ("warifu-merchant", "warifu-wire", None),
        ("warifu-merchant", "warifu-store", Some("dev")),
        ("warifu-merchant", "warifu-testkit", Some("dev")),
        ("warifu-holder", "warifu-vault", None),
        ("warifu-merchant", "warifu-vault", None),
        ("warifu-vault", "warifu-protocol", None),
        ("warifu-store", "warifu-ports", None),
        ("warifu", "warifu-store", None),
        ("warifu", "warifu-testkit", Some("dev")),
    ] {
        assert_eq!(edges(from, to, kind), Vec::<String>::new());
    }
}

#[test]
fn a_planted_reach_is_found() {
    for source in [
        "use std::fs;",
        "let s = std::net::TcpStream::connect(a)?;",
        "use std::{collections::BTreeMap, fs::File};",
        "pub use std::{\n    fmt,\n    env,\n};",
        "use tokio::sync::mpsc;",
        "reqwest::get(u).await",
        "use axum::Router;",
        "let now = SystemTime::now();",
        "let now = Instant::now();",
        "getrandom::fill(&mut id)?;",
        "let id: u64 = rand::random();",
        "OsRng.fill_bytes(&mut id)",
        "std::env::var(\"X\")",
        "std::process::exit(1)",
        "#[cfg(test)]\nmod tests;\nuse std::fs;",
    ] {
        assert_eq!(reaches_world(source).len(), 1, "{source}");
    }
}

#[test]
fn a_source_without_a_reach_passes() {
    for source in [
        "//! Times come as arguments, not from SystemTime.",
        "fn refuse(order: &Order, now: Time) -> Result<(), Refusal> {",
        "let instant = order.instant; let axum_like = 1; operand::add(a)",
        "use std::{fmt, str::FromStr};\nlet net = gross - tax;",
        "fn rule() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
    ] {
        assert_eq!(reaches_world(source), [], "{source}");
    }
}
