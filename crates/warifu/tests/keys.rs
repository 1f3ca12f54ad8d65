//! Where keys come from, through the whole network: predistributed with a further matrix fetched on
//! first contact, agreed beforehand, handed out by the center (rows A2 to A4); and what the center
//! refuses to issue.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[path = "support/http.rs"]
mod http;

use std::path::Path;
use warifu::{
    demo::{
        CARD_KINDS,
        network::{Network, Setup},
        purchase,
    },
    setup::Place,
};
use warifu_keydist::Thresholds;
use warifu_protocol::{credential::Class, enrolment::Enrolment, suite::Suite, terminal::KeyPolicy};
use warifu_types::{Identifier, Role};
use warifu_wire::{Problem, identity::Wish};

async fn network(folder: &Path, services: usize, policy: KeyPolicy) -> Network {
    let thresholds = Thresholds::new(16, services).unwrap();
    Network::start(folder, &Setup { thresholds, policy, ..Setup::default() }).await.unwrap()
}

async fn buy_everything(network: &Network) {
    for kind in CARD_KINDS {
        purchase(network, kind).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_a_further_matrix_is_fetched_on_first_contact() {
    let folder = tempfile::tempdir().unwrap();
    // Three services fill a group; the center and seven others need three groups.
    let network = network(folder.path(), 4, KeyPolicy::Predistributed).await;
    let party = network.holder.party();
    let groups = |network: &Network| {
        let terminal = network.holder.party().terminal();
        terminal.ring.shares().count()
    };
    assert_eq!(groups(&network), 1, "a holder begins with the share of the first group");
    let merchant = network.holder.form(&network.url("merchant"), "minimal").await.unwrap();
    let merchant = party.credential(&merchant.credential, warifu_protocol::AtFault::Own).unwrap();
    assert_eq!(merchant.class, Class::Service { group: 2 });
    buy_everything(&network).await;
    assert_eq!(groups(&network), 3, "and has fetched those of the others");
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_agreed_beforehand_serve_every_purchase() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path(), 16, KeyPolicy::Agreed).await;
    buy_everything(&network).await;
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_handed_out_by_the_center_serve_every_purchase() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path(), 16, KeyPolicy::HandedOut).await;
    buy_everything(&network).await;
    network.stop().await;
}

/// A request for enrolment as a holder under this identifier, from keys of its own.
async fn holder_request(folder: &Path, identifier: &str) -> String {
    let opened = Place::new(folder, None).create().unwrap();
    let wish = Wish {
        sub: Identifier::parse(identifier).unwrap(),
        roles: vec![Role::Holder],
        suites: vec![Suite::KpsHpke, Suite::Kps],
        url: None,
    };
    opened.request(&wish).await.unwrap()
}

async fn enrol(network: &Network, request: String) -> Result<Enrolment, Problem> {
    let url = network.url("center");
    let (status, _, body) = tokio::task::spawn_blocking(move || {
        http::request(&url, "POST /v1/enrol", request.as_bytes())
    })
    .await
    .unwrap();
    match status {
        200 => Ok(serde_json::from_slice(&body).unwrap()),
        _ => Err(serde_json::from_slice(&body).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_and_a_look_alike_are_refused_at_issue() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path(), 16, KeyPolicy::Predistributed).await;
    let people = folder.path().join("people");
    let first = holder_request(&people.join("a"), "name:伊藤カナ").await;
    let answer = enrol(&network, first.clone()).await.unwrap();
    assert_eq!(enrol(&network, first).await.unwrap(), answer, "again is the same answer");
    for (folder, identifier, code) in [
        ("b", "name:伊藤カナ", "duplicate"),
        // The katakana カ and the character 力 look alike.
        ("c", "name:伊藤力ナ", "look_alike"),
        ("d", "mail:hanako@example.jp", "duplicate"),
        ("e", "mail:hаnako@example.jp", "look_alike"),
        ("f", "domain:card.example", "duplicate"),
    ] {
        let request = holder_request(&people.join(folder), identifier).await;
        let problem = enrol(&network, request).await.unwrap_err();
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), (code, Some("sub")));
    }
    let altered = {
        let mut request = holder_request(&people.join("g"), "name:伊藤リカ").await;
        let last = request.pop().unwrap();
        request.push(if last == 'A' { 'B' } else { 'A' });
        request
    };
    let refused = enrol(&network, altered).await.unwrap_err();
    assert!(["bad_signature", "malformed"].contains(&refused.code.as_str()), "{}", refused.code);
    network.stop().await;
}
