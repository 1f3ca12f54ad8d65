//! Purchases, and processes that are killed while they work.

use crate::{
    chance::Chance,
    program::{command, good_json},
    town::{ITEMS, Town},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long an order may take to its end once everything runs again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was bought.
#[derive(Debug, Clone, Copy)]
pub struct Bought {
    /// The item number.
    pub item: &'static str,
    /// The price of one, in yen.
    pub price: u64,
    /// How many.
    pub quantity: u64,
    /// The disclosure rule.
    pub rule: &'static str,
}

/// Buys again and again for a time while something is killed each time; returns what each order
/// was for.
pub fn rounds(town: &mut Town, chance: &mut Chance, time: Duration) -> BTreeMap<String, Bought> {
    let mut orders = BTreeMap::new();
    let usual = usual_time(town, &mut orders);
    let started = Instant::now();
    let mut rounds = 0;
    while started.elapsed() < time {
        rounds += 1;
        let bought = choose(chance);
        round(town, chance, usual, bought);
        settle(town, chance);
        note(town, &mut orders, bought);
    }
    println!("{rounds} rounds, {} orders, a purchase takes {usual:?}", orders.len());
    orders
}

/// How long a purchase takes when nobody is killed.
fn usual_time(town: &Town, orders: &mut BTreeMap<String, Bought>) -> Duration {
    let bought = Bought { item: ITEMS[0].0, price: ITEMS[0].1, quantity: 1, rule: "minimal" };
    let mut usual = Duration::ZERO;
    for _ in 0..2 {
        let started = Instant::now();
        assert!(buy(town, bought).wait().unwrap().success());
        usual = started.elapsed();
        note(town, orders, bought);
    }
    usual
}

/// Mostly what the card is good for.
fn choose(chance: &mut Chance) -> Bought {
    let (item, price, _) = chance.one(&ITEMS);
    let quantity = 1 + chance.below(20);
    let rule = chance.one(&["minimal", "classic", "no-carrier", "direct"]);
    Bought { item, price, quantity, rule }
}

fn buy(town: &Town, bought: Bought) -> Child {
    let arguments = town.buy(&format!("{}:{}", bought.item, bought.quantity), bought.rule);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(town.folder(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// One purchase, in the middle of which one or two are killed and come back.
fn round(town: &mut Town, chance: &mut Chance, usual: Duration, bought: Bought) {
    let mut buyer = Buyer(buy(town, bought));
    let span = usual.as_micros() as u64 * 6 / 5;
    for _ in 0..1 + chance.below(2) {
        sleep(Duration::from_micros(chance.below(span)));
        match chance.one(&["issuer", "merchant", "carrier", "holder"]) {
            "holder" => buyer.kill(),
            service => {
                town.kill(service);
                sleep(Duration::from_micros(chance.below(span)));
                town.start(service);
            }
        }
    }
    buyer.wait();
}

/// Takes the open orders up until all are at their end. Now and then one is killed in this, too.
fn settle(town: &mut Town, chance: &mut Chance) {
    if chance.below(3) == 0 {
        let service = chance.one(&["issuer", "merchant", "carrier"]);
        let mut buyer = Buyer(
            command(town.folder(), &["holder", "resume", "--data", "hanako"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        sleep(Duration::from_millis(chance.below(100)));
        town.kill(service);
        town.start(service);
        buyer.wait();
    }
    let started = Instant::now();
    loop {
        town.resume();
        let orders = good_json(town.folder(), &["holder", "orders", "--data", "hanako", "--json"]);
        let open = |order: &&Value| !matches!(order["state"].as_str(), Some("settled" | "refused"));
        let open: Vec<&Value> = orders.as_array().unwrap().iter().filter(open).collect();
        if open.is_empty() {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "not at their end: {open:?}");
        sleep(Duration::from_millis(50));
    }
}

/// Notes what a new order was for, if the purchase came as far as an order.
fn note(town: &Town, orders: &mut BTreeMap<String, Bought>, bought: Bought) {
    let known = good_json(town.folder(), &["holder", "orders", "--data", "hanako", "--json"]);
    let ids = known.as_array().unwrap().iter().map(|order| order["order"].as_str().unwrap());
    let new: Vec<&str> = ids.filter(|id| !orders.contains_key(*id)).collect();
    assert!(new.len() <= 1, "one purchase, {} orders", new.len());
    orders.extend(new.into_iter().map(|id| (id.to_string(), bought)));
}

/// The buyer's process, which ends with its owner.
struct Buyer(Child);

impl Buyer {
    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
    }

    fn wait(&mut self) {
        self.0.wait().unwrap();
    }
}

impl Drop for Buyer {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}
