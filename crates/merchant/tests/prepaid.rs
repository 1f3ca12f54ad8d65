//! Prepaid purchases: the center's notice and the merchant's own question race, and agree.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{Breaking, World, not_paid, offered, problem, script::Mode, who};
use std::sync::{Arc, atomic::AtomicUsize};
use warifu_merchant::Merchant;
use warifu_protocol::{
    AtFault,
    authorization::{Authorization, Decision},
    form::{Designation, FORM, Form},
    jws,
    rule::Rule,
    sealed::Sealed,
    status::State,
};
use warifu_types::{Digest, Role};
use warifu_wire::{OrderQuestion, PaymentNoticesAnswer, Problem, Service, StatusAnswer};

/// A world in which the center has not been paid yet, and an order in it.
async fn ordered() -> (World, Sealed, OrderQuestion) {
    let world = World::new(Rule::prepaid()).await;
    world.script(Role::Center).set(not_paid());
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    (world, sealed, question)
}

async fn trouble(world: &World) -> Option<String> {
    let listed = world.merchant.orders(None, 1).await.unwrap().remove(0);
    listed.trouble.map(|trouble| trouble.code)
}

#[tokio::test]
async fn asked_again_until_it_is_paid() {
    let (world, sealed, _) = ordered().await;
    assert_eq!(world.left("T-100").await, 8);
    assert_eq!(trouble(&world).await.as_deref(), Some("part_not_here"));
    for _ in 0..5 {
        assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);
    }
    assert_eq!(world.script(Role::Center).times_asked("authorize"), 2, "not at every pass");
    assert_eq!(world.script(Role::Carrier).count(), 0);

    world.script(Role::Center).set(Mode::Good);
    world.clock.advance(1);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Dispatched);
    assert_eq!(*world.script(Role::Center).parts.lock().unwrap(), [0], "no part through the shop");
    let listed = world.merchant.orders(None, 1).await.unwrap().remove(0);
    assert_eq!(listed.transaction.as_deref(), Some("T-20270115-000123"));
    world.script(Role::Carrier).mark_delivered(sealed.identity);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Settled);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
    assert_eq!(*world.script(Role::Center).captured.lock().unwrap(), [None], "all that is held");
}

#[tokio::test]
async fn the_form_names_the_center_and_no_issuers() {
    let mut world = World::new(Rule::prepaid()).await;
    world.settings.accepts.issuers = vec![who(Role::Issuer)];
    world.serve(world.rebuilt()).await;
    let form = world.form("prepaid").await;
    assert!(form.credentials.contains_key(&Role::Center));
    let claims: Form = jws::peek(FORM, &form.form, AtFault::Sender).unwrap();
    assert!(claims.direct && claims.accepts.issuers.is_empty());
    let center = Designation::Identifier(who(Role::Center));
    assert_eq!(claims.parties.get(&Role::Center), Some(&center));
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Dispatched);
}

#[tokio::test]
async fn a_notice_is_enough() {
    let (world, sealed, question) = ordered().await;
    let answer = world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(answer.order, sealed.identity);
    assert_eq!(world.state(&sealed).await, State::Dispatched, "on at once");
    assert_eq!(world.script(Role::Center).times_asked("authorize"), 1, "before the payment");

    // The notice again, and the holder's order again, change nothing.
    world.script(Role::Center).set(Mode::Good);
    let before = world.status(&sealed).await;
    world.clock.advance(30);
    world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(world.order(&sealed, &question).await, before);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.status(&sealed).await, before);
    assert_eq!(world.script(Role::Center).times_asked("authorize"), 1);
    assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"]);
    assert_eq!(world.left("T-100").await, 8);
}

#[tokio::test]
async fn a_notice_before_the_order_comes_again() {
    let world = World::new(Rule::prepaid()).await;
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    let early = world.notice(&world.payment(&sealed)).await.unwrap_err();
    assert!(early.is_temporary());
    let expected = ("order_not_here".to_string(), "authorization.order".to_string());
    assert_eq!(problem(early), expected);
    assert!(world.merchant.orders(None, 1).await.unwrap().is_empty());
    assert_eq!(world.order(&sealed, &question).await.state, State::Dispatched);
    world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Dispatched);
}

#[tokio::test]
async fn notices_and_questions_at_the_same_time() {
    let (world, sealed, _) = ordered().await;
    world.script(Role::Center).set(Mode::Good);
    let token = {
        let center = Service::party(world.script(Role::Center)).clone();
        world.payment(&sealed).sign(center.terminal().signer.as_ref())
    };
    let asks: Vec<_> = (0..8)
        .map(|_| {
            let merchant: Arc<Merchant> = world.merchant.clone();
            tokio::spawn(async move { merchant.run_pending().await.map(drop) })
        })
        .collect();
    let notices: Vec<_> = (0..24)
        .map(|_| {
            let (url, token) = (world.url.clone(), token.clone());
            let center = Service::party(world.script(Role::Center)).clone();
            tokio::spawn(async move { common::give_notice(&center, &url, token).await })
        })
        .collect();
    for ask in asks {
        ask.await.unwrap().unwrap();
    }
    for notice in notices {
        assert_eq!(notice.await.unwrap().unwrap().order, sealed.identity);
    }
    assert_eq!(world.state(&sealed).await, State::Dispatched);
    assert_eq!(world.script(Role::Carrier).times_asked("deliver"), 1);
    assert_eq!(world.left("T-100").await, 8);
}

#[tokio::test]
async fn notices_that_are_refused_change_nothing() {
    let (world, sealed, _) = ordered().await;
    let good = world.payment(&sealed);
    let now = world.clock.clone();
    let now = warifu_ports::Clock::now(now.as_ref());
    for (bad, code, field) in [
        (
            Authorization { decision: Decision::Refused, ..good.clone() },
            "bad_value",
            "authorization.decision",
        ),
        (
            Authorization { transaction: None, ..good.clone() },
            "bad_value",
            "authorization.transaction",
        ),
        (
            Authorization { transaction: Some("T 1\n".into()), ..good.clone() },
            "bad_value",
            "authorization.transaction",
        ),
        (
            Authorization { aud: who(Role::Carrier), ..good.clone() },
            "wrong_party",
            "authorization.aud",
        ),
        (
            Authorization { iss: who(Role::Issuer), ..good.clone() },
            "wrong_party",
            "authorization.iss",
        ),
        (Authorization { exp: now.minus(200), ..good.clone() }, "expired", "authorization.exp"),
        (
            Authorization { iat: now.plus(200), ..good.clone() },
            "not_yet_valid",
            "authorization.iat",
        ),
        (
            Authorization { order: Digest([3; 32]), ..good.clone() },
            "order_not_here",
            "authorization.order",
        ),
    ] {
        let refused = problem(world.notice(&bad).await.unwrap_err());
        assert_eq!(refused, (code.to_string(), field.to_string()));
        assert_eq!(world.state(&sealed).await, State::Ordered, "{field}");
    }
    // Another center, with its own signature and with the right one's word.
    let other = common::terminal(&world.net, "domain:other-pay.example", Role::Center, 50, None);
    let other = common::party(other, &world.clock, &world.directory);
    let own = Authorization { iss: other.id(), ..good.clone() };
    let own = own.sign(other.terminal().signer.as_ref());
    let center = Service::party(world.script(Role::Center)).clone();
    let others = good.sign(center.terminal().signer.as_ref());
    for token in [own, others.clone()] {
        let refused = problem(world.notice_from(&other, token).await.unwrap_err());
        assert_eq!(refused, ("wrong_party".into(), "authorization.iss".into()));
    }
    // Altered on the way, and signed by another.
    let forged = good.sign(other.terminal().signer.as_ref());
    let mut altered = others.clone().into_bytes();
    let place = altered.len() - 20;
    altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
    for token in [String::from_utf8(altered).unwrap(), forged] {
        let refused = world.notice_from(&center, token).await.unwrap_err();
        assert!(!refused.is_temporary(), "{refused}");
    }
    let refused = world.notice_from(&center, "x.y".into()).await.unwrap_err();
    assert_eq!(problem(refused), ("malformed".into(), "authorization".into()));
    assert_eq!(world.state(&sealed).await, State::Ordered);
    assert_eq!(world.script(Role::Carrier).count(), 0);
    world.notice(&good).await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Dispatched, "the good one still counts");
}

#[tokio::test]
async fn a_center_says_nothing_of_an_issuers_order() {
    let world = World::new(Rule::minimal()).await;
    let refuses = Problem::new(503, "internal", "", None);
    world.script(Role::Issuer).set(Mode::Problem(refuses));
    let (sealed, question) = world.two_teas(7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    let refused = problem(world.notice(&world.payment(&sealed)).await.unwrap_err());
    assert_eq!(refused, ("wrong_party".into(), "authorization.iss".into()));
    assert_eq!(world.state(&sealed).await, State::Ordered);
}

#[tokio::test]
async fn only_a_center_gives_notice_and_that_is_all_it_may() {
    let (world, sealed, question) = ordered().await;
    let center = Service::party(world.script(Role::Center)).clone();
    let token = world.payment(&sealed).sign(center.terminal().signer.as_ref());
    let notice = warifu_wire::PaymentNoticesQuestion { authorizations: vec![token] };
    let answer: Result<PaymentNoticesAnswer, _> =
        world.ask(&world.holder, "payment_notices", &notice).await;
    assert_eq!(problem(answer.unwrap_err()), ("not_found".into(), "op".into()));
    let roles = (Role::Center, Role::Merchant);
    let question = ("order", &question);
    let connections = center.connections();
    let answer: Result<StatusAnswer, _> =
        connections.ask(&center, &world.url, roles, None, question, None).await;
    assert_eq!(problem(answer.unwrap_err()), ("not_found".into(), "op".into()));
    assert_eq!(world.state(&sealed).await, State::Ordered);
}

#[tokio::test]
async fn an_answer_without_a_transaction_is_none() {
    let world = World::new(Rule::prepaid()).await;
    // An issuer's kind of answer, from the center's key.
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    let bad = Authorization { transaction: None, ..world.payment(&sealed) };
    world.script(Role::Center).set(not_paid());
    world.order(&sealed, &question).await;
    let refused = problem(world.notice(&bad).await.unwrap_err());
    assert_eq!(refused.1, "authorization.transaction");
    world.script(Role::Center).set(Mode::WrongOrder);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Ordered);
    assert_eq!(trouble(&world).await.as_deref(), Some("mismatch"));
}

#[tokio::test]
async fn never_paid_is_refused_by_the_center() {
    let (world, sealed, _) = ordered().await;
    world.script(Role::Center).set(Mode::Refuses("not_paid"));
    world.clock.advance(600);
    world.merchant.run_pending().await.unwrap();
    let status = world.status(&sealed).await;
    assert_eq!((status.state, status.reason.as_deref()), (State::Refused, Some("not_paid")));
    assert_eq!(world.left("T-100").await, 10);
    // Whatever a center says after its own refusal.
    world.notice(&world.payment(&sealed)).await.unwrap();
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Refused);
    assert_eq!(world.script(Role::Carrier).count(), 0);
}

#[tokio::test]
async fn paid_after_the_shop_has_refused_and_the_money_goes_back() {
    let mut world = World::new(Rule::prepaid()).await;
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    world.directory.forget(who(Role::Carrier).as_str());
    world.serve(world.rebuilt()).await;
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.reason.as_deref(), Some("unknown_party"));
    assert_eq!(world.left("T-100").await, 10);

    world.script(Role::Center).set(Mode::Problem(Problem::internal()));
    world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1, "still to be let go");
    world.serve(world.rebuilt()).await;
    world.script(Role::Center).set(Mode::Good);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.script(Role::Center).kinds(), ["void"]);
    let after = world.status(&sealed).await;
    assert_eq!((after.state, after.reason.as_deref()), (State::Refused, Some("unknown_party")));
    assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
    assert_eq!(world.left("T-100").await, 10, "given back once");
    assert_eq!(world.script(Role::Carrier).count(), 0);
}

#[tokio::test]
async fn given_up_after_payment() {
    let world = World::with(vec![offered(Rule::prepaid())], &[Role::Carrier]).await;
    let (sealed, question) = world.prepaid("T-100", 2, 7).await;
    world.script(Role::Center).set(not_paid());
    world.order(&sealed, &question).await;
    world.script(Role::Center).set(Mode::Good);
    world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Authorized);
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Cancelled);
    assert_eq!(world.script(Role::Center).kinds(), ["void"]);
    assert_eq!(world.left("T-100").await, 10);
}

#[tokio::test]
async fn a_crash_between_each_two_steps() {
    let (mut world, sealed, _) = ordered().await;
    world.serve(world.rebuilt()).await;
    // The carrier is away while the notice comes.
    let carrier = Problem::internal();
    world.script(Role::Carrier).set(Mode::Problem(carrier));
    world.script(Role::Center).set(Mode::Good);
    world.notice(&world.payment(&sealed)).await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Authorized);
    world.script(Role::Carrier).set(Mode::Good);
    let mut states = vec![];
    for _ in 0..4 {
        if states.last() == Some(&State::Dispatched) {
            world.script(Role::Carrier).mark_delivered(sealed.identity);
        }
        states.push(world.rebuilt().step(&sealed.id).await.unwrap());
    }
    use State::*;
    assert_eq!(states, [Dispatched, Delivered, Settled, Settled]);
    assert_eq!(world.script(Role::Center).kinds(), ["capture"]);
    assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"]);
}

#[tokio::test]
async fn a_crash_at_every_write_of_a_notice() {
    let mut finished_alone = false;
    let mut jobs = 0;
    while !finished_alone {
        let (mut world, sealed, _) = ordered().await;
        world.script(Role::Center).set(Mode::Good);
        world.script(Role::Carrier).set(Mode::DeliversAtOnce);
        let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
        world.serve(world.rebuilt_on(Arc::new(store))).await;
        finished_alone = world.notice(&world.payment(&sealed)).await.is_ok();

        world.serve(world.rebuilt()).await;
        world.notice(&world.payment(&sealed)).await.unwrap();
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Settled, "broken after {jobs}");
        assert_eq!(world.script(Role::Center).kinds(), ["capture"], "broken after {jobs}");
        assert_eq!(world.script(Role::Carrier).kinds(), ["deliver"], "broken after {jobs}");
        assert_eq!(world.left("T-100").await, 8, "broken after {jobs}");
        assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
        jobs += 1;
        assert!(jobs < 60, "a notice takes fewer writes than that");
    }
    assert!(jobs > 5, "a notice is written more often than {jobs} times");
}
