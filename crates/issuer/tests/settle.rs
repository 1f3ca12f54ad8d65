//! Capture, void, and holds whose time is over.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, net::NOW, yen};
use warifu_issuer::{AuditFailure, Settings};
use warifu_protocol::{
    authorization::Authorization,
    settlement::{Action, Settlement},
    status::State,
};
use warifu_types::Nonce;

async fn state(world: &World, number: u32) -> State {
    world.issuer.view(&Wish::new(number).order()).await.unwrap().unwrap().state
}

fn verify(world: &World, token: &str, authorization: &Authorization, action: Action) {
    let issuer = &world.cast.issuer.credential;
    let merchant = world.cast.merchant.id();
    Settlement::verify(token, issuer, merchant, &authorization.order, action).unwrap();
}

#[tokio::test]
async fn capture_pays_the_merchant_once() {
    let mut world = World::new();
    world.card().await;
    let authorization = world.authorize(&Wish::new(1)).await;
    let token = world.capture(&authorization).await.unwrap();
    verify(&world, &token, &authorization, Action::Capture);
    assert_eq!(state(&world, 1).await, State::Settled);
    world.clock.advance(60);
    assert_eq!(world.capture(&authorization).await.unwrap(), token);
    world.restart(Settings::default());
    world.clock.advance(40 * 86_400);
    assert_eq!(world.capture(&authorization).await.unwrap(), token);
    assert_eq!(world.sums().await, (0, 1980, 1980));
    let problem = world.void(&authorization).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (409, "conflict"));
    assert_eq!(world.sums().await, (0, 1980, 1980));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn void_releases_and_capture_after_it_is_refused() {
    let world = World::new();
    world.card().await;
    let authorization = world.authorize(&Wish::new(1).amount(yen(5000))).await;
    let token = world.void(&authorization).await.unwrap();
    verify(&world, &token, &authorization, Action::Void);
    assert_eq!(world.void(&authorization).await.unwrap(), token);
    assert_eq!(state(&world, 1).await, State::Cancelled);
    let problem = world.capture(&authorization).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("settlement_request.action"));
    assert_eq!(world.sums().await, (0, 0, 0));
    assert_eq!(world.reason(&Wish::new(2).amount(yen(5000))).await, "");
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn another_merchant_and_another_authorization_are_refused() {
    let world = World::new();
    world.card().await;
    let authorization = world.authorize(&Wish::new(1)).await;
    let second = world.authorize(&Wish::new(2)).await;
    for action in [Action::Capture, Action::Void] {
        let problem = world.settle(&world.other, &authorization, action).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (403, "wrong_party"));
    }
    let mixed = Authorization { jti: second.jti, ..authorization.clone() };
    let problem = world.capture(&mixed).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("settlement_request.authorization"));
    let unknown = Authorization { order: warifu_types::Digest([5; 32]), ..authorization };
    assert_eq!(world.capture(&unknown).await.unwrap_err().status, 403);
    assert_eq!(world.sums().await, (2 * 1980, 0, 0));
}

#[tokio::test]
async fn a_refusal_has_nothing_to_settle() {
    let world = World::new();
    let refusal = world.authorize(&Wish::new(1)).await;
    for action in [Action::Capture, Action::Void] {
        let merchant = &world.cast.merchant;
        let problem = world.settle(merchant, &refusal, action).await.unwrap_err();
        assert_eq!(problem.code, "nothing_held");
    }
    let forged = Authorization { jti: Nonce([1; 32]), ..refusal };
    assert_eq!(world.capture(&forged).await.unwrap_err().code, "mismatch");
}

#[tokio::test]
async fn holds_end_with_their_time() {
    let world = World::new();
    world.card().await;
    let early = world.authorize(&Wish::new(1)).await;
    let captured = world.authorize(&Wish::new(2).amount(yen(20))).await;
    world.capture(&captured).await.unwrap();
    world.clock.advance(10);
    let late = world.authorize(&Wish::new(3).amount(yen(300))).await;
    assert_eq!(world.issuer.expire(early.exp.minus(1)).await.unwrap(), 0);
    assert_eq!(world.sums().await, (2280, 20, 20));

    // Not swept yet, but over.
    world.clock.set(early.exp);
    assert_eq!(world.capture(&early).await.unwrap_err().code, "expired");
    assert_eq!(world.issuer.expire(early.exp).await.unwrap(), 1);
    assert_eq!(world.issuer.expire(early.exp).await.unwrap(), 0);
    assert_eq!(state(&world, 1).await, State::Cancelled);
    assert_eq!(world.sums().await, (300, 20, 20));
    assert_eq!(world.capture(&early).await.unwrap_err().code, "expired");
    // Released is released, should the clock go back.
    world.clock.set(NOW);
    assert_eq!(world.capture(&early).await.unwrap_err().code, "expired");
    let token = world.void(&early).await.unwrap();
    verify(&world, &token, &early, Action::Void);
    assert_eq!(world.void(&early).await.unwrap(), token);
    // Open still, to the last second.
    world.clock.set(late.exp.minus(1));
    world.capture(&late).await.unwrap();
    assert_eq!(world.issuer.expire(late.exp.plus(1)).await.unwrap(), 0);
    assert_eq!(world.sums().await, (0, 320, 320));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn many_holds_end_in_batches() {
    let world = World::new();
    world.card().await;
    for number in 1..=205 {
        assert_eq!(world.reason(&Wish::new(number).amount(yen(1))).await, "");
    }
    assert_eq!(world.issuer.expire(NOW.plus(30 * 86_400)).await.unwrap(), 205);
    assert_eq!(world.sums().await, (0, 0, 0));
    assert_eq!(world.issuer.audit().await.unwrap().open_holds, 0);
}

#[tokio::test]
async fn no_hold_ends_a_second_early() {
    let world = World::new();
    world.card().await;
    // Ids that begin with the lowest and the highest character of base64url.
    for number in [0xf800_0001, 0x0000_0001, 0xfc00_0001, 0x6400_0001] {
        assert_eq!(world.reason(&Wish::new(number).amount(yen(1))).await, "");
    }
    let end = NOW.plus(30 * 86_400);
    assert_eq!(world.issuer.expire(end.minus(1)).await.unwrap(), 0);
    assert_eq!(world.issuer.expire(end).await.unwrap(), 4);
}

#[tokio::test]
async fn an_audit_finds_a_record_that_differs_from_the_ledger() {
    let state = |state: &str| format!("\"state\":\"{state}\"");
    let amount =
        |minor: u64| format!("\"amount\":{{\"minor\":{minor},\"currency\":\"JPY\"}},\"payments\"");
    for (from, to) in [
        (state("settled"), state("authorized")),
        (state("settled"), state("cancelled")),
        (amount(1980), amount(1981)),
    ] {
        let mut world = World::new();
        world.card().await;
        let wish = Wish::new(1);
        let authorization = world.authorize(&wish).await;
        world.capture(&authorization).await.unwrap();
        world.issuer.audit().await.unwrap();
        world.tamper(&wish, &from, &to).await;
        let failure = world.issuer.audit().await.unwrap_err();
        assert_eq!(failure, AuditFailure::Order { order: wish.order().to_string() });
    }
}
