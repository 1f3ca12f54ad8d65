//! A prepaid card's document, checked by somebody who is no member (row B8).

use crate::{
    program::{bad, good, good_json},
    town::Town,
};
use std::fs;

#[test]
fn anybody_checks_a_card_with_the_fingerprint() {
    let mut town = Town::with_prepaid("5000");
    town.holder(&["cards", "--export", "prepaid", "--out", "card.txt"]);
    assert_eq!(
        town.holder(&["cards", "--export", "prepaid"]).trim(),
        fs::read_to_string(town.path("card.txt")).unwrap()
    );
    let line = town.holder_fails(&["cards", "--export", "other"]);
    assert!(line.contains("prepaid card"), "{line}");
    let url = town.url("center");
    let fingerprint = town.fingerprint.clone();
    let told = ["--document", "card.txt", "--fingerprint", &fingerprint];
    let check = [&["check-card"][..], &told].concat();
    let printed = good(town.folder(), &[&check[..], &["--center", &url]].concat());
    assert!(printed.contains("loaded       5000 JPY in all, by load number 1"), "{printed}");
    assert!(printed.contains("name:M-000001") && printed.contains("It does not prove"));
    // Offline, with a guide from before.
    good(town.folder(), &["holder", "join", "guide", "--center", &url, "--out", "guide.json"]);
    town.kill_all();
    let offline = [&check[..], &["--guide", "guide.json"]].concat();
    let checked = good_json(town.folder(), &[&offline[..], &["--json"]].concat());
    assert_eq!((&checked["good"], &checked["serial"]), (&true.into(), &1.into()), "{checked}");
    // A member has the pinned key.
    let checked = town.holder_json(&["cards", "--check", "card.txt"]);
    assert_eq!(checked["loaded"]["minor"], 5000);
}

#[test]
fn a_card_that_is_not_the_centers_is_refused() {
    let town = Town::with_prepaid("5000");
    let card = town.holder(&["cards", "--export", "prepaid"]);
    let url = town.url("center");
    let check = |document: &str, fingerprint: &str| {
        fs::write(town.path("card.txt"), document).unwrap();
        let told = ["--document", "card.txt", "--fingerprint", fingerprint, "--center", &url];
        bad(town.folder(), &[&["check-card"][..], &told].concat())
    };
    let other = town.fingerprint.replace(|c: char| c.is_alphanumeric(), "7");
    assert!(check(&card, &other).contains("fingerprint"));
    // A digit more on the card, under the same signature.
    let pieces: Vec<&str> = card.trim().split('.').collect();
    let altered = format!("{}.{}A.{}", pieces[0], pieces[1], pieces[2]);
    let line = check(&altered, &town.fingerprint);
    assert!(line.contains("prepaid_card"), "{line}");
    for document in ["", "a.b.c", pieces[1]] {
        let line = check(document, &town.fingerprint);
        assert!(line.contains("prepaid_card"), "{document}: {line}");
    }
}
