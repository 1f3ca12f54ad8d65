//! Random histories of orders, captures, voids, expiries and retries: the books always balance, and
//! what is held and spent never exceeds the limit.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
mod common;

use common::{Wish, World, yen};
use proptest::prelude::*;
use std::collections::BTreeMap;
use warifu_protocol::{authorization::Authorization, sealed::Sealed, settlement::Action};

const LIMIT: u64 = 5000;

#[derive(Debug, Clone)]
enum Step {
    /// Order `number`, of so much, in so many payments; again if it was asked before.
    Authorize {
        number: u8,
        amount: u16,
        payments: u8,
    },
    Settle {
        number: u8,
        capture: bool,
    },
    Expire {
        hours: u16,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..12u8, 1..4000u16, 1..4u8)
            .prop_map(|(number, amount, payments)| Step::Authorize { number, amount, payments }),
        6 => (0..12u8, any::<bool>()).prop_map(|(number, capture)| Step::Settle { number, capture }),
        1 => (0..800u16).prop_map(|hours| Step::Expire { hours }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..30)
}

/// What became of an order, as its front knows it.
struct Known {
    sealed: Sealed,
    token: String,
    authorization: Authorization,
    amount: u64,
    settled: Option<(Action, String)>,
    released: bool,
}

#[derive(Default)]
struct Fronts {
    orders: BTreeMap<u8, Known>,
}

impl Fronts {
    fn held(&self) -> u64 {
        let open = |known: &&Known| {
            known.authorization.reason.is_none() && known.settled.is_none() && !known.released
        };
        self.orders.values().filter(open).map(|known| known.amount).sum()
    }

    fn captured(&self) -> u64 {
        let captured = |known: &&Known| matches!(known.settled, Some((Action::Capture, _)));
        self.orders.values().filter(captured).map(|known| known.amount).sum()
    }
}

async fn authorize(world: &World, fronts: &mut Fronts, number: u8, amount: u64, payments: u8) {
    if let Some(known) = fronts.orders.get(&number) {
        assert_eq!(world.try_authorize(&known.sealed).await.unwrap(), known.token);
        return;
    }
    let kind = if payments == 1 { "one".into() } else { format!("instalments:{payments}") };
    let sealed = world.seal(&Wish::new(number.into()).amount(yen(amount)).payment(&kind));
    let token = world.try_authorize(&sealed).await.unwrap();
    let authorization = world.read(&token, &sealed);
    let fits = fronts.held() + fronts.captured() + amount <= LIMIT;
    let expected = match (amount < payments.into(), fits) {
        (true, _) => Some("instalments_not_offered"),
        (false, false) => Some("limit_exceeded"),
        (false, true) => None,
    };
    assert_eq!(authorization.reason.as_deref(), expected);
    let known = Known { sealed, token, authorization, amount, settled: None, released: false };
    fronts.orders.insert(number, known);
}

async fn settle(world: &World, fronts: &mut Fronts, number: u8, capture: bool) {
    let action = if capture { Action::Capture } else { Action::Void };
    let Some(known) = fronts.orders.get_mut(&number) else { return };
    let merchant = &world.cast.merchant;
    let answer = world.settle(merchant, &known.authorization, action).await;
    match &known.settled {
        _ if known.authorization.reason.is_some() => assert!(answer.is_err()),
        Some((done, token)) if *done == action => assert_eq!(&answer.unwrap(), token),
        Some(_) => assert_eq!(answer.unwrap_err().status, 409),
        None if known.released && capture => assert_eq!(answer.unwrap_err().code, "expired"),
        None => known.settled = Some((action, answer.unwrap())),
    }
}

async fn run(steps: &[Step]) {
    let mut world = World::new();
    let card = world.card().await;
    let mut fronts = Fronts::default();
    for step in steps {
        match step {
            Step::Authorize { number, amount, payments } => {
                authorize(&world, &mut fronts, *number, u64::from(*amount), *payments).await;
            }
            Step::Settle { number, capture } => {
                settle(&world, &mut fronts, *number, *capture).await;
            }
            Step::Expire { hours } => {
                let now = common::net::NOW.plus(u64::from(*hours) * 3600);
                world.issuer.expire(now).await.unwrap();
                for known in fronts.orders.values_mut() {
                    let open = known.authorization.reason.is_none() && known.settled.is_none();
                    known.released |= open && known.authorization.exp <= now;
                }
            }
            Step::Restart => world.restart(Default::default()),
        }
        let (held, spent, paid) = world.sums().await;
        assert_eq!((held, spent, paid), (fronts.held(), fronts.captured(), fronts.captured()));
        assert!(held + spent <= LIMIT);
    }
    world.issuer.audit().await.unwrap();
    let mut billed = 0;
    for month in 1..=6 {
        let statement = world.issuer.statement(&card, 2027, month).await.unwrap();
        billed += statement.totals.iter().map(|total| total.minor()).sum::<u64>();
    }
    assert_eq!(billed, fronts.captured());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn books_always_balance(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
