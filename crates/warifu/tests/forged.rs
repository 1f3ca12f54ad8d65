//! A forged refusal: who stands on the way to the issuer answers in its name, outside the session.
//! It decides nothing, and the order goes on when the way is clear.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a fault of the harness ends the test")]

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use warifu::demo::network::{Front, Network, Setup};
use warifu_holder::{Purchase, Wanted};
use warifu_keydist::Thresholds;
use warifu_protocol::status::State;
use warifu_types::{Currency, OrderId};
use warifu_wire::QuoteItem;

const NO: &str = r#"{"type":"/problems/wrong_digest","title":"no","status":422,"code":"wrong_digest","field":"order.fields.amount"}"#;

/// Stands before one party. What it relays is whole; what it forges never reaches the party.
struct Forger {
    victim: &'static str,
    /// How many questions may still pass.
    pass: Arc<AtomicUsize>,
    forged: Arc<AtomicUsize>,
}

impl Forger {
    fn let_pass(&self, questions: usize) {
        self.pass.store(questions, Ordering::SeqCst);
    }
}

#[async_trait]
impl Front for Forger {
    async fn front(&self, name: &str, target: SocketAddr) -> SocketAddr {
        if name != self.victim {
            return target;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (pass, forged) = (self.pass.clone(), self.forged.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let service = TcpStream::connect(target).await.unwrap();
                tokio::spawn(relay(client, service, pass.clone(), forged.clone()));
            }
        });
        address
    }
}

async fn relay(
    client: TcpStream,
    service: TcpStream,
    pass: Arc<AtomicUsize>,
    forged: Arc<AtomicUsize>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    let mut question = vec![0; 64 * 1024];
    let mut answer = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            Ok(count @ 1..) = from_client.read(&mut question) => {
                let question = &question[..count];
                let less = |left: usize| left.checked_sub(1);
                let asks = question.starts_with(b"POST /v1/session");
                if asks && pass.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
                    let length = NO.len();
                    let no = format!(
                        "HTTP/1.1 422 Unprocessable Entity\r\nconnection: close\r\n\
                         content-type: application/problem+json\r\ncontent-length: {length}\r\n\r\n{NO}"
                    );
                    to_client.write_all(no.as_bytes()).await.unwrap();
                    forged.fetch_add(1, Ordering::SeqCst);
                    // The rest of the question goes nowhere.
                    while matches!(from_client.read(&mut answer).await, Ok(1..)) {}
                    return;
                }
                to_service.write_all(question).await.unwrap();
            }
            Ok(count @ 1..) = from_service.read(&mut answer) => {
                to_client.write_all(&answer[..count]).await.unwrap();
            }
            else => return,
        }
    }
}

fn purchase(network: &Network) -> Purchase {
    Purchase {
        url: network.url("merchant"),
        front: None,
        rule: "minimal".to_string(),
        form: None,
        wanted: Wanted::Goods {
            items: vec![QuoteItem { number: "PA-1021".to_string(), quantity: 1 }],
            currency: Currency::JPY,
            language: "en".to_string(),
            payment_type: "one".to_string(),
            destination: Some("山田 太郎 京都市".to_string()),
        },
        card: "card".to_string(),
        allow: Vec::new(),
        more: BTreeMap::new(),
    }
}

async fn network(folder: &std::path::Path, victim: &'static str) -> (Network, Arc<Forger>) {
    let pass = Arc::new(AtomicUsize::new(usize::MAX));
    let forger = Arc::new(Forger { victim, pass, forged: Arc::default() });
    let setup = Setup {
        thresholds: Thresholds::new(64, 32).unwrap(),
        front: Some(forger.clone()),
        ..Setup::default()
    };
    (Network::start(folder, &setup).await.unwrap(), forger)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_in_the_issuers_name_refuses_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let (network, forger) = network(folder.path(), "issuer").await;
    forger.let_pass(0);
    let record = network.holder.buy(&purchase(&network)).await.unwrap();
    assert_eq!(record.state, Some(State::Ordered), "{:?}", record.reason);
    assert!(forger.forged.load(Ordering::SeqCst) > 0);
    forger.let_pass(usize::MAX);
    settles(&network, record.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_in_the_merchants_name_ends_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let (network, forger) = network(folder.path(), "merchant").await;
    // The question for the quote passes; the order does not.
    forger.let_pass(1);
    network.holder.buy(&purchase(&network)).await.unwrap_err();
    let record = network.holder.orders().await.unwrap().pop().unwrap();
    assert_eq!(record.state, None);
    network.holder.resume().await.unwrap_err();
    assert_eq!(network.holder.order(record.id).await.unwrap().state, None);
    assert!(forger.forged.load(Ordering::SeqCst) > 1);
    forger.let_pass(usize::MAX);
    settles(&network, record.id).await;
}

async fn settles(network: &Network, order: OrderId) {
    let record = network.holder.wait_for(order, State::Settled, Duration::from_secs(30)).await;
    let record = record.unwrap();
    assert_eq!(record.state, Some(State::Settled), "{:?}", record.reason);
}
