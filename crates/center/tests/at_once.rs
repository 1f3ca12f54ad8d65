//! The same thing a hundred times at once moves money once, and everybody gets the same answer
//! (row D8). Payments are in `telegrams.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    Member, Wish, World,
    member::{NAME, person, top_up},
    settings, until, yen,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use warifu_center::{MoneyOutcome, MoneyReceived, Rates, Settings, Way};
use warifu_ports::books::AccountKind;
use warifu_protocol::{
    authorization::Authorization,
    settlement::Action,
    telegram::{Funding, Instruction, KeyChange, Outcome, TopUpState},
};
use warifu_types::Rate;

const TIMES: usize = 100;

/// A center that does not mind being asked so often.
async fn world() -> Arc<World> {
    let often = Rate { burst: 1000, a_minute: 1000 };
    let rates = Rates { telegrams: often, applications: often, ..settings().rates };
    Arc::new(World::with(Settings { rates, ..settings() }).await)
}

/// Does the same a hundred times at once; what came of it, which must be the same each time.
async fn at_once<T, F>(what: impl Fn() -> F) -> T
where
    T: Clone + PartialEq + std::fmt::Debug + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut asked = JoinSet::new();
    for _ in 0..TIMES {
        asked.spawn(what());
    }
    let mut answers = asked.join_all().await;
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.swap_remove(0)
}

/// Sends a telegram a hundred times at once; what the one signed answer says.
async fn sent_at_once(world: &Arc<World>, token: &str) -> Outcome {
    let line = Arc::new(world.session().await);
    let answer = at_once(|| {
        let (line, token) = (line.clone(), token.to_string());
        async move { line.send(&token).await.unwrap() }
    })
    .await;
    world.read(&answer, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_that_an_issuer_pays_for() {
    let world = world().await;
    let member = world.member().await;
    let funding = world.credit(&member, yen(10_000), 1).await;
    let token = member.telegram(&world, top_up(yen(10_000), None, funding));
    let outcome = sent_at_once(&world, &token).await;
    let Outcome::TopUp(TopUpState::Issued { card }) = outcome else { panic!("{outcome:?}") };
    let card = member.read_card(&world, &card);
    assert_eq!((card.serial, card.loaded), (1, yen(10_000)));
    until("the center claims", || world.issuer.kinds().len() == 2).await;
    assert_eq!(world.issuer.kinds(), ["authorize", "capture"]);
    assert_eq!(world.issuer.times_asked("authorize"), 1);
    let owed = world.sum(AccountKind::Issuer, |b| b.debits_posted).await;
    assert_eq!((world.loaded().await, owed), (10_000, 10_000));
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_up_and_the_money_for_it() {
    let world = world().await;
    let member = world.member().await;
    let token = member.telegram(&world, top_up(yen(50_000), None, Funding::Transfer {}));
    let outcome = sent_at_once(&world, &token).await;
    let Outcome::TopUp(TopUpState::Waiting { reference }) = outcome else { panic!("{outcome:?}") };
    // It counts once: a member may have four times as much.
    for _ in 0..3 {
        member.ask(&world, yen(50_000), None).await;
    }
    let more = top_up(yen(1), None, Funding::Transfer {});
    assert_eq!(member.refused(&world, more).await, "member_limit_exceeded");
    let received = |id: &str, reference: &str| MoneyReceived {
        id: id.to_string(),
        reference: reference.to_string(),
        amount: yen(50_000),
        way: Way::Transfer,
    };
    let receive = async |received: MoneyReceived| {
        let settlement = world.center.settlement();
        at_once(|| {
            let (settlement, received) = (settlement.clone(), received.clone());
            async move { settlement.money_received(received).await.unwrap() }
        })
        .await
    };
    assert_eq!(receive(received("b-1", &reference)).await, MoneyOutcome::Issued {});
    let unmatched = receive(received("b-2", "nobody")).await;
    assert!(matches!(unmatched, MoneyOutcome::Unmatched { .. }), "{unmatched:?}");
    let kept = world.sum(AccountKind::Unmatched, |b| b.credits_posted).await;
    assert_eq!((world.loaded().await, kept), (50_000, 50_000));
    assert_eq!(world.center.settlement().money().await.unwrap().len(), 2);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration() {
    let world = world().await;
    let (number, code) = world.letter(person(NAME), "en").await;
    let keys = world.keys_of(&number, 20);
    let registration = world.registration((&number, &code), person(NAME), &keys).await;
    let token = world.telegram(&keys, 0, Instruction::Register(Box::new(registration)));
    let outcome = sent_at_once(&world, &token).await;
    let member = world.at_terminal(number.clone(), keys, outcome, 1).await;
    let members = world.center.settlement().members().await.unwrap();
    assert_eq!(members.iter().filter(|known| known.number == number).count(), 1);
    // One admission, with keys that are good for the rest of the trade.
    assert_eq!(member.card(&world, yen(500)).await.loaded, yen(500));
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_and_a_void_that_races_it() {
    let world = world().await;
    let member = world.member().await;
    let card = member.card(&world, yen(9000)).await;
    let paid = async |number| {
        let sealed = world.seal(&member, &Wish::new(number, &card)).await;
        let outcome = member.tell(&world, world.payment(&sealed)).await.unwrap();
        assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
        world.merchant.authorization(&sealed).await.unwrap()
    };
    let first = paid(1).await;
    let settle = |authorization: &Authorization, action| {
        let (merchant, authorization) = (world.merchant.clone(), authorization.clone());
        async move { merchant.settle(&authorization, action, None).await }
    };
    let captured = at_once(|| settle(&first, Action::Capture)).await;
    assert!(captured.is_ok(), "{captured:?}");
    assert_eq!(world.sums().await, (0, 1980, 1980));
    // Half of them capture, half of them void: one of the two happens.
    let second = paid(2).await;
    let mut raced = JoinSet::new();
    for action in [Action::Capture, Action::Void].into_iter().cycle().take(TIMES) {
        let settle = settle(&second, action);
        raced.spawn(async move { (action, settle.await) });
    }
    let all = raced.join_all().await;
    let (done, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, answer)| answer.is_ok());
    assert_eq!((done.len(), lost.len()), (TIMES / 2, TIMES / 2));
    assert!(done.iter().all(|one| *one == done[0]), "{done:?}");
    assert!(lost.iter().all(|(_, no)| no.as_ref().unwrap_err().code == "conflict"), "{lost:?}");
    let moved = if done[0].0 == Action::Capture { 2 * 1980 } else { 1980 };
    assert_eq!(world.sums().await, (0, moved, moved));
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_change() {
    let world = world().await;
    let member = world.member().await;
    let card = member.card(&world, yen(3000)).await;
    let keys = world.keys_of(&member.number, 33);
    let change = KeyChange { enrolment: keys.request(common::net::NOW) };
    let token = member.telegram(&world, Instruction::ChangeKey(Box::new(change)));
    let outcome = sent_at_once(&world, &token).await;
    let balance = Instruction::Balance { card: card.number.clone() };
    assert_eq!(member.tell(&world, balance).await.unwrap_err().code, "key_replaced");
    let renewed: Member = world.at_terminal(member.number.clone(), keys, outcome, 0).await;
    assert_eq!(renewed.balance(&world, &card.number).await, 3000);
    let sealed = world.seal(&renewed, &Wish::new(1, &card)).await;
    let outcome = renewed.tell(&world, world.payment(&sealed)).await.unwrap();
    assert!(matches!(outcome, Outcome::Paid(_)), "{outcome:?}");
    world.audit().await;
}
