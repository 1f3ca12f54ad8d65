//! Files: promised before payment, handed out after authorization, claimed with the receipt.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{Breaking, World, item, not_paid, problem, script::Mode, who};
use std::sync::{Arc, atomic::AtomicUsize};
use warifu_merchant::{CatalogueAnswer, Goods, Item, Merchant, OfferedRule};
use warifu_protocol::{
    AtFault,
    encode::{sha256, unb64},
    goods::{Content, GoodsReceipt, Kind, MAX_PIECE, ReceivedFile},
    jws,
    quote::{QUOTE, Quote},
    sealed::Sealed,
    status::{State, Status},
};
use warifu_types::{Digest, Role};
use warifu_wire::{
    CallError, GoodsAnswer, GoodsQuestion, GoodsReceiptQuestion, OrderQuestion, Party, StatusAnswer,
};

/// Bytes that are the same for the same seed.
fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn book() -> Vec<u8> {
    bytes(300_000, 1)
}

fn digital() -> Vec<Item> {
    let goods = Goods::Download { media_type: "application/pdf".into() };
    ["D-1", "D-2"]
        .map(|number| Item { goods: goods.clone(), ..item(number, "A book", "本", 500, 0) })
        .into()
}

/// A shop with two items for download, of which one has its file.
async fn library() -> World {
    let rule = OfferedRule::prepaid(Kind::Download, who(Role::Center), None);
    let world = World::with(vec![rule], &[]).await;
    world.merchant.import_catalogue(digital()).await.unwrap();
    world.merchant.add_file("D-1", book().as_slice()).await.unwrap();
    world
}

/// An order that is paid and waits to be fetched.
async fn paid(world: &World) -> (Sealed, OrderQuestion) {
    let (sealed, question) = world.prepaid("D-1", 1, 7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    (sealed, question)
}

async fn fetch(
    world: &World,
    holder: &Arc<Party>,
    sealed: &Sealed,
    (item, offset, length): (&str, u64, u32),
) -> Result<Vec<u8>, CallError> {
    let question = GoodsQuestion { order: sealed.id, item: item.into(), offset, length };
    let answer: GoodsAnswer = world.ask(holder, "goods", &question).await?;
    Ok(unb64(&answer.piece, AtFault::Sender, "goods").unwrap())
}

async fn piece(world: &World, sealed: &Sealed, offset: u64, length: u32) -> (String, String) {
    let asked = ("D-1", offset, length);
    problem(fetch(world, &world.holder, sealed, asked).await.unwrap_err())
}

async fn fetch_all(world: &World, sealed: &Sealed) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < 300_000 {
        let asked = ("D-1", all.len() as u64, MAX_PIECE);
        all.extend(fetch(world, &world.holder, sealed, asked).await.unwrap());
    }
    all
}

fn receipt(world: &World, sealed: &Sealed) -> GoodsReceipt {
    GoodsReceipt {
        iss: world.holder.id(),
        aud: who(Role::Merchant),
        order: sealed.identity,
        files: vec![ReceivedFile { number: "D-1".into(), sha256: sha256(&book()) }],
        iat: world.holder.now(),
    }
}

async fn send(
    world: &World,
    holder: &Arc<Party>,
    sealed: &Sealed,
    receipt: &GoodsReceipt,
) -> Result<Status, CallError> {
    let receipt = receipt.sign(holder.terminal().signer.as_ref());
    let question = GoodsReceiptQuestion { order: sealed.id, receipt };
    let answer: StatusAnswer = world.ask(holder, "goods_receipt", &question).await?;
    Ok(world.verified(sealed, &answer.status))
}

#[tokio::test]
async fn the_hash_is_promised_before_payment() {
    let world = library().await;
    let url = format!("{}/v1/catalogue", world.url);
    let page: CatalogueAnswer = world.holder.connections().get(&url).await.unwrap();
    let promised =
        Content { media_type: "application/pdf".into(), size: 300_000, sha256: sha256(&book()) };
    let kinds: Vec<_> = page.items.iter().map(|item| (item.goods, item.content.clone())).collect();
    assert_eq!(kinds[0], (Kind::Later, None));
    assert_eq!(kinds[1], (Kind::Download, Some(promised.clone())), "D-1");
    assert_eq!(kinds[2], (Kind::Download, None), "D-2 has no file yet");
    let form = world.form("prepaid-download").await;
    let token = world.quote(&form, &[("D-1", 1)]).await.unwrap();
    let quote: Quote = jws::peek(QUOTE, &token, AtFault::Sender).unwrap();
    assert_eq!(quote.lines[0].content, Some(promised));
}

#[tokio::test]
async fn each_form_takes_its_kind_alone() {
    let rules = vec![
        OfferedRule::prepaid(Kind::Download, who(Role::Center), None),
        OfferedRule::prepaid(Kind::Later, who(Role::Center), None),
    ];
    let world = World::with(rules, &[]).await;
    world.merchant.import_catalogue(digital()).await.unwrap();
    world.merchant.add_file("D-1", book().as_slice()).await.unwrap();
    let files = world.form("prepaid-download").await;
    let later = world.form("prepaid").await;
    for (form, items, field) in [
        (&files, &[("D-1", 1), ("T-100", 1)][..], "items[1].number"),
        (&files, &[("D-2", 1)], "items[0].number"),
        (&files, &[("D-1", 2)], "items[0].quantity"),
        (&later, &[("T-100", 1), ("D-1", 1)], "items[1].number"),
    ] {
        let refused = problem(world.quote(form, items).await.unwrap_err());
        assert_eq!(refused, ("bad_value".into(), field.into()));
    }
}

#[tokio::test]
async fn fetched_and_claimed_with_the_receipt() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);
    assert_eq!(fetch_all(&world, &sealed).await, book());
    assert_eq!(world.state(&sealed).await, State::Authorized, "not claimed yet");
    assert_eq!(world.script(Role::Center).kinds(), ["authorize"]);

    let good = receipt(&world, &sealed);
    let status = send(&world, &world.holder, &sealed, &good).await.unwrap();
    assert_eq!(status.state, State::Settled);
    world.clock.advance(60);
    let again = send(&world, &world.holder, &sealed, &good).await.unwrap();
    assert_eq!(again, status, "the same again");
    let later = GoodsReceipt { iat: world.holder.now(), ..good };
    assert_eq!(send(&world, &world.holder, &sealed, &later).await.unwrap(), status);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
    assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
    assert_eq!(fetch_all(&world, &sealed).await, book(), "what is paid for, again");
}

#[tokio::test]
async fn broken_off_anywhere_and_the_same_bytes() {
    let mut world = library().await;
    let (sealed, _) = paid(&world).await;
    let (mut all, mut breaks) = (Vec::new(), 0);
    let mut dice = bytes(400, 99).into_iter().map(u32::from);
    while all.len() < 300_000 {
        let (size, fate) = (dice.next().unwrap(), dice.next().unwrap());
        let asked = ("D-1", all.len() as u64, size * 300 + fate + 1);
        let piece = fetch(&world, &world.holder, &sealed, asked).await.unwrap();
        // What came of it when the line broke: nothing, some bytes, or all.
        let kept = match fate % 3 {
            0 => piece.len() * fate as usize / 256,
            _ => piece.len(),
        };
        all.extend_from_slice(&piece[..kept]);
        if fate % 8 == 0 {
            breaks += 1;
            world.serve(world.rebuilt()).await;
        }
    }
    assert!(breaks > 0);
    assert_eq!(all, book());
    let good = receipt(&world, &sealed);
    assert_eq!(send(&world, &world.holder, &sealed, &good).await.unwrap().state, State::Settled);
}

#[tokio::test]
async fn nothing_before_authorization_nor_after_a_refusal() {
    let world = library().await;
    world.script(Role::Center).set(not_paid());
    let (sealed, question) = world.prepaid("D-1", 1, 7).await;
    let nothing = ("wrong_state".to_string(), "state".to_string());
    assert_eq!(piece(&world, &sealed, 0, 10).await, ("not_found".into(), "order".into()));
    assert_eq!(world.order(&sealed, &question).await.state, State::Ordered);
    assert_eq!(piece(&world, &sealed, 0, 10).await, nothing);
    let good = receipt(&world, &sealed);
    let refused = send(&world, &world.holder, &sealed, &good).await.unwrap_err();
    assert_eq!(problem(refused), nothing);
    world.script(Role::Center).set(Mode::Refuses("not_paid"));
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Refused);
    assert_eq!(piece(&world, &sealed, 0, 10).await, nothing);
}

#[tokio::test]
async fn for_its_holder_alone() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    fetch_all(&world, &sealed).await;
    let thief = world.other_holder();
    let refused = fetch(&world, &thief, &sealed, ("D-1", 0, 10)).await.unwrap_err();
    assert_eq!(problem(refused), ("not_found".into(), "order".into()));
    let posing = receipt(&world, &sealed);
    let refused = send(&world, &thief, &sealed, &posing).await.unwrap_err();
    assert_eq!(problem(refused), ("not_found".into(), "order".into()));
    assert_eq!(world.state(&sealed).await, State::Authorized);
}

#[tokio::test]
async fn pieces_that_are_not_there() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    for (offset, length, field) in [
        (300_000, 1, "offset"),
        (u64::MAX, 1, "offset"),
        (0, 0, "length"),
        (0, MAX_PIECE + 1, "length"),
    ] {
        assert_eq!(
            piece(&world, &sealed, offset, length).await,
            ("bad_value".into(), field.into())
        );
    }
    for item in ["D-2", "T-100", ""] {
        let refused = fetch(&world, &world.holder, &sealed, (item, 0, 1)).await.unwrap_err();
        assert_eq!(problem(refused), ("not_found".into(), "item".into()));
    }
    let last = fetch(&world, &world.holder, &sealed, ("D-1", 299_990, MAX_PIECE)).await.unwrap();
    assert_eq!(last, book()[299_990..]);
    let across = fetch(&world, &world.holder, &sealed, ("D-1", 65_530, 65_550)).await.unwrap();
    assert_eq!(across, book()[65_530..131_080]);
}

#[tokio::test]
async fn bad_receipts_change_nothing() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    let good = receipt(&world, &sealed);
    fetch(&world, &world.holder, &sealed, ("D-1", 0, MAX_PIECE)).await.unwrap();
    let early = send(&world, &world.holder, &sealed, &good).await.unwrap_err();
    assert_eq!(problem(early), ("wrong_state".into(), "state".into()), "not all is out");
    fetch_all(&world, &sealed).await;
    let file = |number: &str, sha256| ReceivedFile { number: number.into(), sha256 };
    let right = good.files[0].sha256;
    for (bad, code, field) in [
        (vec![file("D-1", Digest([1; 32]))], "mismatch", "goods_receipt.files[0].sha256"),
        (vec![], "mismatch", "goods_receipt.files"),
        (vec![file("D-2", right)], "mismatch", "goods_receipt.files"),
        (vec![file("D-1", right), file("D-2", right)], "mismatch", "goods_receipt.files"),
    ] {
        let bad = GoodsReceipt { files: bad, ..good.clone() };
        let refused = send(&world, &world.holder, &sealed, &bad).await.unwrap_err();
        assert_eq!(problem(refused), (code.to_string(), field.to_string()));
    }
    for (bad, code, field) in [
        (
            GoodsReceipt { iss: who(Role::Carrier), ..good.clone() },
            "wrong_party",
            "goods_receipt.iss",
        ),
        (
            GoodsReceipt { aud: who(Role::Carrier), ..good.clone() },
            "wrong_party",
            "goods_receipt.aud",
        ),
        (
            GoodsReceipt { order: Digest([0; 32]), ..good.clone() },
            "mismatch",
            "goods_receipt.order",
        ),
    ] {
        let refused = send(&world, &world.holder, &sealed, &bad).await.unwrap_err();
        assert_eq!(problem(refused), (code.to_string(), field.to_string()));
    }
    let forged = good.sign(world.other_holder().terminal().signer.as_ref());
    let question = GoodsReceiptQuestion { order: sealed.id, receipt: forged };
    let refused: Result<StatusAnswer, _> =
        world.ask(&world.holder, "goods_receipt", &question).await;
    let refused = problem(refused.unwrap_err());
    assert_eq!(refused, ("bad_signature".into(), "goods_receipt".into()));
    assert_eq!(world.state(&sealed).await, State::Authorized);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize"]);
    assert_eq!(send(&world, &world.holder, &sealed, &good).await.unwrap().state, State::Settled);
}

#[tokio::test]
async fn without_a_receipt_it_is_claimed_in_time() {
    let world = library().await;
    let own = world.merchant.party().clone();
    let patient = Merchant::with_patience(own, world.store.clone(), world.settings.clone(), 600);
    let (sealed, _) = paid(&world).await;
    fetch(&world, &world.holder, &sealed, ("D-1", 0, MAX_PIECE)).await.unwrap();
    world.clock.advance(700);
    assert_eq!(patient.run_pending().await.unwrap().waiting, 1, "not all of it is out");
    fetch_all(&world, &sealed).await;
    world.clock.advance(599);
    assert_eq!(patient.run_pending().await.unwrap().waiting, 1);
    assert_eq!(world.state(&sealed).await, State::Authorized);
    world.clock.advance(1);
    assert_eq!(patient.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.state(&sealed).await, State::Settled);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
    // A receipt that comes late is kept, and changes nothing else.
    let late = receipt(&world, &sealed);
    assert_eq!(send(&world, &world.holder, &sealed, &late).await.unwrap().state, State::Settled);
    assert_eq!(world.script(Role::Center).count(), 2);
}

#[tokio::test]
async fn claimed_before_the_hold_ends() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    fetch_all(&world, &sealed).await;
    // The hold stands for a day: an hour before its end is before the usual day is over.
    world.clock.advance(86_400 - 3_601);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);
    world.clock.advance(1);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.state(&sealed).await, State::Settled);
}

#[tokio::test]
async fn never_fetched_is_never_charged() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    fetch(&world, &world.holder, &sealed, ("D-1", 0, 1000)).await.unwrap();
    world.clock.advance(86_000);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1);
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Cancelled);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "void"]);
    assert_eq!(piece(&world, &sealed, 0, 10).await.0, "wrong_state");
}

#[tokio::test]
async fn nothing_goes_out_while_the_order_is_given_up() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    fetch_all(&world, &sealed).await;
    world.script(Role::Center).set(Mode::Problem(warifu_wire::Problem::internal()));
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap(), State::Authorized);
    assert_eq!(piece(&world, &sealed, 0, 10).await.0, "wrong_state");
    let late = receipt(&world, &sealed);
    let refused = send(&world, &world.holder, &sealed, &late).await.unwrap_err();
    assert_eq!(problem(refused).0, "wrong_state");
    world.script(Role::Center).set(Mode::Good);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Cancelled);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "void"]);
}

#[tokio::test]
async fn not_given_up_after_the_receipt() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    fetch_all(&world, &sealed).await;
    send(&world, &world.holder, &sealed, &receipt(&world, &sealed)).await.unwrap();
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap_err().code, "wrong_state");
}

#[tokio::test]
async fn an_order_gets_the_file_that_it_was_promised() {
    let world = library().await;
    let (sealed, _) = paid(&world).await;
    let second = bytes(300_001, 2);
    let content = world.merchant.add_file("D-1", second.as_slice()).await.unwrap();
    assert_eq!((content.size, content.sha256), (300_001, sha256(&second)));
    assert_eq!(fetch_all(&world, &sealed).await, book());
    let form = world.form("prepaid-download").await;
    let token = world.quote(&form, &[("D-1", 1)]).await.unwrap();
    let quote: Quote = jws::peek(QUOTE, &token, AtFault::Sender).unwrap();
    assert_eq!(quote.lines[0].content, Some(content));
}

fn chunks(world: &World) -> usize {
    let all = world.store.dump().unwrap();
    all.iter().filter(|document| document.collection == "merchant_chunks").count()
}

#[tokio::test]
async fn the_same_file_is_kept_once() {
    let world = library().await;
    assert_eq!(chunks(&world), 5, "of 64 KiB each");
    world.merchant.add_file("D-1", book().as_slice()).await.unwrap();
    world.merchant.add_file("D-2", book().as_slice()).await.unwrap();
    assert_eq!(chunks(&world), 5);
    let form = world.form("prepaid-download").await;
    assert!(world.quote(&form, &[("D-1", 1), ("D-2", 1)]).await.is_ok());
}

/// A reader that breaks off.
struct Torn(usize);

impl tokio::io::AsyncRead for Torn {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if self.0 == 0 {
            return std::task::Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let count = self.0.min(buffer.remaining());
        buffer.put_slice(&vec![7; count]);
        self.0 -= count;
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn files_that_are_not_taken_in() {
    let world = library().await;
    let field = |problem: warifu_wire::Problem| problem.field.unwrap();
    let shop = &world.merchant;
    assert_eq!(field(shop.add_file("X-1", &b"x"[..]).await.unwrap_err()), "item");
    assert_eq!(field(shop.add_file("T-100", &b"x"[..]).await.unwrap_err()), "item");
    assert_eq!(field(shop.add_file("", &b"x"[..]).await.unwrap_err()), "item");
    assert_eq!(field(shop.add_file("D-1", &b""[..]).await.unwrap_err()), "file");
    assert_eq!(field(shop.add_file("D-1", Torn(3 << 20)).await.unwrap_err()), "file");
    assert_eq!(chunks(&world), 5, "nothing is left of it");
    let (sealed, _) = paid(&world).await;
    assert_eq!(fetch_all(&world, &sealed).await, book());
}

#[tokio::test]
async fn an_upload_that_broke_off_is_swept_up() {
    let world = library().await;
    let long = bytes(3 << 20, 3);
    let mut jobs = 0;
    loop {
        let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
        let shop = world.rebuilt_on(Arc::new(store));
        if shop.add_file("D-2", long.as_slice()).await.is_ok() {
            break;
        }
        jobs += 1;
        assert!(jobs < 60, "a file takes fewer writes than that");
    }
    assert!(jobs > 5, "a file is written more often than {jobs} times");
    assert!(chunks(&world) > 5 + 48);
    world.clock.advance(86_401);
    world.merchant.add_file("D-2", long.as_slice()).await.unwrap();
    assert_eq!(chunks(&world), 5 + 48);
    let (sealed, _) = paid(&world).await;
    assert_eq!(fetch_all(&world, &sealed).await, book());
}

#[tokio::test]
async fn a_crash_at_every_write_of_a_download() {
    let mut finished_alone = false;
    let mut jobs = 0;
    while !finished_alone {
        let mut world = library().await;
        let (sealed, _) = paid(&world).await;
        let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
        world.serve(world.rebuilt_on(Arc::new(store))).await;
        let good = receipt(&world, &sealed);
        let first = fetch(&world, &world.holder, &sealed, ("D-1", 0, MAX_PIECE)).await;
        let second = fetch(&world, &world.holder, &sealed, ("D-1", 262_144, MAX_PIECE)).await;
        let sent = send(&world, &world.holder, &sealed, &good).await;
        finished_alone = first.is_ok() && second.is_ok() && sent.is_ok();

        world.serve(world.rebuilt()).await;
        assert_eq!(fetch_all(&world, &sealed).await, book(), "broken after {jobs}");
        let status = send(&world, &world.holder, &sealed, &good).await.unwrap();
        assert_eq!(status.state, State::Settled, "broken after {jobs}");
        assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
        assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
        jobs += 1;
        assert!(jobs < 60, "a download takes fewer writes than that");
    }
    assert!(jobs > 5, "a download is written more often than {jobs} times");
}
