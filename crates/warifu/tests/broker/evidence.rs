//! Where a card number is, and where not.

use crate::{town::Town, user::Order};
use std::{fs, path::Path};
use warifu::setup::Place;
use warifu_testkit::{Entry, Finding, Scanner};

/// The parties that have a database.
const ALL: [&str; 4] = ["center", "issuer", "registry", "broker"];

/// A scanner for a card number and whatever else.
pub fn scanner(cards: &[&str]) -> Scanner {
    Scanner::new(cards.iter().map(|card| (format!("…{}", &card[12..]), card)))
}

/// Where a card is in clear: on a socket, in a file or log of any party, in a mail, or in the broker's
/// own documents. That these were looked into shows in the order, which must be found in them.
#[track_caller]
pub fn cards_in_clear(town: &Town, cards: &[&str], order: &Order) -> Vec<Finding> {
    let scanner = scanner(cards);
    let number = Scanner::new([("number", &order.number)]);
    let mut found = scanner.find_in_recording(&town.sockets);
    for socket in ["broker", "issuer", "registry"] {
        let heard = |entry: &Entry| entry.label.starts_with(socket) && !entry.bytes.is_empty();
        assert!(town.sockets.entries().iter().any(heard), "nothing was heard of {socket}");
    }
    assert!(!number.find_in_recording(&town.sockets).is_empty(), "no order was heard of");
    let mails: Vec<_> = ["hanako", "taro", "broker"].map(|user| town.mail.mails(user)).concat();
    for mail in &mails {
        found.extend(scanner.find("mail", mail));
    }
    assert!(mails.iter().any(|mail| !number.find("mail", mail).is_empty()), "no mail");
    for party in ALL.into_iter().chain(town.providers.keys().copied()) {
        files(&town.path(party), &scanner, &mut found);
    }
    let id = Scanner::new([("id", &order.id)]);
    assert!(!documents(town, "broker", &id).is_empty(), "the broker has no such order");
    found.extend(documents(town, "broker", &scanner));
    found
}

/// What of a party's decrypted documents holds one.
pub fn documents(town: &Town, party: &str, scanner: &Scanner) -> Vec<Finding> {
    let opened = Place::new(&town.path(party).join("data"), None).open().unwrap();
    let documents = opened.store.dump().unwrap();
    assert!(!documents.is_empty(), "{party}");
    let find = |document: &warifu_store::Document| {
        let label = format!("{party}: {}/{}", document.collection, document.key);
        let mut found = scanner.find(&label, &document.value);
        found.extend(scanner.find(&label, document.key.as_bytes()));
        found
    };
    documents.iter().flat_map(find).collect()
}

/// The spool keeps neither pages nor cards.
#[track_caller]
pub fn spool_is_clear(town: &Town, cards: &[&str]) {
    let left = ["docq", "sendq", "tmp"].map(|folder| town.fax.files(folder)).concat();
    assert!(left.is_empty(), "{left:?}");
    let mut found = Vec::new();
    files(town.fax.spool(), &scanner(cards), &mut found);
    assert_eq!(found, []);
}

fn files(folder: &Path, scanner: &Scanner, found: &mut Vec<Finding>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), scanner, found);
        } else if kind.is_file() {
            // A database's side files come and go.
            let bytes = fs::read(entry.path()).unwrap_or_default();
            found.extend(scanner.find(&entry.path().display().to_string(), &bytes));
        }
    }
}
