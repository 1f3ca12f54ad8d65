//! Authorizations: good, and refused for every reason.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{CARD, Wish, World, another_holder, application, euro, net::NOW, peer, yen};
use warifu_issuer::Settings;
use warifu_protocol::{Reason, authorization::Decision, rule::Rule, sealed, status::State};
use warifu_types::{FieldName, Role, UnixTime};
use warifu_wire::AuthorizeAnswer;

#[tokio::test]
async fn good_in_both_suites_and_both_rules() {
    for net in [common::net::Net::new(), common::net::Net::kps()] {
        let world = World::with(net, Settings::default());
        world.card().await;
        for (number, rule) in [(1, Rule::classic()), (2, Rule::minimal())] {
            let wish = Wish { rule, ..Wish::new(number) };
            let answer = world.authorize(&wish).await;
            assert_eq!((answer.decision, answer.reason), (Decision::Authorized, None));
            assert_eq!(answer.exp, NOW.plus(30 * 86_400));
            let view = world.issuer.view(&wish.order()).await.unwrap().unwrap();
            assert_eq!((view.state, &view.rule), (State::Authorized, &wish.rule.name));
            assert_eq!(view.fields.len(), wish.rule.part(Role::Issuer).len());
            assert!(view.sealed.contains(&FieldName::DESTINATION));
        }
        assert_eq!(world.sums().await, (2 * 1980, 0, 0));
        assert_eq!(world.issuer.audit().await.unwrap().open_holds, 2);
    }
}

#[tokio::test]
async fn spelling_does_not_matter_and_content_does() {
    let world = World::new();
    world.card().await;
    let good = Wish::new(1)
        .text(FieldName::HOLDER_NAME, "  山田花子\u{3000}")
        .text(FieldName::HOLDER_TELEPHONE, "＋８１-3-1234-5678")
        .amount(yen(1));
    assert_eq!(world.reason(&good).await, "");
    // The first character is a radical (U+2F2D) whose normal form is the name's.
    let radical = Wish::new(7).text(FieldName::HOLDER_NAME, "\u{2f2d}田花子").amount(yen(1));
    assert_eq!(world.reason(&radical).await, "");
    for (number, field, value) in [
        (2, FieldName::HOLDER_TELEPHONE, "+81-3-1234-5679"),
        (3, FieldName::HOLDER_TELEPHONE, ""),
        (4, FieldName::HOLDER_NAME, "山田太郎"),
        (5, FieldName::CARD_EXPIRY, "2030-11"),
        (6, FieldName::CARD_NUMBER, "5105105105105100"),
    ] {
        let wish = Wish::new(number).text(field, value);
        assert_eq!(world.reason(&wish).await, "not_authenticated");
        let view = world.issuer.view(&wish.order()).await.unwrap().unwrap();
        assert_eq!(view.state, State::Refused);
    }
    assert_eq!(world.sums().await, (2, 0, 0));
}

#[tokio::test]
async fn another_holder_cannot_use_the_card() {
    let world = World::new();
    world.card().await;
    let thief = another_holder(&world);
    let sealed = world.seal_by(&thief, &Wish::new(1));
    let answer = world.authorize_sealed(&sealed).await;
    assert_eq!(answer.reason.as_deref(), Some("not_authenticated"));
    assert_eq!(world.sums().await, (0, 0, 0));
}

#[tokio::test]
async fn telephone_is_compared_only_where_the_rule_gives_it() {
    let world = World::new();
    world.card().await;
    let rule = Rule::minimal().without(&FieldName::HOLDER_TELEPHONE).named("no telephone");
    let wish = Wish { rule, ..Wish::new(1) };
    assert_eq!(world.reason(&wish).await, "");
}

#[test]
fn a_rule_that_keeps_needed_fields_back_is_refused_and_named() {
    let world = World::new();
    for field in [
        FieldName::AMOUNT,
        FieldName::PAYMENT_TYPE,
        FieldName::HOLDER_NAME,
        FieldName::CARD_NUMBER,
        FieldName::CARD_EXPIRY,
    ] {
        let rule = Rule::minimal().withheld(Role::Issuer, &field).named("less");
        let error = world.check_form(&Wish { rule, ..Wish::new(1) }).unwrap_err();
        assert_eq!(error.reason, Reason::OutsideRule);
        assert_eq!(error.field, format!("form.rule.parts.issuer.{field}"));
    }
}

#[tokio::test]
async fn blocked_and_expired_cards() {
    let world = World::new();
    world.clock.set(UnixTime(NOW.0 - 30 * 86_400));
    let mut card = application(world.cast.holder.id());
    card.expiry = "2026-12".into();
    world.issuer.add_card(card).await.unwrap();
    world.clock.set(NOW);
    let wish = Wish::new(1).text(FieldName::CARD_EXPIRY, "2026-12");
    assert_eq!(world.reason(&wish).await, "card_expired");

    let world = World::new();
    let card = world.card().await;
    world.issuer.block_card(&card).await.unwrap();
    assert_eq!(world.reason(&Wish::new(1)).await, "card_blocked");
    // A stranger is not told that the card is blocked.
    let stranger = Wish::new(2).text(FieldName::HOLDER_NAME, "x");
    assert_eq!(world.reason(&stranger).await, "not_authenticated");
    world.issuer.unblock_card(&card).await.unwrap();
    assert_eq!(world.reason(&Wish::new(3)).await, "");
}

#[tokio::test]
async fn currency_and_instalments() {
    let world = World::with(
        common::net::Net::kps(),
        Settings { max_instalments: 10, ..Settings::default() },
    );
    let mut card = application(world.cast.holder.id());
    card.limits.remove(1);
    world.issuer.add_card(card).await.unwrap();
    assert_eq!(world.reason(&Wish::new(1).amount(euro(100))).await, "currency_not_served");
    let at_most = Wish::new(2).payment("instalments:10");
    assert_eq!(world.reason(&at_most).await, "");
    let above = Wish::new(3).payment("instalments:11");
    assert_eq!(world.reason(&above).await, "instalments_not_offered");
    let crumbs = Wish::new(4).payment("instalments:5").amount(yen(4));
    assert_eq!(world.reason(&crumbs).await, "instalments_not_offered");
}

#[tokio::test]
async fn limit_counts_holds_in_each_currency() {
    let world = World::new();
    world.card().await;
    assert_eq!(world.reason(&Wish::new(1).amount(yen(5001))).await, "limit_exceeded");
    assert_eq!(world.reason(&Wish::new(2).amount(yen(5000))).await, "");
    assert_eq!(world.reason(&Wish::new(3).amount(yen(1))).await, "limit_exceeded");
    assert_eq!(world.reason(&Wish::new(4).amount(euro(10_000))).await, "");
    assert_eq!(world.sums().await, (15_000, 0, 0));
}

#[tokio::test]
async fn again_is_the_same_answer_and_holds_once() {
    let mut world = World::new();
    world.card().await;
    let sealed = world.seal(&Wish::new(1));
    let first = world.try_authorize(&sealed).await.unwrap();
    world.clock.advance(5);
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), first);
    let refused = world.seal(&Wish::new(2).amount(yen(9000)));
    let refusal = world.try_authorize(&refused).await.unwrap();

    world.restart(Settings::default());
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), first);
    assert_eq!(world.try_authorize(&refused).await.unwrap(), refusal);
    // When the order itself is over, the answer still stands, for the front that it was given to.
    world.clock.advance(3600);
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), first);
    let fresh = world.seal(&Wish::new(3));
    assert_eq!(world.try_authorize(&fresh).await.unwrap_err().code, "expired");
    // Even when the holder's credential is over, which is looked at before the front's form.
    world.clock.set(NOW.plus(2_000_000));
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), first);
    let question = world.question(&sealed.bundle);
    let other = peer(&world.other);
    let stolen = world.ask::<AuthorizeAnswer>(&other, "authorize", &question).await;
    assert_eq!(stolen.unwrap_err().code, "expired");
    assert_eq!(world.sums().await, (1980, 0, 0));
}

#[tokio::test]
async fn same_id_with_other_content_is_a_conflict() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&Wish::new(1));
    let first = world.try_authorize(&sealed).await.unwrap();
    let other = world.seal(&Wish::new(1).amount(yen(5)));
    assert_ne!(other.identity, sealed.identity);
    let problem = world.try_authorize(&other).await.unwrap_err();
    assert_eq!((problem.status, problem.field.as_deref()), (409, Some("order.jti")));
    assert_eq!(world.try_authorize(&sealed).await.unwrap(), first);
    assert_eq!(world.sums().await, (1980, 0, 0));
}

#[tokio::test]
async fn only_the_front_that_the_order_names_is_answered() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&Wish::new(1));
    let other = peer(&world.other);
    // With a request of its own, and with the front's.
    for asker in [&world.other, &world.cast.merchant] {
        let question = world.question_by(asker, &sealed.bundle);
        let problem =
            world.ask::<AuthorizeAnswer>(&other, "authorize", &question).await.unwrap_err();
        assert!([403, 422].contains(&problem.status), "{problem:?}");
    }
    // The front itself, but another's request.
    let question = world.question_by(&world.other, &sealed.bundle);
    let front = peer(&world.cast.merchant);
    let problem = world.ask::<AuthorizeAnswer>(&front, "authorize", &question).await.unwrap_err();
    assert_eq!(problem.code, "bad_signature");
    // In another role.
    for (role, field) in
        [(Role::Door, "form.rule.front"), (Role::Holder, "op"), (Role::Carrier, "op")]
    {
        let question = world.question(&sealed.bundle);
        let posing = warifu_wire::Peer { role, ..peer(&world.cast.merchant) };
        let problem =
            world.ask::<AuthorizeAnswer>(&posing, "authorize", &question).await.unwrap_err();
        assert_eq!((problem.status, problem.field.as_deref()), (403, Some(field)));
    }
    assert!(world.issuer.view(&sealed.id).await.unwrap().is_none());
    assert_eq!(world.sums().await, (0, 0, 0));
}

#[tokio::test]
async fn other_amounts_for_front_and_issuer_are_refused() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal(&Wish::new(1));
    let other = world.seal(&Wish { salt: 2, ..Wish::new(2) });
    let front = &world.cast.merchant;
    let order = sealed::check(front, &sealed.bundle, &front.credential, NOW).unwrap();
    let claims = sealed::check(front, &other.bundle, &front.credential, NOW).unwrap().claims;
    let request = warifu_protocol::authorization::AuthorizationRequest {
        iss: front.id().clone(),
        aud: world.cast.issuer.id().clone(),
        order: order.identity,
        digests: warifu_protocol::authorization::shared_digests(&order.form.form.rule, &claims),
        iat: NOW,
        exp: NOW.plus(60),
    };
    let mut question = world.question(&sealed.bundle);
    question.request = request.sign(front.signer.as_ref());
    let problem =
        world.ask::<AuthorizeAnswer>(&peer(front), "authorize", &question).await.unwrap_err();
    assert_eq!(problem.code, "mismatch");
    assert_eq!(world.sums().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_hold_once() {
    let world = std::sync::Arc::new(World::new());
    world.card().await;
    let sealed = std::sync::Arc::new(world.seal(&Wish::new(1)));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (world, sealed) = (world.clone(), sealed.clone());
            tokio::spawn(async move { world.try_authorize(&sealed).await.unwrap() })
        })
        .collect();
    let mut answers = std::collections::BTreeSet::new();
    for task in tasks {
        answers.insert(task.await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(world.sums().await, (1980, 0, 0));
    assert_eq!(world.issuer.audit().await.unwrap().orders, 1);
}

#[tokio::test]
async fn unknown_questions_and_bodies_are_named() {
    let world = World::new();
    let front = peer(&world.cast.merchant);
    let ask = |op, body: serde_json::Value| {
        let (world, front) = (&world, &front);
        async move { world.ask::<serde_json::Value>(front, op, &body).await.unwrap_err() }
    };
    assert_eq!(ask("deliver", serde_json::json!({})).await.status, 404);
    let problem = ask("settle", serde_json::json!({"request": 1})).await;
    assert_eq!(problem.field.as_deref(), Some("body.request"));
    let problem = ask("authorize", serde_json::json!({"request": CARD})).await;
    assert!(!serde_json::to_string(&problem).unwrap().contains(CARD));
}
