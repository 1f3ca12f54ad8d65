//! What lies in a terminal's vault, read from the file with both passwords.

use std::path::Path;
use warifu::setup::now;
use warifu_store::Document;
use warifu_vault::{Password, Vault};
use zeroize::Zeroizing;

/// Every document under A and under B within A, and the history.
pub fn documents(file: &Path, passwords: &[String; 2]) -> Vec<Document> {
    let [a, b] = passwords.each_ref().map(|typed| Password::new(typed).unwrap());
    let open = Vault::at(file).open_ab(&a, &b, now()).unwrap();
    let layers = [open.a().contents().documents(), open.contents().documents()];
    let mut all: Vec<Document> =
        layers.iter().flat_map(|layer| layer.under("").map(document)).collect();
    for (place, entry) in open.a().history().iter().enumerate() {
        all.push(Document {
            collection: "history".to_string(),
            key: place.to_string(),
            value: Zeroizing::new(serde_json::to_vec(entry).unwrap()),
        });
    }
    all
}

/// A document of the terminal's store: the name is `store/COLLECTION/HASH`, and the key stands before
/// the value, after its length.
fn document((name, bytes): (&str, &[u8])) -> Document {
    let collection = name.split('/').nth(1).unwrap().to_string();
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    let (key, value) = rest.split_at(u32::from_be_bytes(*length) as usize);
    let key = String::from_utf8(key.to_vec()).unwrap();
    Document { collection, key, value: Zeroizing::new(value.to_vec()) }
}
