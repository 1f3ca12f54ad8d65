//! Payments with prepaid cards: what is checked, who is told, and that telegram and authorization
//! never disagree.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Member, Wish, World, euro, member::top_up, script::Mode, settings, until, yen};
use std::{sync::Arc, time::Duration};
use warifu_center::Settings;
use warifu_protocol::{
    authorization::Decision,
    prepaid::PrepaidCard,
    sealed::Sealed,
    settlement::{Action, Settlement},
    status::State,
    telegram::{Funding, Instruction, Outcome, Paid, Payment},
};
use warifu_types::{FieldName, Role};
use warifu_wire::Problem;

async fn with_card(amount: u64) -> (World, Member, PrepaidCard) {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(amount)).await;
    (world, member, card)
}

async fn pay(world: &World, member: &Member, wish: &Wish) -> (Sealed, Paid) {
    let sealed = world.seal(member, wish).await;
    match member.tell(world, world.payment(&sealed)).await.unwrap() {
        Outcome::Paid(paid) => (sealed, paid),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_payment_holds_the_amount_numbers_it_and_tells_the_merchant() {
    let (world, member, card) = with_card(5000).await;
    let (sealed, paid) = pay(&world, &member, &Wish::new(1, &card)).await;
    assert_eq!((paid.order, paid.balance), (sealed.identity, yen(3020)));
    assert_eq!(paid.transaction, "T-20270115-000001");
    until("the notice comes", || world.merchant.notices().len() == 1).await;
    let notice = world.merchant.notices().remove(0);
    let told = world.merchant.read(&notice, &sealed);
    assert_eq!(told.transaction.as_deref(), Some("T-20270115-000001"));
    assert_eq!(told.decision, Decision::Authorized);
    assert_eq!(world.merchant.authorization(&sealed).await.unwrap(), told);
    // What the center could read: the card and the amount alone.
    let view = world.center.settlement().view(&sealed.id).await.unwrap().unwrap();
    let read: Vec<&str> = view.fields.keys().map(|field| field.as_str()).collect();
    assert_eq!(read, ["amount", "card_expiry", "card_number"]);
    assert!(view.sealed.contains(&FieldName::HOLDER_NAME));
    assert!(view.sealed.contains(&FieldName::ITEMS));
    let (_, second) = pay(&world, &member, &Wish::new(2, &card)).await;
    assert_eq!(second.transaction, "T-20270115-000002");
    world.audit().await;
}

#[tokio::test]
async fn a_merchant_that_is_not_there_is_told_later() {
    let (world, member, card) = with_card(5000).await;
    let down = Mode::Problem(Problem::new(503, "down", "not there", None));
    world.merchant.set(down);
    let (sealed, _) = pay(&world, &member, &Wish::new(1, &card)).await;
    until("the merchant is tried", || world.merchant.times_asked("payment_notices") > 0).await;
    world.merchant.set(Mode::Good);
    let settlement = world.center.settlement();
    for _ in 0..100 {
        world.clock.advance(10);
        settlement.work().await.unwrap();
        if !world.merchant.notices().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.merchant.notices().len(), 1);
    settlement.work().await.unwrap();
    assert_eq!(world.merchant.notices().len(), 1, "it is told once");
    world.merchant.read(&world.merchant.notices()[0], &sealed);
}

#[tokio::test]
async fn an_order_that_no_card_of_the_sender_pays_for_is_refused() {
    let (world, member, card) = with_card(2000).await;
    let other = world.member_called("Taro").await;
    let theirs = other.card(&world, yen(5000)).await;
    let in_euro = member.card(&world, euro(5000)).await;
    let wish = Wish::new(1, &card);
    let cases = [
        (Wish::new(1, &theirs), "unknown_card"),
        (wish.clone().text(FieldName::CARD_NUMBER, "4111111111111111"), "unknown_card"),
        (wish.clone().text(FieldName::CARD_EXPIRY, "2031-01"), "unknown_card"),
        (wish.clone().of(yen(2001)), "balance_too_low"),
        (Wish::new(1, &in_euro), "currency_not_served"),
    ];
    for (mut wish, reason) in cases {
        wish.salt += 1;
        let sealed = world.seal(&member, &wish).await;
        assert_eq!(member.refused(&world, world.payment(&sealed)).await, reason);
        assert_eq!(world.sums().await, (0, 0, 0));
    }
    // Another's order, and another's part.
    let sealed = world.seal(&other, &Wish::new(3, &theirs)).await;
    assert_eq!(member.refused(&world, world.payment(&sealed)).await, "wrong_party");
    let sealed = world.seal(&member, &wish).await;
    let front = world.merchant.credential();
    let payment = |front: &str| Payment::of(&sealed.bundle, front).unwrap();
    let other_part = sealed.bundle.parts[&Role::Merchant].clone();
    let bare = Payment { part: other_part, ..payment(&front) };
    assert_eq!(member.refused(&world, Instruction::Pay(Box::new(bare))).await, "altered_part");
    let issuer = world.issuer.credential();
    world.session().await.enclose(std::slice::from_ref(&issuer)).await.unwrap();
    let astray = payment(&issuer);
    assert_eq!(member.refused(&world, Instruction::Pay(Box::new(astray))).await, "wrong_party");
    assert_eq!(world.sums().await, (0, 0, 0));
    world.audit().await;
}

#[tokio::test]
async fn two_payments_race_for_one_balance_and_one_wins() {
    let (world, member, card) = with_card(2000).await;
    let world = Arc::new(world);
    let mut tokens = Vec::new();
    for number in 1..=2 {
        let sealed = world.seal(&member, &Wish::new(number, &card).of(yen(1500))).await;
        tokens.push(member.telegram(&world, world.payment(&sealed)));
    }
    let (a, b) = tokio::join!(world.send(&tokens[0]), world.send(&tokens[1]));
    let paid = |outcome: &Outcome| matches!(outcome, Outcome::Paid(_));
    let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused { reason, .. } if reason == "balance_too_low");
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(paid(&a) && refused(&b) || paid(&b) && refused(&a), "{a:?} {b:?}");
    assert_eq!(world.sums().await, (1500, 0, 0));
    world.audit().await;
}

#[tokio::test]
async fn an_order_is_paid_for_once_also_by_another_telegram() {
    let (world, member, card) = with_card(5000).await;
    let (sealed, _) = pay(&world, &member, &Wish::new(1, &card)).await;
    assert_eq!(member.refused(&world, world.payment(&sealed)).await, "already_paid");
    // The same id with other content.
    let other = world.seal(&member, &Wish::new(1, &card).of(yen(100))).await;
    assert_eq!(member.refused(&world, world.payment(&other)).await, "conflict");
    let problem = world.merchant.authorization(&other).await.unwrap_err();
    assert_eq!(problem.code, "part_not_here");
    assert_eq!(world.sums().await, (1980, 0, 0));
}

#[tokio::test]
async fn before_the_payment_the_merchant_asks_again_and_after_its_end_both_are_refused() {
    let (world, member, card) = with_card(5000).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    let token = member.telegram(&world, world.payment(&sealed));
    let problem = world.merchant.authorization(&sealed).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "part_not_here"));
    // The order's time, and two minutes for the clocks.
    world.clock.advance(900 + 119);
    assert_eq!(world.merchant.authorization(&sealed).await.unwrap_err().code, "part_not_here");
    world.clock.advance(1);
    let refusal = world.merchant.authorization(&sealed).await.unwrap();
    assert_eq!(refusal.reason.as_deref(), Some("not_paid"));
    assert_eq!(world.merchant.authorization(&sealed).await.unwrap(), refusal);
    let Outcome::Refused { reason, .. } = member.send(&world, &token).await.unwrap() else {
        panic!("the order is over")
    };
    assert_eq!(reason, "expired");
    // Even for a center whose clock goes back.
    world.clock.set(common::net::NOW);
    assert_eq!(member.refused(&world, world.payment(&sealed)).await, "not_paid");
    assert_eq!(world.merchant.authorization(&sealed).await.unwrap(), refusal);
    assert_eq!(world.sums().await, (0, 0, 0));
    let problem = world.merchant.settle(&refusal, Action::Capture, None).await.unwrap_err();
    assert_eq!(problem.code, "nothing_held");
    world.audit().await;
}

#[tokio::test]
async fn a_payment_at_the_last_moment_stands_for_both() {
    let (world, member, card) = with_card(5000).await;
    let sealed = world.seal(&member, &Wish::new(1, &card)).await;
    world.clock.advance(900 + 119);
    let outcome = member.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)));
    world.clock.advance(86_400);
    let authorization = world.merchant.authorization(&sealed).await.unwrap();
    assert_eq!(authorization.decision, Decision::Authorized);
    let token = world.merchant.settle(&authorization, Action::Capture, None).await.unwrap();
    let by = world.credential();
    let shop = world.merchant.party.id();
    let issued_by_center =
        Settlement::verify(&token, &by, &shop, &sealed.identity, Action::Capture);
    assert!(issued_by_center.is_ok(), "{issued_by_center:?}");
    assert_eq!(world.sums().await, (0, 1980, 1980));
}

#[tokio::test]
async fn capture_void_and_time_end_a_payment_once() {
    let (mut world, member, card) = with_card(5000).await;
    let mut authorized = Vec::new();
    for number in 1..=3 {
        let wish = Wish::new(number, &card).of(yen(1000));
        let (sealed, _) = pay(&world, &member, &wish).await;
        authorized.push((sealed.id, world.merchant.authorization(&sealed).await.unwrap()));
    }
    let token = world.merchant.settle(&authorized[0].1, Action::Capture, None).await.unwrap();
    world.merchant.settle(&authorized[1].1, Action::Void, None).await.unwrap();
    assert_eq!(member.balance(&world, &card.number).await, 3000);
    let problem = world.merchant.settle(&authorized[0].1, Action::Void, None).await.unwrap_err();
    assert_eq!(problem.code, "conflict");
    let problem = world.merchant.settle(&authorized[1].1, Action::Capture, None).await.unwrap_err();
    assert_eq!(problem.code, "conflict");
    world.restart().await;
    world.clock.advance(60 * 86_400);
    let settlement = world.center.settlement();
    settlement.work().await.unwrap();
    assert_eq!(world.sums().await, (0, 1000, 1000));
    let problem = world.merchant.settle(&authorized[2].1, Action::Capture, None).await.unwrap_err();
    assert_eq!(problem.code, "expired");
    assert_eq!(
        world.merchant.settle(&authorized[0].1, Action::Capture, None).await.unwrap(),
        token
    );
    let states = [State::Settled, State::Cancelled, State::Cancelled];
    for ((order, _), state) in authorized.iter().zip(states) {
        assert_eq!(settlement.view(order).await.unwrap().unwrap().state, state);
    }
    assert_eq!(member.balance(&world, &card.number).await, 4000);
    world.audit().await;
}

#[tokio::test]
async fn a_capture_takes_no_more_than_is_held() {
    let (world, member, card) = with_card(5000).await;
    let (sealed, _) = pay(&world, &member, &Wish::new(1, &card)).await;
    let authorization = world.merchant.authorization(&sealed).await.unwrap();
    for amount in [yen(1981), euro(100)] {
        let wanted = Some(amount);
        let problem =
            world.merchant.settle(&authorization, Action::Capture, wanted).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("settlement_request.amount"));
    }
    let part = Some(yen(980));
    world.merchant.settle(&authorization, Action::Capture, part).await.unwrap();
    assert_eq!(world.sums().await, (0, 980, 980));
    assert_eq!(member.balance(&world, &card.number).await, 4020);
    let more = world.merchant.settle(&authorization, Action::Capture, Some(yen(1000))).await;
    assert_eq!(more.unwrap_err().code, "conflict");
    world.audit().await;
}

#[tokio::test]
async fn a_card_pays_until_the_end_of_its_month() {
    let world = World::with(Settings { card_months: 1, ..settings() }).await;
    let member = world.member().await;
    let card = member.card(&world, yen(5000)).await;
    assert_eq!(card.expiry, "2027-02");
    world.clock.set(card.exp.minus(1));
    assert_eq!(pay(&world, &member, &Wish::new(1, &card)).await.1.balance, yen(3020));
    let late = world.seal(&member, &Wish::new(2, &card)).await;
    world.clock.set(card.exp);
    assert_eq!(member.refused(&world, world.payment(&late)).await, "card_expired");
    let more = top_up(yen(100), Some(&card.number), Funding::PayIn {});
    assert_eq!(member.refused(&world, more).await, "card_expired");
    assert_eq!(world.sums().await, (1980, 0, 0));
}

#[tokio::test]
async fn a_telegram_and_a_question_at_the_orders_end_never_disagree() {
    for number in 0..6 {
        let (world, member, card) = with_card(5000).await;
        let sealed = world.seal(&member, &Wish::new(number, &card)).await;
        let token = member.telegram(&world, world.payment(&sealed));
        world.clock.advance(900 + 119);
        let later = async {
            // The end comes at another moment of the payment each time.
            tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
            world.clock.advance(1);
            world.merchant.authorization(&sealed).await.unwrap()
        };
        let (outcome, authorization) = tokio::join!(world.send(&token), later);
        let paid = matches!(outcome.unwrap(), Outcome::Paid(_));
        assert_eq!(paid, authorization.decision == Decision::Authorized);
        assert_eq!(world.sums().await.0, if paid { 1980 } else { 0 });
        world.audit().await;
    }
}

#[tokio::test]
async fn metered_goods_cost_what_was_ticked() {
    let (world, member, card) = with_card(5000).await;
    let (sealed, paid) = pay(&world, &member, &Wish::new(1, &card).metered().of(yen(3000))).await;
    assert_eq!(paid.balance, yen(2000));
    let authorization = world.merchant.authorization(&sealed).await.unwrap();
    let first = world.merchant.tick(&authorization, 1, yen(100)).await.unwrap();
    world.clock.advance(60);
    assert_eq!(world.merchant.tick(&authorization, 1, yen(100)).await.unwrap(), first);
    world.merchant.tick(&authorization, 3, yen(300)).await.unwrap();
    for (tick, amount, code) in [
        (3, yen(400), "conflict"),
        (2, yen(350), "conflict"),
        (4, yen(200), "conflict"),
        (4, yen(3001), "bad_value"),
        (4, euro(400), "bad_value"),
    ] {
        let problem = world.merchant.tick(&authorization, tick, amount).await.unwrap_err();
        assert_eq!(problem.code, code, "{tick}");
    }
    let problem = world.merchant.settle(&authorization, Action::Capture, Some(yen(301))).await;
    assert_eq!(problem.unwrap_err().field.as_deref(), Some("settlement_request.amount"));
    world.merchant.settle(&authorization, Action::Capture, Some(yen(300))).await.unwrap();
    assert_eq!(world.sums().await, (0, 300, 300));
    assert_eq!(member.balance(&world, &card.number).await, 4700);
    world.audit().await;
}

#[tokio::test]
async fn metered_goods_that_nobody_uses_are_settled_by_time() {
    let (world, member, card) = with_card(5000).await;
    let (used, _) = pay(&world, &member, &Wish::new(1, &card).metered().of(yen(2000))).await;
    let (unused, _) = pay(&world, &member, &Wish::new(2, &card).metered().of(yen(2000))).await;
    let authorization = world.merchant.authorization(&used).await.unwrap();
    world.merchant.tick(&authorization, 1, yen(250)).await.unwrap();
    world.clock.advance(899);
    world.center.settlement().work().await.unwrap();
    assert_eq!(world.sums().await, (4000, 0, 0));
    world.clock.advance(1);
    world.center.settlement().work().await.unwrap();
    assert_eq!(world.sums().await, (0, 250, 250));
    // The merchant claims what it has already; no more, and not less.
    let claim = |amount| world.merchant.settle(&authorization, Action::Capture, amount);
    assert!(claim(Some(yen(250))).await.is_ok());
    let other = world.merchant.authorization(&unused).await.unwrap();
    let problem = world.merchant.settle(&other, Action::Capture, None).await.unwrap_err();
    assert_eq!(problem.code, "expired");
    let problem = world.merchant.tick(&other, 1, yen(1)).await.unwrap_err();
    assert_eq!(problem.code, "nothing_held");
    assert_eq!(member.balance(&world, &card.number).await, 4750);
    world.audit().await;
}
