//! An independent ISO 8583 library (PyPI's pyiso8583, `tests/peers/card.py`) as a provider that asks the
//! running issuer, and as the issuer of a running provider (row C8).

use crate::{
    people::TARO,
    providers::{Kind, Provider},
    town::{Replies, Town},
    until,
    user::{Order, User},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};
use warifu_issuer::Issuer;
use warifu_ports::card_network::TradeReference;
use warifu_protocol::trade_number::TradeNumber;

const BATH: Provider = Provider { name: "bath", kind: Kind::CardNetwork, clerk: true };

fn library(arguments: &[&str]) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), ".venv/bin/python is not there: run ./test once, it installs it");
    let mut command = Command::new(python);
    command.arg(root.join("tests/peers/card.py")).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The library as an issuer.
struct Peer {
    child: Child,
    port: u16,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Peer {
    fn start() -> Peer {
        let mut child = library(&["serve-all"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = heard.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                all.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Peer { child, port, heard }
    }

    /// What it was asked of a kind about an order.
    fn heard(&self, kind: &str, order: &Order) -> Vec<Value> {
        let reference = reference(order);
        let of = |m: &&Value| m["t"] == kind && m["37"] == reference.as_str();
        self.heard.lock().unwrap().iter().filter(of).cloned().collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reference(order: &Order) -> String {
    order.number.parse::<TradeNumber>().unwrap().reference()
}

/// A message about a trade of the acceptor's.
fn message(kind: &str, stan: u32, reference: &str, minor: u64, more: Value) -> Value {
    let mut message = json!({
        "t": kind, "3": "000000", "4": format!("{minor:012}"), "11": format!("{stan:06}"),
        "37": reference, "41": "T1      ", "42": format!("{:<15}", Provider::ACCEPTOR), "49": "392",
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

/// Asks the running issuer, under the acceptor's certificate; field 39 of each answer.
fn ask_issuer(town: &Town, questions: &Value) -> Vec<String> {
    let port = town.lines["cards"].to_string();
    let line = town.path("line");
    let file = |name: &str| line.join(name).to_str().unwrap().to_string();
    let (ca, certificate, key) = (file("ca.pem"), file("bath.pem"), file("bath.key"));
    let files = [ca.as_str(), &certificate, &key, "issuer.line.test"];
    let mut child = library(&[&["ask", "127.0.0.1", &port][..], &files].concat()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(questions.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    answers.iter().map(|answer| answer["39"].as_str().unwrap().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_library_on_both_ends_of_the_card_network() {
    let peer = Peer::start();
    let pool = Provider { name: "pool", kind: Kind::Peer(peer.port), clerk: true };
    let (town, members) = Town::open(Replies::Lmtp, &[BATH, pool], &[TARO]).await;
    the_library_asks_the_issuer(&town);
    let user = User::login(&town, TARO, &members[0]);
    the_provider_asks_the_library(&user, pool, &peer);
    town.stop();
}

/// Authorization, its retry, capture; authorization, reversal; and what is refused.
fn the_library_asks_the_issuer(town: &Town) {
    let card = json!({ "2": TARO.card, "14": "3108", "22": "012", "25": "08", "67": "01" });
    let original = json!({ "90": "0100".to_owned() + &"0".repeat(38) });
    let answers = ask_issuer(
        town,
        &json!([
            { "t": "0800", "11": "000001", "70": "001" },
            message("0100", 2, "WPEER0000001", 1_980, card.clone()),
            message("0101", 2, "WPEER0000001", 1_980, card.clone()),
            message("0220", 3, "WPEER0000001", 1_500, json!({ "25": "06" })),
            message("0100", 4, "WPEER0000002", 700, card.clone()),
            message("0400", 5, "WPEER0000002", 700, original.clone()),
            message("0400", 6, "WPEER0000003", 700, original),
            message("0100", 7, "WPEER0000003", 700, card),
        ]),
    );
    assert_eq!(answers, ["00", "00", "00", "00", "00", "00", "25", "12"]);
    let steps = |reference: &str| {
        let (acceptor, reference) = (Provider::ACCEPTOR.to_string(), reference.to_string());
        let id = Issuer::order_of_trade(&TradeReference { acceptor, reference }).to_string();
        town.steps(&id)
    };
    let step = |name: &str, amount| (name.to_string(), amount);
    let captured = [step("authorized", Some(1_980)), step("captured", Some(1_500))];
    assert_eq!(steps("WPEER0000001"), captured);
    let reversed = [step("authorized", Some(700)), step("released", None)];
    assert_eq!(steps("WPEER0000002"), reversed);
}

/// A whole order, and one that the provider gives up, billed at the library.
fn the_provider_asks_the_library(user: &User<'_>, pool: Provider, peer: &Peer) {
    let served = accepted(user, pool, "served");
    let town = user.town;
    let state = town.clerk(pool.name, "serve", &served);
    assert!(["delivered", "settled"].contains(&state.as_str()), "{state}");
    user.wait_for(&served, "closed");
    let given_up = accepted(user, pool, "given-up");
    let cancel = ["merchant", "cancel", "--config", "merchant.toml"];
    let order = format!("--order={}", given_up.id);
    crate::program::good(&town.path(pool.name), &[&cancel[..], &[&order]].concat());
    user.wait_for(&given_up, "cancelled");
    let asked = &peer.heard("0100", &served)[0];
    assert_eq!((&asked["2"], &asked["14"]), (&TARO.card.into(), &"3108".into()));
    assert_eq!(asked["4"], format!("{:012}", Provider::PRICE));
    assert_eq!(asked["42"], format!("{:<15}", Provider::ACCEPTOR));
    let captured = &peer.heard("0220", &served)[0];
    assert_eq!((&captured["4"], captured.get("2")), (&asked["4"], None));
    assert!(peer.heard("0400", &served).is_empty());
    assert_eq!(peer.heard("0400", &given_up)[0]["90"], "0100".to_owned() + &"0".repeat(38));
    assert!(peer.heard("0220", &given_up).is_empty());
    let trade = town.at_provider(pool.name, &served).unwrap();
    assert_eq!(trade["trade"]["approval"], "PEER01");
}

/// An order that the provider has accepted, after the library has authorized it.
fn accepted(user: &User<'_>, pool: Provider, key: &str) -> Order {
    let order = user.order(pool.name, key);
    let letter = until("the confirmation", || user.confirmation(&order));
    user.wait_for(&order, "confirming");
    user.reply(&letter);
    user.wait_for(&order, "passed");
    until("the fax", || user.town.fax_job(&order));
    let entered = user.town.type_in(pool.name, &order, user.person.card);
    assert!(entered.status.success(), "{}", String::from_utf8_lossy(&entered.stderr));
    assert_eq!(user.town.clerk(pool.name, "accept", &order), "authorized");
    user.wait_for(&order, "accepted");
    order
}
