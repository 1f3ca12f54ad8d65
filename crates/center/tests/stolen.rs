//! A stolen database: without the key file, neither codes nor card numbers nor personal data.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    Wish, World,
    member::{person, shop},
    yen,
};
use warifu_protocol::telegram::Outcome;

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

fn forms(canary: &str) -> Vec<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let bare: String = canary.chars().filter(|c| *c != '-').collect();
    let mut forms = vec![canary.as_bytes().to_vec(), bare.clone().into_bytes()];
    let utf16: Vec<u8> = bare.encode_utf16().flat_map(u16::to_le_bytes).collect();
    forms.push(utf16);
    forms.push(bare.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes());
    for offset in 0..3 {
        let text = format!("{}{bare}", "x".repeat(offset));
        let encoded = STANDARD_NO_PAD.encode(text);
        // The first and last characters depend on what stands beside.
        let core = encoded.as_bytes()[4.min(encoded.len() - 8)..encoded.len() - 4].to_vec();
        forms.push(core);
    }
    forms
}

#[tokio::test]
async fn the_file_without_its_key_tells_nothing() {
    let world = World::new().await;
    let (number, code) = world.letter(person("Kanaria Tsubame"), "ja").await;
    let keys = world.keys_of(&number, 20);
    let registration = world.registration((&number, &code), person("Kanaria Tsubame"), &keys).await;
    let outcome = world.register(registration, &keys, 0).await.unwrap();
    let member = world.at_terminal(number, keys, outcome, 1).await;
    let (_, unused) = world.letter(shop("Suzume Trading"), "en").await;
    let card = member.card(&world, yen(5000)).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    let outcome = member.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)));
    let folder = world.folder.path();
    for canary in [
        card.number.as_str(),
        &code,
        &unused,
        "Kanaria Tsubame",
        "Suzume Trading",
        "Shiba, Minato-ku",
        "1970-01-31",
        "DE89370400440532013000",
    ] {
        assert_eq!(found(folder, canary), Vec::<String>::new());
    }
    // The scan finds what is there: identifiers are keys of documents.
    assert!(!found(folder, "name:M-000001").is_empty());
    std::fs::write(folder.join("planted"), format!("..{}..", card.number)).unwrap();
    assert!(!found(folder, &card.number).is_empty());
}
