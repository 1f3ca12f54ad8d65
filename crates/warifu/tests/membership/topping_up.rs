//! Value on a prepaid card (rows B7, B8).

use crate::town::{Town, fails};

#[test]
fn a_card_by_an_issuers_credit() {
    let mut town = Town::with_member();
    let printed = town.holder(&["top-up", "--amount", "10000", "--card", "card"]);
    assert!(printed.contains("issued") && printed.contains("loaded 10000 JPY"), "{printed}");
    assert_eq!(town.balance(), 10_000);
    // Again, onto the same card.
    let again = town.holder_json(&["top-up", "--amount", "500", "--card", "card"]);
    assert_eq!(again["standing"], serde_json::json!({"issued": {}}), "{again}");
    assert_eq!(town.balance(), 10_500);
    // What the card proves, it proves without anyone.
    town.kill_all();
    let cards = town.holder_json(&["cards"]);
    assert_eq!(cards.as_array().unwrap().len(), 1, "{cards}");
    assert_eq!((&cards[0]["good"], &cards[0]["serial"]), (&true.into(), &2.into()), "{cards}");
    assert_eq!(cards[0]["loaded"]["minor"], 10_500);
    let history = town.history();
    let kinds: Vec<&str> = history.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["note", "top_up", "top_up"]);
    assert_eq!(history[1]["amount"]["minor"], 10_000);
}

#[test]
fn refused_credit_issues_no_card() {
    let town = Town::with_member();
    // Beyond what the center lets one card hold.
    let output = town
        .type_holder(&["top-up", "--amount", "60000", "--card", "card"], crate::town::PASSWORDS);
    assert!(fails(&output).contains("card_limit_exceeded"), "{output:?}");
    assert_eq!(town.holder_json(&["cards"]), serde_json::json!([]));
    // A label that is another card's.
    let line =
        town.holder_fails(&["top-up", "--amount", "1", "--by", "transfer", "--onto", "card"]);
    assert!(line.contains("label of another card"), "{line}");
    assert_eq!(town.history().len(), 1);
}

#[test]
fn money_that_comes_later_brings_the_card() {
    let mut town = Town::with_member();
    // Prepared while the center is away, sent when it is back.
    town.kill("center");
    let asked = town.holder_json(&["top-up", "--amount", "3000", "--by", "transfer", "--later"]);
    assert_eq!(asked["standing"], serde_json::json!({"asked": {}}), "{asked}");
    town.start("center");
    town.holder(&["resume"]);
    let standing = town.holder_json(&["top-up-status"]);
    let reference = standing[0]["standing"]["waiting"]["reference"].as_str().unwrap().to_string();
    assert_eq!(town.holder_json(&["cards"]), serde_json::json!([]));
    let money = ["--id", "bank-1", "--amount", "3000", "--way", "transfer", "--reference"];
    for _ in 0..2 {
        town.center("money-received", &[&money[..], &[&reference]].concat());
    }
    let standing = town.holder_json(&["top-up-status"]);
    assert_eq!(standing[0]["standing"], serde_json::json!({"issued": {}}), "{standing}");
    assert_eq!(town.balance(), 3000);
}
