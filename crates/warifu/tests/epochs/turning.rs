//! A new epoch in a running network: before it, in its grace time, and after.

use crate::town::{PATIENCE, SERVICES, Town};
use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// The epochs under which the issuer's part of an order is sealed.
fn sealed_under(town: &Town, order: &str) -> Value {
    let receipt = town.receipt(order);
    let part = receipt["sealed"]["parts"]["issuer"].as_str().unwrap();
    let header = part.split('.').next().unwrap();
    let fault = warifu_protocol::AtFault::Own;
    let header = warifu_protocol::encode::unb64(header, fault, "part").unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["keys"]["predistributed"]["epochs"][0]["epoch"].clone()
}

fn renew_services(town: &Town, running: &[&str], epoch: u32) {
    SERVICES.iter().for_each(|party| drop(town.renew(party)));
    running.iter().for_each(|party| town.wait_for_epochs(party, &[epoch]));
}

#[test]
fn an_order_on_its_way_opens_during_the_grace_time_and_not_after() {
    let mut town = Town::open();
    let before = town.buy();
    assert_eq!(sealed_under(&town, before["order"].as_str().unwrap()), 1);
    // Sealed under the first epoch, and the issuer is away.
    town.kill("issuer");
    let on_its_way = town.order();
    assert_eq!(sealed_under(&town, &on_its_way), 1);
    let printed = town.center(0, "advance --grace 10m");
    assert!(printed.starts_with("epoch        2\n"), "{printed}");
    renew_services(&town, &["merchant", "carrier"], 2);
    // A holder that has not renewed is told what to do.
    let line = town.buy_fails();
    assert!(line.contains("earlier epoch: renew with `warifu holder renew`"), "{line}");
    town.start("issuer");
    town.wait_for_epochs("issuer", &[2]);
    town.wait_for(&on_its_way, "settled");
    assert!(town.renew_holder().ends_with("domain:c0.town.example  epoch 2\nrenewed\n"));
    assert!(town.renew_holder().ends_with("nothing to renew\n"));
    town.resume();
    let after = town.buy();
    assert_eq!(sealed_under(&town, after["order"].as_str().unwrap()), 2);

    // While the grace time runs there is no further epoch, unless with none at all.
    let line = town.center_refuses(0, "advance --grace 1h");
    assert!(line.contains("grace"), "{line}");
    town.kill("issuer");
    let too_late = town.order();
    town.center(0, "advance --grace 0s");
    renew_services(&town, &["merchant", "carrier"], 3);
    town.start("issuer");
    town.wait_for(&too_late, "refused");
    town.renew_holder();
    town.resume();
    let orders = crate::program::good_json(
        town.folder(),
        &["holder", "orders", "--data", "hanako", "--json"],
    );
    let refused =
        orders.as_array().unwrap().iter().find(|order| order["order"] == too_late.as_str());
    assert_eq!(refused.unwrap()["reason"], "old_epoch", "the error names it");
    assert_eq!(sealed_under(&town, town.buy()["order"].as_str().unwrap()), 3);
}

#[tokio::test]
async fn shares_of_the_epoch_before_go_when_its_grace_time_is_over() {
    let town = Town::open();
    let epochs = |data: &'static str| {
        let town = &town;
        async move {
            let party = town.party(data).await;
            let mut epochs: Vec<u32> =
                party.terminal().ring.shares().map(|share| share.center().epoch).collect();
            epochs.dedup();
            epochs
        }
    };
    assert_eq!(epochs("hanako").await, [1]);
    town.center(0, "advance --grace 20s");
    town.renew_holder();
    assert_eq!(epochs("hanako").await, [1, 2], "both, until then");
    let started = Instant::now();
    while !town.renew_holder().ends_with("nothing to renew\n") || epochs("hanako").await != [2] {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(500));
    }
}

#[tokio::test]
async fn a_newcomer_of_the_grace_time_meets_those_of_the_epoch_before() {
    let mut town = Town::without_holder(1, 32);
    town.start("c0");
    town.center(0, "advance --grace 10m");
    town.wait_for_epochs("c0", &[2]);
    town.enrol_holder();
    assert!(town.renew_holder().ends_with("epoch 2\nnothing to renew\n"));
    let (holder, merchant) = (town.party("hanako").await, town.party("merchant").await);
    let peer = merchant.terminal().credential.clone();
    let route = holder.terminal().credential.route_to(&peer).unwrap();
    assert_eq!(route.epochs[0].epoch, 1);
    // It has shares of the second epoch alone, and asks the center for one of the first.
    assert!(!holder.terminal().ring.has(&route));
    holder.ensure_key(&peer, None).await.unwrap();
    let key = holder.terminal().ring.pair_key(&peer.sub, &route).unwrap();
    assert!(key == merchant.terminal().ring.pair_key(&holder.id(), &route).unwrap());
    // Once the grace time is over, there is none to be had.
    town.center(0, "advance --grace 0s");
    town.renew_holder();
    town.wait_for_epochs("c0", &[3]);
    let error = town.party("hanako").await.ensure_key(&peer, None).await.unwrap_err();
    assert!(error.to_string().contains("an epoch that is over"), "{error}");
}

#[test]
fn a_service_that_is_behind_renews_by_itself_when_a_peer_is_ahead() {
    let town = Town::open();
    town.center(0, "advance --grace 10m");
    town.renew("merchant");
    town.wait_for_epochs("merchant", &[2]);
    town.renew_holder();
    // The merchant's credential shows issuer and carrier that there is a later epoch.
    town.buy();
    town.wait_for_epochs("issuer", &[2]);
    town.wait_for_epochs("carrier", &[2]);
    town.wait_for_epochs("c0", &[2]);
}

#[test]
fn a_service_that_has_not_renewed_after_the_grace_time_holds_its_orders_up_and_says_why() {
    let mut town = Town::open();
    town.kill("carrier");
    town.center(0, "advance --grace 0s");
    for party in ["merchant", "issuer"] {
        town.renew(party);
        town.wait_for_epochs(party, &[2]);
    }
    town.renew_holder();
    let line = town.buy_fails();
    assert!(line.contains("an epoch that is over: it has to renew them"), "{line}");
    // It needs no meeting to renew, so it is never too late.
    assert!(town.renew("carrier").ends_with("epoch 2\nrenewed\n"));
    town.start("carrier");
    town.buy();
}
