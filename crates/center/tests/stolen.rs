//! A stolen center database (SECURITY.md): without the key file neither codes nor card numbers nor
//! personal data; with it the register, the telegrams and the cards, and still no member's signature.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
mod common;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use common::{
    Member, Place, Wish, World, key,
    member::{person, shop},
    settings, yen,
};
use std::sync::Arc;
use warifu_protocol::{
    signer::{Signer, SigningKey},
    telegram::{Instruction, Outcome},
};
use warifu_store::{Document, MasterKey, PostgresStore, SqliteStore};
use warifu_testkit::Postgres;

/// What nobody may read who has the database alone.
struct Secrets {
    member: Member,
    /// The token of her payment.
    telegram: String,
    card: String,
    /// The one-time codes of a letter that was used, and of one that was not.
    codes: [String; 2],
}

const PERSONAL: [&str; 5] = [
    "Kanaria Tsubame",
    "Suzume Trading",
    "Shiba, Minato-ku",
    "1970-01-31",
    "DE89370400440532013000",
];

/// A member joins, loads a card and pays, and a merchant has its letter.
async fn fill(world: &World) -> Secrets {
    let profile = person("Kanaria Tsubame");
    let (number, code) = world.letter(profile.clone(), "ja").await;
    let keys = world.keys_of(&number, 20);
    let registration = world.registration((&number, &code), profile, &keys).await;
    let outcome = world.register(registration, &keys, 0).await.unwrap();
    let member = world.at_terminal(number, keys, outcome, 1).await;
    let (_, unused) = world.letter(shop("Suzume Trading"), "en").await;
    let card = member.card(world, yen(5000)).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    let telegram = member.telegram(world, world.payment(&sealed));
    let outcome = member.send(world, &telegram).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)));
    Secrets { member, telegram, card: card.number.clone(), codes: [code, unused] }
}

impl Secrets {
    fn all(&self) -> Vec<&str> {
        let own = [self.card.as_str(), &self.codes[0], &self.codes[1], &self.telegram];
        own.into_iter().chain(PERSONAL).collect()
    }
}

/// Where a text stands in the files of a folder, in clear, as base64 at each offset, or as hex.
fn found(folder: &std::path::Path, canary: &str) -> Vec<String> {
    let mut places = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for form in forms(canary) {
            if bytes.windows(form.len()).any(|window| window == form.as_slice()) {
                places.push(format!("{}: {canary}", path.display()));
            }
        }
    }
    places
}

/// A text as it may stand somewhere, with and without its hyphens.
fn forms(canary: &str) -> Vec<Vec<u8>> {
    let bare: String = canary.chars().filter(|c| *c != '-').collect();
    let mut texts = vec![canary.to_string(), bare];
    texts.dedup();
    let mut forms = Vec::new();
    for text in texts {
        forms.push(text.clone().into_bytes());
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.push(hex(text.as_bytes()).into_bytes());
        for offset in 0..3 {
            let encoded = STANDARD_NO_PAD.encode(format!("{}{text}", "x".repeat(offset)));
            // The first and last characters depend on what stands beside.
            let core = &encoded.as_bytes()[4.min(encoded.len() - 8)..encoded.len() - 4];
            forms.push(core.to_vec());
        }
    }
    forms
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_file_without_its_key_tells_nothing() {
    let world = World::new().await;
    let secrets = fill(&world).await;
    let folder = world.place.folder();
    for canary in secrets.all() {
        assert_eq!(found(folder, canary), Vec::<String>::new());
    }
    // The scan finds what is there: identifiers are keys of documents.
    assert!(!found(folder, "name:M-000001").is_empty());
    std::fs::write(folder.join("planted"), format!("..{}..", secrets.card)).unwrap();
    assert!(!found(folder, &secrets.card).is_empty());
    let path = folder.join("center.db");
    assert!(SqliteStore::open(&path, &MasterKey::from_bytes([2; 32])).is_err());
}

/// Every row of every table, bytes in hex.
fn rows(server: &Postgres, database: &str) -> String {
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'warifu'";
    let tables = server.sql(database, tables);
    assert!(tables.lines().count() > 5, "{tables}");
    let all = tables.lines().map(|table| {
        let rows = format!("SELECT t::text FROM warifu.\"{table}\" AS t");
        server.sql(database, &rows)
    });
    all.collect()
}

#[tokio::test]
async fn the_postgresql_database_without_the_key_tells_nothing() {
    let server = Arc::new(Postgres::start());
    let world = World::at(Place::postgres(&server), settings()).await;
    let secrets = fill(&world).await;
    let Place::Postgres { database, .. } = &world.place else { panic!("on PostgreSQL") };
    let hold = |rows: &str, canary: &str| {
        let within = |form: &Vec<u8>| rows.as_bytes().windows(form.len()).any(|part| part == form);
        forms(canary).iter().any(within)
    };
    let stolen = rows(&server, database);
    for canary in secrets.all() {
        assert!(!hold(&stolen, canary), "{canary}");
    }
    // What lies in clear is found: the keys of documents, and what was planted, as a value.
    assert!(hold(&stolen, "name:M-000001"));
    let planted = "INSERT INTO warifu.store_keys VALUES ('planted', convert_to('..";
    server.sql(database, &format!("{planted}{}..', 'UTF8'))", secrets.card));
    assert!(hold(&rows(&server, database), &secrets.card));
    let other = MasterKey::from_bytes([2; 32]);
    assert!(PostgresStore::open(&server.address(database), &other).is_err());
}

fn contains(documents: &[Document], part: &[u8]) -> bool {
    let within = |document: &Document| document.value.windows(part.len()).any(|w| w == part);
    documents.iter().any(within)
}

/// Every text of 32 bytes that stands in the documents, as a signature key.
fn keys_in(documents: &[Document]) -> Vec<SigningKey> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let words = documents.iter().flat_map(|document| document.value.split(|b| !is_part(b)));
    let mut seeds: Vec<[u8; 32]> = words
        .filter(|word| word.len() == 43)
        .filter_map(|word| URL_SAFE_NO_PAD.decode(word).ok()?.try_into().ok())
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    seeds.iter().map(SigningKey::from_seed).collect()
}

#[tokio::test]
async fn with_the_key_the_register_is_open_and_nobody_signs_for_a_member() {
    let world = World::new().await;
    let secrets = fill(&world).await;
    let store = SqliteStore::open(&world.place.folder().join("center.db"), &key()).unwrap();
    let documents = store.dump().unwrap();
    // What SECURITY.md says: the register, the telegrams with their signatures, every card.
    for open in PERSONAL.into_iter().chain([secrets.card.as_str(), &secrets.telegram]) {
        assert!(contains(&documents, open.as_bytes()), "{open}");
    }
    // A code that was used stands in the registration; one that was not is a keyed hash even so.
    let code_is_there = |code| forms(code).iter().any(|form| contains(&documents, form));
    assert!(code_is_there(&secrets.codes[0]) && !code_is_there(&secrets.codes[1]));
    // No key of the member's is there in any form, and no text that is there is one.
    let member = &secrets.member;
    let seed = member.keys.seed();
    for form in [&seed[..], URL_SAFE_NO_PAD.encode(seed).as_bytes(), hex(seed).as_bytes()] {
        assert!(!contains(&documents, form));
    }
    let stolen = keys_in(&documents);
    let signs_for = |key| stolen.iter().find(|stolen| stolen.verifying_key() == key);
    assert!(signs_for(member.keys.signer().verifying_key()).is_none());
    // The center's own key is there, and of no use for a telegram in her name.
    let center = world.center.party().terminal().signer.verifying_key();
    let center = signs_for(center).expect("the center's own key");
    let balance = Instruction::Balance { card: secrets.card.clone() };
    let forged = world.draft(&member.keys, 500, balance).sign(center);
    assert_eq!(world.send(&forged).await.unwrap_err().code, "bad_signature");
}
