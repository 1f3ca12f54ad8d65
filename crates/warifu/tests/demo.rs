//! `warifu demo`, as a person and as a script see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/disclosure.rs"]
mod disclosure;

use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output},
};

/// A kind, its rule, and each party with its state.
type Kind = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Kind, rule, and the parties with the state that each comes to.
const KINDS: [Kind; 10] = [
    (
        "card",
        "minimal",
        &[("merchant", "settled"), ("issuer", "settled"), ("carrier", "delivered")],
    ),
    (
        "card-classic",
        "classic",
        &[("merchant", "settled"), ("issuer", "settled"), ("carrier", "delivered")],
    ),
    ("card-no-carrier", "no-carrier", &[("merchant", "settled"), ("issuer", "settled")]),
    (
        "card-direct-issuer",
        "direct",
        &[("merchant", "settled"), ("issuer", "settled"), ("carrier", "delivered")],
    ),
    (
        "card-gateway",
        "gateway",
        &[
            ("merchant", "settled"),
            ("issuer", "settled"),
            ("carrier", "delivered"),
            ("gateway", "authorized"),
        ],
    ),
    ("badge", "badge", &[("door", "delivered"), ("card_manager", "authorized")]),
    (
        "prepaid-later",
        "prepaid",
        &[("merchant", "settled"), ("center", "settled"), ("carrier", "delivered")],
    ),
    ("prepaid-download", "prepaid-download", &[("merchant", "settled"), ("center", "settled")]),
    ("prepaid-metered", "prepaid-metered", &[("merchant", "settled"), ("center", "settled")]),
    (
        "broker",
        "broker",
        &[
            ("broker", "settled"),
            ("registry", "dispatched"),
            ("merchant", "settled"),
            ("issuer", "settled"),
        ],
    ),
];

fn warifu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warifu")).args(arguments).output().unwrap()
}

/// The one document that a command prints.
fn json(arguments: &[&str]) -> Value {
    let output = warifu(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap_or_else(|| panic!("{object} is no object"))
        .keys()
        .map(String::as_str)
        .collect()
}

fn named<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    names.into()
}

#[test]
fn the_transcript_shows_each_party_its_own_fields() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let report = json(&["demo", "--once", "--json", "--data", data]);
    assert_eq!(keys(&report), named(["purchases"]));
    let purchases = report["purchases"].as_array().unwrap();
    let kinds: Vec<_> =
        purchases.iter().map(|purchase| purchase["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, KINDS.map(|(kind, _, _)| kind));
    let mut orders = BTreeSet::new();
    for (purchase, (kind, rule, states)) in purchases.iter().zip(KINDS) {
        assert_eq!(keys(purchase), named(["kind", "rule", "order", "parties", "states"]));
        assert_eq!(purchase["rule"], rule, "{kind}");
        let order = purchase["order"].as_str().unwrap();
        assert!(order.len() == 43 && orders.insert(order), "{kind}: {order}");
        let expected: Map<String, Value> = states
            .iter()
            .map(|(party, state)| ((*party).to_string(), Value::from(*state)))
            .collect();
        assert_eq!(purchase["states"], Value::from(expected), "{kind}");
        check_views(kind, rule, &purchase["parties"]);
    }
    check_money(folder.path());
}

/// What came in at the demonstration's bank and post office: a card was issued for each of it.
fn check_money(folder: &Path) {
    let (data, key) = (folder.join("center"), folder.join("keys").join("center.key"));
    let at = ["--data", data.to_str().unwrap(), "--key-file", key.to_str().unwrap()];
    let money = json(&[&["center", "money"][..], &at].concat());
    let came = money.as_array().unwrap().iter().map(|money| {
        let (received, outcome) = (&money["received"], &money["outcome"]);
        assert_eq!(*outcome, serde_json::json!({"issued": {}}), "{money}");
        let text = |field: &str| received[field].as_str().unwrap().to_string();
        (text("id"), text("way"), received["amount"]["minor"].as_u64().unwrap())
    });
    let expected = [
        ("bank/B-000001", "transfer", 3000),
        ("post-office/P-000001", "pay_in", 2000),
        ("post-office/P-000002", "registered_mail", 1000),
    ];
    let expected = expected.map(|(id, way, yen)| (id.to_string(), way.to_string(), yen));
    assert_eq!(came.collect::<Vec<_>>(), expected);
}

/// Each party reads exactly the fields of its part, and all others are sealed to it.
fn check_views(kind: &str, rule: &str, parties: &Value) {
    let parts = disclosure::parts(rule);
    assert_eq!(keys(parties), parts.iter().map(|(party, _)| *party).collect(), "{kind}");
    let all: BTreeSet<&str> = parts.iter().flat_map(|(_, fields)| fields.iter().copied()).collect();
    for (party, fields) in parts {
        let report = &parties[party];
        assert_eq!(keys(report), named(["view", "sealed"]), "{kind}: {party}");
        let own: BTreeSet<&str> = fields.iter().copied().collect();
        assert_eq!(keys(&report["view"]), own, "{kind}: {party}");
        let sealed = report["sealed"].as_array().unwrap();
        let listed: BTreeSet<&str> = sealed.iter().map(|field| field.as_str().unwrap()).collect();
        assert_eq!(listed.len(), sealed.len(), "{kind}: {party}");
        assert_eq!(listed, all.difference(&own).copied().collect(), "{kind}: {party}");
        for (field, value) in report["view"].as_object().unwrap() {
            check_value(field, value);
        }
    }
    check_shared(kind, parts, parties);
}

/// Values are strings; amounts `{"minor", "currency"}`.
fn check_value(field: &str, value: &Value) {
    if field == "amount" {
        assert_eq!(keys(value), named(["minor", "currency"]));
        assert!(value["minor"].as_u64().unwrap() > 0);
        assert!(["JPY", "EUR", "USD"].contains(&value["currency"].as_str().unwrap()));
    } else {
        assert!(
            !value.as_str().unwrap_or_else(|| panic!("{field}: {value}")).is_empty(),
            "{field}"
        );
    }
}

/// What two parties both read is the same.
fn check_shared(kind: &str, parts: &[disclosure::Part], parties: &Value) {
    for (party, fields) in parts {
        for (other, others) in parts {
            for field in fields.iter().filter(|field| others.contains(field)) {
                let (one, two) = (&parties[party]["view"][field], &parties[other]["view"][field]);
                assert_eq!(one, two, "{kind}: {field} of {party} and {other}");
            }
        }
    }
}

#[test]
fn without_json_it_prints_a_table_for_each_kind() {
    let output = warifu(&["demo", "--once"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let tables: Vec<&str> = text.split("\n\n").collect();
    for (table, (kind, rule, states)) in tables.iter().zip(KINDS) {
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with(&format!("{kind} — rule {rule}, order ")), "{table}");
        for (party, _) in states {
            assert!(lines[1].contains(party), "{table}");
        }
        let last = lines.last().unwrap();
        assert!(last.trim_start().starts_with("state"), "{table}");
        for (_, state) in states {
            assert!(last.contains(state), "{table}");
        }
        let fields: BTreeSet<&str> =
            disclosure::parts(rule).iter().flat_map(|(_, fields)| fields.iter().copied()).collect();
        let rows: BTreeSet<&str> = lines[2..lines.len() - 1]
            .iter()
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        assert_eq!(rows, fields, "{table}");
        // A merchant never sees a card, so something is sealed in every table but none is empty.
        assert!(table.contains("▒▒▒"), "{table}");
    }
    assert_eq!(tables.len(), KINDS.len() + 1, "{text}");
}

#[test]
fn wrong_usage_exits_with_2() {
    for wrong in [
        &["demo", "--twice"][..],
        &["demo", "--json=yes"],
        &["demo", "more"],
        &["demonstrate"],
        &[],
    ] {
        let output = warifu(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_one_clear_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    std::fs::write(&file, "not a folder").unwrap();
    let output = warifu(&["demo", "--once", "--data", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("warifu: ") && text.contains("occupied"), "{text}");
}
