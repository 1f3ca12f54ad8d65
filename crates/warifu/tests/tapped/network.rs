//! A network whose every listener stands behind a tap.

use crate::{
    canary::Canary,
    check::{Evidence, Fault, faults},
    files::Files,
    log,
    secrets::secrets,
    trades::{Script, Trade},
};
use async_trait::async_trait;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use warifu::{
    demo::{
        Person,
        network::{Front, Network, Setup},
    },
    serve::Service,
};
use warifu_holder::OrderRecord;
use warifu_keydist::Thresholds;
use warifu_protocol::{status::State, suite::Suite};
use warifu_testkit::{Recording, Tap};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Taps {
    recording: Recording,
    taps: Mutex<Vec<Tap>>,
}

#[async_trait]
impl Front for Taps {
    async fn front(&self, name: &str, target: SocketAddr) -> SocketAddr {
        let tap = Tap::bind(name, &self.recording).await.unwrap();
        tap.forward_to(target);
        let address = tap.address();
        self.taps.lock().unwrap().push(tap);
        address
    }
}

/// A network, and everything that was recorded of it.
pub struct Tapped {
    /// The network.
    pub network: Network,
    /// The canaries of the trades made so far.
    pub canaries: Vec<Canary>,
    taps: Arc<Taps>,
    files: Files,
    seed: [u8; 32],
    trades: u32,
    // Deleted last.
    folder: TempDir,
}

impl Tapped {
    /// Starts a network with the default suites, or with `kps` alone.
    pub async fn start(suite: Option<Suite>) -> Tapped {
        Tapped::start_with(suite, None).await
    }

    /// As [`Tapped::start`], with what the holder enters in the demonstration's own purchases.
    pub async fn start_with(suite: Option<Suite>, person: Option<Person>) -> Tapped {
        log::start();
        let folder = tempfile::tempdir().unwrap();
        let taps = Arc::new(Taps::default());
        let mut setup = Setup {
            thresholds: Thresholds::new(64, 32).unwrap(),
            front: Some(taps.clone()),
            person,
            ..Setup::default()
        };
        if let Some(suite) = suite {
            setup.minimum = Some(suite);
            setup.suites = vec![suite];
        }
        let network = Network::start(folder.path(), &setup).await.unwrap();
        let seed = network.holder.party().random32();
        let files = Files::default();
        Tapped { network, canaries: Vec::new(), taps, files, seed, trades: 0, folder }
    }

    /// Makes a trade and waits for its end.
    pub async fn trade(&mut self, script: Script) -> OrderRecord {
        self.trades += 1;
        let trade = Trade::new(script, &self.seed, self.trades);
        self.prepare(&trade).await;
        let holder = &self.network.holder;
        let url = self.network.url(if trade.is_badge() { "door" } else { "merchant" });
        let record = holder.buy(&trade.purchase(url)).await.unwrap();
        self.snapshot();
        let end = match (trade.is_badge(), script.refused) {
            (true, _) => State::Delivered,
            (_, true) => State::Refused,
            _ => State::Settled,
        };
        let holder = &self.network.holder;
        let record = holder.wait_for(record.id, end, PATIENCE).await.unwrap();
        assert_eq!(record.state, Some(end), "{}: {:?}", script.name, record.reason);
        self.snapshot();
        self.canaries.extend(trade.canaries(&record));
        record
    }

    /// Tells the merchant of the goods, the issuer of the card, and the holder of both.
    async fn prepare(&self, trade: &Trade) {
        let services = &self.network.services;
        let Service::Merchant(merchant) = &services["merchant"] else { panic!("no merchant") };
        let items = serde_json::from_value(trade.catalogue()).unwrap();
        merchant.import_catalogue(items).await.unwrap();
        let manager = if trade.is_badge() { "card_manager" } else { "issuer" };
        let Service::Issuer(issuer) = &services[manager] else { panic!("no {manager}") };
        let holder = &self.network.holder;
        issuer.add_card(trade.application(&holder.party().id())).await.unwrap();
        let (profile, card) = trade.entered();
        holder.set_profile(profile).await.unwrap();
        holder.add_card(card).await.unwrap();
    }

    /// Keeps every file as it is now.
    pub fn snapshot(&mut self) {
        for place in self.network.places.values() {
            self.files.snapshot(&place.data);
        }
        let vault = self.folder("member");
        if vault.exists() {
            self.files.snapshot(&vault);
        }
    }

    /// The check over everything that was recorded until now.
    pub fn faults(&mut self) -> Vec<Fault> {
        self.snapshot();
        let mut canaries = self.canaries.clone();
        canaries.extend(secrets(&self.network));
        faults(&canaries, &self.evidence())
    }

    fn evidence(&self) -> Evidence<'_> {
        let stores = self.network.stores.iter();
        Evidence {
            sockets: &self.taps.recording,
            files: &self.files,
            log: log::lines(),
            documents: stores
                .map(|(party, opened)| (*party, opened.store.dump().unwrap()))
                .collect(),
        }
    }

    /// There is something in every place: a check of nothing would find nothing.
    pub fn assert_recorded(&self) {
        let all: Vec<&str> = self.network.addresses().into_keys().collect();
        self.assert_recorded_of(&all);
    }

    /// As [`Tapped::assert_recorded`], where only these services were spoken to.
    pub fn assert_recorded_of(&self, spoken_to: &[&str]) {
        let evidence = self.evidence();
        let connections = evidence.sockets.entries();
        for name in spoken_to {
            let label = format!("{name}#");
            let of = connections.iter().filter(|entry| entry.label.starts_with(&label));
            assert!(of.map(|entry| entry.bytes.len()).sum::<usize>() > 1000, "{name}");
        }
        for (name, place) in &self.network.places {
            let below = |(path, bytes): (&std::path::Path, &[u8])| {
                path.starts_with(&place.data) && !bytes.is_empty()
            };
            // The database, its write-ahead log and the log's index.
            assert!(
                evidence.files.versions().filter(|version| below(*version)).count() >= 3,
                "{name}"
            );
        }
        for (name, documents) in &evidence.documents {
            assert!(!documents.is_empty(), "{name}");
        }
        assert!(evidence.log.len() > 10_000);
    }

    /// A canary's value by its name.
    pub fn value(&self, name: &str) -> Vec<u8> {
        let known = self.canaries.iter().cloned().chain(secrets(&self.network));
        known.into_iter().find(|canary| canary.name == name).unwrap().value
    }

    /// A party's folder.
    pub fn folder(&self, party: &str) -> std::path::PathBuf {
        self.folder.path().join(party)
    }
}
