//! The issuer is killed before and after every job of an operation in turn. Asked again after each
//! death, it comes to the same end, with the money moved once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Wish, World, net::NOW, yen};
use std::fmt::Debug;
use warifu_issuer::{AccountKind, Settings};
use warifu_ledger::Balance;
use warifu_protocol::{authorization::Authorization, settlement::Action};
use warifu_types::Currency;
use warifu_wire::Problem;

/// More halves of jobs than any operation has.
const MOST: i64 = 40;
/// What an order costs, in yen: all of them together are within the card's limit.
const PRICE: u64 = 50;

/// Does something while the issuer dies after so many halves of jobs, and again once it runs: what
/// was answered first stands. With the answer, and whether the issuer died.
async fn twice<T: PartialEq + Debug>(
    world: &mut World,
    halves: i64,
    what: impl AsyncFn(&World) -> Result<T, Problem>,
) -> (T, bool) {
    let dying = world.dying_after(halves, Settings::default());
    let first = what(world).await;
    let died = dying.is_dead();
    drop(dying);
    world.restart(Settings::default());
    let answer = what(world).await.unwrap();
    if let Ok(first) = first {
        assert_eq!(first, answer);
    }
    (answer, died)
}

fn wish(number: i64) -> Wish {
    Wish::new(u32::try_from(number).unwrap()).amount(yen(PRICE))
}

/// How much so many orders cost.
fn price(orders: i64) -> u64 {
    PRICE * u64::try_from(orders).unwrap()
}

/// Posted debits and credits of all accounts of a kind.
async fn posted(world: &World, kind: AccountKind) -> (u64, u64) {
    let all = world.issuer.balances().await.unwrap();
    let sum = |of: fn(&Balance) -> u64| {
        all.iter().filter(|account| account.kind == kind).map(|a| of(&a.balance)).sum()
    };
    (sum(|b| b.debits_posted), sum(|b| b.credits_posted))
}

/// Runs rounds with a death each, one later than the other, until one ends alive.
async fn until_alive(mut round: impl AsyncFnMut(i64) -> bool) {
    for halves in 0..MOST {
        if !round(halves).await {
            assert!(halves > 1, "nothing was killed");
            return;
        }
    }
    panic!("an operation has fewer jobs");
}

#[tokio::test]
async fn an_authorization_survives_every_death() {
    let mut world = World::new();
    world.card().await;
    until_alive(async |halves| {
        let sealed = world.seal(&wish(halves));
        let ask = async |world: &World| world.try_authorize(&sealed).await;
        let (token, died) = twice(&mut world, halves, ask).await;
        assert_eq!(world.read(&token, &sealed).reason, None);
        assert_eq!(world.sums().await, (price(halves + 1), 0, 0));
        died
    })
    .await;
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn the_holders_part_and_a_refusal_survive_every_death() {
    let mut world = World::new();
    world.card().await;
    until_alive(async |halves| {
        // Nothing can be held for it, and this stays so.
        let sealed = world.seal(&wish(halves).amount(yen(5001)));
        let ask = async |world: &World| world.try_authorize(&sealed).await;
        let (token, refusing) = twice(&mut world, halves, ask).await;
        assert_eq!(world.read(&token, &sealed).reason.as_deref(), Some("limit_exceeded"));
        let direct = Wish { direct: true, ..wish(1000 + halves) };
        let sealed = world.seal(&direct);
        let send = async |world: &World| {
            let received = world.send_part(&world.cast.holder, &sealed).await?;
            Ok(received.order)
        };
        let (_, sending) = twice(&mut world, halves, send).await;
        assert_eq!(world.sums().await, (0, 0, 0));
        refusing || sending
    })
    .await;
    world.issuer.audit().await.unwrap();
}

/// An order that is authorized, and settled while the issuer dies.
async fn settled(world: &mut World, halves: i64, action: Action) -> bool {
    let authorization: Authorization = world.authorize(&wish(halves)).await;
    let settle =
        async |world: &World| world.settle(&world.cast.merchant, &authorization, action).await;
    twice(world, halves, settle).await.1
}

#[tokio::test]
async fn a_capture_survives_every_death() {
    let mut world = World::new();
    let card = world.card().await;
    until_alive(async |halves| {
        let died = settled(&mut world, halves, Action::Capture).await;
        let captured = price(halves + 1);
        assert_eq!(world.sums().await, (0, captured, captured));
        // The holder is billed for it once, and the merchant is owed it once.
        let statement = world.issuer.statement(&card, 2027, 1).await.unwrap();
        assert_eq!(
            (statement.lines.len(), &statement.totals[..]),
            (usize::try_from(halves + 1).unwrap(), &[yen(captured)][..],)
        );
        let merchant = world.cast.merchant.id();
        let owed = world.issuer.owed(merchant, Currency::JPY).await.unwrap();
        assert_eq!((owed.amount, owed.orders.len()), (yen(captured), statement.lines.len()));
        died
    })
    .await;
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn a_void_and_the_end_of_a_hold_by_time_survive_every_death() {
    let mut world = World::new();
    let card = world.card().await;
    until_alive(async |halves| {
        let voiding = settled(&mut world, halves, Action::Void).await;
        assert_eq!(world.sums().await, (0, 0, 0));
        let authorization = world.authorize(&wish(1000 + halves)).await;
        assert_eq!(world.sums().await.0, PRICE);
        let expire = async |world: &World| world.issuer.expire(authorization.exp).await.map(drop);
        let ((), expiring) = twice(&mut world, halves, expire).await;
        assert_eq!(world.sums().await, (0, 0, 0));
        assert_eq!(world.available(&card, Currency::JPY).await, 5000);
        voiding || expiring
    })
    .await;
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn a_payout_survives_every_death() {
    let mut world = World::new();
    world.card().await;
    let merchant = world.cast.merchant.id().clone();
    until_alive(async |halves| {
        let authorization = world.authorize(&wish(halves)).await;
        world.capture(&authorization).await.unwrap();
        let id = format!("P-{halves}");
        let pay =
            async |world: &World| world.issuer.pay_merchant(&merchant, Currency::JPY, &id).await;
        let (payout, died) = twice(&mut world, halves, pay).await;
        assert_eq!((payout.amount, payout.orders), (yen(PRICE), vec![wish(halves).order()]));
        let owed = world.issuer.owed(&merchant, Currency::JPY).await.unwrap();
        assert_eq!((owed.amount, owed.orders.len()), (yen(0), 0));
        let paid = price(halves + 1);
        assert_eq!(posted(&world, AccountKind::Merchant).await, (paid, paid));
        died
    })
    .await;
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn a_statement_and_its_payment_survive_every_death() {
    let mut world = World::new();
    let card = world.card().await;
    // Each round has a month of its own: what is captured in a closed one falls into the next.
    let mut month = 0;
    until_alive(async |halves| {
        month += 1;
        let (year, number) = (2027 + (month - 1) / 12, (month - 1) % 12 + 1);
        world.clock.set(NOW);
        let authorization = world.authorize(&wish(halves)).await;
        world.capture(&authorization).await.unwrap();
        world.clock.set(NOW.plus(u64::from(month) * 31 * 86_400));
        let close = async |world: &World| {
            let closed = world.issuer.close_month(year, number).await?;
            Ok(closed.into_iter().map(|one| (one.lines.len(), one.totals)).collect::<Vec<_>>())
        };
        let (closed, closing) = twice(&mut world, halves, close).await;
        assert_eq!(closed, [(1, vec![yen(PRICE)])], "{year}-{number}");
        let pay = async |world: &World| world.issuer.pay_statement(&card, year, number).await;
        let (paid, paying) = twice(&mut world, halves, pay).await;
        assert!(paid.paid && paid.closed);
        assert_eq!(world.available(&card, Currency::JPY).await, 5000);
        closing || paying
    })
    .await;
    world.issuer.audit().await.unwrap();
}
