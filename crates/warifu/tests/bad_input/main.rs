//! Bad input over real sockets: a problem that names the field, and nothing changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod amounts;
mod center;
mod forged;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod http;
#[path = "../attacks/stage.rs"]
#[allow(dead_code, reason = "the attacks use the rest")]
mod stage;

use http::request;
use serde_json::{Value, json};
use std::sync::Arc;
use warifu::{
    demo::network::{Network, Setup},
    serve::Service,
};
use warifu_keydist::Thresholds;
use warifu_protocol::{AtFault, encode::unb64};
use warifu_types::Role;
use warifu_wire::{CallError, Party, Problem};

async fn network(folder: &std::path::Path) -> Network {
    let setup = Setup { thresholds: Thresholds::new(64, 32).unwrap(), ..Setup::default() };
    Network::start(folder, &setup).await.unwrap()
}

/// Posts bytes and expects a problem.
async fn post(url: &str, path: &str, body: Vec<u8>) -> Problem {
    let (url, head) = (url.to_string(), format!("POST {path}"));
    let (status, kind, body) =
        tokio::task::spawn_blocking(move || request(&url, &head, &body)).await.unwrap();
    assert_eq!(kind, "application/problem+json", "{}", String::from_utf8_lossy(&body));
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status);
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_refuses_what_is_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    for (name, url) in network.addresses() {
        let hello = |text: &str| text.as_bytes().to_vec();
        let deep = "[".repeat(100_000);
        for (what, path, body, code, field) in [
            ("no JSON", "/v1/meet/hello", hello("{"), "malformed", "hello"),
            ("an array", "/v1/meet/hello", hello("[]"), "malformed", "hello"),
            ("deep nesting", "/v1/meet/hello", hello(&deep), "malformed", "hello"),
            ("invalid UTF-8", "/v1/meet/hello", vec![0xff, 0xfe], "malformed", "hello"),
            ("an unknown field", "/v1/meet/hello", hello(r#"{"x":1}"#), "malformed", "hello.x"),
            ("a huge body", "/v1/meet/hello", vec![b' '; 3 << 20], "too_large", "body"),
            ("no proof", "/v1/meet/confirm", hello("{}"), "malformed", "confirm.session"),
            ("no session", "/v1/session", hello("a.b.c"), "malformed", "session"),
            ("bytes for a session", "/v1/session", vec![0xff; 9], "malformed", "session"),
            ("no such path", "/v1/nothing", hello(""), "not_found", "path"),
            ("no such method", "/v1/credential", hello(""), "method", "method"),
        ] {
            let problem = post(&url, path, body).await;
            let shown = (problem.code.as_str(), problem.field.as_deref());
            assert_eq!(shown, (code, Some(field)), "{what} at {name}");
        }
    }
    network.stop().await;
}

/// Asks the merchant within a session, with any JSON at all.
async fn ask(network: &Network, op: &str, body: Value) -> Problem {
    let roles = (Role::Holder, Role::Merchant);
    ask_as(network, network.holder.party(), ("merchant", roles), op, body).await
}

/// Asks a party within a session, with any JSON at all.
async fn ask_as(
    network: &Network,
    asker: &Arc<Party>,
    (name, roles): (&str, (Role, Role)),
    op: &str,
    body: Value,
) -> Problem {
    let url = network.url(name);
    let connection = asker.connections().to(asker, &url, roles, None, None).await.unwrap();
    match connection.call::<Value>(op, &body).await {
        Err(CallError::Problem(problem)) => problem,
        other => panic!("{op} {body} was answered: {other:?}"),
    }
}

/// What a token says; its signature is not looked at.
fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&unb64(claims, AtFault::Own, "token").unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_names_the_field_at_fault() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let form = network.holder.form(&network.url("merchant"), "minimal").await.unwrap();
    let form = warifu_holder::Holder::form_hash(&form).to_string();
    let Some(Service::Merchant(merchant)) = network.services.get("merchant") else {
        panic!("no merchant");
    };
    let stock = async || {
        merchant
            .catalogue(None, 500, None, warifu_merchant::Language::En)
            .await
            .unwrap()
            .items
            .iter()
            .map(|item| item.stock)
            .collect::<Vec<_>>()
    };
    let before = stock().await;
    let good = json!({"number": "BO-1003", "quantity": 1});
    let question = |items: Value, currency: &str| json!({"items": items, "currency": currency, "language": "en", "form": form});
    let lines = vec![good.clone(); 10_000];
    let line = |quantity: Value| json!([good, {"number": "BO-1018", "quantity": quantity}]);
    for (what, body, field) in [
        ("a negative quantity", question(line(json!(-1)), "JPY"), "items[1].quantity"),
        ("a fraction", question(line(json!(1.5)), "JPY"), "items[1].quantity"),
        ("an overflow", question(line(json!(1e30)), "JPY"), "items[1].quantity"),
        ("nothing of it", question(line(json!(0)), "JPY"), "items[1].quantity"),
        ("an unknown currency", question(json!([good]), "ZZZ"), "currency"),
        ("a currency without prices", question(json!([good]), "CHF"), "currency"),
        ("no items", question(json!([]), "JPY"), "items"),
        ("10,000 lines", question(json!(lines), "JPY"), "items"),
        (
            "an unknown item",
            question(json!([{"number": "?", "quantity": 1}]), "JPY"),
            "items[0].number",
        ),
        ("no object", json!(["x"]), "body"),
        ("nothing", json!({}), "items"),
    ] {
        let problem = ask(&network, "quote", body).await;
        let named = problem.field.unwrap_or_default();
        assert!(named.ends_with(field), "{what}: {named} should name {field}");
        assert!((400..500).contains(&problem.status), "{what}: {}", problem.status);
    }
    assert_eq!(ask(&network, "nothing", json!({})).await.field.as_deref(), Some("op"));
    let order = ask(&network, "order", json!({"sealed": {"holder": "x"}})).await;
    assert!(order.field.unwrap_or_default().contains("sealed"));
    assert_eq!(stock().await, before, "bad input changed the stock");
    assert!(merchant.orders(None, 10).await.unwrap().is_empty());
    network.stop().await;
}
