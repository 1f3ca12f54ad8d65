//! Who gets nothing: parties that were revoked, and those that the center does not know.

use crate::{
    program::bad,
    town::{HOLDER, SERVICES, Town, identifier},
};
use warifu_protocol::{
    enrolment::renewal::{REQUEST_LIFETIME, RenewalRequest},
    signer::{Signer, SigningKey},
};
use warifu_types::Identifier;

#[path = "../support/http.rs"]
mod http;

#[test]
fn a_revoked_holder_gets_no_keys_of_the_next_epoch() {
    let town = Town::open();
    town.buy();
    town.center(0, &format!("revoke --identifier {HOLDER}"));
    let line = town.center_refuses(0, "revoke --identifier mail:nobody@example.jp");
    assert!(line.contains("not enrolled"), "{line}");
    town.center(0, "advance --grace 0s");
    for party in SERVICES {
        town.renew(party);
        town.wait_for_epochs(party, &[2]);
    }
    let line = bad(town.folder(), &["holder", "renew", "--data", "hanako"]);
    assert!(line.contains("this party was revoked"), "{line}");
    assert!(town.buy_fails().contains("earlier epoch"));
    // Nor by asking for enrolment again.
    let line = town.center_refuses(0, "issue --request ../hanako.request --out x");
    assert!(line.contains("revoked"), "{line}");
}

#[tokio::test]
async fn a_request_that_is_not_the_partys_own_is_refused() {
    let mut town = Town::found(1, 32);
    town.start("c0");
    let holder = town.party("hanako").await;
    let id = |text: &str| Identifier::parse(text).unwrap();
    let now = holder.now();
    let request = RenewalRequest {
        iss: id(HOLDER),
        aud: id(&identifier("c0")),
        network: "town.example".to_string(),
        credential: holder.terminal().credential_token.clone(),
        notices: vec!["x".to_string()],
        iat: now,
        exp: now.plus(REQUEST_LIFETIME),
    };
    let own = holder.terminal().signer.clone();
    let thief = SigningKey::from_seed(&[9; 32]);
    let nobody = RenewalRequest { iss: id("mail:nobody@example.jp"), ..request.clone() };
    let elsewhere = RenewalRequest { aud: id(&identifier("c1")), ..request.clone() };
    let early = now.minus(1000);
    let stale = RenewalRequest { iat: early, exp: early.plus(10), ..request.clone() };
    let cases: [(&RenewalRequest, &dyn Signer, &str, &str); 5] = [
        (&nobody, &thief, "unknown_party", "sub"),
        (&request, &thief, "bad_signature", "renewal_request"),
        (&elsewhere, own.as_ref(), "wrong_party", "renewal_request.aud"),
        (&stale, own.as_ref(), "expired", "renewal_request.exp"),
        (&request, own.as_ref(), "malformed", "epoch"),
    ];
    for (request, signer, code, field) in cases {
        let body = serde_json::json!({ "request": request.sign(signer) }).to_string();
        let (_, _, answer) = http::request(&town.url("c0"), "POST /v1/renew", body.as_bytes());
        let problem: warifu_wire::Problem = serde_json::from_slice(&answer).unwrap();
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), (code, Some(field)));
    }
}
