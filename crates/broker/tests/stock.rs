//! A service that says how many there are on a day is not sold more often.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::World;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use warifu_broker::{Approval, Import, OrderWish, SearchWish};
use warifu_ports::Store;
use warifu_protocol::status::State;
use warifu_types::OrderId;

const DAY: u64 = 86_400;
/// The day of the concert, which has three seats.
const CONCERT: &str = "2026-12-24";

fn seats(quantity: u32) -> OrderWish {
    OrderWish { service: "P-000001/C-1".into(), quantity, date: CONCERT.into(), ..common::night() }
}

/// An order of seats that waits for its approval.
async fn confirming(world: &World, key: &str, quantity: u32) -> OrderId {
    world.provider.price.store(4_500, Ordering::SeqCst);
    let order = world.broker.place(&world.member, key, seats(quantity)).await.unwrap();
    world.pass().await;
    assert_eq!(world.state(order).await, "confirming");
    order
}

async fn approve(world: &World, order: OrderId) -> Approval {
    world.broker.decide(&world.member, order, true).await.unwrap()
}

async fn left(world: &World) -> Option<u32> {
    world.broker.service("P-000001/C-1").await.unwrap().left
}

#[tokio::test]
async fn of_two_orders_for_the_last_ones_one_wins_and_the_other_user_is_told() {
    let world = World::new().await;
    let first = confirming(&world, "k1", 2).await;
    let second = confirming(&world, "k2", 2).await;
    // Nothing is taken before the user approves.
    assert_eq!(left(&world).await, Some(3));
    let said = tokio::join!(approve(&world, first), approve(&world, second));
    let (winner, loser) = match said {
        (Approval::Approved, Approval::SoldOut) => (first, second),
        (Approval::SoldOut, Approval::Approved) => (second, first),
        other => panic!("{other:?}"),
    };
    assert_eq!(left(&world).await, Some(1));
    world.pass().await;
    assert_eq!(world.state(winner).await, "passed");
    let view = world.view(loser).await;
    assert_eq!((view.state, view.reason.as_deref()), ("declined", Some("sold_out")));
    assert!(world.script.kinds().contains(&"sold-out".to_string()));
    // Nothing of it went out, and its card's reference is of no use any more.
    assert_eq!(world.provider.orders.lock().unwrap().len(), 1);
    assert_eq!(*world.script.void.lock().unwrap(), [view.number]);
    // Who comes later is told at once; one seat is still to be had.
    let late = world.broker.place(&world.member, "k3", seats(2)).await.unwrap_err();
    assert_eq!((late.code.as_str(), late.field.as_deref()), ("sold_out", Some("quantity")));
    assert_eq!(approve(&world, confirming(&world, "k4", 1).await).await, Approval::Approved);
    let date = Some(CONCERT.to_string());
    let wish = SearchWish { words: "ピアノ".into(), date, ..SearchWish::default() };
    assert_eq!(world.broker.search(&wish).await.unwrap().services[0].left, Some(0));
}

#[tokio::test]
async fn what_ends_without_service_is_given_back_once() {
    for (word, reason) in [(State::Refused, "declined"), (State::Cancelled, "cancelled")] {
        let world = World::new().await;
        let order = confirming(&world, "k1", 3).await;
        assert_eq!(approve(&world, order).await, Approval::Approved);
        assert_eq!(left(&world).await, Some(0));
        world.provider.says(word, Some(reason));
        for _ in 0..3 {
            world.pass().await;
            assert_eq!(left(&world).await, Some(3), "{reason}");
        }
    }
    // The provider is silent.
    let world = World::new().await;
    world.provider.down.store(true, Ordering::SeqCst);
    let order = confirming(&world, "k1", 3).await;
    approve(&world, order).await;
    world.clock.advance(2 * DAY + 1);
    world.pass().await;
    assert_eq!((world.state(order).await, left(&world).await), ("cancelled", Some(3)));
    // What was served stays taken; what the user never approved took nothing.
    let world = World::new().await;
    let order = confirming(&world, "k1", 2).await;
    let other = confirming(&world, "k2", 1).await;
    approve(&world, order).await;
    world.broker.decide(&world.member, other, false).await.unwrap();
    world.provider.says(State::Settled, None);
    world.pass().await;
    assert_eq!((world.state(order).await, left(&world).await), ("closed", Some(1)));
}

#[tokio::test]
async fn a_provider_that_changes_its_file_keeps_what_is_sold() {
    let world = World::new().await;
    approve(&world, confirming(&world, "k1", 2).await).await;
    for (capacity, expected) in [("10", Some(8)), ("1", Some(0)), ("", None)] {
        let file = common::SERVICES.replace("2026-12-24,3", &format!("2026-12-24,{capacity}"));
        let imported = world.broker.import("P-000001", Import::Csv(file.as_bytes())).await;
        assert_eq!(imported.unwrap(), Ok(3));
        assert_eq!(left(&world).await, expected, "{capacity}");
    }
    // A service that counts its days is ordered for one of them.
    let file = "number,kind,name_en,price,currency,capacity\nR-1,inn,Room,9000,JPY,1\n";
    world.broker.import("P-000001", Import::Csv(file.as_bytes())).await.unwrap().unwrap();
    let room = |date: &str| OrderWish {
        service: "P-000001/R-1".into(),
        quantity: 1,
        date: date.into(),
        ..common::night()
    };
    let no_day = world.broker.place(&world.member, "r0", room("")).await.unwrap_err();
    assert_eq!(no_day.field.as_deref(), Some("date"));
    world.broker.place(&world.member, "r1", room("2026-12-01")).await.unwrap();
}

#[tokio::test]
async fn whatever_dies_while_the_user_approves_the_count_is_right() {
    for jobs in 0..40 {
        let world = World::new().await;
        let order = confirming(&world, "k1", 3).await;
        let jobs_left = Arc::new(AtomicI64::new(i64::MAX));
        let dying = common::Dying(world.store.clone() as Arc<dyn Store>, jobs_left.clone());
        let broker = world.rebuilt(Arc::new(dying)).await.unwrap();
        world.provider.says(State::Refused, Some("declined"));
        jobs_left.store(jobs, Ordering::SeqCst);
        let dies = async {
            broker.decide(&world.member, order, true).await.ok()?;
            broker.run_pending().await.ok()
        };
        let _ = dies.await;
        let died = jobs_left.load(Ordering::SeqCst) < 0;
        // Taken with the approval, and given back with the no: never the one without the other.
        let expected = match world.state(order).await {
            "approved" | "passed" => Some(0),
            "confirming" | "declined" => Some(3),
            other => panic!("{other}"),
        };
        assert_eq!(left(&world).await, expected, "{jobs}");
        if !died {
            return;
        }
    }
    panic!("an approval has fewer jobs");
}
