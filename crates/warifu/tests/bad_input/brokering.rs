//! What users and programs post to a broker, and what somebody with the broker's own certificate posts
//! on the private line: a problem that names the field, and nothing changed at broker and registry.

use crate::{http::attempt, network};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};
use warifu::demo::broker::{BrokerSide, PASSWORD};
use warifu_store::Document;
use warifu_wire::Problem;

/// A question over HTTP, as anyone asks it.
async fn ask(side: &BrokerSide, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Value {
    let (url, head) = (side.url.clone(), format!("POST {path}"));
    let headers: Vec<(String, String)> =
        headers.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
    let ask = move || {
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        attempt(&url, &head, &headers, &body).unwrap().2
    };
    serde_json::from_slice(&tokio::task::spawn_blocking(ask).await.unwrap()).unwrap()
}

fn documents(side: &BrokerSide) -> Vec<Vec<Document>> {
    side.stores.values().map(|opened| opened.store.dump().unwrap()).collect()
}

#[track_caller]
fn assert_problem(what: &str, answer: Value, (code, field): (&str, &str)) {
    let problem: Problem = serde_json::from_value(answer).unwrap();
    assert!((400..500).contains(&problem.status), "{what}: {problem:?}");
    let shown = (problem.code.as_str(), problem.field.as_deref());
    assert_eq!(shown, (code, Some(field)), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_refuses_what_is_no_login_and_no_application() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let side = network.broker().await.unwrap();
    let before = documents(side);
    let text = |text: &str| text.as_bytes().to_vec();
    for path in ["/v1/login", "/v1/providers"] {
        for (what, body, code, field) in [
            ("no JSON", text("{"), "malformed", "body"),
            ("an array", text("[]"), "malformed", "body"),
            ("deep nesting", text(&"[".repeat(50_000)), "malformed", "body"),
            ("invalid UTF-8", vec![0xff, 0xfe], "malformed", "body"),
            ("an unknown field", text(r#"{"x":1}"#), "malformed", "body.x"),
            ("a huge body", vec![b' '; 70_000], "too_large", "body"),
        ] {
            let answer = ask(side, path, &[], body).await;
            assert_problem(&format!("{what} at {path}"), answer, (code, field));
        }
    }
    assert!(documents(side) == before, "something was kept");
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_places_no_order_with_a_bad_value() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let side = network.broker().await.unwrap();
    let login = json!({"member": side.member, "password": PASSWORD}).to_string();
    let login = ask(side, "/v1/login", &[], login.into_bytes()).await;
    let bearer = format!("Bearer {}", login["session"].as_str().unwrap());
    let before = documents(side);
    let good = json!({"service": side.service, "quantity": 1, "destination": "京都市"});
    let keyed = [("authorization", bearer.as_str()), ("idempotency-key", "a-key")];
    for (what, name, value, code, field) in [
        ("negative", "quantity", json!(-1), "malformed", "body.quantity"),
        ("fractional", "quantity", json!(1.5), "malformed", "body.quantity"),
        ("overflowing", "quantity", json!(1e30), "malformed", "body.quantity"),
        ("none", "quantity", json!(0), "bad_value", "quantity"),
        ("too many", "quantity", json!(1001), "bad_value", "quantity"),
        ("long", "destination", json!("京".repeat(501)), "bad_value", "destination"),
        ("no plan", "payment_type", json!("instalments:-3"), "bad_value", "payment_type"),
        ("no service", "service", json!("P-000009/N-1"), "not_found", "service"),
        ("a card", "card_number", json!("4111111111111111"), "malformed", "body.card_number"),
    ] {
        let mut wish = good.clone();
        wish[name] = value;
        let answer = ask(side, "/v1/orders", &keyed, wish.to_string().into_bytes()).await;
        assert_problem(&format!("{name}: {what}"), answer, (code, field));
    }
    for (what, headers, body, code, field) in [
        ("no session", &keyed[1..], good.to_string(), "no_session", "authorization"),
        ("no key", &keyed[..1], good.to_string(), "bad_value", "idempotency_key"),
        ("deep nesting", &keyed[..], "[".repeat(50_000), "malformed", "body"),
        ("a huge body", &keyed[..], " ".repeat(70_000), "too_large", "body"),
    ] {
        let answer = ask(side, "/v1/orders", headers, body.into_bytes()).await;
        assert_problem(what, answer, (code, field));
    }
    assert!(documents(side) == before, "something was kept");
    network.stop().await;
}

/// Posts bytes on the private line, under the broker's certificate.
fn post_on_line(side: &BrokerSide, path: &str, body: &[u8]) -> Value {
    let (address, files) = &side.line;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.ca).unwrap()).unwrap();
    let own = vec![CertificateDer::from_pem_file(&files.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(own, key)
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that has seen enough may close while the body is still on its way.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    serde_json::from_slice(&answer[end..]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_line_refuses_what_is_no_question() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let side = network.broker().await.unwrap();
    let before = documents(side);
    let text = |text: &str| text.as_bytes().to_vec();
    for path in ["code", "authenticate", "dispatch", "sheet", "void"] {
        for (what, body, code, field) in [
            ("no JSON", text("{"), "malformed", "body"),
            ("an array", text("[]"), "malformed", "body"),
            ("deep nesting", text(&"[".repeat(15_000)), "malformed", "body"),
            ("invalid UTF-8", vec![0xff, 0xfe], "malformed", "body"),
            ("an unknown field", text(r#"{"x":1}"#), "malformed", "body.x"),
            // Little more than is read, so that the answer is not lost with the connection.
            ("a huge body", vec![b' '; 17 * 1024], "too_large", "body"),
        ] {
            let answer = post_on_line(side, &format!("/v1/line/{path}"), &body);
            assert_problem(&format!("{what} at {path}"), answer, (code, field));
        }
    }
    // The broker is no issuer.
    let answer = post_on_line(side, "/v1/line/resolve", b"{}");
    assert_problem("a reference", answer, ("wrong_party", "certificate"));
    assert!(documents(side) == before, "something was kept");
    network.stop().await;
}
