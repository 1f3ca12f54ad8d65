//! Where each field of an order is, and where not: the matrix of who may hold what, over every socket,
//! file, log, mail and database (rows C2, C4, C7).

use crate::{
    people::{EXPIRY, Person},
    providers::{Kind, Provider},
    town::Town,
    user::{DESTINATION, Order},
};
use std::{collections::BTreeSet, fs, path::Path};
use warifu::setup::Place;
use warifu_testkit::{Entry, Finding, Scanner};

/// The parties that have a database, beside the providers.
const ALL: [&str; 4] = ["center", "issuer", "registry", "broker"];
/// Who may hold a field where it can be read. `provider` is one whose cards come by a second channel
/// and `reference` one that never has them; `user` is the line between the user and the broker, where
/// the operator puts TLS; `mail` is what the mail server has.
const MATRIX: [(&str, &[&str]); 6] = [
    ("card_number", &["issuer"]),
    ("card_expiry", &["issuer"]),
    ("holder_name", &["broker", "issuer", "provider", "reference"]),
    ("holder_telephone", &["broker", "issuer", "provider", "reference"]),
    ("destination", &["broker", "provider", "reference", "user"]),
    ("amount", &["broker", "issuer", "provider", "reference", "registry", "user", "mail"]),
];
/// Who does hold a field: who finds nothing there has looked at nothing.
const HELD: [(&str, &[&str]); 6] = [
    ("card_number", &["issuer"]),
    ("card_expiry", &["issuer"]),
    ("holder_name", &["broker", "issuer", "provider", "reference"]),
    ("holder_telephone", &["broker", "issuer", "provider", "reference"]),
    ("destination", &["broker", "provider", "reference", "user"]),
    ("amount", &["broker", "issuer", "provider", "reference", "user"]),
];

fn holds(table: &[(&str, &[&str])], field: &str, place: &str) -> bool {
    table.iter().any(|(known, places)| *known == field && places.contains(&place))
}

/// A scanner for every field of an order of this person, each by its name.
fn fields(person: &Person) -> Scanner {
    let amount = format!("{}", Provider::PRICE);
    Scanner::new([
        ("card_number", person.card.to_string()),
        // Alone it would be too short; as a JSON text it stands in quotes.
        ("card_expiry", format!("\"{EXPIRY}\"")),
        ("holder_name", person.full_name.to_string()),
        ("holder_telephone", person.telephone.to_string()),
        ("destination", DESTINATION.to_string()),
        ("amount", amount.clone()),
        ("amount", grouped(&amount)),
    ])
}

/// An amount as letters write it.
fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

/// What was looked for, what was found where it may be, and what where it may not.
struct Search {
    scanner: Scanner,
    found: BTreeSet<(String, &'static str)>,
    leaks: Vec<Finding>,
}

impl Search {
    /// Looks into something that belongs to `place`; an empty one is nobody's.
    fn look(&mut self, place: &'static str, label: &str, data: &[u8]) {
        for finding in self.scanner.find(label, data) {
            match holds(&MATRIX, &finding.canary, place) {
                true => drop(self.found.insert((finding.canary, place))),
                false => self.leaks.push(finding),
            }
        }
    }
}

/// Where a field of this person's orders is in clear and may not be. The parties are stopped. That all
/// was looked into shows in the one order, which was made at `at`, and in the fields that must be found.
#[track_caller]
pub fn leaks(
    town: &Town,
    providers: &[Provider],
    person: &Person,
    (at, order): (Provider, &Order),
) -> Vec<Finding> {
    let mut search = Search { scanner: fields(person), found: BTreeSet::new(), leaks: Vec::new() };
    sockets(town, order, &mut search);
    mails(town, order, &mut search);
    let named = providers.iter().map(|provider| (provider.name, place_of(provider)));
    let parties: Vec<_> = ALL.iter().map(|party| (*party, *party)).chain(named).collect();
    for (party, place) in &parties {
        files(&town.path(party), &mut |path, bytes| {
            let price_list = ["catalogue.json", "services.csv"].iter().any(|l| path.ends_with(l));
            // Prices are for everyone to see.
            search.look(if price_list { "user" } else { "" }, &path.display().to_string(), bytes);
        });
        for (label, bytes) in documents(town, party) {
            search.look(place, &label, &bytes);
        }
    }
    let places = ["issuer", "broker", "user", place_of(&at)];
    for (field, held) in HELD {
        for place in held.iter().filter(|place| places.contains(place)) {
            let found = search.found.iter().any(|(f, p)| f == field && p == place);
            assert!(found, "no {field} was found at {place}");
        }
    }
    search.leaks
}

fn place_of(provider: &Provider) -> &'static str {
    if provider.kind == Kind::Reference { "reference" } else { "provider" }
}

fn sockets(town: &Town, order: &Order, search: &mut Search) {
    let heard = town.sockets.entries();
    for socket in ["broker", "issuer", "registry"] {
        let of = |entry: &&Entry| entry.label.starts_with(socket) && !entry.bytes.is_empty();
        assert!(heard.iter().any(|entry| of(&entry)), "nothing was heard of {socket}");
    }
    let number = Scanner::new([("number", &order.number)]);
    assert!(!number.find_in_recording(&town.sockets).is_empty(), "no order was heard of");
    for entry in heard {
        let place = if entry.label.starts_with("broker#") { "user" } else { "" };
        search.look(place, &format!("{} {}", entry.label, entry.direction), &entry.bytes);
    }
}

fn mails(town: &Town, order: &Order, search: &mut Search) {
    let number = Scanner::new([("number", &order.number)]);
    let mails: Vec<_> = ["hanako", "taro", "broker"].map(|user| town.mail.mails(user)).concat();
    assert!(mails.iter().any(|mail| !number.find("mail", mail).is_empty()), "no mail");
    for mail in &mails {
        search.look("mail", "mail", mail);
    }
}

/// A party's decrypted documents, keys and values.
fn documents(town: &Town, party: &str) -> Vec<(String, Vec<u8>)> {
    let opened = Place::new(&town.path(party).join("data"), None).open().unwrap();
    let documents = opened.store.dump().unwrap();
    assert!(!documents.is_empty(), "{party}");
    let labelled = |document: warifu_store::Document| {
        let label = format!("{party}: {}/{}", document.collection, document.key);
        (label, [document.key.as_bytes(), b"\n", &document.value].concat())
    };
    documents.into_iter().map(labelled).collect()
}

/// The spool keeps neither pages nor cards.
#[track_caller]
pub fn spool_is_clear(town: &Town, person: &Person) {
    let left = ["docq", "sendq", "tmp"].map(|folder| town.fax.files(folder)).concat();
    assert!(left.is_empty(), "{left:?}");
    let (scanner, mut found) = (fields(person), Vec::new());
    files(town.fax.spool(), &mut |path, bytes| {
        found.extend(scanner.find(&path.display().to_string(), bytes));
    });
    assert_eq!(found, []);
}

fn files(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), look);
        } else if kind.is_file() {
            // A database's side files come and go.
            look(&entry.path(), &fs::read(entry.path()).unwrap_or_default());
        }
    }
}
