//! The center is killed before and after every job of an operation in turn. Asked again after each
//! death, it comes to the same end, with the money moved once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    Member, Wish, World,
    member::{NAME, person, top_up},
    settings, until, yen,
};
use std::time::Duration;
use warifu_center::{MoneyReceived, Settings, Way};
use warifu_ports::{Clock, books::AccountKind};
use warifu_protocol::{
    authorization::Authorization,
    settlement::Action,
    telegram::{Funding, Instruction, KeyChange, Outcome, TopUpState},
};
use warifu_wire::Problem;

/// More halves of jobs than any operation has.
const MOST: i64 = 60;

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
        let dying = world.dying_after(jobs).await;
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
        let dying = world.dying_after(jobs).await;
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
        let dying = world.dying_after(jobs).await;
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
        let dying = world.dying_after(jobs).await;
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

/// Does something while the center dies after so many halves of jobs, and again once it runs: what was
/// answered first stands. With the answer, and whether the center died.
async fn twice<T: PartialEq + std::fmt::Debug>(
    world: &mut World,
    jobs: i64,
    what: impl AsyncFn(&World) -> Result<T, Problem>,
) -> (T, bool) {
    let dying = world.dying_after(jobs).await;
    let first = what(world).await;
    let died = dying.is_dead();
    drop(dying);
    world.restart().await;
    let answer = what(world).await.unwrap();
    if let Ok(first) = first {
        assert_eq!(first, answer);
    }
    (answer, died)
}

/// Pays for an order; the authorization that the merchant has then.
async fn paid(world: &World, member: &Member, wish: &Wish) -> Authorization {
    let sealed = world.seal(member, wish).await;
    let outcome = member.tell(world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
    world.merchant.authorization(&sealed).await.unwrap()
}

/// A payment of 100 yen is settled, once for each place where the center can die; what the merchant
/// has of each afterwards.
async fn a_settlement_survives_every_death(action: Action, moved: u64) {
    let mut world = world().await;
    let member = world.member().await;
    let card = member.card(&world, yen(50_000)).await;
    for number in 0..MOST {
        let wish = Wish::new(u32::try_from(number).unwrap(), &card).of(yen(100));
        let authorization = paid(&world, &member, &wish).await;
        let settle =
            async |world: &World| world.merchant.settle(&authorization, action, None).await;
        let (_, died) = twice(&mut world, number, settle).await;
        let moved = moved * (u64::try_from(number).unwrap() + 1);
        assert_eq!(world.sums().await, (0, moved, moved));
        assert_eq!(member.balance(&world, &card.number).await, 50_000 - moved);
        if !died {
            assert!(number > 0, "nothing was killed");
            return world.audit().await;
        }
    }
    panic!("a settlement has fewer jobs");
}

#[tokio::test]
async fn a_capture_survives_every_death() {
    a_settlement_survives_every_death(Action::Capture, 100).await;
}

#[tokio::test]
async fn a_void_survives_every_death() {
    a_settlement_survives_every_death(Action::Void, 0).await;
}

#[tokio::test]
async fn a_tick_and_the_end_of_idle_goods_survive_every_death() {
    let mut world = world().await;
    let member = world.member().await;
    let card = member.card(&world, yen(50_000)).await;
    let mut used = 0;
    for number in 0..MOST {
        let wish = Wish::new(u32::try_from(number).unwrap(), &card).of(yen(100)).metered();
        let authorization = paid(&world, &member, &wish).await;
        let tick = async |world: &World| world.merchant.tick(&authorization, 1, yen(30)).await;
        let (_, ticking) = twice(&mut world, number, tick).await;
        assert_eq!(world.sums().await, (100, used, used));
        // Nobody uses it any more, and the center ends it by itself.
        world.clock.advance(900);
        let work = async |world: &World| world.center.settlement().work().await;
        let ((), ending) = twice(&mut world, number, work).await;
        used += 30;
        assert_eq!(world.sums().await, (0, used, used));
        if !ticking && !ending {
            assert!(number > 1, "nothing was killed");
            assert_eq!(member.balance(&world, &card.number).await, 50_000 - used);
            return world.audit().await;
        }
    }
    panic!("a tick has fewer jobs");
}

#[tokio::test]
async fn the_end_of_a_hold_by_time_survives_every_death() {
    let settings = Settings { hold_days: 1, ..settings() };
    let mut world = World::with(settings).await;
    let member = world.member().await;
    let card = member.card(&world, yen(50_000)).await;
    for number in 0..MOST {
        for order in 0..2 {
            let wish = Wish::new(u32::try_from(number * 2 + order).unwrap(), &card);
            paid(&world, &member, &wish.of(yen(100))).await;
        }
        assert_eq!(world.sums().await, (200, 0, 0));
        world.clock.advance(86_400);
        let work = async |world: &World| world.center.settlement().work().await;
        let ((), died) = twice(&mut world, number, work).await;
        assert_eq!(world.sums().await, (0, 0, 0));
        assert_eq!(member.balance(&world, &card.number).await, 50_000);
        if !died {
            assert!(number > 1, "nothing was killed");
            return world.audit().await;
        }
    }
    panic!("a round of work has fewer jobs");
}

#[tokio::test]
async fn a_key_change_survives_every_death() {
    let mut world = world().await;
    for jobs in 0..MOST {
        let member = world.member().await;
        let card = member.card(&world, yen(500)).await;
        let keys = world.keys_of(&member.number, 33);
        let change = KeyChange { enrolment: keys.request(world.clock.now()) };
        let token = member.telegram(&world, Instruction::ChangeKey(Box::new(change)));
        let send = async |world: &World| member.send(world, &token).await;
        let (outcome, died) = twice(&mut world, jobs, send).await;
        let balance = Instruction::Balance { card: card.number.clone() };
        assert_eq!(member.tell(&world, balance).await.unwrap_err().code, "key_replaced");
        let renewed = world.at_terminal(member.number.clone(), keys, outcome, 0).await;
        assert_eq!(renewed.balance(&world, &card.number).await, 500);
        if !died {
            assert!(jobs > 0, "nothing was killed");
            return;
        }
    }
    panic!("a key change has fewer jobs");
}
