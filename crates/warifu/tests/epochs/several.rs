//! Two centers: each party gets a share of each, and no share alone is worth anything (row D6).

use crate::{
    program::{bad, good},
    town::{PATIENCE, SERVICES, Town, identifier},
};
use std::time::Instant;
use warifu_keydist::{KeyRing, Matrix, Route};
use warifu_protocol::{
    AtFault, Reason, credential::CREDENTIAL, jws, sealed, sealed::SealedOrder, suite::SuiteFloor,
    terminal::Terminal,
};
use warifu_types::{Identifier, Role};

/// Starts everything, and has each party fetch what it lacks.
fn open() -> Town {
    // Three services fill a group: the centers and the issuer are in the first, the others not, so
    // that shares of a further group are needed from both centers.
    let mut town = Town::found(2, 4);
    town.start("c0");
    town.start("c1");
    town.center(0, "renew");
    town.center(1, "renew");
    for party in SERVICES {
        assert!(town.renew(party).ends_with("renewed\n"), "{party} gets the second share");
        assert!(town.renew(party).ends_with("nothing to renew\n"), "and has it");
        town.start(party);
    }
    // The centers, which run, have taken their own up as soon as the holder is what is missing.
    let started = Instant::now();
    while !town.buy_fails().contains("renew with `warifu holder renew`") {
        assert!(started.elapsed() < PATIENCE);
    }
    assert_eq!(
        town.renew_holder(),
        "domain:c0.town.example  epoch 1\ndomain:c1.town.example  epoch 1\nrenewed\n"
    );
    town
}

#[tokio::test]
async fn a_purchase_under_the_keys_of_two_centers() {
    let town = open();
    let order = town.buy();
    let receipt = town.receipt(order["order"].as_str().unwrap());
    let holder = town.party("hanako").await;
    let issuer = town.party("issuer").await;
    let peer = Identifier::parse(&identifier("issuer")).unwrap();
    let route = holder.terminal().credential.route_to(&issuer.terminal().credential).unwrap();
    assert_eq!(route.epochs.len(), 2);
    let whole = holder.terminal().ring.pair_key(&peer, &route).unwrap();
    for center in &route.epochs {
        let alone = Route { epochs: vec![center.clone()], matrix: route.matrix };
        let half = holder.terminal().ring.pair_key(&peer, &alone).unwrap();
        assert!(half != whole, "a center alone knows no key");
        opens_nothing(&town, &receipt, center).await;
    }
    // The merchant is of the second group, for which each of the two centers was asked.
    let merchant = town.credential("merchant");
    assert_eq!(
        merchant.route_to(&holder.terminal().credential).unwrap().matrix,
        Matrix::Holders { group: 1 }
    );
}

/// The issuer with everything that it has but the other center's shares, or with a network that
/// has this center alone.
async fn opens_nothing(
    town: &Town,
    receipt: &serde_json::Value,
    center: &warifu_keydist::CenterEpoch,
) {
    let bundle: SealedOrder = serde_json::from_value(receipt["sealed"].clone()).unwrap();
    let front = receipt["front_credential"].as_str().unwrap();
    let front = jws::peek(CREDENTIAL, front, AtFault::Own).unwrap();
    let issuer = town.party("issuer").await;
    let now = issuer.now();
    let open = |terminal: &Terminal| {
        sealed::open(terminal, &bundle, &front, Role::Issuer, now).map(|_| ())
    };
    open(&issuer.terminal()).unwrap();
    issuer.change(|terminal| {
        let mut ring = KeyRing::new(terminal.ring.network(), terminal.id().clone());
        for share in terminal.ring.shares().filter(|share| share.center() == center) {
            ring.insert(warifu_keydist::Share::from_file(&share.to_file()).unwrap()).unwrap();
        }
        terminal.ring = ring;
        terminal.cache.clear();
        terminal.floor = SuiteFloor::default();
    });
    assert_eq!(open(&issuer.terminal()).unwrap_err().reason, Reason::MissingShare);
}

#[test]
fn each_center_turns_its_own_epoch() {
    let town = open();
    town.buy();
    town.center(1, "advance --grace 10m");
    // The first center learns of it from whoever renews, and its credentials name it.
    for party in SERVICES {
        let printed = town.renew(party);
        assert!(printed.contains("domain:c1.town.example  epoch 2"), "{printed}");
        assert!(printed.contains("domain:c0.town.example  epoch 1"), "{printed}");
        town.wait_for_epochs(party, &[1, 2]);
    }
    assert!(town.buy_fails().contains("renew with `warifu holder renew`"));
    town.renew_holder();
    town.buy();
    town.center(0, "advance --grace 10m");
    SERVICES.iter().for_each(|party| drop(town.renew(party)));
    SERVICES.iter().for_each(|party| town.wait_for_epochs(party, &[2, 2]));
    town.renew_holder();
    town.buy();
}

#[test]
fn a_further_center_enrols_nobody_and_joins_once_in_time() {
    let town = Town::found(2, 32);
    let line = town.center_refuses(1, "issue --request ../hanako.request --out x");
    assert!(line.contains("first center"), "{line}");
    let line = town.center_refuses(0, "add-center --pinned ../c1.json");
    assert!(line.contains("enrolled already"), "{line}");
    let line = town.center_refuses(1, "add-center --pinned ../c1.json");
    assert!(line.contains("first center"), "{line}");
    // Nobody else gets the role of a center.
    let request = ["party", "request", "--config", "false.toml", "--role", "center"];
    let config = std::fs::read_to_string(town.path("issuer.toml")).unwrap();
    std::fs::write(
        town.path("false.toml"),
        config.replace("\"issuer", "\"false").replace("domain:issuer", "domain:false"),
    )
    .unwrap();
    good(town.folder(), &[&request[..], &["--out", "false.request"]].concat());
    let line = town.center_refuses(0, "admit --request ../false.request --out x");
    assert!(line.contains("roles"), "{line}");
    // A wrong fingerprint, and an answer for somebody else.
    let join = ["center", "join", "--data", "center", "--first-url", "http://127.0.0.1:1"];
    let with = |enrolment: &str, fingerprint: &str| {
        let more = ["--enrolment", enrolment, "--fingerprint", fingerprint];
        bad(&town.path("c1"), &[&join[..], &more[..]].concat())
    };
    assert!(with("../c1.enrolment", "0000").contains("fingerprint"));
    let line = with("../issuer.enrolment", &town.fingerprint);
    assert!(line.contains("credential"), "{line}");
}
