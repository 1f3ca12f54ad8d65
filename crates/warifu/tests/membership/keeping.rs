//! The vault as a terminal's one file: backups, passwords, keys, two programs at once (rows B5, B6,
//! B14).

use crate::town::{ONLY_A, PASSWORDS, Town, fails, went_well};
use std::{fs, thread};

#[test]
fn a_restored_backup_is_noticed_and_goes_on_under_fresh_numbers() {
    let town = Town::with_prepaid("5000");
    town.holder(&["backup", "--out", "backup.vault"]);
    town.buy();
    let newest = town.history();
    let restore = ["restore", "backup.vault"];
    let line = fails(&town.type_holder(&restore, ""));
    assert!(line.contains("is not overwritten"), "{line}");
    went_well(&town.type_holder(&[&restore[..], &["--set-aside"]].concat(), ""));
    // The history of before can be read; whatever signs says first what may be missing.
    assert_eq!(town.history().len(), newest.len() - 1);
    let line = town.holder_fails(&["balance"]);
    assert!(line.contains("--accept-restored"), "{line}");
    let line = fails(&town.try_to_buy());
    assert!(line.contains("--accept-restored"), "{line}");
    went_well(&town.type_holder(&["cards", "--accept-restored"], PASSWORDS));
    // No number is used twice: the center would refuse it.
    assert_eq!(town.balance(), 3020);
    town.buy();
    assert_eq!(town.balance(), 1040);

    // The same on a machine that has never seen the vault.
    fs::copy(town.path("backup.vault"), town.path("elsewhere.vault")).unwrap();
    let line = fails(&town.type_holder_at("elsewhere.vault", &["balance"], PASSWORDS));
    assert!(line.contains("came from elsewhere"), "{line}");
    let accepted = ["balance", "--accept-restored"];
    let printed = went_well(&town.type_holder_at("elsewhere.vault", &accepted, PASSWORDS));
    assert_eq!(printed, "1040 JPY\n");
}

#[test]
fn two_terminals_on_one_vault_use_no_number_twice() {
    let town = Town::with_prepaid("9900");
    thread::scope(|scope| {
        let buying: Vec<_> = (0..3).map(|_| scope.spawn(|| town.try_to_buy())).collect();
        for output in buying {
            went_well(&output.join().unwrap());
        }
    });
    assert_eq!(town.balance(), 9900 - 3 * 1980);
    let orders = town.holder_json(&["orders"]);
    let mut numbers: Vec<String> = orders
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["transaction"].as_str().unwrap().to_string())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    let bought = town.history().iter().filter(|line| line["kind"] == "purchase").count();
    assert_eq!(bought, 3);
}

#[test]
fn new_passwords_and_a_new_key() {
    let town = Town::with_prepaid("5000");
    town.holder(&["backup", "--out", "old.vault"]);
    let new = format!("{PASSWORDS}another A of hers\nanother B of hers\n");
    went_well(&town.type_holder(&["password", "change"], &new));
    let line = fails(&town.type_holder(&["history"], ONLY_A));
    assert!(line.contains("the password is wrong"), "{line}");
    let now = "another A of hers\nanother B of hers\n";
    let same = format!("{now}another A of hers\n");
    let line = fails(&town.type_holder(&["password", "change", "--new", "b"], &same));
    assert!(line.contains("must differ"), "{line}");

    // The center dies after it has entered the new key: the change is taken up.
    town.proxy.lose_next_answer();
    fails(&town.type_holder(&["key", "change"], now));
    assert!(town.proxy.has_lost());
    went_well(&town.type_holder(&["key", "change"], now));
    let order = town.tea();
    let order: Vec<&str> = order.iter().map(String::as_str).collect();
    went_well(&town.type_holder(&order, now));
    // The old key is worth nothing, and the old passwords still open the old copy.
    let accepted = ["balance", "--accept-restored"];
    let line = fails(&town.type_holder_at("old.vault", &accepted, PASSWORDS));
    assert!(line.contains("changed this key"), "{line}");
}
