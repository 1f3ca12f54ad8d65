//! The issuer pays the merchant, bills the holder and is paid: the steps of row C8.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, application, euro, net::NOW, yen};
use warifu_issuer::{AccountKind, CardKind, Settings, Step};
use warifu_types::{Currency, Money, OrderId};
use warifu_wire::Problem;

fn named(problem: Problem) -> (String, String) {
    (problem.code, problem.field.unwrap_or_default())
}

async fn captured(world: &World, wish: Wish) -> OrderId {
    let authorization = world.authorize(&wish).await;
    assert_eq!(authorization.reason, None);
    world.capture(&authorization).await.unwrap();
    wish.order()
}

async fn steps(world: &World, order: &OrderId) -> Vec<(Step, u64)> {
    let steps = world.issuer.steps(order).await.unwrap();
    steps.iter().map(|step| (step.step, step.amount.map_or(0, |amount| amount.minor()))).collect()
}

/// What the merchant's account says: credits less debits.
async fn account(world: &World) -> u64 {
    let all = world.issuer.balances().await.unwrap();
    let mine = all.iter().filter(|a| a.kind == AccountKind::Merchant);
    mine.map(|a| a.balance.credits_posted - a.balance.debits_posted).sum()
}

#[tokio::test]
async fn from_authorization_to_the_end() {
    let mut world = World::new();
    let card = world.card().await;
    let merchant = world.cast.merchant.id().clone();
    let order = captured(&world, Wish::new(1).payment("instalments:2")).await;
    assert_eq!(steps(&world, &order).await, [(Step::Authorized, 1980), (Step::Captured, 1980)]);
    world.clock.advance(60);
    let owed = world.issuer.owed(&merchant, Currency::JPY).await.unwrap();
    assert_eq!((owed.amount, owed.orders), (yen(1980), vec![order]));
    let payout = world.issuer.pay_merchant(&merchant, Currency::JPY, "P-1").await.unwrap();
    assert_eq!((payout.amount, payout.at), (yen(1980), NOW.plus(60)));
    assert_eq!(account(&world).await, 0);
    world.restart(Settings::default());
    world.clock.advance(60);
    let again = world.issuer.pay_merchant(&merchant, Currency::JPY, "P-1").await.unwrap();
    assert_eq!(again, payout);
    assert_eq!(world.issuer.payout("P-1").await.unwrap(), Some(payout));

    for (month, left) in [(1, 990), (2, 990)] {
        world.clock.set(NOW.plus(month * 40 * 86_400));
        let (year, number) = (2027, month as u32);
        world.issuer.close_month(year, number).await.unwrap();
        assert_eq!(steps(&world, &order).await.last().unwrap(), &(Step::Billed, 990));
        let id = format!("T-{month}");
        let paid = world.issuer.take_payment(&card, yen(left), &id).await.unwrap();
        assert_eq!(paid.amount, yen(left));
        assert!(world.issuer.statement(&card, year, number).await.unwrap().paid);
    }
    let all = [
        (Step::Authorized, 1980),
        (Step::Captured, 1980),
        (Step::MerchantPaid, 1980),
        (Step::Billed, 990),
        (Step::HolderPaid, 990),
        (Step::Billed, 990),
        (Step::HolderPaid, 990),
        (Step::Closed, 0),
    ];
    assert_eq!(steps(&world, &order).await, all);
    assert_eq!(world.available(&card, Currency::JPY).await, 5000);
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn payouts_are_made_once_and_sum_up() {
    let world = World::new();
    world.card().await;
    let merchant = world.cast.merchant.id().clone();
    let pay = |currency, id: &str| {
        let (issuer, merchant, id) = (world.issuer.clone(), merchant.clone(), id.to_string());
        async move { issuer.pay_merchant(&merchant, currency, &id).await }
    };
    let problem = pay(Currency::JPY, "P-1").await.unwrap_err();
    assert_eq!(named(problem), ("bad_value".to_string(), "merchant".to_string()));
    for number in 1..=3 {
        captured(&world, Wish::new(number).amount(yen(100 * u64::from(number)))).await;
    }
    let held = world.authorize(&Wish::new(4).amount(yen(1000))).await;
    let first = pay(Currency::JPY, "P-1").await.unwrap();
    assert_eq!((first.amount, first.orders.len()), (yen(600), 3));
    world.capture(&held).await.unwrap();
    assert_eq!(account(&world).await, 1000);
    assert_eq!(pay(Currency::JPY, "P-1").await.unwrap(), first);
    let second = pay(Currency::JPY, "P-2").await.unwrap();
    assert_eq!((second.amount, second.orders), (yen(1000), vec![Wish::new(4).order()]));
    assert_eq!(account(&world).await, 0);
    let problem = pay(Currency::EUR, "P-1").await.unwrap_err();
    assert_eq!(named(problem), ("conflict".to_string(), "id".to_string()));
    let other = world.other.id().clone();
    let problem = world.issuer.pay_merchant(&other, Currency::JPY, "P-1").await.unwrap_err();
    assert_eq!(problem.code, "conflict");
    for bad in ["", "a\nb", &"x".repeat(129)] {
        let problem = pay(Currency::JPY, bad).await.unwrap_err();
        assert_eq!(named(problem), ("bad_value".to_string(), "id".to_string()));
    }
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn payments_go_to_the_earliest_statement() {
    let world = World::new();
    let card = world.card().await;
    captured(&world, Wish::new(1).amount(yen(1000)).payment("instalments:2")).await;
    captured(&world, Wish::new(2).amount(euro(300))).await;
    let take = |amount, id: &str| {
        let (issuer, card, id) = (world.issuer.clone(), card.clone(), id.to_string());
        async move { issuer.take_payment(&card, amount, &id).await }
    };
    let paid = |month| {
        let (issuer, card) = (world.issuer.clone(), card.clone());
        async move { issuer.statement(&card, 2027, month).await.unwrap().paid }
    };
    let problem = take(yen(1), "T-0").await.unwrap_err();
    assert_eq!(
        named(problem),
        ("bad_value".to_string(), "amount".to_string()),
        "nothing is billed"
    );
    world.clock.set(NOW.plus(70 * 86_400));
    for month in [1, 2] {
        world.issuer.close_month(2027, month).await.unwrap();
    }
    assert_eq!(take(yen(0), "T-0").await.unwrap_err().field.as_deref(), Some("amount"));
    take(yen(300), "T-1").await.unwrap();
    take(yen(300), "T-1").await.unwrap();
    assert_eq!(world.available(&card, Currency::JPY).await, 4300);
    assert_eq!(named(take(yen(301), "T-1").await.unwrap_err()).1, "id");
    take(yen(400), "T-2").await.unwrap();
    assert!(!paid(1).await, "the euros are open");
    take(euro(300), "T-3").await.unwrap();
    assert!(paid(1).await && !paid(2).await);
    assert_eq!(named(take(yen(301), "T-4").await.unwrap_err()).1, "amount");
    // The operator takes what is left of the second statement.
    world.issuer.pay_statement(&card, 2027, 2).await.unwrap();
    assert!(paid(2).await);
    assert_eq!(named(take(yen(1), "T-4").await.unwrap_err()).1, "amount");
    assert_eq!(world.available(&card, Currency::JPY).await, 5000);
    assert_eq!(world.available(&card, Currency::EUR).await, 10_000);
    let unknown = warifu_issuer::CardId::from_key("nobody".to_string());
    let problem = world.issuer.take_payment(&unknown, yen(1), "T-5").await.unwrap_err();
    assert_eq!(named(problem), ("not_found".to_string(), "card".to_string()));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn a_debit_card_s_trade_ends_with_the_payout() {
    let world = World::new();
    let mut debit = application(world.cast.holder.id());
    debit.kind = CardKind::Debit;
    debit.max_instalments = 0;
    let card = world.issuer.add_card(debit).await.unwrap();
    let order = captured(&world, Wish::new(1)).await;
    let merchant = world.cast.merchant.id();
    world.issuer.pay_merchant(merchant, Currency::JPY, "P-1").await.unwrap();
    let last = steps(&world, &order).await.last().copied();
    assert_eq!(last, Some((Step::Closed, 0)));
    let problem = world.issuer.take_payment(&card, yen(1980), "T-1").await.unwrap_err();
    assert_eq!(named(problem), ("bad_value".to_string(), "card".to_string()));
}

#[tokio::test]
async fn what_ends_without_money_has_steps_too() {
    let world = World::new();
    world.card().await;
    let refused = Wish::new(1).amount(yen(9999));
    assert_eq!(world.reason(&refused).await, "limit_exceeded");
    assert_eq!(steps(&world, &refused.order()).await, [(Step::Refused, 0)]);
    let wish = Wish::new(2);
    let voided = world.authorize(&wish).await;
    world.void(&voided).await.unwrap();
    let expected = [(Step::Authorized, 1980), (Step::Released, 0)];
    assert_eq!(steps(&world, &wish.order()).await, expected);
    let wish = Wish::new(3);
    let over = world.authorize(&wish).await;
    world.issuer.expire(over.exp).await.unwrap();
    assert_eq!(steps(&world, &wish.order()).await, expected);
    let at = world.issuer.steps(&wish.order()).await.unwrap()[1].at;
    assert_eq!(at, over.exp);
    assert!(world.issuer.steps(&OrderId([1; 32])).await.unwrap().is_empty());
    assert_eq!(
        world.issuer.owed(world.cast.merchant.id(), Currency::JPY).await.unwrap().amount,
        Money::zero(Currency::JPY)
    );
}
