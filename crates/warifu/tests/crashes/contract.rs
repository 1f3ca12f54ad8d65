//! The command line's contract: exit code 0 on success, 1 on failure with one clear line, 2 on wrong
//! usage; `--json` prints one JSON document and nothing else.

use crate::{
    program::{bad, good, good_json, run},
    town::Town,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn from_nothing_to_a_delivery() {
    let town = Town::open();
    let folder = town.folder();
    let mut arguments = town.buy("T-100:2", "minimal");
    arguments.push("--json".to_string());
    let order = good_json(folder, &strs(&arguments));
    assert_eq!(keys(&order), ["order", "merchant", "sealed_at", "state", "reason"].into());
    assert_eq!(order["state"], "settled");
    assert_eq!(order["merchant"], "domain:merchant.town.example");
    let listed = good_json(folder, &["holder", "orders", "--data", "hanako", "--json"]);
    assert_eq!(listed, Value::from(vec![order.clone()]));
    let at_merchant = good_json(folder, &["merchant", "orders", "--config", "merchant.toml"]);
    assert_eq!(at_merchant[0]["order"], order["order"]);
    assert_eq!(at_merchant[0]["state"], "settled");
    let at_carrier = good_json(folder, &["carrier", "deliveries", "--config", "carrier.toml"]);
    assert_eq!(at_carrier[0]["order"], order["order"]);
    assert_eq!(at_carrier[0]["state"], "delivered");
    let cards = good_json(folder, &["issuer", "cards", "--config", "issuer.toml"]);
    assert_eq!(cards[0]["masked"], "**** 1111");
    let id = order["order"].as_str().unwrap();
    good(
        folder,
        &["holder", "receipt", "--data", "hanako", "--order", id, "--out", "receipt.json"],
    );
    let receipt: Value =
        serde_json::from_str(&fs::read_to_string(town.path("receipt.json")).unwrap()).unwrap();
    assert!(receipt["status"].is_string());
    let text = good(folder, &["holder", "orders", "--data", "hanako"]);
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains(id) && text.contains("settled"));
    good(folder, &["holder", "resume", "--data", "hanako"]);
}

#[test]
fn an_order_from_a_form_in_a_file() {
    let town = Town::open();
    let url = town.url("merchant");
    good(
        town.folder(),
        &["holder", "form", "--data", "hanako", "--merchant", &url, "--out", "form.json"],
    );
    let mut arguments = town.buy("T-300", "minimal");
    arguments.extend(["--form", "form.json"].map(str::to_string));
    let text = good(town.folder(), &strs(&arguments));
    assert!(text.contains("settled"), "{text}");
}

/// A refusal is the answer to a purchase, and a failure of the command.
fn refused_by_the_issuer(town: &Town) {
    let mut arguments = town.buy("GOLD", "minimal");
    arguments.push("--json".to_string());
    let output = run(town.folder(), &strs(&arguments));
    assert_eq!(output.status.code(), Some(1));
    let order: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(order["state"], "refused");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line, "warifu: order: refused: limit_exceeded\n");
}

#[test]
fn failures_are_one_clear_line() {
    let mut town = Town::open();
    let buy = |item: &str, more: &[&str]| {
        let mut arguments = town.buy(item, "minimal");
        arguments.extend(more.iter().map(|text| (*text).to_string()));
        bad(town.folder(), &strs(&arguments))
    };
    refused_by_the_issuer(&town);
    assert!(buy("T-999", &[]).contains("items[0].number"));
    assert!(buy("T-100:x", &[]).contains("T-100:x"));
    assert!(buy("T-100:0", &[]).contains("quantity"));
    let impostor = buy("T-100", &["--identifier", "domain:other.town.example"]);
    assert!(impostor.contains("form.iss"), "{impostor}");
    assert!(buy("T-100", &["--card", "none"]).contains("card"));
    assert!(buy("T-100", &["--payment", "instalments:99"]).contains("payment_type"));
    assert!(buy("T-100", &["--allow", "merchant"]).contains("allow"));
    assert!(buy("T-100", &["--form", "no-such-file"]).contains("no-such-file"));
    town.kill("merchant");
    let arguments = town.buy("T-100", "minimal");
    bad(town.folder(), &strs(&arguments));
    // Nothing of all this was ordered but the gold.
    let orders = good_json(town.folder(), &["holder", "orders", "--data", "hanako", "--json"]);
    let orders = orders.as_array().unwrap();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(orders[0]["state"], "refused");
    assert!(orders[0]["reason"].is_string());
}

#[test]
fn an_order_that_the_shop_cannot_fill_holds_nothing_up() {
    let mut town = Town::open();
    let folder = town.folder();
    good(folder, &strs(&town.buy("T-100:99000", "no-carrier")));
    let line = bad(folder, &strs(&town.buy("T-100:99000", "no-carrier")));
    assert!(line.contains("stock of T-100"), "{line}");
    let line = bad(folder, &strs(&town.buy("T-100:99000", "direct")));
    assert!(line.contains("stock of T-100"), "{line}");
    // That is their end: there is nothing to take up.
    assert_eq!(states(&town), ["refused", "refused", "settled"]);
    assert_eq!(good(folder, &["holder", "resume", "--data", "hanako"]), "");
    // Another one waits for an issuer that is not there, and goes on when it is back.
    town.kill("issuer");
    let mut arguments = town.buy("T-200", "no-carrier");
    arguments.extend(["--wait", "0"].map(str::to_string));
    good(town.folder(), &strs(&arguments));
    assert_eq!(states(&town), ["ordered", "refused", "refused", "settled"]);
    town.start("issuer");
    let started = Instant::now();
    while states(&town) != ["refused", "refused", "settled", "settled"] {
        good(town.folder(), &["holder", "resume", "--data", "hanako"]);
        assert!(started.elapsed() < Duration::from_secs(20));
        sleep(Duration::from_millis(50));
    }
}

/// The states of the buyer's orders, sorted.
fn states(town: &Town) -> Vec<String> {
    let orders = good_json(town.folder(), &["holder", "orders", "--data", "hanako", "--json"]);
    let state = |order: &Value| order["state"].as_str().unwrap_or("none").to_string();
    let mut states: Vec<String> = orders.as_array().unwrap().iter().map(state).collect();
    states.sort();
    states
}

#[test]
fn a_wrong_fingerprint_and_a_wrong_desk_are_refused() {
    let town = Town::found();
    let folder = town.folder();
    town.request_holder();
    let wrong = town.fingerprint.replace(|c: char| c.is_ascii_digit(), "a");
    let line = bad(
        folder,
        &[
            "holder",
            "accept",
            "--data",
            "hanako",
            "--enrolment",
            "hanako.enrolment",
            "--fingerprint",
            &wrong,
        ],
    );
    assert!(line.contains("fingerprint") && line.contains(&town.fingerprint), "{line}");
    let line = bad(folder, &["holder", "orders", "--data", "hanako"]);
    assert!(line.contains("not enrolled"), "{line}");
    bad(
        folder,
        &["center", "admit", "--data", "center", "--request", "hanako.request", "--out", "x"],
    );
    bad(
        folder,
        &["center", "issue", "--data", "center", "--request", "issuer.request", "--out", "x"],
    );
    assert!(!town.path("x").exists());
}

#[test]
fn a_bad_configuration_names_the_key() {
    let town = Town::found();
    let folder = town.folder();
    let good_one = fs::read_to_string(town.path("issuer.toml")).unwrap();
    for (from, to, named) in [
        ("listen", "lisen", "lisen"),
        ("listen = \"127.0.0.1:", "listen = \"nowhere:", "listen"),
        ("identifier = \"domain:issuer", "identifier = \"issuer", "identifier"),
        ("data = \"issuer\"", "data = \"elsewhere\"", "elsewhere"),
        ("key_file = \"issuer/warifu.key\"", "key_file = \"center/warifu.key\"", "key"),
        ("data = ", "data ", "issuer.toml"),
    ] {
        fs::write(town.path("bad.toml"), good_one.replacen(from, to, 1)).unwrap();
        let line = bad(folder, &["serve", "issuer", "--config", "bad.toml"]);
        assert!(line.contains(named) || line.contains("bad.toml"), "{to}: {line}");
        if named != "issuer.toml" {
            assert!(line.contains(named), "{to}: {line}");
        }
    }
    assert!(bad(folder, &["serve", "issuer", "--config", "none.toml"]).contains("none.toml"));
    let line = bad(folder, &["serve", "carrier", "--config", "issuer.toml"]);
    assert!(line.contains("carrier"), "{line}");
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in [
        &["serve"][..],
        &["serve", "holder", "--config", "x"],
        &["serve", "nobody", "--config", "x"],
        &["serve", "issuer"],
        &["holder", "buy"],
        &["holder", "buy", "--data", "x", "--merchant", "y", "--item", "a", "--zone", "b"],
        &["holder", "init", "--data", "x", "--identifier", "hanako"],
        &["center", "init", "--data", "x"],
        &["merchant", "cancel", "--config", "x", "--order", "short"],
    ] {
        let output = run(folder.path(), wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    for right in [&["--help"][..], &["--version"], &["holder", "--help"]] {
        assert_eq!(run(folder.path(), right).status.code(), Some(0), "{right:?}");
    }
}
