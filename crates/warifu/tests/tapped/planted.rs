//! Leaks that were planted, one for each kind of place: the check finds each, and nothing else.

mod brokers;
mod members;
mod parties;

use crate::{keys::Keys, network::Tapped, trades::CARD};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A network in which one purchase was made, and nothing is wrong.
async fn clean() -> Tapped {
    let mut tapped = Tapped::start(Keys::HPKE).await;
    tapped.trade(CARD).await;
    tapped
}

/// The check reports this canary in this place, and no other value anywhere.
#[track_caller]
fn assert_found(tapped: &mut Tapped, place: &str, canary: &str) {
    let (faults, planted) = (tapped.faults(), tapped.value(canary));
    let found = faults.iter().any(|fault| fault.canary == canary);
    assert!(found, "{canary} in {place} was not found");
    for fault in &faults {
        assert_eq!(fault.place, place, "{fault:?}");
        // A card that pays for several orders has several names.
        assert!(tapped.value(&fault.canary) == planted, "{fault:?}");
    }
}

/// Each of these values in a party's documents, one after the other, is found there.
async fn assert_found_in_documents(tapped: &mut Tapped, leaks: &[(&'static str, &str)]) {
    for (party, canary) in leaks {
        put(tapped, party, "planted", tapped.value(canary)).await;
        assert_found(tapped, &format!("documents of {party}"), canary);
        let delete = |unit: &mut dyn warifu_ports::Unit| unit.delete("planted", "planted");
        assert!(tapped.store(party).run(delete).await.unwrap());
    }
}

/// Sends bytes through a tap, to whoever listens there.
async fn send(tapped: &Tapped, tap: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(tapped.address(tap)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    // Who does not understand it may hang up.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Sends a body through a party's tap.
async fn post(tapped: &Tapped, party: &str, body: &str) {
    let url = tapped.network.url(party);
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST /v1/session HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"));
}

async fn put(tapped: &Tapped, party: &str, key: &str, value: Vec<u8>) {
    let store = tapped.store(party);
    let key = key.to_string();
    let put = move |unit: &mut dyn warifu_ports::Unit| unit.put("planted", &key, &value);
    store.run(put).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_number_on_a_socket() {
    let mut tapped = clean().await;
    let value = tapped.value("card: holder_telephone");
    post(&tapped, "merchant", &STANDARD.encode([b"x", &value[..]].concat())).await;
    assert_found(&mut tapped, "socket", "card: holder_telephone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_on_a_socket() {
    let mut tapped = clean().await;
    let name = "carrier: share domain:center.example/1/s0-0, instance 1, coefficient 8";
    let value = tapped.value(name);
    post(&tapped, "center", &hex::encode(value)).await;
    assert_found(&mut tapped, "socket", name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_as_the_key_of_a_document() {
    let mut tapped = clean().await;
    let value = String::from_utf8(tapped.value("card: card_number")).unwrap();
    put(&tapped, "issuer", &value, b"{}".to_vec()).await;
    assert_found(&mut tapped, "file", "card: card_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_in_a_file_beside_the_database() {
    let mut tapped = clean().await;
    let value = tapped.value("card: destination");
    fs::write(tapped.folder("carrier").join("labels.gz"), gzip(&value)).unwrap();
    assert_found(&mut tapped, "file", "card: destination");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_there_for_a_moment() {
    let mut tapped = clean().await;
    let path = tapped.folder("issuer").join("statement.tmp");
    fs::write(&path, tapped.value("card: amount")).unwrap();
    // The purchase that follows is the moment.
    tapped.trade(CARD).await;
    fs::remove_file(&path).unwrap();
    assert_found(&mut tapped, "file", "card: amount");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_number_elsewhere_than_in_the_catalogue() {
    let mut tapped = clean().await;
    let value = String::from_utf8(tapped.value("card: item_numbers")).unwrap();
    put(&tapped, "merchant", &value, b"{}".to_vec()).await;
    assert_found(&mut tapped, "file", "card: item_numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_key_in_a_file() {
    let mut tapped = clean().await;
    let name = "pair key of merchant and issuer";
    fs::write(tapped.folder("merchant").join("cache"), tapped.value(name)).unwrap();
    assert_found(&mut tapped, "file", name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_the_log() {
    let mut tapped = clean().await;
    let value = tapped.value("card: holder_name");
    tracing::trace!(order = hex::encode(value), "refused");
    assert_found(&mut tapped, "log", "card: holder_name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_seed_in_the_log() {
    let mut tapped = clean().await;
    let value = tapped.value("holder: signing seed");
    tracing::debug!(?value, "signing");
    assert_found(&mut tapped, "log", "holder: signing seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_in_the_carriers_documents() {
    let mut tapped = clean().await;
    let value = STANDARD.encode(gzip(&tapped.value("card: card_number")));
    put(&tapped, "carrier", "label", value.into_bytes()).await;
    assert_found(&mut tapped, "documents of carrier", "card: card_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_in_the_merchants_documents() {
    let mut tapped = clean().await;
    let value = String::from_utf8(tapped.value("card: card_expiry")).unwrap();
    put(&tapped, "merchant", "note", format!("{{\"x\":{value}}}").into_bytes()).await;
    assert_found(&mut tapped, "documents of merchant", "card: card_expiry");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_in_the_issuers_documents() {
    let mut tapped = clean().await;
    let value = tapped.value("card: items");
    put(&tapped, "issuer", "note", value).await;
    assert_found(&mut tapped, "documents of issuer", "card: items");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_in_the_centers_documents() {
    let mut tapped = clean().await;
    let value = tapped.value("card: amount");
    put(&tapped, "center", "statistics", value).await;
    assert_found(&mut tapped, "documents of center", "card: amount");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salt_in_the_merchants_documents() {
    let mut tapped = clean().await;
    let value = tapped.value("card: salt of destination");
    put(&tapped, "merchant", "note", value).await;
    assert_found(&mut tapped, "documents of merchant", "card: salt of destination");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_its_own_party_cannot_read() {
    let mut tapped = clean().await;
    let store = tapped.network.stores["carrier"].port();
    let delete = |unit: &mut dyn warifu_ports::Unit| {
        let all = unit.scan("carrier_deliveries", "", 10)?;
        all.iter().try_for_each(|(key, _)| unit.delete("carrier_deliveries", key).map(drop))
    };
    store.run(delete).await.unwrap();
    let missing: Vec<String> = tapped
        .faults()
        .into_iter()
        .inspect(|fault| assert_eq!(fault.place, "documents of carrier"))
        .inspect(|fault| assert_eq!(fault.how, "missing"))
        .map(|fault| fault.canary)
        .collect();
    let fields = ["destination", "holder_fax", "holder_name", "holder_telephone"];
    let salts = fields.map(|field| format!("salt of {field}"));
    let expected: Vec<String> = fields
        .iter()
        .map(|f| (*f).to_string())
        .chain(salts)
        .map(|f| format!("card: {f}"))
        .collect();
    assert_eq!(missing, expected);
}
