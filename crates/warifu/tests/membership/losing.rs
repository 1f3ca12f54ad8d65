//! A lost terminal: its key is revoked, a new letter comes, and a new vault has the cards again.

use crate::town::{PASSWORDS, Town, fails, went_well};
use serde_json::Value;

/// The operator revokes her key and makes a letter; she joins in a new vault with it.
fn join_again(town: &Town) -> String {
    town.center("revoke", &["M-000001"]);
    town.center("letter", &["M-000001", "--out", "letter.html"]);
    went_well(&town.try_register(&town.read_letter(), &[]))
}

#[test]
fn a_new_vault_has_the_cards_of_the_lost_one() {
    let town = Town::with_prepaid("5000");
    town.holder(&["top-up", "--amount", "700", "--card", "card", "--onto", "second"]);
    town.buy();
    let before = town.holder_json(&["cards"]);
    town.move_vault("hanako.vault", "lost.vault");
    let printed = join_again(&town);
    assert!(printed.starts_with("registered   M-000001\n"), "{printed}");
    assert_eq!(printed.matches("loaded").count(), 2, "{printed}");
    // The same cards, with labels of the new vault's own.
    let documents = |cards: &Value| {
        let mut cards = cards.as_array().unwrap().clone();
        cards.iter_mut().for_each(|card| {
            for own in ["card", "balance", "balance_at"] {
                card.as_object_mut().unwrap().remove(own);
            }
        });
        cards.sort_by_key(|card| card["loaded"]["minor"].as_u64());
        cards
    };
    assert_eq!(documents(&town.holder_json(&["cards"])), documents(&before));
    assert_eq!(town.balance(), 3020);
    town.buy();
    assert_eq!(town.balance(), 1040);
    // Whoever has the lost one gets nothing with it, not even with its passwords.
    for command in [&["cards", "--refresh"][..], &["balance"]] {
        let line = fails(&town.type_holder_at("lost.vault", command, PASSWORDS));
        assert!(line.contains("revoked"), "{command:?}: {line}");
    }
}

#[test]
fn a_card_whose_money_comes_after_the_loss_is_asked_for() {
    let town = Town::with_member();
    town.holder(&["top-up", "--amount", "3000", "--by", "transfer"]);
    let standing = town.holder_json(&["top-up-status"]);
    let reference = standing[0]["standing"]["waiting"]["reference"].as_str().unwrap().to_string();
    town.move_vault("hanako.vault", "lost.vault");
    assert_eq!(join_again(&town), "registered   M-000001\n");
    let money = ["--id", "bank-1", "--amount", "3000", "--way", "transfer", "--reference"];
    town.center("money-received", &[&money[..], &[&reference]].concat());
    assert_eq!(town.holder_json(&["cards"]), serde_json::json!([]));
    for _ in 0..2 {
        let cards = town.holder_json(&["cards", "--refresh"]);
        assert_eq!((&cards[0]["card"], &cards[0]["good"]), (&"prepaid".into(), &true.into()));
        assert_eq!(cards.as_array().unwrap().len(), 1, "{cards}");
    }
    assert_eq!(town.balance(), 3000);
}

#[test]
fn a_registration_stands_though_the_cards_do_not_come() {
    let town = Town::with_prepaid("5000");
    town.move_vault("hanako.vault", "lost.vault");
    town.center("revoke", &["M-000001"]);
    town.center("letter", &["M-000001", "--out", "letter.html"]);
    let letter = town.read_letter();
    went_well(&town.try_register(&letter, &["--later"]));
    // The registration is answered, and the question after it is not.
    town.proxy.lose_answer_after(1);
    let output = town.type_holder(&["join", "send"], PASSWORDS);
    assert_eq!(went_well(&output), "registered   M-000001\n");
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("cards --refresh") && town.proxy.has_lost(), "{notes}");
    let cards = town.holder_json(&["cards", "--refresh"]);
    assert_eq!(cards[0]["loaded"]["minor"], 5000);
}
