//! Every step of each money flow, one after the other (row D8): the service that is asked dies before
//! it hears the question, or after it has done as it was asked and before anybody hears so. Then it is
//! there again, and the flow goes on to its end.

use crate::{
    agreement,
    chance::Chance,
    gate::{Gate, When},
    network::Network,
    rounds::{Asked, buy, compare, settle, take, top_up_of},
    told::{Goods, Order, Told},
};
use std::time::{Duration, Instant};

/// A flow of money.
#[derive(Debug, Clone, Copy)]
enum Flow {
    TopUp,
    Buy(Goods),
}

/// No flow has so many steps at one service.
const MOST: u32 = 30;
/// What a card may hold, in yen.
const FULL: u64 = 50_000;
/// Nobody is asked to come later: commands follow each other faster than people do.
const OFTEN: &str = "[settlement.rates]\n\
                     opens_of_address = { burst = 10000, a_minute = 10000 }\n\
                     telegrams = { burst = 10000, a_minute = 10000 }\n";

#[tokio::test]
async fn killed_at_each_step_of_a_top_up_all_agree() {
    each_step(Flow::TopUp, &["center", "issuer"]).await;
}

#[tokio::test]
async fn killed_at_each_step_of_a_purchase_that_is_delivered_all_agree() {
    each_step(Flow::Buy(Goods::Teas(1)), &["merchant", "center", "carrier"]).await;
}

#[tokio::test]
async fn killed_at_each_step_of_a_download_all_agree() {
    each_step(Flow::Buy(Goods::Guide), &["merchant", "center"]).await;
}

#[tokio::test]
async fn killed_at_each_step_of_a_use_in_real_time_all_agree() {
    each_step(Flow::Buy(Goods::Game), &["merchant", "center"]).await;
}

/// Walks through a flow's questions to each of these parties, before and after; in the usual tests for a
/// time, beginning anywhere, and in long ones to the end.
async fn each_step(flow: Flow, parties: &[&'static str]) {
    let mut chance = Chance::new();
    let seconds = if std::env::var_os("WARIFU_LONG").is_some() { 3600 } else { 30 };
    let mut network = Network::on_files().with_guide();
    let gates = ["center", "issuer", "merchant", "carrier"].map(|party| {
        let more = if party == "center" { OFTEN } else { "" };
        Gate::before(&mut network.town, party, more)
    });
    let gates = gates.iter().filter(|gate| parties.contains(&gate.party()));
    let mut walks: Vec<(&Gate, When)> =
        gates.flat_map(|gate| [(gate, When::Before), (gate, When::After)]).collect();
    let first = chance.below(walks.len() as u64) as usize;
    walks.rotate_left(first);
    let (mut told, begun) = (Told::default(), Instant::now());
    for (gate, when) in walks {
        if begun.elapsed() > Duration::from_secs(seconds) {
            println!("{flow:?}: no time for {} and {when:?}", gate.party());
            continue;
        }
        fill(&network, &mut told);
        let steps = walk(&network, (flow, gate, when), &mut told);
        println!("{flow:?}: {} killed {when:?} each of {steps} questions", gate.party());
        assert!(steps > 0, "{} is not asked in {flow:?}", gate.party());
        compare(&network, &told);
    }
    agreement::check(&mut network, &told).await;
}

/// Fills the card.
fn fill(network: &Network, told: &mut Told) {
    let has = if told.issued.is_empty() { 0 } else { network.buyers[0].balance(&network.town) };
    if has < FULL / 2 {
        told.hear(&top_up_of(network, 0, FULL - 5_000 - has).wait());
        settle(network, told);
    }
}

/// Runs a flow again and again, each time with a death one step further on, until it comes to its end
/// before that. How many steps there are.
fn walk(network: &Network, (flow, gate, when): (Flow, &Gate, When), told: &mut Told) -> u32 {
    for step in 0..MOST {
        let before = gate.release();
        gate.set(step, when);
        run(network, flow, told);
        if gate.release() == before {
            return step;
        }
    }
    panic!("{flow:?} has no end");
}

/// A flow from its beginning to its end, whoever is away meanwhile.
fn run(network: &Network, flow: Flow, told: &mut Told) {
    match flow {
        Flow::TopUp => told.hear(&top_up_of(network, 0, 10).wait()),
        Flow::Buy(goods) => {
            let order = Order { buyer: 0, shop: 0, goods };
            told.hear(&buy(network, order).wait());
            let take = told.note(network, order).and_then(|id| take(network, &id, goods));
            if let Some(take) = take {
                let take: Vec<&str> = take.iter().map(String::as_str).collect();
                Asked::start(&network.town, &network.buyers[0], &take).wait();
            }
        }
    }
    settle(network, told);
}
