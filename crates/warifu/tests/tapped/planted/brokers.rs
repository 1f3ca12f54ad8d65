//! Leaks around an order through a broker.

use super::{assert_found, assert_found_in_documents, send};
use crate::{brokering::clean, keys::Keys};
use warifu_ports::mail::{MailOut, OutgoingMail};

#[tokio::test(flavor = "multi_thread")]
async fn in_the_documents_of_broker_registry_and_provider() {
    let mut tapped = clean(Keys::HPKE).await;
    let leaks = [
        ("broker", "broker: card_number"),
        ("broker", "broker: card_expiry"),
        ("broker", "broker: password"),
        ("registry", "broker: items"),
        ("registry", "broker: amount"),
        ("registry", "broker: destination"),
        ("merchant", "broker: card_number"),
        ("issuer", "broker: destination"),
        ("carrier", "broker: holder_name"),
    ];
    assert_found_in_documents(&mut tapped, &leaks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_mail() {
    let mut tapped = clean(Keys::HPKE).await;
    let text = String::from_utf8(tapped.value("broker: card_number")).unwrap();
    let mail = OutgoingMail {
        id: "planted".to_string(),
        to: "hanako@example.jp".to_string(),
        reply_to: None,
        language: "en".to_string(),
        subject: "Your order".to_string(),
        text,
        html: None,
    };
    tapped.network.broker().await.unwrap().mail.send(&mail).await.unwrap();
    assert_found(&mut tapped, "documents of mail", "broker: card_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_page_of_a_fax() {
    let mut tapped = clean(Keys::HPKE).await;
    let items = tapped.value("broker: items");
    send(&tapped, "fax", &items).await;
    assert_found(&mut tapped, "documents of fax", "broker: items");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_users_line() {
    let mut tapped = clean(Keys::HPKE).await;
    let card = tapped.value("broker: card_number");
    send(&tapped, "broker", &card).await;
    assert_found(&mut tapped, "documents of user", "broker: card_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_private_line() {
    let mut tapped = clean(Keys::HPKE).await;
    let card = tapped.value("broker: card_number");
    send(&tapped, "private line", &card).await;
    assert_found(&mut tapped, "socket", "broker: card_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_log_of_the_registrys_process() {
    let mut tapped = clean(Keys::HPKE).await;
    let card = tapped.value("broker: card_number");
    let log = tapped.folder("registry").join("registry.log");
    let mut lines = std::fs::read(&log).unwrap();
    assert!(!lines.is_empty(), "the registry logs nothing");
    lines.extend(card);
    std::fs::write(&log, lines).unwrap();
    assert_found(&mut tapped, "file", "broker: card_number");
}
