//! Top-ups and purchases with the prepaid card, and processes that are killed meanwhile.

use crate::{
    buyer::Buyer,
    chance::Chance,
    network::Network,
    program::command,
    told::{Goods, Order, Told},
    town::{PASSWORDS, Town, fails},
};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    process::{Child, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long it may take to an end once everything runs again.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The greatest top-up, in yen.
const MOST: u64 = 6000;
/// So many rounds there are at least, and at most where no kill has hit anything.
const ROUNDS: (u32, u32) = (5, 100);

/// What the killing came to.
#[derive(Debug, Default)]
struct Kills {
    /// How often somebody was killed, and how often a command was under way then.
    all: u32,
    hits: u32,
}

/// Loads and buys again and again for a time, while some are killed each time.
pub fn run(network: &mut Network, chance: &mut Chance, time: Duration) -> Told {
    let mut told = Told::default();
    let usual = usual_time(network, &mut told);
    let (started, mut rounds, mut kills) = (Instant::now(), 0, Kills::default());
    while rounds < ROUNDS.1 && (started.elapsed() < time || rounds < ROUNDS.0 || kills.hits == 0) {
        rounds += 1;
        let begun = started.elapsed();
        round(network, chance, (usual, &mut kills), &mut told);
        let asked = started.elapsed();
        settle(network, &told);
        compare(network, &told);
        let ended = started.elapsed();
        println!("  asked for {:?}, settled in {:?}", asked - begun, ended - asked);
    }
    let (orders, paid, loads) = (told.orders.len(), told.paid.len(), told.issued.len());
    println!("{rounds} rounds; {orders} orders, {paid} shown as paid; {loads} loads shown");
    println!("top-up and purchase take {usual:?}; {kills:?}");
    assert!(kills.hits > 0, "no kill has hit anything");
    told
}

/// How long a top-up and a purchase side by side take when nobody is killed. Everybody has a card
/// afterwards.
fn usual_time(network: &Network, told: &mut Told) -> Duration {
    let mut usual = Duration::ZERO;
    for (place, buyer) in network.buyers.iter().enumerate() {
        let top_up = ["top-up", "--amount", "6000", "--card", "card"];
        let before = told.issued.len();
        told.hear(&Asked::start(&network.town, buyer, &top_up).wait());
        assert_eq!(told.issued.len(), before + 1, "the first top-up");
        let order = Order { buyer: place, shop: 0, goods: Goods::Teas(1) };
        let started = Instant::now();
        for asked in [top_up_of(network, place, 6000), buy(network, order)] {
            told.hear(&asked.wait());
        }
        usual = started.elapsed();
        settle(network, told);
        told.note(network, order);
    }
    compare(network, told);
    usual
}

/// One top-up, one purchase, or both at once, in the middle of which some are killed and come back;
/// and then perhaps the taking of goods that come through the network, in the same danger.
fn round(
    network: &mut Network,
    chance: &mut Chance,
    (usual, kills): (Duration, &mut Kills),
    told: &mut Told,
) {
    let which = chance.below(5);
    let mut place = |of: usize| chance.below(of as u64) as usize;
    let (loads, buyer) = (place(network.buyers.len()), place(network.buyers.len()));
    let order = Order { buyer, shop: place(network.shops().len()), goods: Goods::any(chance) };
    let mut asked = Vec::new();
    if which != 0 {
        asked.push(top_up_of(network, loads, 1 + chance.below(MOST)));
    }
    if which != 1 {
        asked.push(buy(network, order));
    }
    endanger(network, chance, (usual, &mut *kills), &mut asked);
    for asked in asked {
        told.hear(&asked.wait());
    }
    let new = told.note(network, order);
    if let (Some(id), true) = (new, chance.below(2) == 0)
        && let Some(take) = take(network, &id, order.goods)
    {
        let take: Vec<&str> = take.iter().map(String::as_str).collect();
        let mut asked = vec![Asked::start(&network.town, &network.buyers[buyer], &take)];
        endanger(network, chance, (usual, kills), &mut asked);
        asked.remove(0).wait();
    }
}

/// Kills some, and perhaps a command, once or twice while commands run.
fn endanger(
    network: &mut Network,
    chance: &mut Chance,
    (usual, kills): (Duration, &mut Kills),
    asked: &mut [Asked],
) {
    let span = usual.as_micros() as u64;
    // Opening the vault takes the first part of the time.
    sleep(Duration::from_micros(span / 4));
    for _ in 0..=chance.below(2) {
        sleep(Duration::from_micros(chance.below(span)));
        let runs = asked.iter_mut().any(Asked::runs);
        if chance.below(6) == 0 {
            asked[0].kill();
        }
        let victims = network.victims(chance);
        println!("  {} asked, {victims:?} killed, under way: {runs}", asked.len());
        network.kill(&victims);
        kills.all += 1;
        kills.hits += u32::from(runs);
        sleep(Duration::from_micros(chance.below(span / 2)));
        network.start(&victims);
    }
}

pub fn top_up_of(network: &Network, buyer: usize, yen: u64) -> Asked {
    let yen = yen.to_string();
    let what = ["top-up", "--amount", &yen, "--card", "card", "--wait", "3"];
    Asked::start(&network.town, &network.buyers[buyer], &what)
}

pub fn buy(network: &Network, order: Order) -> Asked {
    let (_, url) = network.shops().swap_remove(order.shop);
    let (item, rule, to): (String, _, &[&str]) = match order.goods {
        Goods::Teas(teas) => {
            let to: &[&str] = &["--destination", "山田太郎 京都市左京区 4-5-6"];
            (format!("T-100:{teas}"), "prepaid", to)
        }
        Goods::Guide => ("DL-1".to_string(), "prepaid-download", &[]),
        Goods::Game => ("RT-1:3".to_string(), "prepaid-metered", &[]),
    };
    let wait = if matches!(order.goods, Goods::Teas(_)) { "3" } else { "0" };
    let what = ["buy", "--prepaid", "--rule", rule, "--item", &item, "--wait", wait];
    let arguments = [&what[..], &["--merchant", &url], to].concat();
    Asked::start(&network.town, &network.buyers[order.buyer], &arguments)
}

/// The command that takes goods which come through the network, a file into a folder of its own.
pub fn take(network: &Network, id: &str, goods: Goods) -> Option<Vec<String>> {
    let folder = format!("downloads/{id}");
    let take: [&str; 3] = match goods {
        Goods::Teas(_) => return None,
        Goods::Guide => {
            fs::create_dir_all(network.town.path(&folder)).unwrap();
            ["download", "--to", &folder]
        }
        Goods::Game => ["play", "--ticks", "1"],
    };
    Some(take.into_iter().chain(["--order", id]).map(String::from).collect())
}

/// Takes up what is open until nothing is.
pub fn settle(network: &Network, told: &Told) {
    let started = Instant::now();
    for (place, buyer) in network.buyers.iter().enumerate() {
        while !is_settled(network, told, (place, buyer)) {
            assert!(started.elapsed() < PATIENCE, "not at an end");
            sleep(Duration::from_millis(50));
        }
    }
}

/// Takes up what is open once; whether nothing was.
fn is_settled(network: &Network, told: &Told, (place, buyer): (usize, &Buyer)) -> bool {
    let output = buyer.run(&network.town, &["resume"]);
    if !output.status.success() {
        fails(&output);
        return false;
    }
    // What was open is printed, an order with its id in front.
    let open = String::from_utf8(output.stdout).unwrap();
    for line in open.lines() {
        let id = line.split_whitespace().next().unwrap_or_default();
        let order = told.orders.get(id).filter(|order| order.buyer == place);
        let Some(take) = order.and_then(|order| take(network, id, order.goods)) else { continue };
        let take: Vec<&str> = take.iter().map(String::as_str).collect();
        // It may not be paid yet.
        buyer.run(&network.town, &take);
    }
    open.is_empty()
}

/// Everything is at its end: compares each balance with what was loaded and paid.
#[track_caller]
pub fn compare(network: &Network, told: &Told) {
    for buyer in &network.buyers {
        let paid = told.settled(&buyer.json(&network.town, &["orders"]));
        let least: u64 = paid.values().map(|price| price.start()).sum();
        let most: u64 = paid.values().map(|price| price.end()).sum();
        let top_ups = buyer.json(&network.town, &["top-up-status"]);
        let loaded = crate::told::issued(&top_ups).values().sum::<u64>();
        let spent = loaded - buyer.balance(&network.town);
        assert!((least..=most).contains(&spent), "{spent} of {loaded}, not {least} to {most}");
    }
}

/// A running command of somebody's, which ends with its owner.
pub struct Asked(Option<Child>);

impl Asked {
    pub fn start(town: &Town, buyer: &Buyer, arguments: &[&str]) -> Asked {
        // Only these two print a document.
        let json: &[&str] = match arguments[0] {
            "top-up" | "buy" => &["--json"],
            _ => &[],
        };
        let all = [&["holder"][..], arguments, json, &buyer.place()].concat();
        let mut child = command(town.folder(), &all)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORDS.as_bytes()).unwrap();
        Asked(Some(child))
    }

    fn runs(&mut self) -> bool {
        self.0.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// It may have ended by itself.
    fn kill(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
        }
    }

    /// What it said, whether it went well, failed, or was killed.
    pub fn wait(mut self) -> Output {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        // It may have said before that the issuer is being asked.
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or_default();
        let failed = output.status.code() == Some(1) && last.starts_with("warifu: ");
        assert!(failed || matches!(output.status.code(), Some(0) | None), "{errors}");
        output
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.kill();
        if let Some(child) = &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// A text of a JSON document.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_string()
}
