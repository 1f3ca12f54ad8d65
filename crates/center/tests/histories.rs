//! Random histories of top-ups, payments, captures, voids, retries, crashes and passing time: the
//! books always balance, and every balance is the one that the member and the merchant expect.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Member, Wish, World, member::top_up, yen};
use proptest::prelude::*;
use std::collections::BTreeMap;
use warifu_center::{MoneyReceived, Way};
use warifu_protocol::{
    authorization::Authorization,
    prepaid::PrepaidCard,
    sealed::Sealed,
    settlement::Action,
    telegram::{Funding, Outcome, TopUpState},
};

#[derive(Debug, Clone)]
enum Step {
    /// Value on card 0 or 1; `money` says whether the money comes.
    Load {
        card: u8,
        amount: u16,
        money: bool,
    },
    /// Order `number`; again if it was paid before.
    Pay {
        number: u8,
        card: u8,
        amount: u16,
    },
    Settle {
        number: u8,
        capture: bool,
    },
    Wait {
        days: u8,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..2u8, 1..3000u16, prop::bool::weighted(0.8))
            .prop_map(|(card, amount, money)| Step::Load { card, amount, money }),
        6 => (0..8u8, 0..2u8, 1..2500u16)
            .prop_map(|(number, card, amount)| Step::Pay { number, card, amount }),
        5 => (0..8u8, any::<bool>()).prop_map(|(number, capture)| Step::Settle { number, capture }),
        1 => (1..40u8).prop_map(|days| Step::Wait { days }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..25)
}

struct Order {
    sealed: Sealed,
    token: String,
    outcome: Outcome,
    card: usize,
    amount: u64,
    authorization: Option<Authorization>,
    settled: Option<(Action, String)>,
}

/// What everybody expects.
struct Model {
    cards: [PrepaidCard; 2],
    loaded: [u64; 2],
    orders: BTreeMap<u8, Order>,
    moneys: u32,
}

impl Model {
    fn held(&self, card: usize) -> u64 {
        self.of(card, |order| order.authorization.is_some() && order.settled.is_none())
    }

    fn captured(&self, card: usize) -> u64 {
        self.of(card, |order| matches!(order.settled, Some((Action::Capture, _))))
    }

    fn of(&self, card: usize, which: impl Fn(&Order) -> bool) -> u64 {
        let orders = self.orders.values().filter(|order| order.card == card && which(order));
        orders.map(|order| order.amount).sum()
    }

    fn available(&self, card: usize) -> u64 {
        self.loaded[card] - self.held(card) - self.captured(card)
    }
}

async fn load(
    world: &World,
    member: &Member,
    model: &mut Model,
    card: usize,
    amount: u64,
    money: bool,
) {
    let wish = top_up(yen(amount), Some(&model.cards[card].number), Funding::PayIn {});
    let outcome = member.tell(world, wish).await.unwrap();
    let Outcome::TopUp(TopUpState::Waiting { reference }) = outcome else {
        // Only the limits refuse.
        assert!(matches!(&outcome, Outcome::Refused { reason, .. } if reason.contains("limit")));
        return;
    };
    if !money {
        return;
    }
    model.moneys += 1;
    let id = model.moneys.to_string();
    let received = MoneyReceived { id, reference, amount: yen(amount), way: Way::PayIn };
    for _ in 0..2 {
        world.center.settlement().money_received(received.clone()).await.unwrap();
    }
    model.loaded[card] += amount;
}

async fn pay(
    world: &World,
    member: &Member,
    model: &mut Model,
    number: u8,
    card: usize,
    amount: u64,
) {
    if let Some(known) = model.orders.get(&number) {
        assert_eq!(member.send(world, &known.token).await.unwrap(), known.outcome);
        return;
    }
    let wish = Wish::new(number.into(), &model.cards[card]).of(yen(amount));
    let sealed = world.seal(member, &wish).await;
    let token = member.telegram(world, world.payment(&sealed));
    let outcome = member.send(world, &token).await.unwrap();
    let mut authorization = None;
    if amount <= model.available(card) {
        let Outcome::Paid(paid) = &outcome else { panic!("{outcome:?}") };
        assert_eq!(paid.balance, yen(model.available(card) - amount));
        authorization = Some(world.merchant.authorization(&sealed).await.unwrap());
    } else {
        assert!(
            matches!(&outcome, Outcome::Refused { reason, .. } if reason == "balance_too_low"),
            "{outcome:?}"
        );
    }
    let settled = None;
    let order = Order { sealed, token, outcome, card, amount, authorization, settled };
    model.orders.insert(number, order);
}

async fn settle(world: &World, model: &mut Model, number: u8, capture: bool) {
    let action = if capture { Action::Capture } else { Action::Void };
    let Some(order) = model.orders.get_mut(&number) else { return };
    let Some(authorization) = &order.authorization else { return };
    let answer = world.merchant.settle(authorization, action, None).await;
    match &order.settled {
        Some((done, token)) if *done == action => assert_eq!(&answer.unwrap(), token),
        Some(_) => assert_eq!(answer.unwrap_err().code, "conflict"),
        None => order.settled = Some((action, answer.unwrap())),
    }
    let again = world.merchant.authorization(&order.sealed).await.unwrap();
    assert_eq!(Some(again), order.authorization);
}

async fn run(steps: &[Step]) {
    let mut world = World::new().await;
    let member = world.member().await;
    let cards = [member.card(&world, yen(2000)).await, member.card(&world, yen(1000)).await];
    let orders = BTreeMap::new();
    let mut model = Model { cards, loaded: [2000, 1000], orders, moneys: 0 };
    let mut days = 0;
    for step in steps {
        match step {
            Step::Load { card, amount, money } => {
                load(&world, &member, &mut model, usize::from(*card), (*amount).into(), *money)
                    .await;
            }
            Step::Pay { number, card, amount } => {
                let (card, amount) = (usize::from(*card), u64::from(*amount));
                pay(&world, &member, &mut model, *number, card, amount).await;
            }
            Step::Settle { number, capture } => {
                settle(&world, &mut model, *number, *capture).await;
            }
            // Holds stand for 60 days, and the model has no expiry.
            Step::Wait { days: more } => {
                if days + u64::from(*more) < 60 {
                    days += u64::from(*more);
                    world.clock.advance(u64::from(*more) * 86_400);
                    world.center.settlement().work().await.unwrap();
                }
            }
            Step::Restart => world.restart().await,
        }
        let held = model.held(0) + model.held(1);
        let captured = model.captured(0) + model.captured(1);
        assert_eq!(world.sums().await, (held, captured, captured));
        assert_eq!(world.loaded().await, model.loaded[0] + model.loaded[1]);
    }
    for card in 0..2 {
        let number = &model.cards[card].number;
        assert_eq!(member.balance(&world, number).await, model.available(card));
    }
    world.audit().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..Default::default() })]

    #[test]
    fn money_is_never_made_or_lost(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
