//! Value on prepaid cards, in the four ways of row B7.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Member, World, euro, member::top_up, script::Mode, settings, yen};
use std::{collections::HashSet, time::Duration};
use warifu_center::{MoneyOutcome, MoneyReceived, Settings, Way};
use warifu_ports::books::AccountKind;
use warifu_protocol::telegram::{Funding, Instruction, Outcome, Telegram, TopUpState};
use warifu_types::Money;
use warifu_wire::Problem;

fn impatient() -> Settings {
    Settings { patience: Duration::from_millis(300), ..settings() }
}

async fn status(world: &World, member: &Member, token: &str) -> TopUpState {
    let telegram = Telegram::peek(token).unwrap().jti;
    match member.tell(world, Instruction::TopUpStatus { telegram }).await.unwrap() {
        Outcome::TopUp(state) => state,
        other => panic!("{other:?}"),
    }
}

fn money(id: &str, reference: &str, amount: Money, way: Way) -> MoneyReceived {
    MoneyReceived { id: id.into(), reference: reference.into(), amount, way }
}

async fn owed(world: &World) -> u64 {
    world.sum(AccountKind::Issuer, |b| b.debits_posted).await
}

#[tokio::test]
async fn an_issuer_pays_for_a_card_and_the_card_comes_at_once() {
    let world = World::new().await;
    let member = world.member().await;
    let funding = world.credit(&member, yen(10_000), 1).await;
    let token = member.telegram(&world, top_up(yen(10_000), None, funding));
    let outcome = member.send(&world, &token).await.unwrap();
    let Outcome::TopUp(TopUpState::Issued { card }) = &outcome else { panic!("{outcome:?}") };
    let card = member.read_card(&world, card);
    assert_eq!((card.loaded, card.serial, card.number.len()), (yen(10_000), 1, 16));
    assert!(card.number.starts_with('9'));
    assert_eq!(member.balance(&world, &card.number).await, 10_000);
    assert_eq!(owed(&world).await, 10_000);
    world.center.settlement().work().await.unwrap();
    assert_eq!(world.issuer.kinds(), ["authorize", "capture"]);
    let amount = world.issuer.effects.lock().unwrap()[0].2;
    assert_eq!(amount, Some(yen(10_000)));
    assert_eq!(member.send(&world, &token).await.unwrap(), outcome);
    // More on the same card: another document of the same number.
    let funding = world.credit(&member, yen(500), 2).await;
    let more = top_up(yen(500), Some(&card.number), funding);
    let Outcome::TopUp(TopUpState::Issued { card: more }) =
        member.tell(&world, more).await.unwrap()
    else {
        panic!("not issued")
    };
    let more = member.read_card(&world, &more);
    assert_eq!((more.number, more.serial, more.loaded), (card.number, 2, yen(10_500)));
    world.audit().await;
}

#[tokio::test]
async fn refused_credit_issues_no_card() {
    let world = World::new().await;
    let member = world.member().await;
    world.issuer.set(Mode::Refuses("limit_exceeded"));
    let funding = world.credit(&member, yen(10_000), 1).await;
    let token = member.telegram(&world, top_up(yen(10_000), None, funding));
    let refused = TopUpState::Refused { reason: "limit_exceeded".into() };
    assert_eq!(member.send(&world, &token).await.unwrap(), Outcome::TopUp(refused.clone()));
    assert_eq!(status(&world, &member, &token).await, refused);
    assert_eq!((world.loaded().await, owed(&world).await), (0, 0));
    // What was refused does not count against the limit.
    world.issuer.set(Mode::Good);
    for number in 2..=5 {
        let funding = world.credit(&member, yen(50_000), number).await;
        let outcome = member.tell(&world, top_up(yen(50_000), None, funding)).await.unwrap();
        assert!(matches!(outcome, Outcome::TopUp(TopUpState::Issued { .. })), "{outcome:?}");
    }
    let funding = world.credit(&member, yen(1), 6).await;
    let reason = member.refused(&world, top_up(yen(1), None, funding)).await;
    assert_eq!(reason, "member_limit_exceeded");
    world.audit().await;
}

#[tokio::test]
async fn an_issuer_that_is_silent_is_asked_again_also_after_a_crash() {
    let mut world = World::with(impatient()).await;
    let member = world.member().await;
    world.issuer.set(Mode::Problem(Problem::new(503, "down", "not there", None)));
    let funding = world.credit(&member, yen(10_000), 1).await;
    let token = member.telegram(&world, top_up(yen(10_000), None, funding));
    let waiting = member.send(&world, &token).await.unwrap();
    assert!(matches!(&waiting, Outcome::TopUp(TopUpState::Waiting { .. })), "{waiting:?}");
    assert_eq!(world.loaded().await, 0);
    world.restart().await;
    world.issuer.set(Mode::Good);
    world.center.settlement().work().await.unwrap();
    let TopUpState::Issued { card } = status(&world, &member, &token).await else {
        panic!("not issued")
    };
    assert_eq!(member.read_card(&world, &card).loaded, yen(10_000));
    // What was answered stays answered.
    assert_eq!(member.send(&world, &token).await.unwrap(), waiting);
    for _ in 0..3 {
        world.center.settlement().work().await.unwrap();
    }
    assert_eq!((world.loaded().await, owed(&world).await), (10_000, 10_000));
    assert_eq!(world.issuer.kinds(), ["authorize", "capture"]);
    world.audit().await;
}

#[tokio::test]
async fn an_issuer_that_does_not_pay_yet_is_claimed_from_again() {
    let mut world = World::new().await;
    let member = world.member().await;
    world.issuer.set(Mode::NoSettling(Problem::new(503, "down", "not now", None)));
    let funding = world.credit(&member, yen(10_000), 1).await;
    let outcome = member.tell(&world, top_up(yen(10_000), None, funding)).await.unwrap();
    assert!(matches!(outcome, Outcome::TopUp(TopUpState::Issued { .. })), "{outcome:?}");
    world.center.settlement().work().await.unwrap();
    assert_eq!(world.issuer.kinds(), ["authorize"]);
    world.restart().await;
    world.issuer.set(Mode::Good);
    world.center.settlement().work().await.unwrap();
    assert_eq!(world.issuer.kinds(), ["authorize", "capture"]);
    assert_eq!((world.loaded().await, owed(&world).await), (10_000, 10_000));
}

#[tokio::test]
async fn an_issuer_that_signs_for_another_order_is_not_believed() {
    let world = World::with(impatient()).await;
    let member = world.member().await;
    world.issuer.set(Mode::WrongOrder);
    let funding = world.credit(&member, yen(10_000), 1).await;
    let outcome = member.tell(&world, top_up(yen(10_000), None, funding)).await.unwrap();
    assert!(matches!(outcome, Outcome::TopUp(TopUpState::Waiting { .. })), "{outcome:?}");
    assert_eq!(world.loaded().await, 0);
}

#[tokio::test]
async fn an_order_for_credit_must_be_the_senders_and_of_the_amount() {
    let world = World::new().await;
    let (member, other) = (world.member().await, world.member_called("Taro").await);
    let funding = world.credit(&member, yen(10_000), 1).await;
    let reason = member.refused(&world, top_up(yen(9_999), None, funding.clone())).await;
    assert_eq!(reason, "mismatch");
    let reason = other.refused(&world, top_up(yen(10_000), None, funding)).await;
    assert_eq!(reason, "wrong_party");
    assert!(world.issuer.kinds().is_empty());
    assert_eq!(world.loaded().await, 0);
}

#[tokio::test]
async fn money_that_comes_in_issues_the_card_that_waits_for_it_once() {
    let world = World::new().await;
    let member = world.member().await;
    let settlement = world.center.settlement();
    let ways = [
        (Funding::Transfer {}, Way::Transfer),
        (Funding::PayIn {}, Way::PayIn),
        (Funding::RegisteredMail {}, Way::RegisteredMail),
    ];
    for (number, (funding, way)) in ways.into_iter().enumerate() {
        let token = member.telegram(&world, top_up(yen(3000), None, funding));
        let outcome = member.send(&world, &token).await.unwrap();
        let Outcome::TopUp(TopUpState::Waiting { reference }) = &outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(reference.len(), 9, "{reference}");
        // As it stands on the transfer.
        let written = format!(" {} ", reference.to_lowercase().replace('-', " "));
        let received = money(&format!("b{number}"), &written, yen(3000), way);
        for _ in 0..3 {
            let outcome = settlement.money_received(received.clone()).await.unwrap();
            assert_eq!(outcome, MoneyOutcome::Issued {});
        }
        assert!(matches!(status(&world, &member, &token).await, TopUpState::Issued { .. }));
        assert_eq!(member.send(&world, &token).await.unwrap(), outcome);
        let other = MoneyReceived { amount: yen(1), ..received };
        assert_eq!(settlement.money_received(other).await.unwrap_err().code, "conflict");
    }
    assert_eq!(world.loaded().await, 9000);
    assert_eq!(world.sum(AccountKind::Bank, |b| b.debits_posted).await, 9000);
    world.audit().await;
}

#[tokio::test]
async fn money_that_fits_nothing_is_kept_for_the_operator() {
    let world = World::new().await;
    let member = world.member().await;
    let settlement = world.center.settlement();
    let reference = member.ask(&world, yen(3000), None).await;
    let mut misspelt = reference.clone().into_bytes();
    misspelt[0] = if misspelt[0] == b'7' { b'8' } else { b'7' };
    let misspelt = String::from_utf8(misspelt).unwrap();
    for (id, received, reason) in [
        ("1", money("1", &misspelt, yen(3000), Way::Transfer), "unknown_reference"),
        ("2", money("2", &reference, yen(2999), Way::Transfer), "amount_differs"),
        ("3", money("3", &reference, yen(3000), Way::PayIn), "way_differs"),
        ("4", money("4", "thank you", yen(3000), Way::Transfer), "unknown_reference"),
    ] {
        let unmatched = MoneyOutcome::Unmatched { reason: reason.into() };
        assert_eq!(settlement.money_received(received).await.unwrap(), unmatched, "{id}");
    }
    assert_eq!(world.loaded().await, 0);
    let kept = world.sum(AccountKind::Unmatched, |b| b.credits_posted).await;
    assert_eq!(kept, 3000 + 2999 + 3000 + 3000);
    // The operator finds out whose it is.
    assert_eq!(settlement.match_money("2", &reference).await.unwrap_err().code, "amount_differs");
    settlement.match_money("4", &reference).await.unwrap();
    assert!(settlement.match_money("4", &reference).await.is_err());
    assert_eq!(settlement.match_money("3", &reference).await.unwrap_err().code, "not_waiting");
    assert_eq!(world.loaded().await, 3000);
    // Once issued, and once its time is over, a request takes no more money.
    let late = member.ask(&world, yen(3000), None).await;
    world.clock.advance(30 * 86_400);
    for (id, reference) in [("5", reference), ("6", late)] {
        let received = money(id, &reference, yen(3000), Way::Transfer);
        let unmatched = MoneyOutcome::Unmatched { reason: "not_waiting".into() };
        assert_eq!(settlement.money_received(received).await.unwrap(), unmatched);
    }
    assert_eq!(settlement.money().await.unwrap().len(), 6);
    for bad in [
        money("", "x", yen(1), Way::PayIn),
        money("7", "x", yen(0), Way::PayIn),
        money("7", "x", yen(1), Way::Issuer),
    ] {
        assert_eq!(settlement.money_received(bad).await.unwrap_err().code, "bad_value");
    }
    world.audit().await;
}

#[tokio::test]
async fn nobody_has_more_than_the_limits() {
    let world = World::new().await;
    let member = world.member().await;
    let refused = |amount, card: Option<String>| {
        let wish = top_up(amount, card.as_deref(), Funding::Transfer {});
        member.refused(&world, wish)
    };
    assert_eq!(refused(yen(50_001), None).await, "card_limit_exceeded");
    assert_eq!(refused(yen(0), None).await, "amount_is_zero");
    let pounds = Money::new(100, "GBP".parse().unwrap()).unwrap();
    assert_eq!(refused(pounds, None).await, "currency_not_served");
    let card = member.card(&world, yen(30_000)).await;
    assert_eq!(refused(yen(20_001), Some(card.number.clone())).await, "card_limit_exceeded");
    assert_eq!(refused(euro(1), Some(card.number.clone())).await, "currency_not_served");
    assert_eq!(refused(yen(1), Some("4111111111111111".into())).await, "unknown_card");
    let other = world.member_called("Taro").await;
    let wish = top_up(yen(1), Some(&card.number), Funding::Transfer {});
    assert_eq!(other.refused(&world, wish).await, "unknown_card");
    // What waits for its money counts, until its time is over.
    member.ask(&world, yen(20_000), Some(&card.number)).await;
    assert_eq!(refused(yen(1), Some(card.number.clone())).await, "card_limit_exceeded");
    for _ in 0..3 {
        member.ask(&world, yen(50_000), None).await;
    }
    assert_eq!(refused(yen(1), None).await, "member_limit_exceeded");
    world.clock.advance(30 * 86_400);
    member.ask(&world, yen(20_000), Some(&card.number)).await;
    assert_eq!(world.loaded().await, 30_000);
    let unknown = Instruction::TopUpStatus { telegram: warifu_types::Nonce([9; 32]) };
    assert_eq!(member.refused(&world, unknown).await, "unknown_top_up");
}

#[tokio::test]
async fn a_member_is_given_the_cards_again_as_they_were_signed() {
    let world = World::new().await;
    let (member, other) = (world.member().await, world.member_called("Taro").await);
    assert!(member.cards(&world).await.is_empty());
    let first = member.card(&world, yen(100)).await;
    let funding = world.credit(&member, yen(500), 1).await;
    let more = top_up(yen(500), Some(&first.number), funding);
    let Outcome::TopUp(TopUpState::Issued { card }) = member.tell(&world, more).await.unwrap()
    else {
        panic!("not issued")
    };
    other.card(&world, yen(7)).await;
    assert_eq!(member.cards(&world).await, [card], "the document of the last load, as it was");
    // More than one answer has; and past the last.
    for _ in 0..101 {
        member.card(&world, yen(1)).await;
    }
    let all = member.cards(&world).await;
    let numbers: HashSet<_> =
        all.iter().map(|document| member.read_card(&world, document).number).collect();
    assert_eq!((all.len(), numbers.len()), (102, 102));
    let past = member.tell(&world, Instruction::Cards { from: u32::MAX }).await.unwrap();
    assert!(matches!(past, Outcome::Cards(page) if page.documents.is_empty()));
    // What has expired pays for nothing.
    world.clock.advance(3 * 366 * 86_400);
    assert!(member.cards(&world).await.is_empty());
    world.audit().await;
}
