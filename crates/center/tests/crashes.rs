//! The center is killed after every job of an operation in turn. Asked again after each death, it
//! comes to the same end, with the money moved once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    Member, Wish, World,
    dying::Dying,
    member::{NAME, person, top_up},
    settings, until, yen,
};
use std::{sync::Arc, time::Duration};
use warifu_center::{MoneyReceived, Settings, Way};
use warifu_ports::{Store, books::AccountKind};
use warifu_protocol::telegram::{Funding, Instruction, Outcome, TopUpState};

/// More jobs than any operation has.
const MOST: i64 = 40;

/// Restarts the center on a store that dies after so many jobs.
async fn on_dying(world: &mut World, jobs: i64) -> Dying {
    let mut dying = None;
    world
        .restart_on(|store| {
            let dies = Dying::on(store);
            dying = Some(dies.clone());
            Arc::new(dies) as Arc<dyn Store>
        })
        .await;
    let dying = dying.unwrap();
    dying.after(jobs);
    dying
}

async fn world() -> World {
    World::with(Settings { patience: Duration::from_millis(500), ..settings() }).await
}

#[tokio::test]
async fn a_payment_survives_every_death() {
    let mut world = world().await;
    let member = world.member().await;
    let card = member.card(&world, yen(50_000)).await;
    for jobs in 0..MOST {
        let number = u32::try_from(jobs).unwrap();
        let sealed = world.seal(&member, &Wish::new(number, &card).of(yen(100))).await;
        let token = member.telegram(&world, world.payment(&sealed));
        let dying = on_dying(&mut world, jobs).await;
        let first = member.send(&world, &token).await;
        let died = dying.is_dead();
        drop(dying);
        world.restart().await;
        let outcome = member.send(&world, &token).await.unwrap();
        assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
        if let Ok(first) = first {
            assert_eq!(first, outcome);
        }
        // The merchant hears of it, and is given the same word.
        let authorization = world.merchant.authorization(&sealed).await.unwrap();
        world.clock.advance(2);
        world.center.settlement().work().await.unwrap();
        // Earlier notices may come again at any time, before this one or after it.
        let told = || {
            let about = |token: &String| world.merchant.is_about(token, &sealed);
            world.merchant.notices().into_iter().find(about)
        };
        until("the notice comes", || told().is_some()).await;
        assert_eq!(world.merchant.read(&told().unwrap(), &sealed), authorization);
        assert_eq!(world.sums().await, (100 * (u64::from(number) + 1), 0, 0));
        if !died {
            world.audit().await;
            return;
        }
    }
    panic!("a payment has fewer jobs");
}

#[tokio::test]
async fn a_top_up_through_an_issuer_survives_every_death() {
    for jobs in 0..MOST {
        let mut world = world().await;
        let member = world.member().await;
        let funding = world.credit(&member, yen(10_000), 1).await;
        let token = member.telegram(&world, top_up(yen(10_000), None, funding));
        let dying = on_dying(&mut world, jobs).await;
        let first = member.send(&world, &token).await;
        let died = dying.is_dead();
        drop(dying);
        world.restart().await;
        let outcome = member.send(&world, &token).await.unwrap();
        if let Ok(first) = first {
            assert_eq!(first, outcome);
        }
        for _ in 0..2 {
            world.center.settlement().work().await.unwrap();
        }
        let telegram = warifu_protocol::telegram::Telegram::peek(&token).unwrap().jti;
        let status = member.tell(&world, Instruction::TopUpStatus { telegram }).await.unwrap();
        let Outcome::TopUp(TopUpState::Issued { card }) = status else { panic!("{status:?}") };
        let card = member.read_card(&world, &card);
        assert_eq!((card.serial, card.loaded), (1, yen(10_000)));
        let owed = world.sum(AccountKind::Issuer, |b| b.debits_posted).await;
        assert_eq!((world.loaded().await, owed), (10_000, 10_000), "{jobs}");
        assert_eq!(world.issuer.kinds(), ["authorize", "capture"]);
        world.audit().await;
        if !died {
            return;
        }
    }
    panic!("a top-up has fewer jobs");
}

#[tokio::test]
async fn a_registration_and_incoming_money_survive_every_death() {
    let mut world = world().await;
    for jobs in 0..MOST {
        let (number, code) = world.letter(person(NAME), "en").await;
        let keys = world.keys_of(&number, 20);
        let registration = world.registration((&number, &code), person(NAME), &keys).await;
        let token = world.telegram(&keys, 0, Instruction::Register(Box::new(registration)));
        let dying = on_dying(&mut world, jobs).await;
        let _ = world.send(&token).await;
        let registering = dying.is_dead();
        drop(dying);
        world.restart().await;
        let outcome = world.send(&token).await.unwrap();
        let member: Member = world.at_terminal(number, keys, outcome, 1).await;
        let reference = {
            let wish = top_up(yen(700), None, Funding::Transfer {});
            match member.tell(&world, wish).await.unwrap() {
                Outcome::TopUp(TopUpState::Waiting { reference }) => reference,
                other => panic!("{other:?}"),
            }
        };
        let received = MoneyReceived {
            id: format!("b{jobs}"),
            reference,
            amount: yen(700),
            way: Way::Transfer,
        };
        let dying = on_dying(&mut world, jobs).await;
        let _ = world.center.settlement().money_received(received.clone()).await;
        let receiving = dying.is_dead();
        drop(dying);
        world.restart().await;
        world.center.settlement().money_received(received).await.unwrap();
        assert_eq!(world.loaded().await, 700 * (u64::try_from(jobs).unwrap() + 1));
        if !registering && !receiving {
            world.audit().await;
            return;
        }
    }
    panic!("a registration has fewer jobs");
}
