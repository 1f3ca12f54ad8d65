//! A real center over a temporary store and real sockets, with members who join by letter and
//! telegram, and a scripted issuer and merchant.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    reason = "each test file uses its own share of this"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::result_large_err, reason = "as in the crate")]

pub mod dying;
pub mod keys;
pub mod member;
#[path = "../../../protocol/tests/common/mod.rs"]
pub mod net;
pub mod orders;
pub mod place;
pub mod script;

pub use keys::Keys;
pub use member::Member;
pub use orders::Wish;
pub use place::Place;
pub use script::Script;

use dying::Dying;
use net::{NOW, id, rng};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use warifu_center::{Center, CenterWish, Kind, Settings};
use warifu_keydist::Thresholds;
use warifu_ledger::Balance;
use warifu_ports::{FixedClock, Store, books::AccountKind};
use warifu_protocol::{credential::Credential, suite::SuiteFloor, terminal::KeyPolicy};
use warifu_store::{MasterKey, OsEntropy};
use warifu_types::{Currency, Identifier, Money, Role};
use warifu_wire::{Party, TelegramSession, identity};

pub const CENTER: &str = "domain:center.example";
pub const NETWORK: &str = "town.example";

pub struct World {
    pub place: Place,
    pub clock: Arc<FixedClock>,
    pub settings: Settings,
    pub center: Arc<Center>,
    pub url: String,
    address: SocketAddr,
    /// What the router runs in; aborted at a restart.
    serving: Mutex<tokio::task::JoinHandle<()>>,
    pub issuer: Arc<Script>,
    pub merchant: Arc<Script>,
}

pub fn settings() -> Settings {
    Settings { patience: std::time::Duration::from_secs(20), ..Settings::default() }
}

/// The center's key file.
pub fn key() -> MasterKey {
    MasterKey::from_bytes([1; 32])
}

impl World {
    pub async fn new() -> World {
        World::with(settings()).await
    }

    pub async fn with(settings: Settings) -> World {
        World::at(Place::sqlite(), settings).await
    }

    pub async fn at(place: Place, settings: Settings) -> World {
        let clock = Arc::new(FixedClock::new(NOW));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let store = place.open(&key()).unwrap();
        init(&store, &url).await;
        let center = build(store, &clock, &settings).await;
        let serving = Mutex::new(serve(listener, &center));
        let issuer = Script::start(&center, &clock, "domain:card.example", Role::Issuer, 3).await;
        let merchant =
            Script::start(&center, &clock, "domain:shop.example", Role::Merchant, 2).await;
        World { place, clock, settings, center, url, address, serving, issuer, merchant }
    }

    /// The center's process ends and starts again on the same file and port; every session is gone.
    pub async fn restart(&mut self) {
        self.restart_on(|store| store).await;
    }

    /// As [`World::restart`], on a store that `wrap` puts around the real one.
    pub async fn restart_on(&mut self, wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) {
        self.serving.lock().unwrap().abort();
        // Two stores must not hold the file at once, so the old one goes first.
        let aside = Place::sqlite();
        let other = aside.open(&key()).unwrap();
        init(&other, &self.url).await;
        self.center = build(other, &self.clock, &self.settings).await;
        let listener = loop {
            match tokio::net::TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        let store = loop {
            match self.place.open(&key()) {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        self.center = build(wrap(store), &self.clock, &self.settings).await;
        *self.serving.lock().unwrap() = serve(listener, &self.center);
    }

    /// As [`World::restart`], on a store that dies after so many halves of jobs.
    pub async fn dying_after(&mut self, halves: i64) -> Dying {
        let mut dying = None;
        self.restart_on(|store| {
            let dies = Dying::on(store);
            dying = Some(dies.clone());
            Arc::new(dies) as Arc<dyn Store>
        })
        .await;
        let dying = dying.unwrap();
        dying.after(halves);
        dying
    }

    pub fn credential(&self) -> Arc<Credential> {
        self.center.party().terminal().credential.clone()
    }

    pub async fn session(&self) -> TelegramSession {
        let mut random = self.center.party().random();
        TelegramSession::open(NETWORK, &self.credential(), &mut random).await.unwrap()
    }

    /// Every sum of the books of a kind of account.
    pub async fn sum(&self, kind: AccountKind, of: fn(&Balance) -> u64) -> u64 {
        let all = self.center.settlement().balances().await.unwrap();
        all.iter().filter(|a| a.kind == kind).map(|a| of(&a.balance)).sum()
    }

    /// Held and posted debits of the cards, posted credits of the merchants.
    pub async fn sums(&self) -> (u64, u64, u64) {
        (
            self.sum(AccountKind::Card, |b| b.debits_pending).await,
            self.sum(AccountKind::Card, |b| b.debits_posted).await,
            self.sum(AccountKind::Merchant, |b| b.credits_posted).await,
        )
    }

    /// What was ever loaded on cards.
    pub async fn loaded(&self) -> u64 {
        self.sum(AccountKind::Card, |b| b.credits_posted).await
    }

    pub async fn audit(&self) {
        self.center.settlement().audit().await.unwrap();
    }

    /// Enrols a service at the center.
    pub async fn admit(&self, keys: &Keys) -> Arc<Party> {
        admit(&self.center, &self.clock, keys).await
    }
}

async fn init(store: &Arc<dyn Store>, url: &str) {
    let wish = CenterWish {
        network: NETWORK.into(),
        identifier: id(CENTER),
        url: url.to_string(),
        thresholds: Thresholds::new(24, 8).unwrap(),
    };
    let init = move |unit: &mut dyn warifu_ports::Unit| {
        warifu_center::init(unit, &wish, [9; 32], NOW, &mut rng(1))
    };
    store.run(init).await.unwrap();
}

async fn build(store: Arc<dyn Store>, clock: &Arc<FixedClock>, settings: &Settings) -> Arc<Center> {
    let load = |unit: &mut dyn warifu_ports::Unit| {
        identity::load(unit, SuiteFloor::default(), KeyPolicy::Predistributed)
    };
    let terminal = store.run(load).await.unwrap();
    let party = Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None);
    Center::with(party, store, false, settings.clone()).await.unwrap()
}

fn serve(listener: tokio::net::TcpListener, center: &Arc<Center>) -> tokio::task::JoinHandle<()> {
    let routes = warifu_center::routes(center.clone());
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() })
}

pub async fn admit(center: &Arc<Center>, clock: &Arc<FixedClock>, keys: &Keys) -> Arc<Party> {
    let enrolment = center.enrol(keys.request(NOW), Kind::Admit).await.unwrap();
    keys.party(&enrolment, clock, &center_link(center))
}

pub fn center_link(center: &Arc<Center>) -> (Identifier, String) {
    let credential = center.party().terminal().credential.clone();
    (credential.sub.clone(), credential.url.clone().unwrap())
}

pub fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

pub fn euro(minor: u64) -> Money {
    Money::new(minor, Currency::EUR).unwrap()
}

/// Waits for what happens beside the answer.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}")
}
