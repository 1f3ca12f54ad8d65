//! Other people's libraries: Python and Node open and verify what Warifu wrote, and Warifu accepts
//! what they wrote (row D4). Their programs are in `tests/peers`, and follow `docs/protocol.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, also outside of test functions"
)]

#[path = "../common/mod.rs"]
mod common;
mod page;
mod telegrams;
mod trade;
mod written;

use common::{Cast, NOW, Net, own_rule};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use trade::Trade;
use warifu_protocol::{
    derive::KeySource,
    encode::b64,
    rule::Rule,
    signer::{Signer, SigningKey},
    suite::Suite,
    terminal::Terminal,
};
use warifu_types::Role;

const PARTS: [Role; 3] = [Role::Merchant, Role::Issuer, Role::Carrier];

/// The number that `Cast::new` makes each party's keys of.
fn number(role: Role) -> u8 {
    match role {
        Role::Center => 101,
        Role::Holder => 1,
        Role::Merchant => 2,
        Role::Issuer => 3,
        _ => 4,
    }
}

fn terminal(cast: &Cast, role: Role) -> &Terminal {
    match role {
        Role::Holder => &cast.holder,
        Role::Merchant => &cast.merchant,
        Role::Issuer => &cast.issuer,
        _ => &cast.carrier,
    }
}

fn jwk(role: Role, private: bool) -> Value {
    let seed = [number(role); 32];
    let public = SigningKey::from_seed(&seed).verifying_key();
    let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(public.as_bytes()) });
    if private {
        key["d"] = b64(&seed).into();
    }
    key
}

fn source(cast: &Cast, role: Role) -> KeySource {
    cast.holder.source_for(&terminal(cast, role).credential, NOW).unwrap()
}

fn pair(cast: &Cast, role: Role) -> [u8; 32] {
    let peer = terminal(cast, role).id();
    *cast.holder.pair_key(&source(cast, role), peer, None).unwrap().expose()
}

/// A peer's language, and where its program lives.
#[derive(Clone, Copy)]
enum Peer {
    Python,
    Node,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Peer {
    fn run(self, program: &str, folder: &Path) -> Value {
        let root = root();
        let (interpreter, needed, file) = match self {
            Peer::Python => {
                let python = root.join(".venv/bin/python");
                (python.clone(), python, format!("{program}.py"))
            }
            Peer::Node => {
                let library = root.join("tests/peers/node_modules/jose/package.json");
                ("node".into(), library, format!("{program}.mjs"))
            }
        };
        assert!(
            needed.exists(),
            "{} is not there: run ./test once, it installs what the peers need",
            needed.strip_prefix(&root).unwrap().display()
        );
        let output = Command::new(&interpreter)
            .arg(root.join("tests/peers").join(&file))
            .arg(folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap_or_else(|error| {
                panic!("{file} does not start ({error}): run ./test once, it installs the peers")
            });
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file} failed:\n{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn folder(name: &str, content: &Value) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("warifu.json"), content.to_string()).unwrap();
    folder
}

fn peers_open(peer: Peer, name: &str) {
    let trades = [
        (Suite::Kps, Trade::new(Net::kps(), Rule::classic())),
        (Suite::KpsHpke, Trade::new(Net::new(), own_rule())),
    ];
    let suites: Map<String, Value> =
        trades.iter().map(|(suite, trade)| (suite.to_string(), trade.to_json())).collect();
    let folder = folder(name, &json!({ "suites": suites, "writer": { "now": NOW } }));
    let answer = peer.run("open", &folder);
    for (suite, trade) in trades {
        trade.check(&answer[suite.as_str()], &format!("{name}, {suite}"));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn python_opens_what_warifu_wrote() {
    peers_open(Peer::Python, "python opens");
}

#[test]
fn node_opens_what_warifu_wrote() {
    peers_open(Peer::Node, "node opens");
}
