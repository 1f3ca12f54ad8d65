//! The issuer on the card network (row C8): the same holds, by acceptor and reference.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{CARD, Wish, World, euro, net::NOW, yen};
use proptest::prelude::*;
use std::collections::BTreeMap;
use warifu_issuer::{CardId, Issuer, Settings};
use warifu_ports::card_network::{
    CardAnswer, CardAuthorization, CardNetwork, PresentedCard, TradeReference,
};
use warifu_protocol::status::State;
use warifu_types::Money;

fn trade(reference: &str) -> TradeReference {
    TradeReference { acceptor: "SHOP1".to_string(), reference: reference.to_string() }
}

fn asked(reference: &str) -> CardAuthorization {
    CardAuthorization {
        trade: trade(reference),
        card: PresentedCard {
            number: CARD.to_string().into(),
            expiry: "2030-12".to_string().into(),
        },
        amount: yen(1980),
        payments: 1,
        at: NOW,
    }
}

/// The code: `00` for a yes.
fn code(answer: CardAnswer) -> String {
    match answer {
        CardAnswer::Approved { approval } => {
            assert!(approval.len() == 6 && approval.bytes().all(|b| b.is_ascii_alphanumeric()));
            "00".to_string()
        }
        CardAnswer::Declined { code } => code,
    }
}

async fn authorize(world: &World, asked: &CardAuthorization) -> String {
    code(world.issuer.authorize(asked).await.unwrap())
}

async fn capture(world: &World, reference: &str, amount: Money) -> String {
    code(world.issuer.capture(&trade(reference), amount).await.unwrap())
}

async fn reverse(world: &World, reference: &str, amount: Money) -> String {
    code(world.issuer.reverse(&trade(reference), amount).await.unwrap())
}

async fn world() -> (World, CardId) {
    let world = World::new();
    let card = world.card().await;
    let merchant = world.cast.merchant.id().clone();
    world.issuer.admit_acceptor("SHOP1", &merchant).await.unwrap();
    (world, card)
}

#[tokio::test]
async fn held_captured_and_billed_once() {
    let (mut world, card) = world().await;
    let first = world.issuer.authorize(&asked("W1")).await.unwrap();
    world.clock.advance(60);
    world.restart(Settings::default());
    let later = CardAuthorization { at: NOW.plus(60), ..asked("W1") };
    assert_eq!(world.issuer.authorize(&later).await.unwrap(), first, "a replay, later");
    assert_eq!(world.sums().await, (1980, 0, 0));
    let order = Issuer::order_of_trade(&trade("W1"));
    let view = world.issuer.view(&order).await.unwrap().unwrap();
    assert_eq!((view.rule.as_str(), view.state), ("card-network", State::Authorized));
    assert_eq!(world.issuer.audit().await.unwrap().open_holds, 1);

    assert_eq!(capture(&world, "W1", yen(1981)).await, "13");
    assert_eq!(capture(&world, "W1", euro(1980)).await, "13");
    assert_eq!(capture(&world, "W1", yen(0)).await, "13");
    assert_eq!(world.sums().await, (1980, 0, 0));
    assert_eq!(world.issuer.capture(&trade("W1"), yen(1500)).await.unwrap(), first);
    assert_eq!(world.issuer.capture(&trade("W1"), yen(1500)).await.unwrap(), first);
    assert_eq!(capture(&world, "W1", yen(1400)).await, "94");
    assert_eq!(reverse(&world, "W1", yen(1980)).await, "12", "captured is captured");
    assert_eq!(world.issuer.authorize(&later).await.unwrap(), first);
    assert_eq!(world.sums().await, (0, 1500, 1500));
    let month = world.issuer.statement(&card, 2027, 1).await.unwrap();
    assert_eq!(month.totals, [yen(1500)]);
    assert_eq!(month.lines[0].order, order);
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn every_no_has_its_code() {
    let (world, card) = world().await;
    let other = |number: &str, expiry: &str| PresentedCard {
        number: number.to_string().into(),
        expiry: expiry.to_string().into(),
    };
    let stranger = TradeReference { acceptor: "NOBODY".to_string(), ..trade("W0") };
    let usual = || asked("W0");
    for (place, (asked, expected)) in (1..).zip([
        (CardAuthorization { trade: stranger.clone(), ..usual() }, "03"),
        (CardAuthorization { card: other(CARD, "2031-01"), ..usual() }, "05"),
        (CardAuthorization { card: other("5555555555554444", "2030-12"), ..usual() }, "14"),
        (CardAuthorization { amount: yen(5001), ..usual() }, "51"),
        (CardAuthorization { amount: yen(0), ..usual() }, "13"),
        (CardAuthorization { payments: 13, ..usual() }, "12"),
        (
            CardAuthorization {
                amount: Money::new(100, "USD".parse().unwrap()).unwrap(),
                ..usual()
            },
            "12",
        ),
    ]) {
        let reference = format!("W{place}");
        let trade = TradeReference { reference, ..asked.trade.clone() };
        let asked = CardAuthorization { trade, ..asked };
        for _ in 0..2 {
            assert_eq!(authorize(&world, &asked).await, expected, "{asked:?}");
        }
    }
    for action in [world.issuer.capture(&stranger, yen(1)), world.issuer.reverse(&stranger, yen(1))]
    {
        assert_eq!(code(action.await.unwrap()), "03");
    }
    world.issuer.block_card(&card).await.unwrap();
    assert_eq!(authorize(&world, &asked("W20")).await, "05");
    world.issuer.unblock_card(&card).await.unwrap();
    assert_eq!(authorize(&world, &asked("W20")).await, "05", "answered is answered");
    world.clock.set(NOW.plus(6 * 366 * 86_400));
    assert_eq!(authorize(&world, &asked("W21")).await, "54");
    assert_eq!(capture(&world, "W21", yen(1980)).await, "25", "nothing is held");
    assert_eq!(capture(&world, "W99", yen(1980)).await, "25");
    assert_eq!(world.sums().await, (0, 0, 0));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn other_content_under_a_reference_is_a_duplicate() {
    let (world, _) = world().await;
    assert_eq!(authorize(&world, &asked("W1")).await, "00");
    let card = |number: &str, expiry: &str| PresentedCard {
        number: number.to_string().into(),
        expiry: expiry.to_string().into(),
    };
    for other in [
        CardAuthorization { amount: yen(1981), ..asked("W1") },
        CardAuthorization { payments: 2, ..asked("W1") },
        CardAuthorization { card: card("5555555555554444", "2030-12"), ..asked("W1") },
        CardAuthorization { card: card(CARD, "2030-11"), ..asked("W1") },
    ] {
        assert_eq!(authorize(&world, &other).await, "94");
    }
    assert_eq!(world.sums().await, (1980, 0, 0));
    assert_eq!(authorize(&world, &asked("W1")).await, "00");
}

#[tokio::test]
async fn a_reversal_that_comes_first() {
    let (mut world, _) = world().await;
    for _ in 0..2 {
        assert_eq!(reverse(&world, "W1", yen(1980)).await, "25");
    }
    world.restart(Settings::default());
    assert_eq!(authorize(&world, &asked("W1")).await, "12", "too late");
    assert_eq!(capture(&world, "W1", yen(1980)).await, "25");
    assert_eq!(world.sums().await, (0, 0, 0));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn reversed_once_and_over_in_time() {
    let (world, _) = world().await;
    assert_eq!(authorize(&world, &asked("W1")).await, "00");
    assert_eq!(reverse(&world, "W1", yen(1000)).await, "13");
    assert_eq!(reverse(&world, "W1", yen(1980)).await, "00");
    assert_eq!(reverse(&world, "W1", yen(1980)).await, "00");
    assert_eq!(capture(&world, "W1", yen(1980)).await, "12");
    assert_eq!(authorize(&world, &asked("W2")).await, "00");
    world.clock.set(NOW.plus(30 * 86_400));
    assert_eq!(world.issuer.expire(NOW.plus(30 * 86_400)).await.unwrap(), 1);
    assert_eq!(capture(&world, "W2", yen(1980)).await, "12");
    assert_eq!(reverse(&world, "W2", yen(1980)).await, "00", "it is let go already");
    assert_eq!(world.sums().await, (0, 0, 0));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn acceptors_are_admitted_once() {
    let (world, _) = world().await;
    let merchant = world.cast.merchant.id().clone();
    world.issuer.admit_acceptor("SHOP1", &merchant).await.unwrap();
    let other = world.other.id().clone();
    let problem = world.issuer.admit_acceptor("SHOP1", &other).await.unwrap_err();
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("conflict", Some("acceptor")));
    for bad in ["", "SHOP-1", "SHOP456789012345"] {
        let problem = world.issuer.admit_acceptor(bad, &other).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("acceptor"), "{bad}");
    }
    assert_eq!(world.issuer.acceptors().await.unwrap(), [("SHOP1".to_string(), merchant)]);
}

#[tokio::test]
async fn badges_are_no_cards() {
    let world = World::badges();
    world.badge().await;
    world.issuer.admit_acceptor("SHOP1", world.cast.merchant.id()).await.unwrap();
    assert_eq!(authorize(&world, &asked("W1")).await, "12");
}

#[derive(Debug, Clone)]
enum Step {
    Authorize(u8, u16),
    Capture(u8, u16),
    Reverse(u8),
    Sealed(u8),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..8u8, 1..3000u16).prop_map(|(number, amount)| Step::Authorize(number, amount)),
        5 => (0..8u8, 1..3000u16).prop_map(|(number, amount)| Step::Capture(number, amount)),
        3 => (0..8u8).prop_map(Step::Reverse),
        2 => (0..4u8).prop_map(Step::Sealed),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..30)
}

/// What a trade is by the model: the amount held, captured, or neither.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Held(u64),
    Captured(u64, u64),
    Gone(u64),
    Refused(u64),
    Never,
}

/// Random histories of both ways on one card: the books balance, and no money moves twice.
async fn run(steps: &[Step]) {
    let (mut world, _) = world().await;
    let mut fates: BTreeMap<u8, Fate> = BTreeMap::new();
    let mut sealed: BTreeMap<u8, bool> = BTreeMap::new();
    for step in steps {
        let sums = |fates: &BTreeMap<u8, Fate>, sealed: &BTreeMap<u8, bool>| {
            let signed = sealed.values().filter(|held| **held).count() as u64 * 500;
            let mut sums = (signed, 0);
            for fate in fates.values() {
                match fate {
                    Fate::Held(held) => sums.0 += held,
                    Fate::Captured(_, captured) => sums.1 += captured,
                    _ => {}
                }
            }
            sums
        };
        let (held, spent) = sums(&fates, &sealed);
        match step {
            Step::Authorize(number, amount) => {
                let amount = u64::from(*amount);
                let asked =
                    CardAuthorization { amount: yen(amount), ..asked(&format!("W{number}")) };
                let answer = authorize(&world, &asked).await;
                let (expected, after) = match fates.get(number) {
                    None if held + spent + amount <= 5000 => ("00", Fate::Held(amount)),
                    None => ("51", Fate::Refused(amount)),
                    Some(Fate::Never) => ("12", Fate::Never),
                    Some(Fate::Refused(known)) if *known == amount => ("51", fates[number]),
                    Some(Fate::Held(known) | Fate::Captured(known, _) | Fate::Gone(known))
                        if *known == amount =>
                    {
                        ("00", fates[number])
                    }
                    Some(known) => ("94", *known),
                };
                assert_eq!(answer, expected);
                fates.insert(*number, after);
            }
            Step::Capture(number, amount) => {
                let amount = u64::from(*amount);
                let answer = capture(&world, &format!("W{number}"), yen(amount)).await;
                let expected = match fates.get(number).copied() {
                    Some(Fate::Held(held)) if amount <= held => {
                        fates.insert(*number, Fate::Captured(held, amount));
                        "00"
                    }
                    Some(Fate::Held(_)) => "13",
                    Some(Fate::Captured(_, captured)) if captured == amount => "00",
                    Some(Fate::Captured(..)) => "94",
                    Some(Fate::Gone(_)) => "12",
                    Some(Fate::Refused(_) | Fate::Never) | None => "25",
                };
                assert_eq!(answer, expected);
            }
            Step::Reverse(number) => {
                let fate = fates.get(number).copied().unwrap_or(Fate::Never);
                let (amount, expected, after) = match fate {
                    Fate::Held(held) => (held, "00", Fate::Gone(held)),
                    Fate::Gone(held) => (held, "00", fate),
                    Fate::Captured(held, _) => (held, "12", fate),
                    Fate::Refused(asked) => (asked, "25", fate),
                    Fate::Never => (1, "25", fate),
                };
                assert_eq!(reverse(&world, &format!("W{number}"), yen(amount)).await, expected);
                fates.insert(*number, after);
            }
            Step::Sealed(number) => {
                let wish = Wish::new(100 + u32::from(*number)).amount(yen(500));
                let reason = world.reason(&wish).await;
                let fits = held + spent + 500 <= 5000;
                let known = *sealed.entry(*number).or_insert(fits);
                assert_eq!(reason.is_empty(), known);
            }
            Step::Restart => world.restart(Settings::default()),
        }
        let (held, spent) = sums(&fates, &sealed);
        assert_eq!(world.sums().await, (held, spent, spent), "{step:?}");
    }
    world.issuer.audit().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn books_always_balance(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
