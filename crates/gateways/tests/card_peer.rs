//! An independent ISO 8583 library (PyPI's pyiso8583, `tests/peers/card.py`) asks our server, and
//! answers our client (row C8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod card_common;

use card_common::{NOW, asked, card, clock, issuer, trade, yen};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use warifu_gateways::card_network::{
    Client, ClientLine, ClientSettings, Limits, Server, ServerLine, simulator::TradeState,
};
use warifu_ports::card_network::{CardAnswer, CardNetwork};

/// The peer's program, ready to run.
fn peer(arguments: &[&str]) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), ".venv/bin/python is not there: run ./test once, it installs it");
    let mut command = Command::new(python);
    command.arg(root.join("tests/peers/card.py")).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A peer that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sent(kind: &str, stan: &str, more: Value) -> Value {
    let mut message = json!({ "t": kind, "7": "1121192730", "11": stan });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

fn of_trade(kind: &str, stan: &str, reference: &str, minor: u64, more: Value) -> Value {
    let mut message = sent(kind, stan, more);
    let fields = json!({
        "3": "000000", "4": format!("{minor:012}"), "37": reference,
        "41": "T1      ", "42": "SHOP1          ", "49": "392",
    });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_asks_our_server() {
    let issuer = Arc::new(issuer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        Server::start(listener, issuer.clone(), clock(), ServerLine::Loopback, Limits::default())
            .unwrap();
    let card =
        json!({ "2": "4111111111111111", "14": "2812", "22": "012", "25": "08", "67": "03" });
    let questions = json!([
        sent("0800", "000001", json!({ "70": "001" })),
        of_trade("0100", "000002", "PEER00000001", 1980, card.clone()),
        of_trade("0101", "000002", "PEER00000001", 1980, card.clone()),
        of_trade("0100", "000003", "PEER00000001", 2980, card.clone()),
        of_trade("0220", "000004", "PEER00000001", 1500, json!({ "25": "06" })),
        of_trade("0100", "000005", "PEER00000002", 99_000_000, card.clone()),
        of_trade(
            "0400",
            "000006",
            "PEER00000003",
            1980,
            json!({ "90": "0100".to_owned() + &"0".repeat(38) })
        ),
        of_trade("0100", "000007", "PEER00000003", 1980, card),
        of_trade("0100", "000008", "PEER00000004", 1980, json!({ "14": "2812" })),
        sent("0800", "000009", json!({ "70": "301", "35": "4111=2812" })),
        sent("0800", "000010", json!({ "70": "301" })),
    ]);
    let address = server.address();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = peer(&["ask", "127.0.0.1", &address.port().to_string()]).spawn().unwrap();
        child.stdin.take().unwrap().write_all(questions.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let seen: Vec<(&str, Option<&str>, &str)> = answers
        .iter()
        .map(|a| (a["t"].as_str().unwrap(), a["11"].as_str(), a["39"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("0810", Some("000001"), "00"),
            ("0110", Some("000002"), "00"),
            ("0110", Some("000002"), "00"),
            ("0110", Some("000003"), "94"),
            ("0230", Some("000004"), "00"),
            ("0110", Some("000005"), "51"),
            ("0410", Some("000006"), "25"),
            ("0110", Some("000007"), "12"),
            ("0110", Some("000008"), "30"),
            ("0810", None, "30"),
            ("0810", Some("000010"), "00"),
        ]
    );
    assert_eq!(answers[1]["38"], answers[2]["38"]);
    assert_eq!(answers[1]["38"], answers[4]["38"]);
    assert_eq!(answers[1]["42"], "SHOP1          ");
    assert_eq!(answers[1].get("2"), None, "no card number comes back");
    assert_eq!(issuer.state(&trade("PEER00000001")), Some(TradeState::Captured(yen(1500))));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_asks_the_peer() {
    let mut running = Running(peer(&["serve"]).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let port: u16 = lines.next().unwrap().unwrap().parse().unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut settings = ClientSettings::new(ClientLine::Loopback(address));
    settings.terminal = Some("T1".into());
    // The peer answers no 0220: the line stays up, as an echo is heard meanwhile.
    settings.patience = Duration::from_secs(3);
    let client = Arc::new(Client::new(settings, clock()).unwrap());
    let approved = client.authorize(&asked("WARI00000001", card(), yen(1980))).await.unwrap();
    assert_eq!(approved, CardAnswer::Approved { approval: "PEER01".into() });
    let refused = client.authorize(&asked("WARI00000002", card(), yen(51))).await.unwrap();
    assert_eq!(refused, CardAnswer::Declined { code: "51".into() });
    let capturing = {
        let client = client.clone();
        tokio::spawn(async move { client.capture(&trade("WARI00000001"), yen(1500)).await })
    };
    while !capturing.is_finished() {
        client.echo().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(matches!(capturing.await.unwrap(), Ok(CardAnswer::Approved { .. })));
    let reversed = client.reverse(&trade("WARI00000003"), yen(700)).await.unwrap();
    assert!(matches!(reversed, CardAnswer::Approved { .. }));
    drop(client);
    let heard: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let of = |kind: &str| heard.iter().filter(|m| m["t"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!(of("0800")[0]["70"], "001", "signs on first");
    let first = &of("0100")[0];
    assert_eq!(first["2"], "4111111111111111");
    assert_eq!(first["4"], "000000001980");
    assert_eq!(first["7"], "1121192730");
    assert_eq!(first["14"], "2812");
    assert_eq!(first["42"], "SHOP1          ");
    assert_eq!(first["49"], "392");
    assert_eq!(first["67"], "03");
    let (mut capture, mut repeat) = (of("0220").remove(0), of("0221").remove(0));
    assert_eq!(capture.as_object_mut().unwrap().remove("t"), Some("0220".into()));
    assert_eq!(repeat.as_object_mut().unwrap().remove("t"), Some("0221".into()));
    assert_eq!(capture, repeat, "a repeat has the same content");
    assert_eq!(capture.get("2"), None, "the card stands in no capture");
    assert_eq!(of("0400")[0]["90"], "0100".to_owned() + &"0".repeat(38));
    assert_eq!(NOW.0 % 60, 30);
}
