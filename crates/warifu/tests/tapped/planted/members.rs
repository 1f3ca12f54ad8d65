//! Leaks around a member of the settlement center: its vault, its telegrams, what it bought.

use super::{assert_found, assert_found_in_documents, gzip, post};
use crate::{keys::Keys, network::Tapped, trades::PREPAID_SCRIPTS};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fs;

/// A member who has bought something to be delivered, and a file.
async fn clean() -> Tapped {
    let mut tapped = Tapped::start(Keys::HPKE).await;
    tapped.join().await;
    let card = tapped.load_by_issuer().await;
    for script in &PREPAID_SCRIPTS[..2] {
        tapped.prepaid_trade(*script, &card).await;
    }
    tapped
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_prepaid_order_in_documents() {
    let mut tapped = clean().await;
    let leaks = [
        ("center", "prepaid-later: items"),
        ("center", "prepaid-later: holder_name"),
        ("center", "prepaid-later: quote"),
        ("center", "member: credit card"),
        ("merchant", "prepaid-later: card_number"),
        ("merchant", "load: amount"),
        ("merchant", "member: name"),
        ("carrier", "prepaid-later: amount"),
        ("carrier", "prepaid-later: salt of card_number"),
        ("issuer", "load: prepaid card"),
        ("issuer", "member: address"),
        // The member's own vault holds much, and no one else's.
        ("member", "merchant: signing seed"),
        ("member", "center: matrix seed"),
    ];
    assert_found_in_documents(&mut tapped, &leaks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_vault_in_files() {
    let mut tapped = clean().await;
    let seed = tapped.value("member: signing seed");
    let beside = tapped.folder("member").join("vault.tmp");
    fs::write(&beside, STANDARD.encode(gzip(&seed))).unwrap();
    assert_found(&mut tapped, "file", "member: signing seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bought_file_at_the_merchants() {
    let mut tapped = clean().await;
    let content = tapped.value("prepaid-download: file");
    fs::write(tapped.folder("merchant").join("upload"), content).unwrap();
    assert_found(&mut tapped, "file", "prepaid-download: file");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bought_file_on_its_way() {
    let mut tapped = clean().await;
    let content = tapped.value("prepaid-download: file");
    post(&tapped, "merchant", &STANDARD.encode(content)).await;
    assert_found(&mut tapped, "socket", "prepaid-download: file");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_telegrams_keys_on_a_socket() {
    let mut tapped = clean().await;
    let keys = tapped.value("member: telegram keys");
    post(&tapped, "center", &hex::encode(keys)).await;
    assert_found(&mut tapped, "socket", "member: telegram keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_password_in_the_log() {
    let mut tapped = clean().await;
    let password = String::from_utf8(tapped.value("member: password B")).unwrap();
    tracing::debug!(%password, "the vault was opened");
    assert_found(&mut tapped, "log", "member: password B");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_one_time_code_at_the_merchants() {
    let mut tapped = clean().await;
    let leaks = [("merchant", "member: one-time code"), ("member", "member: password A")];
    assert_found_in_documents(&mut tapped, &leaks).await;
}
