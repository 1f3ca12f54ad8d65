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

const CENTER: &str = "center";
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
    let mut without_center = 0;
    while started.elapsed() < time {
        rounds += 1;
        let bought = choose(chance);
        // In every third round nobody can ask the center while the purchase runs.
        let away = rounds % 3 == 0;
        if away {
            town.kill(CENTER);
        }
        round(town, chance, usual, bought);
        if away {
            town.start(CENTER);
        }
        settle(town, chance);
        if note(town, &mut orders, bought) == 0 && away {
            without_center += 1;
            buy_again(town, &mut orders, bought);
        }
    }
    println!("{rounds} rounds, {} orders, a purchase takes {usual:?}", orders.len());
    println!("{without_center} purchases had to wait for the center");
    orders
}

/// The center is back: what could not be bought without it can.
fn buy_again(town: &mut Town, orders: &mut BTreeMap<String, Bought>, bought: Bought) {
    buy(town, bought).wait();
    until_settled(town);
    assert_eq!(note(town, orders, bought), 1, "with the center there is no order either");
}

/// How long a purchase takes when nobody is killed.
fn usual_time(town: &Town, orders: &mut BTreeMap<String, Bought>) -> Duration {
    let bought = Bought { item: ITEMS[0].0, price: ITEMS[0].1, quantity: 1, rule: "minimal" };
    let mut usual = Duration::ZERO;
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(buy(town, bought).wait(), Some(0));
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

fn buy(town: &Town, bought: Bought) -> Buyer {
    let arguments = town.buy(&format!("{}:{}", bought.item, bought.quantity), bought.rule);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Buyer::start(town, &arguments)
}

/// One purchase, in the middle of which one or two are killed and come back.
fn round(town: &mut Town, chance: &mut Chance, usual: Duration, bought: Bought) {
    let mut buyer = buy(town, bought);
    let span = usual.as_micros() as u64 * 6 / 5;
    for _ in 0..1 + chance.below(2) {
        sleep(Duration::from_micros(chance.below(span)));
        match chance.one(&["issuer", "merchant", "carrier", "center", "holder"]) {
            "holder" => buyer.kill(),
            // It is away as it is.
            service if !town.services.contains_key(service) => {}
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
        let service = chance.one(&["issuer", "merchant", "carrier", CENTER]);
        let buyer = Buyer::start(town, &["holder", "resume", "--data", "hanako"]);
        sleep(Duration::from_millis(chance.below(100)));
        town.kill(service);
        town.start(service);
        buyer.wait();
    }
    until_settled(town);
}

fn until_settled(town: &Town) {
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

/// Notes what a new order was for, if the purchase came as far as an order; how many there are.
fn note(town: &Town, orders: &mut BTreeMap<String, Bought>, bought: Bought) -> usize {
    let known = good_json(town.folder(), &["holder", "orders", "--data", "hanako", "--json"]);
    let ids = known.as_array().unwrap().iter().map(|order| order["order"].as_str().unwrap());
    let new: Vec<&str> = ids.filter(|id| !orders.contains_key(*id)).collect();
    assert!(new.len() <= 1, "one purchase, {} orders", new.len());
    let count = new.len();
    orders.extend(new.into_iter().map(|id| (id.to_string(), bought)));
    count
}

/// The buyer's process, which ends with its owner.
struct Buyer(Option<Child>);

impl Buyer {
    fn start(town: &Town, arguments: &[&str]) -> Buyer {
        let mut command = command(town.folder(), arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Buyer(Some(child))
    }

    fn kill(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }

    /// Its exit code; none if it was killed. Whoever of the others is away, it says so in a clear
    /// line.
    fn wait(mut self) -> Option<i32> {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or_default();
        let code = output.status.code();
        let clear = code == Some(1) && last.starts_with("warifu: ");
        assert!(clear || matches!(code, Some(0) | None), "{code:?}: {errors}");
        code
    }
}

impl Drop for Buyer {
    fn drop(&mut self) {
        self.kill();
        if let Some(child) = &mut self.0 {
            let _ = child.wait();
        }
    }
}
