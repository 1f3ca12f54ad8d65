//! Old epochs, and routes that leave a center out.
use crate::{
    HOLDER, OPENERS, Purchase, SENDER,
    common::{Cast, NOW, Net, forge, rng},
    refused,
};
use serde_json::json;
use warifu_protocol::{
    AtFault, Reason, derive::KeySource, meeting, rule::Rule, sealed, terminal::Terminal,
    trust::Trust,
};
use warifu_types::{Role, UnixTime};

/// The terminal has learnt of a newer epoch; orders of the one before have until `grace_until`.
fn learns(terminal: &mut Terminal, epoch: u32, grace_until: UnixTime) {
    let mut anchors = terminal.trust.anchors().clone();
    for center in &mut anchors.centers {
        center.epoch = epoch;
        center.grace_until = grace_until;
    }
    terminal.trust = Trust::new(anchors, 100);
}

fn services_learn(cast: &mut Cast, epoch: u32, grace_until: UnixTime) {
    for terminal in [&mut cast.merchant, &mut cast.issuer, &mut cast.carrier] {
        learns(terminal, epoch, grace_until);
    }
}

#[test]
fn an_order_on_its_way_is_accepted_during_grace() {
    for net in [Net::kps(), Net::new()] {
        let mut purchase = Purchase::on(net);
        services_learn(&mut purchase.cast, 2, NOW.plus(1));
        for role in OPENERS {
            assert!(purchase.open(purchase.bundle(), role).is_ok());
        }
    }
}

#[test]
fn an_order_of_an_old_epoch_is_refused_after_grace() {
    for net in [Net::kps(), Net::new()] {
        let mut purchase = Purchase::on(net);
        services_learn(&mut purchase.cast, 2, NOW);
        for role in OPENERS {
            let result = purchase.open(purchase.bundle(), role);
            refused(result, Reason::OldEpoch, HOLDER, "part.keys");
        }
    }
}

#[test]
fn an_order_two_epochs_old_is_refused_even_during_grace() {
    let mut purchase = Purchase::on(Net::kps());
    services_learn(&mut purchase.cast, 3, NOW.plus(1000));
    for role in OPENERS {
        let result = purchase.open(purchase.bundle(), role);
        refused(result, Reason::OldEpoch, HOLDER, "part.keys");
    }
}

#[test]
fn an_epoch_that_has_not_begun_is_refused() {
    let mut cast = Cast::new(Net::with(
        2,
        &[warifu_protocol::suite::Suite::Kps],
        warifu_protocol::suite::SuiteFloor::all(warifu_protocol::suite::Suite::Kps),
    ));
    let sealed = cast.order(Rule::classic());
    services_learn(&mut cast, 1, NOW.plus(1000));
    let front = &cast.merchant.credential;
    let result = sealed::open(&cast.merchant, &sealed.bundle, front, Role::Merchant, NOW);
    refused(result, Reason::OldEpoch, HOLDER, "part.keys");
}

#[test]
fn a_holder_does_not_seal_for_an_old_epoch() {
    let mut cast = Cast::new(Net::kps());
    let form = cast.form(Rule::classic());
    learns(&mut cast.holder, 2, NOW);
    let result = cast.order_on(&form, &cast.recipients(), 7).map(|_| ());
    refused(result, Reason::OldEpoch, AtFault::Own, "credential.epochs");
}

#[test]
fn a_meeting_under_an_old_epoch_is_refused() {
    let mut cast = Cast::new(Net::kps());
    learns(&mut cast.holder, 2, NOW);
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
    refused(result, Reason::OldEpoch, SENDER, "challenge.keys");
}

/// A part whose header was given another route, signed for by the holder.
fn with_route(change: impl Fn(&mut serde_json::Value), reason: Reason) {
    let purchase = Purchase::on(Net::kps());
    let envelope = forge::envelope(&purchase.cast, &purchase.sealed, Role::Issuer);
    let bytes = serde_json::to_vec(&envelope).unwrap();
    let change = |header: &mut serde_json::Value| {
        change(&mut header["keys"]["predistributed"]);
    };
    let bundle = forge::resealed(&purchase.cast, purchase.bundle(), Role::Issuer, change, &bytes);
    refused(purchase.open(&bundle, Role::Issuer), reason, HOLDER, "part.keys");
}

#[test]
fn a_route_that_leaves_a_center_out() {
    for kept in 0..2 {
        with_route(
            |route| {
                let kept = route["epochs"][kept].clone();
                route["epochs"] = json!([kept]);
            },
            Reason::Untrusted,
        );
    }
    with_route(|route| route["epochs"] = json!([]), Reason::Untrusted);
}

#[test]
fn a_route_with_one_center_twice() {
    // The keys of one center added to themselves are nothing at all.
    with_route(
        |route| {
            let first = route["epochs"][0].clone();
            route["epochs"] = json!([first, first]);
        },
        Reason::Untrusted,
    );
}

#[test]
fn a_route_with_a_center_more() {
    with_route(
        |route| {
            let epochs = route["epochs"].as_array_mut().unwrap();
            epochs.push(json!({"center": "domain:center9.example", "epoch": 1}));
        },
        Reason::Untrusted,
    );
}

#[test]
fn a_route_in_another_order() {
    with_route(|route| route["epochs"].as_array_mut().unwrap().reverse(), Reason::Untrusted);
}

#[test]
fn a_route_over_another_matrix() {
    for matrix in ["h1", "s0-0"] {
        with_route(|route| route["matrix"] = json!(matrix), Reason::WrongParty);
    }
}

#[test]
fn a_meeting_over_a_route_without_a_center() {
    let cast = Cast::new(Net::kps());
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, mut challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    let KeySource::Predistributed(route) = &mut challenge.keys else { panic!("another source") };
    route.epochs.pop();
    let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
    refused(result, Reason::Untrusted, SENDER, "challenge.keys");
}
