//! Several processes of one registry on one database: a sheet goes out once, whoever works on it and
//! whoever dies over it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use async_trait::async_trait;
use common::{BROKER, World, settings};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool};
use warifu_registry::{Channel, ClosedLine, Pass, Registry, Settings, Ways};
use warifu_wire::{
    CallError,
    private_line::{CardPost, DispatchAnswer, SheetState},
};

/// What must come by itself.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(10);
    tokio::time::timeout(patience, what).await.unwrap()
}

/// A fax server, or a provider's line, to which handing over takes as long as the test likes.
struct Slow {
    /// Whoever is about to hand a sheet over adds one, and takes one from `go` before it has.
    reached: Semaphore,
    go: Semaphore,
    handed_over: Mutex<Vec<String>>,
    /// Those that were broken off.
    broken_off: AtomicUsize,
    asked: AtomicUsize,
    is_gateway: bool,
}

impl Slow {
    fn new(is_gateway: bool) -> Arc<Slow> {
        Arc::new(Slow {
            reached: Semaphore::new(0),
            go: Semaphore::new(0),
            handed_over: Mutex::default(),
            broken_off: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            is_gateway,
        })
    }

    fn ways(self: &Arc<Self>) -> Ways {
        Ways { fax: Some(self.clone()), line: Some(self.clone()) }
    }

    async fn hand_over(&self, id: &str) {
        let mut begun = Begun(Some(&self.broken_off));
        self.reached.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        self.handed_over.lock().unwrap().push(id.to_string());
        begun.0 = None;
    }

    /// Until somebody is about to hand a sheet over.
    async fn is_reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    fn handed_over(&self) -> Vec<String> {
        self.handed_over.lock().unwrap().clone()
    }
}

/// Counts itself if it is dropped before its end.
struct Begun<'a>(Option<&'a AtomicUsize>);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Fax for Slow {
    async fn submit(&self, id: &str, _: &str, _: &CardSheet) -> Result<FaxJob, FaxError> {
        self.hand_over(id).await;
        Ok(FaxJob(id.to_string()))
    }

    async fn find(&self, id: &str) -> Result<Known, FaxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = self.handed_over().iter().any(|job| job == id);
        Ok(match known {
            _ if self.is_gateway => Known::Untold,
            true => Known::Job(FaxJob(id.to_string())),
            false => Known::Nothing,
        })
    }

    async fn state(&self, _: &FaxJob) -> Result<FaxState, FaxError> {
        Ok(FaxState::Sent { pages: 1 })
    }

    async fn clear(&self, _: &FaxJob) -> Result<Spool, FaxError> {
        Ok(Spool::Clear)
    }
}

#[async_trait]
impl ClosedLine for Slow {
    async fn post(&self, _: &str, sheet: &CardPost) -> Result<(), CallError> {
        self.hand_over(&sheet.number).await;
        Ok(())
    }
}

/// Two processes, and a sheet in their outbox.
struct Two {
    world: World,
    slow: Arc<Slow>,
    first: Arc<Registry>,
    second: Arc<Registry>,
}

impl Two {
    async fn new(channel: Channel, (slow, settings): (Arc<Slow>, Settings)) -> Two {
        let world = World::new().await;
        world.member().await;
        world.admit(channel).await;
        let reference = world.reference("N-0001").await;
        let question = world.dispatch(&reference, "N-0001");
        let _: DispatchAnswer = world.ask(BROKER, "/v1/line/dispatch", &question).await.unwrap();
        let first = world.another(settings.clone(), slow.ways());
        let second = world.another(settings, slow.ways());
        Two { world, slow, first, second }
    }

    /// The first is in the middle of handing the sheet over.
    async fn begin(&self) -> JoinHandle<Pass> {
        let first = self.first.clone();
        let begun = tokio::spawn(async move { first.run_pending().await.unwrap() });
        self.slow.is_reached().await;
        begun
    }

    /// The second works, later. It must not wait for what the first does.
    async fn second(&self, seconds: u64) -> SheetState {
        self.world.clock.advance(seconds);
        soon(self.second.run_pending()).await.unwrap();
        self.state().await
    }

    async fn state(&self) -> SheetState {
        self.second.sheets("", 10).await.unwrap()[0].state
    }

    /// How often the sheet's process has said that it lives.
    fn beats(&self) -> u64 {
        let documents = self.world.store.dump().unwrap();
        let sheet = documents.iter().find(|d| d.collection == "registry_outbox").unwrap();
        let sheet: serde_json::Value = serde_json::from_slice(&sheet.value).unwrap();
        sheet["claim"]["beats"].as_u64().unwrap()
    }
}

fn fax() -> Channel {
    Channel::Fax { number: "0312345678".into() }
}

fn line() -> Channel {
    Channel::Line { url: "https://inn.example:7443".into() }
}

#[tokio::test]
async fn two_processes_hand_a_sheet_over_once() {
    use SheetState::{Cleared, Queued};
    for (channel, is_gateway) in [(fax(), false), (fax(), true), (line(), false)] {
        let two = Two::new(channel, (Slow::new(is_gateway), settings())).await;
        let begun = two.begin().await;
        for seconds in [0, 1, 15] {
            assert_eq!(two.second(seconds).await, Queued);
        }
        two.slow.go.add_permits(2);
        begun.await.unwrap();
        assert_eq!(two.slow.handed_over().len(), 1);
        assert_eq!(two.slow.asked.load(Ordering::SeqCst), 0, "nobody has died");
        two.second(60).await;
        assert_eq!((two.state().await, two.slow.handed_over().len()), (Cleared, 1));
    }
}

#[tokio::test]
async fn a_dead_process_is_followed_by_the_other_and_nothing_goes_out_twice() {
    for made_a_job in [false, true] {
        let two = Two::new(fax(), (Slow::new(false), settings())).await;
        let begun = two.begin().await;
        begun.abort();
        assert!(begun.await.unwrap_err().is_cancelled());
        if made_a_job {
            two.slow.handed_over.lock().unwrap().push("card-N-0001-1".into());
        }
        two.slow.go.add_permits(10);
        // It may only be slow.
        assert_eq!(two.second(1_000).await, SheetState::Queued);
        assert_eq!(two.second(19).await, SheetState::Queued);
        assert_eq!(two.slow.asked.load(Ordering::SeqCst), 0);
        assert_eq!(two.second(1).await, SheetState::Cleared);
        assert_eq!(two.slow.asked.load(Ordering::SeqCst), 1);
        assert_eq!(two.slow.handed_over(), ["card-N-0001-1"], "{made_a_job}");
    }
}

#[tokio::test]
async fn a_page_that_went_to_a_gateway_before_a_death_is_not_mailed_again() {
    let two = Two::new(fax(), (Slow::new(true), settings())).await;
    let begun = two.begin().await;
    begun.abort();
    let _ = begun.await;
    two.slow.go.add_permits(10);
    assert_eq!(two.second(0).await, SheetState::Queued);
    assert_eq!(two.second(20).await, SheetState::Unconfirmed);
    assert!(two.slow.handed_over().is_empty());
}

#[tokio::test]
async fn a_process_that_says_that_it_lives_keeps_its_sheet() {
    let quick = Settings { lease: 1, ..settings() };
    let two = Two::new(fax(), (Slow::new(false), quick)).await;
    let begun = two.begin().await;
    for _ in 0..3 {
        let before = two.beats();
        assert_eq!(two.second(0).await, SheetState::Queued);
        soon(async {
            while two.beats() == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        // A lease is over, and the other has been heard of in it.
        assert_eq!(two.second(1).await, SheetState::Queued);
    }
    two.slow.go.add_permits(1);
    begun.await.unwrap();
    assert_eq!(two.slow.handed_over(), ["card-N-0001-1"]);
    assert_eq!(two.slow.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_process_that_was_thought_dead_breaks_its_handing_over_off() {
    let two = Two::new(fax(), (Slow::new(false), Settings { lease: 4, ..settings() })).await;
    let begun = two.begin().await;
    // The other hears nothing for longer than a lease, before the first has said anything.
    two.second(0).await;
    two.world.clock.advance(4);
    let second = two.second.clone();
    let other = tokio::spawn(async move { second.run_pending().await.unwrap() });
    two.slow.is_reached().await;
    soon(begun).await.unwrap();
    assert_eq!(two.slow.broken_off.load(Ordering::SeqCst), 1);
    two.slow.go.add_permits(10);
    other.await.unwrap();
    assert_eq!((two.state().await, two.slow.handed_over().len()), (SheetState::Cleared, 1));
}
