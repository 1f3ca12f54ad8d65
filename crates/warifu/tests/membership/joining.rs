//! Guide, application, letter, registration (rows B2, B4, B6).

use crate::{
    program::good,
    town::{Letter, ONLY_A, PASSWORDS, Town, WHO, fails, went_well},
};
use serde_json::Value;
use std::fs;

fn members(town: &Town) -> Value {
    serde_json::from_str(&town.center("members", &[])).unwrap()
}

#[test]
fn joining_by_letter_from_guide_to_register() {
    let town = Town::open();
    let url = town.url("center");
    let guide = good(town.folder(), &["holder", "join", "guide", "--center", &url]);
    assert!(guide.contains(&town.fingerprint), "{guide}");
    let letter = town.letter();
    assert_eq!(letter.fingerprint, town.fingerprint);
    assert_eq!(letter.number, "M-000001");

    // Another center's fingerprint: nothing is made and nothing is sent.
    let other = |digit: char| if digit == '0' { '1' } else { '0' };
    let fingerprint =
        letter.fingerprint.chars().map(|c| if c.is_alphanumeric() { other(c) } else { c });
    let wrong = Letter { fingerprint: fingerprint.collect(), ..copy(&letter) };
    assert!(fails(&town.try_register(&wrong, &[])).contains("fingerprint"));
    assert!(!town.path("hanako.vault").exists());

    // A number that nobody was given, and a code that is not the letter's.
    let wrong = Letter { number: "M-000002".into(), ..copy(&letter) };
    let line = fails(&town.try_register(&wrong, &[]));
    assert!(line.contains("no letter was made"), "{line}");
    fs::remove_file(town.path("hanako.vault")).unwrap();
    let other_code = letter.code.chars().rev().collect();
    let line = fails(&town.try_register(&Letter { code: other_code, ..copy(&letter) }, &[]));
    assert!(line.contains("code"), "{line}");

    // The same vault goes on, once the code is right; typed with other spacing and case.
    let spaced = letter.code.replace('-', " ").to_lowercase();
    let printed = went_well(&town.try_register(&Letter { code: spaced, ..copy(&letter) }, &[]));
    assert_eq!(printed, "registered   M-000001\n");
    assert_eq!(members(&town)[0]["active"], true);
    assert_eq!(members(&town)[0]["identifier"], "name:M-000001");

    // Twice is refused; with A alone she sees as what she is registered.
    let line = fails(&town.try_register(&letter, &[]));
    assert!(line.contains("registered already"), "{line}");
    let shown = went_well(&town.type_holder(&["join", "show"], ONLY_A));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["number"], "M-000001");
    assert_eq!(town.history()[0]["goods"], "registered as M-000001");
}

fn copy(letter: &Letter) -> Letter {
    let Letter { number, code, fingerprint } = letter;
    Letter { number: number.clone(), code: code.clone(), fingerprint: fingerprint.clone() }
}

#[test]
fn a_registration_prepared_offline_waits_under_a_and_is_sent_later() {
    let mut town = Town::open();
    let letter = town.letter();
    let (url, terms) = (town.url("center"), town.terms());
    let keep = ["holder", "join", "guide", "--center", &url, "--out", "guide.json"];
    good(town.folder(), &keep);
    town.kill("center");
    fs::write(town.path("code.txt"), &letter.code).unwrap();
    fs::write(town.path("strokes.json"), r#"[{"x": -3, "y": 41, "milliseconds": 0}]"#).unwrap();
    let register = ["join", "register", "--guide", "guide.json", "--number", &letter.number];
    let told = ["--code-from", "code.txt", "--fingerprint", &letter.fingerprint, "--later"];
    let own = ["--terms", &terms, "--strokes", "strokes.json", "--one-password"];
    town.holder(&[&register[..], &told[..], &own[..], &WHO[..]].concat());
    assert!(town.history().is_empty());
    // Nobody answers; the telegram stays.
    let line = fails(&town.type_holder(&["join", "send"], ONLY_A));
    assert!(line.contains("cannot be reached"), "{line}");
    town.start("center");
    // The answer to the first is lost: the same bytes again give the same answer.
    town.proxy.lose_next_answer();
    fails(&town.type_holder(&["join", "send"], ONLY_A));
    assert!(town.proxy.has_lost());
    town.kill("center");
    town.start("center");
    let printed = went_well(&town.type_holder(&["join", "send"], ONLY_A));
    assert_eq!(printed, "registered   M-000001\n");
    assert_eq!(members(&town)[0]["active"], true);
}

#[test]
fn wrong_passwords_open_nothing() {
    let town = Town::open();
    let letter = town.letter();
    town.register(&letter);
    for (command, typed) in [
        ("history", "password of B\n"),
        ("cards", "password of A\npassword of A\n"),
        ("cards", "password of B\npassword of A\n"),
        ("cards", "password of A\npassword of b\n"),
    ] {
        let line = fails(&town.type_holder(&[command], typed));
        assert!(line.contains("the password is wrong"), "{command}: {line}");
    }
    let line = fails(&town.type_holder(&["cards"], ONLY_A));
    assert!(line.contains("there is no line for password B"), "{line}");
    // No password stands anywhere in clear, nor the one-time code, nor a name.
    let file = fs::read(town.path("hanako.vault")).unwrap();
    for secret in [&letter.code, "password of A", "山田花子", "M-000001"] {
        let found = file.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    went_well(&town.type_holder(&["cards"], PASSWORDS));
}
