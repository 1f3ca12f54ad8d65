//! Top-ups and purchases with the prepaid card, and processes that are killed meanwhile.

use crate::{
    chance::Chance,
    network::Network,
    program::command,
    town::{PASSWORDS, Town, fails},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Child, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long it may take to an end once everything runs again.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The price of one tea in the town's catalogue, in yen.
const PRICE: u64 = 1980;
/// The greatest top-up, in yen.
const MOST: u64 = 6000;
/// Why something may be refused here: because there is not enough money, and for nothing else.
const LACK: [&str; 4] =
    ["balance_too_low", "card_limit_exceeded", "member_limit_exceeded", "limit_exceeded"];

/// What Hanako knows.
#[derive(Debug, Default)]
pub struct Told {
    /// The teas of each order, by id.
    pub teas: BTreeMap<String, u64>,
    /// The transaction number of each payment that a command of hers has shown.
    pub paid: BTreeMap<String, String>,
    /// The top-ups that a command of hers has shown as issued.
    pub issued: BTreeSet<String>,
}

/// Loads and buys again and again for a time, while some are killed each time.
pub fn run(network: &mut Network, chance: &mut Chance, time: Duration) -> Told {
    let mut told = Told::default();
    let usual = usual_time(&network.town, &mut told);
    let (started, mut rounds) = (Instant::now(), 0);
    while started.elapsed() < time {
        rounds += 1;
        let begun = started.elapsed();
        let teas = round(network, chance, usual, &mut told);
        let asked = started.elapsed();
        settle(&network.town);
        note(&network.town, &mut told, teas);
        let ended = started.elapsed();
        println!("  asked for {:?}, settled in {:?}", asked - begun, ended - asked);
    }
    let (orders, paid, loads) = (told.teas.len(), told.paid.len(), told.issued.len());
    println!("{rounds} rounds; {orders} orders, {paid} shown as paid; {loads} loads shown");
    println!("top-up and purchase take {usual:?}");
    told
}

/// How long a top-up and a purchase side by side take when nobody is killed.
fn usual_time(town: &Town, told: &mut Told) -> Duration {
    let first = Asked::start(town, &["top-up", "--amount", "6000", "--card", "card"]);
    told.hear(&first.wait());
    assert_eq!(told.issued.len(), 1, "the first top-up");
    let started = Instant::now();
    for asked in [top_up(town, 6000), buy(town, 1)] {
        told.hear(&asked.wait());
    }
    let usual = started.elapsed();
    settle(town);
    note(town, told, 1);
    usual
}

/// One top-up, one purchase, or both at once, in the middle of which some are killed and come back.
/// How many teas were ordered.
fn round(network: &mut Network, chance: &mut Chance, usual: Duration, told: &mut Told) -> u64 {
    let (which, teas) = (chance.below(5), 1 + chance.below(3));
    let mut asked = Vec::new();
    if which != 0 {
        asked.push(top_up(&network.town, 1 + chance.below(MOST)));
    }
    if which != 1 {
        asked.push(buy(&network.town, teas));
    }
    let span = usual.as_micros() as u64;
    // Opening the vault takes the first part of the time.
    sleep(Duration::from_micros(span / 4));
    for _ in 0..=chance.below(2) {
        sleep(Duration::from_micros(chance.below(span)));
        if chance.below(6) == 0 {
            asked[0].kill();
        }
        let victims = network.victims(chance);
        println!("  {} asked, {victims:?} killed", asked.len());
        network.kill(&victims);
        sleep(Duration::from_micros(chance.below(span / 2)));
        network.start(&victims);
    }
    for asked in asked {
        told.hear(&asked.wait());
    }
    teas
}

fn top_up(town: &Town, yen: u64) -> Asked {
    let yen = yen.to_string();
    Asked::start(town, &["top-up", "--amount", &yen, "--card", "card", "--wait", "3"])
}

fn buy(town: &Town, teas: u64) -> Asked {
    let (item, url) = (format!("T-100:{teas}"), town.url("merchant"));
    let what = ["buy", "--prepaid", "--item", &item, "--wait", "3", "--merchant", &url];
    Asked::start(town, &[&what[..], &["--destination", "山田太郎 京都市左京区 4-5-6"]].concat())
}

/// Takes up what is open until nothing is.
fn settle(town: &Town) {
    let started = Instant::now();
    loop {
        let output = town.type_holder(&["resume"], PASSWORDS);
        if output.status.success() {
            // What was open is printed.
            if output.stdout.is_empty() {
                return;
            }
        } else {
            fails(&output);
        }
        assert!(started.elapsed() < PATIENCE, "not at an end: {output:?}");
        sleep(Duration::from_millis(50));
    }
}

/// Everything is at its end: notes what a new order was for, if the purchase came as far as an
/// order, and compares the balance with what was loaded and paid.
#[track_caller]
fn note(town: &Town, told: &mut Told, teas: u64) {
    let orders = town.holder_json(&["orders"]);
    let ids = orders.as_array().unwrap().iter().map(|order| text(&order["order"]));
    let new: Vec<String> = ids.filter(|id| !told.teas.contains_key(id)).collect();
    assert!(new.len() <= 1, "one purchase, {} orders", new.len());
    told.teas.extend(new.into_iter().map(|id| (id, teas)));
    let paid = told.settled(&orders).values().sum::<u64>();
    let loaded = issued(&town.holder_json(&["top-up-status"])).values().sum::<u64>();
    assert_eq!(town.balance(), loaded - paid, "loaded {loaded}, paid {paid}");
}

impl Told {
    /// Hears what a command says, if it came to say anything: a refusal must be for lack of money.
    fn hear(&mut self, output: &Output) {
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else { return };
        if said["standing"]["issued"].is_object() {
            self.issued.insert(text(&said["top_up"]));
        }
        if let Some(transaction) = said["transaction"].as_str() {
            self.paid.insert(text(&said["order"]), transaction.to_string());
        }
    }

    /// What each settled order cost, in yen. All others must have been refused for lack of money.
    #[track_caller]
    pub fn settled(&self, orders: &Value) -> BTreeMap<String, u64> {
        let mut settled = BTreeMap::new();
        for order in orders.as_array().unwrap() {
            if order["state"] == "settled" {
                let id = text(&order["order"]);
                settled.insert(id.clone(), PRICE * self.teas[&id]);
            } else {
                let lack = LACK.contains(&order["reason"].as_str().unwrap_or_default());
                assert!(order["state"] == "refused" && lack, "{order}");
            }
        }
        settled
    }
}

/// What each issued top-up brought, in yen, by its telegram. All others must have been refused for
/// lack of money.
#[track_caller]
pub fn issued(top_ups: &Value) -> BTreeMap<String, u64> {
    let mut issued = BTreeMap::new();
    for asked in top_ups.as_array().unwrap() {
        let standing = &asked["standing"];
        if standing["issued"].is_object() {
            issued.insert(text(&asked["top_up"]), asked["amount"]["minor"].as_u64().unwrap());
        } else {
            let reason = standing["refused"]["reason"].as_str();
            assert!(LACK.contains(&reason.unwrap_or_default()), "{asked}");
        }
    }
    issued
}

/// A text of a JSON document.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_string()
}

/// A running command of Hanako's, which ends with its owner.
struct Asked(Option<Child>);

impl Asked {
    fn start(town: &Town, arguments: &[&str]) -> Asked {
        let place = ["--json", "--vault", "hanako.vault", "--password-fd", "0"];
        let mut child = command(town.folder(), &[&["holder"][..], arguments, &place].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORDS.as_bytes()).unwrap();
        Asked(Some(child))
    }

    /// It may have ended by itself.
    fn kill(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
        }
    }

    /// What it said, whether it went well, failed, or was killed.
    fn wait(mut self) -> Output {
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
