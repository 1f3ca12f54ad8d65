//! The issuer's part sent directly by the holder (row A10, claim 1).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{CARD, Wish, World, another_holder, net::NOW, peer};
use warifu_types::Role;
use warifu_wire::{AuthorizeAnswer, AuthorizeQuestion, PartQuestion, Problem, ReceivedAnswer};

fn direct(number: u32) -> Wish {
    Wish { direct: true, ..Wish::new(number) }
}

/// The front's question without the issuer's part, as it has none.
fn without_part(world: &World, sealed: &warifu_protocol::sealed::Sealed) -> AuthorizeQuestion {
    let mut question = world.question(&sealed.bundle);
    question.sealed = sealed.bundle.except(world.role);
    question
}

async fn ask(world: &World, question: &AuthorizeQuestion) -> Result<String, Problem> {
    let front = peer(world.front());
    let answer = world.ask::<AuthorizeAnswer>(&front, "authorize", question).await?;
    Ok(answer.authorization)
}

#[tokio::test]
async fn before_the_front_asks() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&direct(1));
    let received = world.send_part(&world.cast.holder, &sealed).await.unwrap();
    assert_eq!(received.order, sealed.identity);
    let question = without_part(&world, &sealed);
    let token = ask(&world, &question).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason, None);
    // Both again, now that the part is used.
    world.send_part(&world.cast.holder, &sealed).await.unwrap();
    assert_eq!(ask(&world, &question).await.unwrap(), token);
    assert_eq!(world.sums().await, (1980, 0, 0));
}

#[tokio::test]
async fn after_the_front_asks() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&direct(1));
    let question = without_part(&world, &sealed);
    let problem = ask(&world, &question).await.unwrap_err();
    assert_eq!(problem.code, "part_not_here");
    assert!(problem.is_temporary());
    world.send_part(&world.cast.holder, &sealed).await.unwrap();
    world.send_part(&world.cast.holder, &sealed).await.unwrap();
    let token = ask(&world, &question).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason, None);
    assert_eq!(ask(&world, &question).await.unwrap(), token);
}

#[tokio::test]
async fn without_the_part_where_the_form_does_not_say_so() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&Wish::new(1));
    let problem = ask(&world, &without_part(&world, &sealed)).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("parts.issuer"));
    assert!(!problem.is_temporary());
    let problem = world.send_part(&world.cast.holder, &sealed).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("form.direct"));
}

#[tokio::test]
async fn only_from_the_holder_and_only_once_for_an_id() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&direct(1));
    let problem = world.send_part(&another_holder(&world), &sealed).await.unwrap_err();
    assert_eq!(problem.status, 403);
    let problem = world.send_part(&world.cast.merchant, &sealed).await.unwrap_err();
    assert_eq!((problem.status, problem.field.as_deref()), (403, Some("op")));

    world.send_part(&world.cast.holder, &sealed).await.unwrap();
    let other = world.seal(&direct(1).amount(common::yen(7)));
    let problem = world.send_part(&world.cast.holder, &other).await.unwrap_err();
    assert_eq!((problem.status, problem.field.as_deref()), (409, Some("order.jti")));
    // The front that asks for the other order does not get this one's part.
    let problem = ask(&world, &without_part(&world, &other)).await.unwrap_err();
    assert_eq!(problem.code, "part_not_here");
    ask(&world, &without_part(&world, &sealed)).await.unwrap();
    let problem = world.send_part(&world.cast.holder, &other).await.unwrap_err();
    assert_eq!(problem.field.as_deref(), Some("order.jti"));
}

#[tokio::test]
async fn altered_or_for_another_is_refused() {
    let world = World::new();
    let sealed = world.seal(&direct(1));
    let holder = peer(&world.cast.holder);
    let front = world.cast.merchant.credential_token.clone();
    let send = |bundle: warifu_protocol::sealed::SealedOrder, front: String| {
        let (world, holder) = (&world, &holder);
        let question = PartQuestion { sealed: bundle, front };
        async move { world.ask::<ReceivedAnswer>(holder, "part", &question).await.unwrap_err() }
    };
    let mut altered = sealed.bundle.only(Role::Issuer);
    altered.parts.as_mut().entry(Role::Issuer).and_modify(|part| part.push('A'));
    assert_eq!(send(altered, front.clone()).await.code, "altered_part");
    let none = sealed.bundle.except(Role::Issuer);
    assert_eq!(send(none, front).await.field.as_deref(), Some("parts.issuer"));
    let bundle = sealed.bundle.only(Role::Issuer);
    let problem = send(bundle, world.other.credential_token.clone()).await;
    assert!(problem.status < 500, "{problem:?}");
    assert!(!format!("{problem:?}").contains(CARD));
}

#[tokio::test]
async fn forgotten_when_the_order_is_over() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&direct(1));
    world.send_part(&world.cast.holder, &sealed).await.unwrap();
    world.issuer.expire(NOW.plus(900)).await.unwrap();
    world.issuer.expire(NOW.plus(1019)).await.unwrap();
    let question = without_part(&world, &sealed);
    world.issuer.expire(NOW.plus(1020)).await.unwrap();
    assert_eq!(ask(&world, &question).await.unwrap_err().code, "part_not_here");
}
