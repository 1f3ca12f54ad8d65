//! A disclosure rule that a merchant's operator writes (row A7).

use crate::{
    program::{bad, good_json},
    town::Town,
};
use serde_json::{Value, json};
use std::fs;

/// The merchant does not learn who buys, and the carrier learns what it carries, for the customs.
const CUSTOMS: &str = r#"
[merchant.own_rules.customs.parts]
merchant = ["item_numbers", "items", "amount", "payment_type", "quote"]
issuer = ["holder_name", "holder_telephone", "card_number", "card_expiry", "amount", "payment_type"]
carrier = ["holder_name", "destination", "items", "amount"]
"#;

/// Writes the merchant's configuration with one more rule.
fn offer(town: &Town, own_rule: &str) {
    let path = town.path("merchant.toml");
    let text = fs::read_to_string(&path).unwrap().replace("rules = [", "rules = [\"customs\", ");
    fs::write(path, text + own_rule).unwrap();
}

#[test]
fn a_purchase_by_a_rule_of_the_operators_own() {
    let mut town = Town::with_member();
    offer(&town, CUSTOMS);
    town.kill("merchant");
    town.start("merchant");
    let url = town.url("merchant");
    // What the rule gives to whom stands in the form, and the terminal shows it.
    let form = ["form", "--merchant", &url, "--rule", "customs", "--out", "customs.form"];
    let shown = town.holder(&form);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "rule  customs");
    assert!(lines.contains(&"carrier  holder_name destination items amount"), "{shown}");
    let asked: Vec<&&str> = lines.iter().filter(|line| line.contains("--allow")).collect();
    assert_eq!(asked.len(), 2, "{shown}");
    assert!(asked[0].contains("--allow carrier:items "), "{shown}");
    // Without her consent nothing is sealed.
    let buy = ["buy", "--merchant", &url, "--rule", "customs", "--item", "T-100"];
    let more = ["--destination", "山田太郎 京都市左京区 4-5-6", "--wait", "60", "--json"];
    let buy = [&buy[..], &more].concat();
    let line = town.holder_fails(&buy);
    assert!(line.contains("the form gives items to the carrier"), "{line}");
    assert_eq!(town.holder_json(&["orders"]), json!([]));
    let consent = ["--allow", "carrier:items", "--allow", "carrier:amount"];
    let printed = town.holder(&[&buy[..], &consent].concat());
    let order: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(order["state"], "settled", "{order}");
    // What each party then reads, the tapped network shows for the same rule.
    let orders = good_json(town.folder(), &["merchant", "orders", "--config", "merchant.toml"]);
    assert_eq!((&orders[0]["rule"], &orders[0]["state"]), (&json!("customs"), &json!("settled")));
}

#[test]
fn a_merchant_does_not_start_with_a_rule_that_nobody_may_follow() {
    let mut town = Town::open();
    offer(&town, &CUSTOMS.replace("\"payment_type\", \"quote\"", "\"card_number\", \"quote\""));
    town.kill("merchant");
    let line = bad(town.folder(), &["serve", "merchant", "--config", "merchant.toml"]);
    let field = "merchant.own_rules.customs.parts.merchant.card_number: ";
    assert!(line.contains(field), "{line}");
}
