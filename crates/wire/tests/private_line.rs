//! The private line: who gets through, and under which name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use axum::{Json, Router, extract::ConnectInfo, routing::post};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use serde_json::{Value, json};
use warifu_wire::{
    CallError, Problem,
    private_line::{LineClient, LineError, LineIdentity, LinePeer, serve_private},
};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Authority, certificate and key as PEM.
    fn pem(&self, names: &[&str]) -> (String, String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.0).unwrap();
        (self.0.pem(), signed.pem(), key.serialize_pem())
    }

    fn identity(&self, names: &[&str]) -> Result<LineIdentity, LineError> {
        let (ca, certificate, key) = self.pem(names);
        LineIdentity::from_pem(ca.as_bytes(), certificate.as_bytes(), key.as_bytes())
    }
}

async fn serve(own: LineIdentity) -> String {
    let router = Router::new()
        .route(
            "/who",
            post(|ConnectInfo(peer): ConnectInfo<LinePeer>| async move {
                Json(json!({ "name": peer.name }))
            }),
        )
        .route("/no", post(|| async { Problem::forbidden("op") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move { serve_private(listener, &own, router).await });
    url
}

#[tokio::test]
async fn the_callers_name_comes_from_its_certificate() {
    let town = Authority::new();
    let url = serve(town.identity(&["registry.example", "127.0.0.1"]).unwrap()).await;
    let own = town.identity(&["Broker.example"]).unwrap();
    assert_eq!(own.name(), "broker.example");
    let line = LineClient::new(&own, &url).unwrap();
    let answer: Value = line.ask("/who", &json!({})).await.unwrap();
    assert_eq!(answer["name"], "broker.example");
    let refused = line.ask::<Value>("/no", &json!({})).await.unwrap_err();
    assert!(matches!(refused, CallError::Problem(problem) if problem.code == "wrong_party"));
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_hands_over_nothing() {
    let (town, other) = (Authority::new(), Authority::new());
    let url = serve(town.identity(&["registry.example", "127.0.0.1"]).unwrap()).await;
    // Another authority on either side; no certificate at all; several names.
    let stranger = other.identity(&["broker.example"]).unwrap();
    let (ca, _, _) = town.pem(&["x.example"]);
    let (_, certificate, key) = other.pem(&["broker.example"]);
    let forged = LineIdentity::from_pem(ca.as_bytes(), certificate.as_bytes(), key.as_bytes());
    for own in [stranger, forged.unwrap()] {
        let line = LineClient::new(&own, &url).unwrap();
        let error = line.ask::<Value>("/who", &json!({})).await.unwrap_err();
        assert!(matches!(error, CallError::Network(_)), "{error}");
    }
    assert_eq!(town.identity(&["a.example", "b.example"]).unwrap_err(), LineError::Name);
    // The registry's name in its certificate must be the one that is called.
    let elsewhere = serve(town.identity(&["registry.example"]).unwrap()).await;
    let line = LineClient::new(&town.identity(&["broker.example"]).unwrap(), &elsewhere).unwrap();
    assert!(matches!(line.ask::<Value>("/who", &json!({})).await, Err(CallError::Network(_))));
}

#[test]
fn what_is_wrong_with_the_files_is_named() {
    let town = Authority::new();
    let (ca, certificate, key) = town.pem(&["broker.example"]);
    let from = |ca: &str, certificate: &str, key: &str| {
        LineIdentity::from_pem(ca.as_bytes(), certificate.as_bytes(), key.as_bytes()).unwrap_err()
    };
    assert_eq!(from("", &certificate, &key), LineError::Pem("ca"));
    assert_eq!(from(&ca, "x", &key), LineError::Pem("certificate"));
    assert_eq!(from(&ca, &certificate, &certificate), LineError::Pem("key"));
    let (_, _, other) = town.pem(&["broker.example"]);
    assert_eq!(from(&ca, &certificate, &other), LineError::Refused("certificate"));
    assert_eq!(from(&format!("{ca}{ca}"), &certificate, &key), LineError::Pem("ca"));
    let own = town.identity(&["broker.example"]).unwrap();
    assert_eq!(LineClient::new(&own, "http://x.example").unwrap_err(), LineError::Url);
    assert!(!format!("{own:?}").contains("BEGIN"));
}
