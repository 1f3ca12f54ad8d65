//! Peers that are away, answers that are lost, crashes: all parties agree in the end.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{Breaking, World, offered, script::Mode, server::Fault};
use std::{sync::atomic::AtomicUsize, time::Duration};
use warifu_protocol::{rule::Rule, status::State};
use warifu_types::{FieldName, Role};
use warifu_wire::{Problem, StatusAnswer};

#[tokio::test]
async fn an_issuer_that_comes_back() {
    let world = World::with(vec![offered(Rule::minimal())], &[Role::Issuer]).await;
    world.script(Role::Carrier).set(Mode::DeliversAtOnce);
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    assert_eq!(world.left("T-100").await, 8);
    let listed = world.merchant.orders(None, 1).await.unwrap();
    assert_eq!(listed[0].trouble.as_ref().unwrap().code, "unreachable");
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);

    world.start(Role::Issuer).await;
    let worker = world.merchant.spawn_worker(Duration::from_millis(20));
    for _ in 0..200 {
        if world.state(&sealed).await == State::Settled {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.abort();
    assert_eq!(world.state(&sealed).await, State::Settled);
    assert!(world.merchant.orders(None, 1).await.unwrap()[0].trouble.is_none());
    assert_eq!(world.left("T-100").await, 8);
}

#[tokio::test]
async fn a_silent_issuer_is_asked_for_one_order_a_pass() {
    let world = World::new(Rule::minimal()).await;
    for seed in [7, 8, 9] {
        world.hosts[&Role::Issuer].faults.lock().unwrap().push_back(Fault::LostQuestion);
        let (sealed, question) = world.two_teas(seed).await;
        assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    }
    world.hosts[&Role::Issuer].faults.lock().unwrap().push_back(Fault::LostQuestion);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 3);
    assert_eq!(
        world.script(Role::Issuer).times_asked("authorize"),
        0,
        "one was lost, two not sent"
    );
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.script(Role::Carrier).count(), 3);
}

#[tokio::test]
async fn a_crash_after_each_step() {
    let world = World::with(vec![offered(Rule::minimal())], &[Role::Issuer]).await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    world.start(Role::Issuer).await;
    world.script(Role::Carrier).mark_delivered(sealed.identity);
    let mut states = vec![];
    for _ in 0..4 {
        // Each merchant makes one step and is gone.
        states.push(world.rebuilt().step(&sealed.id).await.unwrap());
    }
    // The carrier has handed over already when it is asked to deliver.
    assert_eq!(states, [State::Authorized, State::Delivered, State::Settled, State::Settled]);
    let last = world.rebuilt();
    assert_eq!(last.run_pending().await.unwrap(), Default::default());
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
}

#[tokio::test]
async fn a_crash_at_every_write() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let mut finished_alone = false;
    let mut jobs = 0;
    while !finished_alone {
        let mut world = World::new(rule.clone()).await;
        world.script(Role::Carrier).set(Mode::DeliversAtOnce);
        let (sealed, question) = world.two_teas(7).await;
        let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
        world.serve(world.rebuilt_on(std::sync::Arc::new(store))).await;
        let answer: Result<StatusAnswer, _> = world.ask(&world.holder, "order", &question).await;
        finished_alone = answer.is_ok();

        world.serve(world.rebuilt()).await;
        let status = world.order(&sealed, &question).await;
        world.merchant.run_pending().await.unwrap();
        assert_eq!(status.state, State::Settled, "broken after {jobs}");
        assert_eq!(world.left("T-100").await, 8, "broken after {jobs}");
        assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
        assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"]);
        assert_eq!(world.script(Role::Gateway).kinds(), ["notify"]);
        assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
        jobs += 1;
        assert!(jobs < 60, "an order takes fewer writes than that");
    }
    assert!(jobs > 5, "an order is written more often than {jobs} times");
}

#[tokio::test]
async fn answers_that_are_lost() {
    for fault in [Fault::LostQuestion, Fault::LostAnswer] {
        let world = World::new(Rule::minimal()).await;
        world.script(Role::Carrier).set(Mode::DeliversAtOnce);
        let (sealed, question) = world.two_teas(7).await;
        for role in [Role::Issuer, Role::Carrier] {
            world.hosts[&role].faults.lock().unwrap().push_back(fault);
        }
        assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Authorized);
        world.hosts[&Role::Issuer].faults.lock().unwrap().push_back(fault);
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Delivered);
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Settled, "{fault:?}");
        assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "capture"]);
        assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"]);
    }
}

#[tokio::test]
async fn answers_for_another_order_move_nothing() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    for (role, state) in [(Role::Issuer, State::Ordered), (Role::Carrier, State::Authorized)] {
        world.script(role).set(Mode::WrongOrder);
        world.order(&sealed, &question).await;
        assert_eq!(world.state(&sealed).await, state);
        let trouble = world.merchant.orders(None, 1).await.unwrap().remove(0).trouble.unwrap();
        assert_eq!((trouble.party, trouble.code.as_str()), (role, "mismatch"));
        world.script(role).set(Mode::Good);
    }
    world.order(&sealed, &question).await;
    world.script(Role::Carrier).mark_delivered(sealed.identity);
    world.script(Role::Issuer).set(Mode::WrongOrder);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Delivered);
    world.script(Role::Issuer).set(Mode::Good);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Settled);
}

#[tokio::test]
async fn a_problem_of_the_way_decides_nothing() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    for problem in [
        Problem::internal(),
        Problem::new(429, "busy", "", None),
        Problem::new(409, "replayed", "", Some("session.seq")),
    ] {
        world.script(Role::Issuer).set(Mode::Problem(problem));
        assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    }
    world.script(Role::Issuer).set(Mode::Good);
    assert_eq!(world.order(&sealed, &question).await.state, State::Dispatched);
}

#[tokio::test]
async fn given_up_before_dispatch() {
    let world = World::with(vec![offered(Rule::minimal())], &[Role::Carrier]).await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    world.hosts[&Role::Issuer].faults.lock().unwrap().push_back(Fault::LostAnswer);
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Authorized);
    // A crash here: the intention is in the records, and the carrier never gets it.
    world.start(Role::Carrier).await;
    let after = world.rebuilt();
    after.run_pending().await.unwrap();
    assert_eq!(world.status(&sealed).await.state, State::Cancelled);
    assert_eq!(world.left("T-100").await, 10);
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize", "void"]);
    assert_eq!(world.script(Role::Carrier).count(), 0);
    assert_eq!(after.cancel(&sealed.id).await.unwrap(), State::Cancelled);
    assert_eq!(after.run_pending().await.unwrap(), Default::default());
    assert_eq!(world.left("T-100").await, 10, "given back once");
}

#[tokio::test]
async fn not_given_up_once_the_carrier_has_it() {
    let world = World::new(Rule::minimal()).await;
    world.hosts[&Role::Carrier].faults.lock().unwrap().push_back(Fault::LostAnswer);
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    let problem = world.merchant.cancel(&sealed.id).await.unwrap_err();
    assert_eq!((problem.code.as_str(), problem.status), ("wrong_state", 409));
    assert_eq!(world.state(&sealed).await, State::Dispatched, "the carrier was asked first");
    assert_eq!(world.script(Role::Issuer).kinds(), ["authorize"]);

    // The question was lost, so the carrier does not have it.
    world.hosts[&Role::Carrier].faults.lock().unwrap().push_back(Fault::LostQuestion);
    let (sealed, question) = world.two_teas(8).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    world.hosts[&Role::Carrier].faults.lock().unwrap().push_back(Fault::LostQuestion);
    let problem = world.merchant.cancel(&sealed.id).await.unwrap_err();
    assert_eq!(problem.code, "unreachable", "it may have it, and cannot be asked");
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Cancelled);
    assert_eq!(world.left("T-100").await, 8);
}

#[tokio::test]
async fn a_false_carrier_gets_nothing() {
    let world = World::with(vec![offered(Rule::minimal())], &[Role::Carrier]).await;
    // At the carrier's address answers somebody else.
    let other = common::terminal(&world.net, "domain:false.example", Role::Carrier, 80, None);
    let other = common::party(other, &world.clock, &world.directory);
    let other = common::script::Script::new(other, Role::Carrier);
    world.hosts[&Role::Carrier].start(other.clone()).await;
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    let trouble = world.merchant.orders(None, 1).await.unwrap().remove(0).trouble.unwrap();
    assert_eq!((trouble.party, trouble.code.as_str()), (Role::Carrier, "impostor"));
    assert!(other.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_bad_record_does_not_hold_up_the_others() {
    let world = World::with(vec![offered(Rule::minimal())], &[Role::Issuer]).await;
    for seed in [7, 8] {
        let (sealed, question) = world.two_teas(seed).await;
        assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    }
    let first = world.merchant.orders(None, 1).await.unwrap()[0].order.to_string();
    let store: std::sync::Arc<dyn warifu_ports::Store> = world.store.clone();
    let spoil = move |unit: &mut dyn warifu_ports::Unit| unit.put("merchant_orders", &first, b"{}");
    store.run(spoil).await.unwrap();
    world.start(Role::Issuer).await;
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 2);
    assert_eq!(world.script(Role::Carrier).count(), 1);
}
