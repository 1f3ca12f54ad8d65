//! Use in real time: counted by the merchant, told to the center, and claimed for what was used.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{Breaking, World, item, not_paid, problem, script::Mode, who};
use std::sync::{Arc, atomic::AtomicUsize};
use warifu_merchant::{Goods, Item, OfferedRule};
use warifu_protocol::{goods::Kind, sealed::Sealed, status::State};
use warifu_types::{Currency, Money, Role};
use warifu_wire::{CallError, Party, PlayAnswer, PlayQuestion, Problem, StopAnswer, StopQuestion};

/// A shop with a game of a minute the tick, at 10 yen, and an order for five ticks.
async fn arcade() -> (World, Sealed) {
    let rule = OfferedRule::prepaid(Kind::Metered, who(Role::Center), None);
    let world = World::with(vec![rule], &[]).await;
    let goods = Goods::Metered { tick_seconds: 60 };
    let game = Item { goods, ..item("G-1", "A game", "遊戯", 10, 0) };
    world.merchant.import_catalogue(vec![game]).await.unwrap();
    let (sealed, question) = world.prepaid("G-1", 5, 7).await;
    assert_eq!(world.order(&sealed, &question).await.state, State::Authorized);
    (world, sealed)
}

async fn play_as(
    world: &World,
    holder: &Arc<Party>,
    sealed: &Sealed,
    tick: u32,
) -> Result<(u32, u64), CallError> {
    let question = PlayQuestion { order: sealed.id, tick };
    let answer: PlayAnswer = world.ask(holder, "play", &question).await?;
    Ok((answer.tick, answer.amount.minor()))
}

async fn play(world: &World, sealed: &Sealed, tick: u32) -> Result<(u32, u64), (String, String)> {
    play_as(world, &world.holder, sealed, tick).await.map_err(problem)
}

async fn stop(world: &World, sealed: &Sealed) -> Result<State, CallError> {
    Ok(stopped(world, sealed).await?.0)
}

/// The state after stopping, and what was used.
async fn stopped(world: &World, sealed: &Sealed) -> Result<(State, (u32, u64)), CallError> {
    let question = StopQuestion { order: sealed.id };
    let answer: StopAnswer = world.ask(&world.holder, "stop", &question).await?;
    let used = (answer.tick, answer.amount.minor());
    Ok((world.verified(sealed, &answer.status).state, used))
}

fn captured(world: &World) -> Vec<Option<u64>> {
    let amounts = world.script(Role::Center).captured.lock().unwrap().clone();
    amounts.into_iter().map(|amount| amount.map(Money::minor)).collect()
}

fn ticks(world: &World) -> Vec<(u32, u64)> {
    world.script(Role::Center).ticks.lock().unwrap().clone()
}

fn over() -> (String, String) {
    ("wrong_state".into(), "state".into())
}

#[tokio::test]
async fn played_told_and_stopped() {
    let (world, sealed) = arcade().await;
    assert_eq!(play(&world, &sealed, 1).await, Ok((1, 10)));
    world.merchant.run_pending().await.unwrap();
    world.clock.advance(60);
    assert_eq!(play(&world, &sealed, 2).await, Ok((2, 20)));
    assert_eq!(play(&world, &sealed, 2).await, Ok((2, 20)), "the same tick again");
    world.merchant.run_pending().await.unwrap();
    world.merchant.run_pending().await.unwrap();
    assert_eq!(ticks(&world), [(1, 10), (2, 20)]);
    assert_eq!(world.script(Role::Center).times_asked("meter"), 2, "once a tick");
    world.clock.advance(60);
    assert_eq!(play(&world, &sealed, 3).await, Ok((3, 30)));
    assert_eq!(stopped(&world, &sealed).await.unwrap(), (State::Settled, (3, 30)));
    assert_eq!(ticks(&world), [(1, 10), (2, 20), (3, 30)], "the center knows before the claim");
    assert_eq!(captured(&world), [Some(30)]);
    assert_eq!(stop(&world, &sealed).await.unwrap(), State::Settled, "again");
    assert_eq!(play(&world, &sealed, 3).await, Err(over()));
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
    assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
}

#[tokio::test]
async fn silence_ends_it() {
    let (world, sealed) = arcade().await;
    play(&world, &sealed, 1).await.unwrap();
    world.clock.advance(60);
    play(&world, &sealed, 2).await.unwrap();
    world.clock.advance(179 - 60);
    assert_eq!(world.merchant.run_pending().await.unwrap().waiting, 1, "it may come back");
    world.clock.advance(61);
    assert_eq!(play(&world, &sealed, 5).await, Err(over()));
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.state(&sealed).await, State::Settled);
    assert_eq!(captured(&world), [Some(20)], "what was not used is not owed");
    assert_eq!(stopped(&world, &sealed).await.unwrap(), (State::Settled, (2, 20)), "and told so");
}

#[tokio::test]
async fn the_held_amount_is_the_end() {
    let (world, sealed) = arcade().await;
    for tick in 1..=5 {
        assert_eq!(play(&world, &sealed, tick).await, Ok((tick, u64::from(tick) * 10)));
        world.clock.advance(60);
    }
    assert_eq!(play(&world, &sealed, 6).await, Err(over()));
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(captured(&world), [Some(50)]);
}

#[tokio::test]
async fn not_before_authorization_not_by_others_and_not_by_another_count() {
    let (world, sealed) = arcade().await;
    let thief = world.other_holder();
    let refused = play_as(&world, &thief, &sealed, 1).await.unwrap_err();
    assert_eq!(problem(refused), ("not_found".into(), "order".into()));
    let question = StopQuestion { order: sealed.id };
    let refused: Result<StopAnswer, _> = world.ask(&thief, "stop", &question).await;
    assert_eq!(problem(refused.unwrap_err()), ("not_found".into(), "order".into()));
    for tick in [0, 3, u32::MAX] {
        let refused = play(&world, &sealed, tick).await.unwrap_err();
        assert_eq!(refused, ("bad_value".into(), "tick".into()));
    }
    assert_eq!(problem(stop(&world, &sealed).await.unwrap_err()), over());
    world.script(Role::Center).set(not_paid());
    let (other, question) = world.prepaid("G-1", 5, 8).await;
    world.order(&other, &question).await;
    assert_eq!(play(&world, &other, 1).await, Err(over()));
    world.merchant.run_pending().await.unwrap();
    assert!(ticks(&world).is_empty());
    assert!(captured(&world).is_empty());
}

#[tokio::test]
async fn given_up_only_before_it_is_used() {
    let (world, sealed) = arcade().await;
    play(&world, &sealed, 1).await.unwrap();
    assert_eq!(world.merchant.cancel(&sealed.id).await.unwrap_err().code, "wrong_state");
    assert_eq!(stop(&world, &sealed).await.unwrap(), State::Settled);
    let (other, question) = world.prepaid("G-1", 5, 8).await;
    world.order(&other, &question).await;
    assert_eq!(world.merchant.cancel(&other.id).await.unwrap(), State::Cancelled);
    assert_eq!(play(&world, &other, 1).await, Err(over()));
}

#[tokio::test]
async fn a_center_that_is_away_is_told_later() {
    let (world, sealed) = arcade().await;
    world.script(Role::Center).set(Mode::Problem(Problem::internal()));
    play(&world, &sealed, 1).await.unwrap();
    world.merchant.run_pending().await.unwrap();
    world.clock.advance(60);
    assert_eq!(play(&world, &sealed, 2).await, Ok((2, 20)), "the use goes on");
    assert_eq!(stop(&world, &sealed).await.unwrap(), State::Authorized);
    world.script(Role::Center).set(Mode::WrongOrder);
    world.merchant.run_pending().await.unwrap();
    assert_eq!(world.state(&sealed).await, State::Authorized, "no word on this order");
    world.script(Role::Center).set(Mode::Good);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(ticks(&world), [(2, 20)]);
    assert_eq!(captured(&world), [Some(20)]);
}

#[tokio::test]
async fn a_center_that_takes_no_further_tick() {
    let no = || Mode::Problem(Problem::new(422, "nothing_held", "", Some("meter_request.order")));
    let (world, sealed) = arcade().await;
    play(&world, &sealed, 1).await.unwrap();
    world.merchant.run_pending().await.unwrap();
    world.clock.advance(60);
    play(&world, &sealed, 2).await.unwrap();
    world.script(Role::Center).set(no());
    world.merchant.run_pending().await.unwrap();
    assert_eq!(play(&world, &sealed, 2).await, Err(over()));
    world.script(Role::Center).set(Mode::Good);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.state(&sealed).await, State::Settled);
    assert_eq!(captured(&world), [Some(10)], "what the center knows of");

    // It never knew of any.
    let (world, sealed) = arcade().await;
    play(&world, &sealed, 1).await.unwrap();
    world.script(Role::Center).set(no());
    world.merchant.run_pending().await.unwrap();
    world.script(Role::Center).set(Mode::Good);
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(world.state(&sealed).await, State::Cancelled);
    assert_eq!(world.script(Role::Center).kinds(), ["authorize", "void"]);
}

#[tokio::test]
async fn over_before_the_hold_ends() {
    let (world, sealed) = arcade().await;
    world.clock.advance(86_400 - 3_600 - 30);
    play(&world, &sealed, 1).await.unwrap();
    world.clock.advance(30);
    assert_eq!(play(&world, &sealed, 1).await, Err(over()));
    assert_eq!(world.merchant.run_pending().await.unwrap().finished, 1);
    assert_eq!(captured(&world), [Some(10)]);
}

#[tokio::test]
async fn the_quote_says_what_a_tick_is() {
    let (world, _) = arcade().await;
    let form = world.form("prepaid-metered").await;
    let token = world.quote(&form, &[("G-1", 5)]).await.unwrap();
    let at_fault = warifu_protocol::AtFault::Sender;
    let quote: warifu_protocol::quote::Quote =
        warifu_protocol::jws::peek(warifu_protocol::quote::QUOTE, &token, at_fault).unwrap();
    assert_eq!(quote.lines[0].tick_seconds, Some(60));
    assert_eq!(quote.total, Money::new(50, Currency::JPY).unwrap());
}

#[tokio::test]
async fn a_crash_at_every_write_of_a_game() {
    let mut finished_alone = false;
    let mut jobs = 0;
    while !finished_alone {
        let (mut world, sealed) = arcade().await;
        let store = Breaking { store: world.store.clone(), jobs: AtomicUsize::new(jobs) };
        world.serve(world.rebuilt_on(Arc::new(store))).await;
        let first = play(&world, &sealed, 1).await;
        world.clock.advance(60);
        let second = play(&world, &sealed, 2).await;
        finished_alone = second.is_ok() && stop(&world, &sealed).await.is_ok();

        world.serve(world.rebuilt()).await;
        if first.is_err() {
            play(&world, &sealed, 1).await.unwrap();
        }
        stop(&world, &sealed).await.unwrap();
        world.merchant.run_pending().await.unwrap();
        assert_eq!(world.state(&sealed).await, State::Settled, "broken after {jobs}");
        let ticks = if second.is_ok() { 2 } else { 1 };
        assert_eq!(captured(&world), [Some(ticks * 10)], "broken after {jobs}");
        assert_eq!(world.script(Role::Center).kinds(), ["authorize", "capture"]);
        assert_eq!(world.merchant.run_pending().await.unwrap(), Default::default());
        jobs += 1;
        assert!(jobs < 60, "a game takes fewer writes than that");
    }
    assert!(jobs > 5, "a game is written more often than {jobs} times");
}
