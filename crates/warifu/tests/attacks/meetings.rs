//! Who stands between two parties, or has heard them: replayed, reflected and relayed messages.

use crate::stage::Stage;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use warifu_holder::{Purchase, Wanted};
use warifu_protocol::{encode::b64, meeting, status::State};
use warifu_types::{Currency, Role};
use warifu_wire::QuoteItem;

/// Three who were met.
const MET: [&str; 3] = ["merchant", "issuer", "carrier"];

/// A network in which one purchase was made, and everything of it recorded.
async fn after_a_purchase() -> Stage {
    let stage = Stage::set().await;
    let purchase = Purchase {
        url: stage.network.url("merchant"),
        front: None,
        rule: "minimal".to_string(),
        form: None,
        wanted: Wanted::Goods {
            items: vec![QuoteItem { number: "PA-1021".to_string(), quantity: 1 }],
            currency: Currency::JPY,
            language: "en".to_string(),
            payment_type: "one".to_string(),
            destination: Some(stage.network.person.destination.clone()),
        },
        card: "card".to_string(),
        allow: Vec::new(),
        more: BTreeMap::new(),
    };
    let holder = &stage.network.holder;
    let id = holder.buy(&purchase).await.unwrap().id;
    let patience = Duration::from_secs(60);
    let record = holder.wait_for(id, State::Settled, patience).await.unwrap();
    assert_eq!(record.state, Some(State::Settled), "{:?}", record.reason);
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_is_refused() {
    let stage = after_a_purchase().await;
    for name in MET {
        let requests = stage.posted(name, "/v1/session");
        assert!(!requests.is_empty(), "{name}");
        for request in requests {
            let before = stage.documents();
            let answer = stage.post(name, "/v1/session", request).await;
            stage.assert_in_vain(&before, answer, ("replayed", "session.seq"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_party_is_refused() {
    let stage = after_a_purchase().await;
    let of = |name| stage.posted(name, "/v1/session").pop().unwrap();
    // All of them before the first is sent: what is sent here is recorded, too.
    let astray =
        [(of("merchant"), "issuer"), (of("issuer"), "carrier"), (of("carrier"), "merchant")];
    for (request, other) in astray {
        let before = stage.documents();
        let answer = stage.post(other, "/v1/session", request).await;
        stage.assert_in_vain(&before, answer, ("unknown_session", "session.sid"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_confirmation_opens_no_session() {
    let stage = after_a_purchase().await;
    for name in MET {
        let confirm = stage.posted(name, "/v1/meet/confirm").pop().unwrap();
        let before = stage.documents();
        let answer = stage.post(name, "/v1/meet/confirm", confirm.clone()).await;
        stage.assert_in_vain(&before, answer, ("unknown_session", "session.sid"));
        // The hello again begins another meeting, for which the old proof is none.
        let hello = stage.posted(name, "/v1/meet/hello").pop().unwrap();
        let challenge = stage.post(name, "/v1/meet/hello", hello).await.unwrap();
        let mut confirm: Value = serde_json::from_slice(&confirm).unwrap();
        confirm["session"] = challenge["session"].clone();
        let body = serde_json::to_vec(&confirm).unwrap();
        let answer = stage.post(name, "/v1/meet/confirm", body).await;
        stage.assert_in_vain(&before, answer, ("impostor", "confirm.proof"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reflected_proof_is_none() {
    let stage = after_a_purchase().await;
    for name in MET {
        let hello = stage.posted(name, "/v1/meet/hello").pop().unwrap();
        let confirm = stage.posted(name, "/v1/meet/confirm").pop().unwrap();
        let before = stage.documents();
        let challenge = stage.post(name, "/v1/meet/hello", hello).await.unwrap();
        let mut confirm: Value = serde_json::from_slice(&confirm).unwrap();
        confirm["session"] = challenge["session"].clone();
        confirm["proof"] = challenge["proof"].clone();
        let body = serde_json::to_vec(&confirm).unwrap();
        let answer = stage.post(name, "/v1/meet/confirm", body).await;
        stage.assert_in_vain(&before, answer, ("impostor", "confirm.proof"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_is_reflected_to_its_sender_is_refused() {
    let stage = Stage::set().await;
    for (name, role, to) in [
        ("merchant", Role::Merchant, Role::Issuer),
        ("issuer", Role::Issuer, Role::Center),
        ("carrier", Role::Carrier, Role::Merchant),
    ] {
        let party = stage.party(name);
        let (_, hello) = {
            let mut random = party.random();
            meeting::begin(&party.terminal(), role, to, None, None, &mut random)
        };
        // Somebody must have been heard before it counts that nothing was.
        stage.seal(warifu::setup::now()).await;
        let before = stage.documents();
        let answer = stage.post(name, "/v1/meet/hello", serde_json::to_vec(&hello).unwrap()).await;
        stage.assert_in_vain(&before, answer, ("impostor", "hello.credential"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_is_relayed_to_another_party_is_refused() {
    let stage = after_a_purchase().await;
    for (name, other) in [("merchant", "issuer"), ("issuer", "carrier"), ("carrier", "issuer")] {
        let hello = stage.posted(name, "/v1/meet/hello").pop().unwrap();
        let before = stage.documents();
        let answer = stage.post(other, "/v1/meet/hello", hello).await;
        stage.assert_in_vain(&before, answer, ("wrong_party", "hello.to_role"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_relays_a_meeting_asks_nothing_in_it() {
    // The tap has relayed every byte of these meetings, and knows the sessions.
    let stage = after_a_purchase().await;
    for name in MET {
        let request = String::from_utf8(stage.posted(name, "/v1/session").pop().unwrap()).unwrap();
        let pieces: Vec<&str> = request.split('.').collect();
        let question = b64(br#"{"op":"status","body":{}}"#);
        let forged = [pieces[0], "", pieces[2], &question, pieces[4]].join(".");
        let before = stage.documents();
        let answer = stage.post(name, "/v1/session", forged.into_bytes()).await;
        stage.assert_in_vain(&before, answer, ("sealed_wrong", "session"));
    }
}
