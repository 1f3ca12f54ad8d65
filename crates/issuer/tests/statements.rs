//! Statements: lines, instalments, closing, payment.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, euro, net::NOW, yen};
use warifu_types::{Currency, Money};

/// NOW is 2027-01-15.
const DAY: u64 = 86_400;

#[tokio::test]
async fn one_payment_falls_due_in_the_month_of_capture() {
    let world = World::new();
    let card = world.card().await;
    let wish = Wish::new(1);
    let authorization = world.authorize(&wish).await;
    assert!(world.issuer.statement(&card, 2027, 1).await.unwrap().lines.is_empty());
    world.clock.advance(20 * DAY);
    world.capture(&authorization).await.unwrap();
    assert!(world.issuer.statement(&card, 2027, 1).await.unwrap().lines.is_empty());
    let statement = world.issuer.statement(&card, 2027, 2).await.unwrap();
    assert_eq!(statement.lines.len(), 1);
    let line = &statement.lines[0];
    assert_eq!((line.order, line.amount, line.number, line.of), (wish.order(), yen(1980), 1, 1));
    assert_eq!(&line.merchant, world.cast.merchant.id());
    assert_eq!(statement.totals, [yen(1980)]);
    assert_eq!(statement.masked, "**** 1111");
    assert!(!statement.closed && !statement.paid);
}

#[tokio::test]
async fn instalments_add_up_over_the_months() {
    let world = World::new();
    let card = world.card().await;
    let wish = Wish::new(1).payment("instalments:12").amount(yen(1985));
    let authorization = world.authorize(&wish).await;
    world.capture(&authorization).await.unwrap();
    world.capture(&authorization).await.unwrap();
    let mut sum = yen(0);
    for number in 1..=12 {
        let statement = world.issuer.statement(&card, 2027, number).await.unwrap();
        let [line] = &statement.lines[..] else { panic!("{statement:?}") };
        assert_eq!((line.number, line.of), (number, 12));
        assert_eq!(statement.totals, [line.amount]);
        sum = sum.plus(line.amount).unwrap();
    }
    assert_eq!(sum, yen(1985));
    assert!(world.issuer.statement(&card, 2028, 1).await.unwrap().lines.is_empty());
}

#[tokio::test]
async fn a_closed_month_does_not_change() {
    let world = World::new();
    let card = world.card().await;
    let before = world.authorize(&Wish::new(1)).await;
    let after = world.authorize(&Wish::new(2).payment("instalments:2").amount(yen(101))).await;
    world.capture(&before).await.unwrap();
    let closed = world.issuer.close_month(2027, 1).await.unwrap();
    assert_eq!(closed.len(), 1);
    assert!(closed[0].closed);
    world.capture(&after).await.unwrap();
    assert_eq!(world.issuer.close_month(2027, 1).await.unwrap(), closed);
    assert_eq!(world.issuer.statement(&card, 2027, 1).await.unwrap(), closed[0]);
    let amount = |statement: warifu_issuer::Statement| statement.totals;
    let of = |month| world.issuer.statement(&card, 2027, month);
    assert_eq!(amount(of(2).await.unwrap()), [yen(51)]);
    assert_eq!(amount(of(3).await.unwrap()), [yen(50)]);
}

#[tokio::test]
async fn payment_frees_the_limit_once() {
    let world = World::new();
    let card = world.card().await;
    for (number, amount) in [(1, yen(5000)), (2, euro(700))] {
        let wish = Wish::new(number).payment("instalments:2").amount(amount);
        let authorization = world.authorize(&wish).await;
        world.capture(&authorization).await.unwrap();
    }
    assert_eq!(world.available(&card, Currency::JPY).await, 0);
    let open = world.issuer.pay_statement(&card, 2027, 1).await.unwrap_err();
    assert_eq!(open.field.as_deref(), Some("month"));
    world.issuer.close_month(2027, 1).await.unwrap();
    for _ in 0..2 {
        let paid = world.issuer.pay_statement(&card, 2027, 1).await.unwrap();
        assert!(paid.paid);
        assert_eq!(paid.totals, [euro(350), yen(2500)]);
        assert_eq!(world.available(&card, Currency::JPY).await, 2500);
        assert_eq!(world.available(&card, Currency::EUR).await, 9650);
    }
    assert!(world.issuer.statement(&card, 2027, 1).await.unwrap().paid);
    assert_eq!(world.reason(&Wish::new(3).amount(yen(2500))).await, "");
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn months_are_checked() {
    let world = World::new();
    let card = world.card().await;
    assert!(world.issuer.close_month(2027, 1).await.unwrap().is_empty());
    for (year, month) in [(2027, 0), (2027, 13), (1900, 1), (2027, 2)] {
        let problem = world.issuer.close_month(year, month).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("month"), "{year}-{month}");
    }
    assert!(world.issuer.statement(&card, 2027, 14).await.is_err());
    world.clock.set(NOW.plus(30 * DAY));
    world.issuer.close_month(2027, 2).await.unwrap();
    let empty = world.issuer.pay_statement(&card, 2027, 2).await.unwrap();
    assert_eq!(empty.totals, Vec::<Money>::new());
}
