//! Files that were bought: fetched with what broke off, compared with the promise, acknowledged.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../protocol/tests/common/mod.rs"]
mod net;

use async_trait::async_trait;
use net::{Cast, NOW, Net};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use warifu_holder::{Holder, HolderError};
use warifu_ports::{Collection, FixedClock, Store};
use warifu_protocol::{
    encode::{b64, sha256},
    goods::{Content, GoodsReceipt},
    quote::{Quote, QuoteLine, sum},
    receipt::Receipt,
    rule::Rule,
    status::{State, Status},
    terminal::Terminal,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Currency, Digest, Money, Nonce, OrderId};
use warifu_wire::{
    GoodsAnswer, GoodsQuestion, GoodsReceiptQuestion, Party, Peer, Problem, Service, StatusAnswer,
    read_body, serve_routes, write_answer,
};

const SIZE: usize = 700_000;

/// Bytes of which none repeats soon.
fn song(seed: u32) -> Vec<u8> {
    let mix = |place: u32| (place.wrapping_mul(2_654_435_761) ^ seed).to_le_bytes()[3];
    (0..SIZE as u32).map(mix).collect()
}

/// A merchant that hands out two files, and breaks off on demand.
struct Shop {
    party: Arc<Party>,
    order: Digest,
    files: BTreeMap<String, Vec<u8>>,
    /// Every so many pieces, one does not come; 0 for never.
    fails: AtomicUsize,
    spoils: AtomicBool,
    pieces: AtomicUsize,
    bytes: AtomicU64,
    receipts: Mutex<Vec<String>>,
}

#[async_trait]
impl Service for Shop {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        match op {
            "goods" => write_answer(&self.goods(read_body(body)?)?),
            "goods_receipt" => {
                let question: GoodsReceiptQuestion = read_body(body)?;
                let hashes: Vec<_> =
                    self.files.iter().map(|(name, bytes)| (name, sha256(bytes))).collect();
                let promised = hashes.iter().map(|(name, hash)| (name.as_str(), hash));
                let (own, holder) = (self.party.id(), &peer.credential);
                GoodsReceipt::verify(&question.receipt, holder, &own, &self.order, promised)?;
                self.receipts.lock().unwrap().push(question.receipt);
                write_answer(&self.status(peer))
            }
            "status" => write_answer(&self.status(peer)),
            _ => Err(Problem::not_found("op")),
        }
    }
}

impl Shop {
    fn goods(&self, question: GoodsQuestion) -> Result<GoodsAnswer, Problem> {
        let count = self.pieces.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = self.fails.load(Ordering::SeqCst);
        if fails > 0 && count.is_multiple_of(fails) {
            return Err(Problem::internal());
        }
        let file = self.files.get(&question.item).ok_or_else(|| Problem::not_found("item"))?;
        let from = question.offset as usize;
        // It may give less than is asked for.
        let to = (from + (question.length as usize).min(100_000)).min(file.len());
        let mut piece = file[from..to].to_vec();
        if self.spoils.load(Ordering::SeqCst) {
            piece[0] ^= 1;
        }
        self.bytes.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Ok(GoodsAnswer { piece: b64(&piece) })
    }

    fn status(&self, peer: &Peer) -> StatusAnswer {
        let done = !self.receipts.lock().unwrap().is_empty();
        let status = Status {
            iss: self.party.id(),
            aud: peer.credential.sub.clone(),
            order: self.order,
            state: if done { State::Settled } else { State::Authorized },
            reason: None,
            authorization: None,
            iat: NOW,
        };
        StatusAnswer { status: status.sign(self.party.terminal().signer.as_ref()) }
    }
}

struct World {
    holder: Arc<Holder>,
    shop: Arc<Shop>,
    order: OrderId,
    folder: TempDir,
    _records: TempDir,
}

fn party(terminal: Terminal) -> Arc<Party> {
    Party::new(terminal, Arc::new(FixedClock::new(NOW)), Arc::new(OsEntropy), None)
}

/// A quote that promises these files.
fn quote(cast: &Cast, files: &BTreeMap<String, Vec<u8>>) -> String {
    let line = |(number, bytes): (&String, &Vec<u8>)| QuoteLine {
        number: number.clone(),
        name: "A song".into(),
        quantity: 1,
        unit_price: Money::new(100, Currency::JPY).unwrap(),
        content: Some(Content {
            media_type: "audio/ogg".into(),
            size: bytes.len() as u64,
            sha256: sha256(bytes),
        }),
        tick_seconds: None,
    };
    // The quote's own order is not that of the numbers.
    let lines: Vec<_> = files.iter().rev().map(line).collect();
    Quote {
        iss: cast.merchant.id().clone(),
        jti: Nonce([8; 32]),
        form: Digest([0; 32]),
        total: sum(&lines).unwrap(),
        lines,
        iat: NOW,
        exp: NOW.plus(600),
    }
    .sign(cast.merchant.signer.as_ref())
}

/// A holder with an order for these files, at a shop that has them.
async fn world(numbers: &[&str]) -> World {
    let cast = Cast::new(Net::new());
    let sealed = cast.order(Rule::minimal());
    let files: BTreeMap<String, Vec<u8>> =
        (1..).zip(numbers).map(|(seed, number)| (number.to_string(), song(seed))).collect();
    let quote = quote(&cast, &files);
    let front = cast.merchant.credential_token.clone();
    let shop = Arc::new(Shop {
        order: sealed.identity,
        files,
        fails: AtomicUsize::new(0),
        spoils: AtomicBool::new(false),
        pieces: AtomicUsize::new(0),
        bytes: AtomicU64::new(0),
        receipts: Mutex::default(),
        party: party(cast.merchant),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = serve_routes(shop.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let records = tempfile::tempdir().unwrap();
    let key = MasterKey::from_bytes([1; 32]);
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&records.path().join("holder.db"), &key).unwrap());
    // As the terminal's own records have it, without what a payment adds.
    let record = serde_json::json!({
        "id": sealed.id,
        "identity": sealed.identity,
        "url": url,
        "front": shop.party.id(),
        "direct": true,
        "sealed_at": NOW,
        "state": State::Authorized,
        "reason": null,
        "receipt": Receipt::new(&sealed, Some(quote), front),
    });
    const ORDERS: Collection<serde_json::Value> = Collection::new("orders");
    let key = sealed.id.to_string();
    store.run(move |unit| ORDERS.put(unit, &key, &record)).await.unwrap();
    World {
        holder: Holder::new(party(cast.holder), store),
        shop,
        order: sealed.id,
        folder: tempfile::tempdir().unwrap(),
        _records: records,
    }
}

impl World {
    async fn download(&self) -> Result<Vec<PathBuf>, HolderError> {
        let files = self.holder.download(self.order, self.folder.path()).await?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn receipts(&self) -> usize {
        self.shop.receipts.lock().unwrap().len()
    }

    fn served(&self) -> u64 {
        self.shop.bytes.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn taken_up_where_it_broke_off() {
    let world = world(&["S-1", "S-2"]).await;
    world.shop.fails.store(3, Ordering::SeqCst);
    let mut tries = 1;
    let paths = loop {
        match world.download().await {
            Ok(paths) => break paths,
            Err(HolderError::Call(error)) => assert!(error.is_temporary(), "{error}"),
            Err(other) => panic!("{other}"),
        }
        tries += 1;
        assert!(tries < 50);
    };
    assert!(tries > 3, "{tries}");
    assert_eq!(world.names(), ["S-1", "S-2"]);
    assert_eq!(std::fs::read(&paths[0]).unwrap(), song(1));
    assert_eq!(std::fs::read(&paths[1]).unwrap(), song(2));
    assert_eq!(world.served(), 2 * SIZE as u64, "nothing twice");
    assert_eq!(world.receipts(), 1);
    let record = world.holder.order(world.order).await.unwrap();
    assert_eq!(record.state, Some(State::Settled));
}

#[tokio::test]
async fn once_more_fetches_nothing() {
    let world = world(&["S-1"]).await;
    world.download().await.unwrap();
    world.download().await.unwrap();
    assert_eq!(world.served(), SIZE as u64);
    // Somebody has removed it: what is paid for comes again.
    std::fs::remove_file(world.folder.path().join("S-1")).unwrap();
    world.download().await.unwrap();
    assert_eq!(world.names(), ["S-1"]);
}

#[tokio::test]
async fn other_bytes_than_were_promised() {
    let world = world(&["S-1"]).await;
    world.shop.spoils.store(true, Ordering::SeqCst);
    let error = world.download().await.unwrap_err();
    let HolderError::Protocol(error) = error else { panic!("{error}") };
    assert_eq!(error.field, "goods.sha256");
    assert!(world.names().is_empty(), "nothing of it is left");
    assert_eq!(world.receipts(), 0);
    world.shop.spoils.store(false, Ordering::SeqCst);
    world.download().await.unwrap();
}

#[tokio::test]
async fn a_spoilt_beginning_is_fetched_again() {
    for spoilt in [vec![0; 1000], vec![0; SIZE], vec![0; SIZE + 1]] {
        let world = world(&["S-1"]).await;
        std::fs::write(world.folder.path().join(".S-1.part"), spoilt).unwrap();
        let paths = world.download().await.unwrap();
        assert_eq!(std::fs::read(&paths[0]).unwrap(), song(1));
        assert_eq!(world.names(), ["S-1"]);
    }
}

#[tokio::test]
async fn no_file_is_written_over() {
    let world = world(&["S-1"]).await;
    std::fs::write(world.folder.path().join("S-1"), "mine").unwrap();
    let error = world.download().await.unwrap_err();
    assert!(matches!(error, HolderError::BadInput { field: "folder", .. }), "{error}");
    assert_eq!(std::fs::read(world.folder.path().join("S-1")).unwrap(), b"mine");
    assert_eq!((world.served(), world.receipts()), (0, 0));
}

#[tokio::test]
async fn a_number_that_is_a_path_stays_in_the_folder() {
    let world = world(&["../S-1", "a/b"]).await;
    let paths = world.download().await.unwrap();
    assert_eq!(world.names(), ["%2E.%2FS-1", "a%2Fb"]);
    assert!(paths.iter().all(|path| path.parent() == Some(world.folder.path())));
}

#[tokio::test]
async fn a_folder_that_is_not_there() {
    let world = world(&["S-1"]).await;
    let nowhere = world.folder.path().join("nowhere");
    let error = world.holder.download(world.order, &nowhere).await.unwrap_err();
    assert!(matches!(error, HolderError::Store(_)), "{error}");
    assert_eq!(world.served(), 0);
}
