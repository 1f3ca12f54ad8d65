//! A buyer that shares no code with this program: `tests/peers/buyer.py`, in Python and after
//! `docs/protocol.md`, enrols itself, meets the merchant, and buys, all at running services (row D4).

use crate::{
    program::{good, good_json},
    town::{Town, identifier},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const BUYER: &str = "mail:otto@buyer.example";
const NAME: &str = "Otto Grünwald";
const TELEPHONE: &str = "+49-30-5555-0177";
const CARD: &str = "4532719406835722";

fn issue_card(town: &Town) {
    let application = json!({
        "kind": "credit", "card_number": CARD, "expiry": "2031-08", "holder": BUYER,
        "holder_name": NAME, "holder_telephone": TELEPHONE,
        "limits": [{"minor": 500_000, "currency": "JPY"}], "zones": [], "max_instalments": 12,
    });
    fs::write(town.path("otto.json"), application.to_string()).unwrap();
    let add = ["issuer", "add-card", "--config", "issuer.toml", "--application", "otto.json"];
    good(town.folder(), &add);
}

/// Runs the Python program; what it was told.
fn python_buys(town: &Town) -> Value {
    let wanted = json!({
        "identifier": BUYER, "center": town.url("center"), "fingerprint": town.fingerprint,
        "merchant": town.url("merchant"), "issuer": identifier("issuer"),
        "items": [{"number": "T-100", "quantity": 2}],
        "values": {
            "holder_name": NAME, "holder_telephone": TELEPHONE, "holder_fax": "",
            "card_number": CARD, "card_expiry": "2031-08",
            "destination": "Anna Grünwald, 10115 Berlin",
        },
    });
    fs::write(town.path("wanted.json"), wanted.to_string()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let python = root.join(".venv/bin/python");
    assert!(
        python.exists(),
        ".venv is not there: run ./test once, it installs what the peers need"
    );
    let output = Command::new(python)
        .arg(root.join("tests/peers/buyer.py"))
        .arg(town.path("wanted.json"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "buyer.py failed:\n{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_buyer_of_another_make_enrols_meets_and_buys() {
    let mut town = Town::open();
    town.set_center("[desk]\nopen = true\n");
    issue_card(&town);
    let told = python_buys(&town);
    assert_eq!(told["bought"]["state"], "settled", "{told}");
    assert_eq!(told["bought"]["total"], json!({"minor": 3960, "currency": "JPY"}));
    let orders = good_json(town.folder(), &["merchant", "orders", "--config", "merchant.toml"]);
    assert_eq!(orders.as_array().unwrap().len(), 1, "{orders}");
    assert_eq!(
        (&orders[0]["order"], &orders[0]["state"]),
        (&told["bought"]["order"], &json!("settled"))
    );
    // It has also tried what it may not.
    let cheating = &told["cheating"];
    assert_eq!(cheating["spoilt"], json!(["impostor", "confirm.proof"]), "{told}");
    assert_eq!(cheating["altered"], json!(["sealed_wrong", "session"]), "{told}");
    assert_eq!(cheating["unknown"], json!(["not_found", "order"]), "{told}");
    assert_eq!(cheating["twice"], json!(["replayed", "session.seq"]), "{told}");
}
