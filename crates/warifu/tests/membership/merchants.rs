//! A merchant joins by letter, its service runs with the keys of its vault, and a member buys there
//! (rows B3 to B6).

use crate::{
    http::request,
    program::{bad, good, good_json},
    town::{Letter, Town, fails, typed, wait_until, went_well},
};
use serde_json::Value;
use std::{fs, process::Output};

const PASSWORDS: &str = "the store's A\nthe store's B\n";
const ONLY_A: &str = "the store's A\n";
const STORE: [&str; 6] =
    ["--name", "Tea House", "--address", "京都市左京区4-5-6", "--representative", "佐藤一郎"];
/// As it stands on paper.
const IBAN: [&str; 4] = ["--iban", "DE89 3704 0044 0532 0130 00", "--account-holder", "I. Sato"];
const ZENGIN: [&str; 8] = [
    "--bank",
    "0005",
    "--branch",
    "001",
    "--account-number",
    "1234567",
    "--account-holder",
    "ｻﾄｳ ｲﾁﾛｳ",
];

/// A town with a member, and with a shop that has only its configuration.
fn with_shop() -> Town {
    let mut town = Town::with_prepaid("20000");
    town.add_shop("shop");
    town
}

fn apply(town: &Town, account: &[&str]) -> Vec<String> {
    let url = town.url("center");
    let apply = ["merchant", "join", "apply", "--center", &url];
    [&apply[..], &STORE[..], account].concat().into_iter().map(String::from).collect()
}

fn letter(town: &Town, account: &[&str]) -> Letter {
    let apply = apply(town, account);
    let apply: Vec<&str> = apply.iter().map(String::as_str).collect();
    town.answer_application(&good(town.folder(), &apply))
}

/// A command with the store's vault.
fn merchant(town: &Town, arguments: &[&str], passwords: &str) -> Output {
    let place = ["--vault", "shop.vault", "--password-fd", "0"];
    typed(town.folder(), &[&["merchant"][..], arguments, &place[..]].concat(), passwords)
}

/// The registration with what a letter says.
fn register(town: &Town, letter: &Letter, more: &[&str], passwords: &str) -> Output {
    fs::write(town.path("code.txt"), &letter.code).unwrap();
    let number = ["join", "register", "--config", "shop.toml", "--number", &letter.number];
    let told = ["--code-from", "code.txt", "--fingerprint", &letter.fingerprint];
    merchant(town, &[&number[..], &told, &STORE, more].concat(), passwords)
}

/// The hash of the terms for merchants.
fn terms(town: &Town) -> String {
    let url = town.url("center");
    let guide =
        good_json(town.folder(), &["merchant", "join", "guide", "--center", &url, "--json"]);
    assert!(guide["terms"].as_str().unwrap().contains("merchant"), "{guide}");
    assert_ne!(guide["terms_hash"], town.terms());
    guide["terms_hash"].as_str().unwrap().to_string()
}

/// A purchase at the shop, settled.
fn buy(town: &Town) -> bool {
    let tea = town.tea_at("shop");
    let tea: Vec<&str> = tea.iter().map(String::as_str).collect();
    let output = town.type_holder(&tea, crate::town::PASSWORDS);
    let order: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    output.status.success() && order.is_some_and(|order| order["state"] == "settled")
}

#[test]
fn a_store_joins_by_letter_and_a_member_buys_there() {
    let mut town = with_shop();
    let (url, terms) = (town.url("center"), terms(&town));
    let letter = letter(&town, &IBAN);
    assert_eq!(letter.number, "S-000001");
    let online = [&["--center", &url, "--terms", &terms][..], &IBAN].concat();
    let printed = went_well(&register(&town, &letter, &online, PASSWORDS));
    assert_eq!(printed, "registered   S-000001\nservice      domain:shop.town.example installed\n");
    let members: Value = serde_json::from_str(&town.center("members", &[])).unwrap();
    let store = &members.as_array().unwrap().iter().find(|m| m["number"] == "S-000001").unwrap();
    assert_eq!(store["identifier"], "domain:shop.town.example");
    let account = &store["profile"]["merchant"]["account"];
    assert_eq!(account["iban"]["iban"], "DE89370400440532013000", "{store}");

    town.start_shop("shop");
    assert!(buy(&town));
    assert_eq!(town.balance(), 20_000 - 1980);
    let orders = good_json(town.folder(), &["merchant", "orders", "--config", "shop.toml"]);
    assert_eq!(orders.as_array().unwrap().len(), 1, "{orders}");

    // The vault's history, with A alone; and with A and B another key, which the running service
    // takes up.
    let history: Value =
        serde_json::from_str(&went_well(&merchant(&town, &["history", "--json"], ONLY_A))).unwrap();
    assert_eq!(history[0]["goods"], "registered as S-000001");
    let change = ["key", "change", "--config", "shop.toml"];
    let line = fails(&merchant(&town, &change, ONLY_A));
    assert!(line.contains("there is no line for password B"), "{line}");
    let shown = || request(&town.url("shop"), "GET /v1/credential", &[]);
    let before = shown();
    went_well(&merchant(&town, &change, PASSWORDS));
    wait_until("the service shows the new key's credential", || shown() != before);
    assert!(buy(&town));
    assert_eq!(town.balance(), 20_000 - 2 * 1980);
}

#[test]
fn a_store_registers_offline_loses_its_machine_and_goes_on_with_a_new_letter() {
    let mut town = with_shop();
    let (url, terms) = (town.url("center"), terms(&town));
    let first = letter(&town, &ZENGIN);
    good(town.folder(), &["merchant", "join", "guide", "--center", &url, "--out", "guide.json"]);
    town.kill("center");
    fs::write(town.path("strokes.json"), r#"[{"x": 7, "y": -2, "milliseconds": 11}]"#).unwrap();
    let offline = ["--guide", "guide.json", "--terms", &terms, "--later"];
    let own = [&offline[..], &["--strokes", "strokes.json", "--one-password"], &ZENGIN].concat();
    went_well(&register(&town, &first, &own, ONLY_A));
    let send = ["join", "send", "--config", "shop.toml"];
    let line = fails(&merchant(&town, &send, ONLY_A));
    assert!(line.contains("cannot be reached"), "{line}");
    assert!(!town.path("shop").exists(), "there is no service without keys");
    town.start("center");
    went_well(&merchant(&town, &send, ONLY_A));
    // The same again, as after a crash between the center's answer and the service's folder.
    let printed = went_well(&merchant(&town, &send, ONLY_A));
    assert!(printed.contains("has them already"), "{printed}");
    town.start_shop("shop");
    assert!(buy(&town));

    // The vault is lost: the key is worth nothing, and a new letter brings another one.
    town.center("revoke", &["S-000001"]);
    let change = ["key", "change", "--config", "shop.toml"];
    let line = fails(&merchant(&town, &change, ONLY_A));
    assert!(line.contains("revoked"), "{line}");
    town.kill("shop");
    town.move_vault("shop.vault", "lost.vault");
    town.center("letter", &["S-000001", "--out", "letter.html"]);
    let online = [&["--center", &url, "--terms", &terms][..], &ZENGIN].concat();
    went_well(&register(&town, &town.read_letter(), &online, PASSWORDS));
    town.start_shop("shop");
    assert!(buy(&town));
    assert_eq!(town.balance(), 20_000 - 2 * 1980);

    // The service's machine is lost too: the vault has what it runs with.
    town.kill("shop");
    fs::remove_dir_all(town.path("shop")).unwrap();
    went_well(&merchant(&town, &["key", "install", "--config", "shop.toml"], PASSWORDS));
    town.start_shop("shop");
    assert!(buy(&town));
}

#[test]
fn an_account_that_cannot_exist_is_refused_by_its_field() {
    let town = Town::open();
    let holder = ["--account-holder", "ｻﾄｳ ｲﾁﾛｳ"];
    let japanese = |bank, branch, number| {
        [&["--bank", bank, "--branch", branch, "--account-number", number][..], &holder].concat()
    };
    let mut kanji = ZENGIN;
    kanji[7] = "佐藤一郎";
    let wrong = [
        (vec!["--iban", "DE88 3704 0044 0532 0130 00", "--account-holder", "I"], "account.iban"),
        (vec!["--iban", "DE89 3704 0044 0532 0130 0", "--account-holder", "I"], "account.iban"),
        (vec!["--iban", "DE89370400440532013000", "--account-holder", " "], "account.holder"),
        (japanese("005", "001", "1234567"), "account.bank"),
        (japanese("0005", "1", "1234567"), "account.branch"),
        (japanese("0005", "001", "123456"), "account.number"),
        (kanji.to_vec(), "account.holder"),
    ];
    for (account, field) in wrong {
        let apply = apply(&town, &account);
        let apply: Vec<&str> = apply.iter().map(String::as_str).collect();
        let line = bad(town.folder(), &apply);
        assert!(line.starts_with(&format!("warifu: {field}: ")), "{account:?}: {line}");
    }
    assert_eq!(town.center("applications", &[]).trim(), "[]");
}
