//! A card manager and a door: no money moves (row A16).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, net::NOW, peer};
use warifu_protocol::{authorization::Decision, settlement::Action, status::State};
use warifu_types::FieldName;
use warifu_wire::AuthorizeAnswer;

#[tokio::test]
async fn zones_decide() {
    let world = World::badges();
    world.badge().await;
    let wish = Wish::badge(1);
    let answer = world.authorize(&wish).await;
    assert_eq!((answer.decision, answer.reason), (Decision::Authorized, None));
    assert_eq!(answer.exp, NOW.plus(900));
    let view = world.issuer.view(&wish.order()).await.unwrap().unwrap();
    assert_eq!(view.state, State::Authorized);
    assert!(view.sealed.is_empty());

    let elsewhere = Wish::badge(2).text(FieldName::ACCESS_ZONE, "vault");
    assert_eq!(world.reason(&elsewhere).await, "access_denied");
    let stranger = Wish::badge(3).text(FieldName::HOLDER_NAME, "x");
    assert_eq!(world.reason(&stranger).await, "not_authenticated");
    assert!(world.issuer.balances().await.unwrap().is_empty());
    let audited = world.issuer.audit().await.unwrap();
    assert_eq!((audited.orders, audited.ledger.transfers), (3, 0));
}

#[tokio::test]
async fn again_is_the_same_answer_and_nothing_is_settled() {
    let world = World::badges();
    let card = world.badge().await;
    let sealed = world.seal(&Wish::badge(1));
    let token = world.try_authorize(&sealed).await.unwrap();
    world.issuer.block_card(&card).await.unwrap();
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), token);
    assert_eq!(world.reason(&Wish::badge(2)).await, "card_blocked");
    let answer = world.read(&token, &sealed);
    let problem = world.settle(&world.door, &answer, Action::Capture).await.unwrap_err();
    assert_eq!(problem.code, "nothing_held");
}

#[tokio::test]
async fn a_merchant_cannot_ask_for_a_door() {
    let world = World::badges();
    world.badge().await;
    let sealed = world.seal(&Wish::badge(1));
    let merchant = peer(&world.cast.merchant);
    let question = world.question_by(&world.cast.merchant, &sealed.bundle);
    let asked = world.ask::<AuthorizeAnswer>(&merchant, "authorize", &question).await;
    assert!(asked.is_err());
}
