//! Client and server of the card network together: many questions at once, lost answers, lines that
//! go down, limits, and mutual TLS (row C8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod card_common;

use async_trait::async_trait;
use card_common::{asked, card, clock, issuer, trade, yen};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use warifu_gateways::card_network::{
    Client, ClientLine, ClientSettings, Identity, Limits, LineError, Server, ServerLine,
    certificate, client_tls,
    message::{Message, MessageType},
    server_tls,
    simulator::{SimulatedIssuer, TradeState},
};
use warifu_ports::card_network::{
    CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, TradeReference,
};
use warifu_types::Money;

async fn serve(network: Arc<dyn CardNetwork>, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(listener, network, clock(), ServerLine::Loopback, limits).unwrap()
}

fn client(server: &Server, change: impl FnOnce(&mut ClientSettings)) -> Client {
    let mut settings = ClientSettings::new(ClientLine::Loopback(server.address()));
    settings.patience = Duration::from_secs(30);
    settings.pause = Duration::from_millis(10);
    change(&mut settings);
    Client::new(settings, clock()).unwrap()
}

fn approved(answer: &CardAnswer) -> bool {
    matches!(answer, CardAnswer::Approved { approval } if approval.len() == 6)
}

/// An issuer that answers the small amounts last.
struct Slow(SimulatedIssuer);

#[async_trait]
impl CardNetwork for Slow {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        tokio::time::sleep(Duration::from_millis(200 - asked.amount.minor() * 10)).await;
        self.0.authorize(asked).await
    }
    async fn capture(&self, t: &TradeReference, a: Money) -> Result<CardAnswer, CardNetworkError> {
        self.0.capture(t, a).await
    }
    async fn reverse(&self, t: &TradeReference, a: Money) -> Result<CardAnswer, CardNetworkError> {
        self.0.reverse(t, a).await
    }
}

#[tokio::test]
async fn answers_out_of_order_find_their_questions() {
    let server = serve(Arc::new(Slow(issuer())), Limits::default()).await;
    let client = Arc::new(client(&server, |_| {}));
    let asking: Vec<_> = (1..=20u64)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                // Every second card does not exist.
                let mut card = card();
                if n % 2 == 0 {
                    card.number = "4000000000000002".to_owned().into();
                }
                client.authorize(&asked(&format!("MANY{n:08}"), card, yen(n % 20))).await
            })
        })
        .collect();
    for (n, asking) in (1..=20).zip(asking) {
        let answer = asking.await.unwrap().unwrap();
        assert_eq!(approved(&answer), n % 2 == 1, "{n}: {answer:?}");
    }
}

#[tokio::test]
async fn a_trade_from_authorization_to_capture_and_reversal() {
    let issuer = Arc::new(issuer());
    let server = serve(issuer.clone(), Limits::default()).await;
    let client = client(&server, |_| {});
    client.echo().await.unwrap();
    assert!(approved(&client.authorize(&asked("ORDER0000001", card(), yen(900))).await.unwrap()));
    assert!(approved(&client.capture(&trade("ORDER0000001"), yen(800)).await.unwrap()));
    assert!(approved(&client.capture(&trade("ORDER0000001"), yen(800)).await.unwrap()));
    let declined = |code: &str| CardAnswer::Declined { code: code.into() };
    assert_eq!(client.capture(&trade("ORDER0000001"), yen(700)).await.unwrap(), declined("94"));
    assert_eq!(client.capture(&trade("NEVER0000001"), yen(700)).await.unwrap(), declined("25"));
    assert!(approved(&client.authorize(&asked("ORDER0000002", card(), yen(900))).await.unwrap()));
    assert!(approved(&client.reverse(&trade("ORDER0000002"), yen(900)).await.unwrap()));
    assert_eq!(issuer.state(&trade("ORDER0000002")), Some(TradeState::Reversed));
    let over = client.authorize(&asked("ORDER0000003", card(), yen(99_201))).await.unwrap();
    assert_eq!(over, declined("51"));
    let mut expired = asked("ORDER0000004", card(), yen(1));
    expired.card.expiry = "2026-10".to_owned().into();
    assert_eq!(client.authorize(&expired).await.unwrap(), declined("54"));
}

#[tokio::test]
async fn what_cannot_be_said_does_not_leave() {
    let server = serve(Arc::new(issuer()), Limits::default()).await;
    let client = client(&server, |_| {});
    let good = asked("ORDER0000001", card(), yen(1));
    let bad = |change: &dyn Fn(&mut CardAuthorization)| {
        let mut question = good.clone();
        change(&mut question);
        question
    };
    for (field, question) in [
        (2, bad(&|q| q.card.number = "4111 1111 1111 1111".to_owned().into())),
        (4, bad(&|q| q.amount = yen(1_000_000_000_000))),
        (14, bad(&|q| q.card.expiry = "12/28".to_owned().into())),
        (37, bad(&|q| q.trade.reference = "SHORT".into())),
        (42, bad(&|q| q.trade.acceptor = "SHOP 1".into())),
        (67, bad(&|q| q.payments = 100)),
    ] {
        assert_eq!(client.authorize(&question).await, Err(CardNetworkError::BadQuestion(field)));
    }
}

#[tokio::test]
async fn the_line_comes_up_again_after_the_server_did() {
    let issuer: Arc<SimulatedIssuer> = Arc::new(issuer());
    let server = serve(issuer.clone(), Limits::default()).await;
    let address = server.address();
    let client = client(&server, |settings| settings.repeats = 0);
    client.echo().await.unwrap();
    drop(server);
    // The old line ends some time after the server does.
    let down = client.authorize(&asked("ORDER0000001", card(), yen(1))).await;
    assert!(matches!(down, Err(CardNetworkError::Unreachable(_))), "{down:?}");
    let mut listener = TcpListener::bind(address).await;
    for _ in 0..100 {
        if listener.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        listener = TcpListener::bind(address).await;
    }
    let _server =
        Server::start(listener.unwrap(), issuer, clock(), ServerLine::Loopback, Limits::default())
            .unwrap();
    assert!(approved(&client.authorize(&asked("ORDER0000001", card(), yen(1))).await.unwrap()));
}

/// An issuer that says nothing to the first question, and counts.
struct Forgetful(SimulatedIssuer, AtomicU32);

#[async_trait]
impl CardNetwork for Forgetful {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        let answer = self.0.authorize(asked).await;
        if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        answer
    }
    async fn capture(&self, _: &TradeReference, _: Money) -> Result<CardAnswer, CardNetworkError> {
        Err(CardNetworkError::Later)
    }
    async fn reverse(&self, _: &TradeReference, _: Money) -> Result<CardAnswer, CardNetworkError> {
        Ok(CardAnswer::Declined { code: "not sayable".into() })
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again() {
    let network = Arc::new(Forgetful(issuer(), AtomicU32::new(0)));
    let server = serve(network.clone(), Limits::default()).await;
    let client = client(&server, |settings| settings.patience = Duration::from_secs(2));
    assert!(approved(&client.authorize(&asked("LOST00000001", card(), yen(1))).await.unwrap()));
    assert_eq!(network.1.load(Ordering::SeqCst), 2);
    assert_eq!(network.0.state(&trade("LOST00000001")), Some(TradeState::Held(yen(1))));
}

#[tokio::test]
async fn an_issuer_that_cannot_answer_is_asked_later() {
    let network = Arc::new(Forgetful(issuer(), AtomicU32::new(0)));
    let limits = Limits { answer: Duration::from_millis(200), ..Limits::default() };
    let server = serve(network, limits).await;
    let client = client(&server, |_| {});
    let silent = client.authorize(&asked("LATE00000001", card(), yen(1))).await;
    assert_eq!(silent, Err(CardNetworkError::Later));
    let later = client.capture(&trade("LATE00000001"), yen(1)).await;
    assert_eq!(later, Err(CardNetworkError::Later));
    let unsayable = client.reverse(&trade("LATE00000001"), yen(1)).await;
    assert_eq!(unsayable, Err(CardNetworkError::Later));
}

/// What a server that is none does with one question.
async fn answered_by(liar: fn(&mut Message)) -> Result<CardAnswer, CardNetworkError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lying = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        loop {
            let Ok(length) = stream.read_u16().await else { return };
            let mut body = vec![0; usize::from(length)];
            stream.read_exact(&mut body).await.unwrap();
            let mut answer = Message::decode(&body).unwrap();
            answer.kind = answer.kind.answer().unwrap();
            answer.set(39, "00").unwrap();
            if answer.kind == MessageType::AuthorizationAnswer {
                answer.set(38, "LIAR01").unwrap();
                liar(&mut answer);
            }
            stream.write_all(&answer.frame().unwrap()).await.unwrap();
        }
    });
    let settings = ClientSettings::new(ClientLine::Loopback(address));
    let client = Client::new(settings, clock()).unwrap();
    let answer = client.authorize(&asked("LIES00000001", card(), yen(1))).await;
    drop(client);
    lying.await.unwrap();
    answer
}

#[tokio::test]
async fn answers_to_something_else_are_named_by_their_field() {
    let honest = answered_by(|_| {}).await;
    assert_eq!(honest, Ok(CardAnswer::Approved { approval: "LIAR01".into() }));
    let bad = |field| Err(CardNetworkError::BadAnswer(field));
    let lied = answered_by(|answer| answer.set(37, "LIES00000002").unwrap()).await;
    assert_eq!(lied, bad(37));
    assert_eq!(answered_by(|answer| answer.set_padded(42, "SHOP2").unwrap()).await, bad(42));
    assert_eq!(answered_by(|answer| answer.set(4, "000000000002").unwrap()).await, bad(4));
    assert_eq!(answered_by(|answer| answer.set(49, "978").unwrap()).await, bad(49));
    assert_eq!(answered_by(|answer| answer.kind = MessageType::CaptureAnswer).await, bad(0));
    assert_eq!(answered_by(|answer| *answer = without(answer, 38)).await, bad(38));
    assert_eq!(answered_by(|answer| *answer = without(answer, 39)).await, bad(39));
    let later = answered_by(|answer| answer.set(39, "91").unwrap()).await;
    assert_eq!(later, Err(CardNetworkError::Later));
}

fn without(message: &Message, left_out: u8) -> Message {
    let mut other = Message::new(message.kind);
    for number in message.numbers().filter(|number| *number != left_out) {
        other.set(number, message.get(number).unwrap()).unwrap();
    }
    other
}

#[tokio::test]
async fn the_server_keeps_its_limits() {
    let limits = Limits { connections: 1, idle: Duration::from_millis(300), ..Limits::default() };
    let server = serve(Arc::new(issuer()), limits).await;
    let mut byte = [0u8; 1];
    // A message longer than any: the line is closed.
    let mut first = TcpStream::connect(server.address()).await.unwrap();
    first.write_all(&[0xff, 0xff]).await.unwrap();
    assert!(matches!(first.read(&mut byte).await, Ok(0) | Err(_)));
    // Half a message, and silence: closed; and while it was open, there was no place for another.
    let mut second = TcpStream::connect(server.address()).await.unwrap();
    second.write_all(&[0, 20, b'0']).await.unwrap();
    let mut third = TcpStream::connect(server.address()).await.unwrap();
    assert!(matches!(third.read(&mut byte).await, Ok(0) | Err(_)));
    assert!(matches!(second.read(&mut byte).await, Ok(0) | Err(_)));
    // No message type: closed without a word.
    let mut fourth = TcpStream::connect(server.address()).await.unwrap();
    fourth.write_all(b"\x00\x04GET ").await.unwrap();
    assert!(matches!(fourth.read(&mut byte).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn card_data_in_clear_stays_on_this_machine() {
    let settings = ClientSettings::new(ClientLine::Loopback("192.0.2.1:4000".parse().unwrap()));
    assert!(matches!(Client::new(settings, clock()), Err(LineError::Plain)));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let server = Server::start(
        listener,
        Arc::new(issuer()),
        clock(),
        ServerLine::Loopback,
        Limits::default(),
    );
    assert!(matches!(server, Err(LineError::Plain)));
}

/// A certificate and its key in PEM.
struct Pem(String, String);

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(by: &CertifiedIssuer<'_, KeyPair>, name: &str) -> Pem {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    Pem(params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn under_mutual_tls_a_certificate_speaks_for_its_own_acceptors() {
    let authority = authority();
    let roots = authority.pem();
    let identity = |pem: &Pem| {
        let Pem(chain, key) = pem;
        (chain.clone(), key.clone())
    };
    let (server_chain, server_key) = identity(&signed(&authority, "issuer.test"));
    let shop = signed(&authority, "shop.test");
    let other = signed(&authority, "other.test");
    let stranger = signed(&self::authority(), "shop.test");
    let of = |chain: &str, key: &str| -> Arc<rustls::ClientConfig> {
        client_tls(&Identity {
            chain: chain.as_bytes(),
            key: key.as_bytes(),
            roots: roots.as_bytes(),
        })
        .unwrap()
    };
    let config = server_tls(&Identity {
        chain: server_chain.as_bytes(),
        key: server_key.as_bytes(),
        roots: roots.as_bytes(),
    })
    .unwrap();
    let acceptors = HashMap::from([
        (certificate(shop.0.as_bytes()).unwrap(), BTreeSet::from(["SHOP1".to_owned()])),
        (certificate(other.0.as_bytes()).unwrap(), BTreeSet::from(["OTHER".to_owned()])),
    ]);
    let issuer = Arc::new(issuer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = ServerLine::Tls { config, acceptors };
    let server = Server::start(listener, issuer.clone(), clock(), line, Limits::default()).unwrap();
    let client = |pem: &Pem| {
        let line = ClientLine::Tls {
            address: server.address().to_string(),
            name: "issuer.test".into(),
            config: of(&pem.0, &pem.1),
        };
        let mut settings = ClientSettings::new(line);
        settings.repeats = 0;
        Client::new(settings, clock()).unwrap()
    };
    let shop = client(&shop);
    assert!(approved(&shop.authorize(&asked("ORDER0000001", card(), yen(9))).await.unwrap()));
    let others = client(&other);
    others.echo().await.unwrap();
    let refused = others.capture(&trade("ORDER0000001"), yen(9)).await.unwrap();
    assert_eq!(refused, CardAnswer::Declined { code: "03".into() });
    assert_eq!(issuer.state(&trade("ORDER0000001")), Some(TradeState::Held(yen(9))));
    let unknown = client(&stranger).echo().await;
    assert!(matches!(unknown, Err(CardNetworkError::Unreachable(_))), "{unknown:?}");
    // Without TLS there is no way in at all.
    let settings = ClientSettings {
        patience: Duration::from_secs(2),
        repeats: 0,
        ..ClientSettings::new(ClientLine::Loopback(server.address()))
    };
    let plain = Client::new(settings, clock()).unwrap().echo().await;
    assert!(matches!(plain, Err(CardNetworkError::Unreachable(_))), "{plain:?}");
}
