//! A network whose every listener stands behind a tap.

use crate::{
    canary::{Canary, Source},
    check::{Evidence, Fault, faults},
    files::Files,
    keys::Keys,
    log,
    member::Member,
    secrets::secrets,
    trades::{Script, Trade},
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
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
use warifu_center::Limit;
use warifu_holder::OrderRecord;
use warifu_keydist::Thresholds;
use warifu_ports::{Store, mail::OutgoingMail};
use warifu_protocol::status::State;
use warifu_store::Document;
use warifu_testkit::{Entry, Recording, Tap};
use warifu_types::{Currency, Money};

/// How long something may take that comes by itself.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that carry in clear what they are for, by the tap's name: between the user and the broker,
/// where the operator puts TLS, and the telephone line of the fax machine.
const LINES: [(&str, &str); 2] = [("broker", "user"), ("fax", "fax")];

#[derive(Default)]
struct Taps {
    recording: Recording,
    taps: Mutex<Vec<(String, Tap)>>,
}

#[async_trait]
impl Front for Taps {
    async fn front(&self, name: &str, target: SocketAddr) -> SocketAddr {
        let tap = Tap::bind(name, &self.recording).await.unwrap();
        tap.forward_to(target);
        let address = tap.address();
        self.taps.lock().unwrap().push((name.to_string(), tap));
        address
    }
}

/// A network, and everything that was recorded of it.
pub struct Tapped {
    /// The network.
    pub network: Network,
    /// The canaries of the trades made so far.
    pub canaries: Vec<Canary>,
    /// The member of the settlement center, once it has joined.
    pub member: Option<Member>,
    taps: Arc<Taps>,
    files: Files,
    seed: [u8; 32],
    trades: u32,
    // Deleted last.
    folder: TempDir,
}

impl Tapped {
    /// Starts a network.
    pub async fn start(keys: Keys) -> Tapped {
        Tapped::start_for(keys, None).await
    }

    /// As [`Tapped::start`], for this person instead of the demonstration's.
    pub async fn start_for(keys: Keys, person: Option<Person>) -> Tapped {
        log::start();
        let folder = tempfile::tempdir().unwrap();
        let taps = Arc::new(Taps::default());
        let mut setup = Setup {
            thresholds: Thresholds::new(64, 32).unwrap(),
            front: Some(taps.clone()),
            settlement: settlement(),
            person,
            program: Some(telling_everything(folder.path())),
            ..Setup::default()
        };
        keys.apply_to(&mut setup);
        let network = Network::start(folder.path(), &setup).await.unwrap();
        let seed = network.holder.party().random32();
        let files = Files::default();
        Tapped { network, canaries: Vec::new(), member: None, taps, files, seed, trades: 0, folder }
    }

    /// Values that stand nowhere else in this network.
    pub fn source(&self, what: &str) -> Source {
        Source::new(&self.seed, what)
    }

    /// A trade with values of its own.
    pub fn next_trade(&mut self, make: impl FnOnce(&[u8; 32], u32) -> Trade) -> Trade {
        self.trades += 1;
        make(&self.seed, self.trades)
    }

    /// Makes a trade and waits for its end.
    pub async fn trade(&mut self, script: Script) -> OrderRecord {
        let trade = self.next_trade(|seed, number| Trade::new(script, seed, number));
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
        for started_later in ["member", "broker", "registry"] {
            let folder = self.folder(started_later);
            if folder.exists() {
                self.files.snapshot(&folder);
            }
        }
    }

    /// The check over everything that was recorded until now.
    pub fn faults(&mut self) -> Vec<Fault> {
        self.snapshot();
        let evidence = self.evidence();
        let mut canaries = self.canaries.clone();
        canaries.extend(secrets(&self.network, &evidence.documents));
        faults(&canaries, &evidence)
    }

    /// Every party's documents, decrypted.
    pub fn documents(&self) -> BTreeMap<&'static str, Vec<Document>> {
        let stores = self.network.stores.iter();
        let mut documents: BTreeMap<_, _> =
            stores.map(|(party, opened)| (*party, opened.store.dump().unwrap())).collect();
        if let Some(member) = &self.member {
            documents.insert("member", member.documents());
        }
        if let Some(side) = self.network.broker_if_started() {
            let stores = side.stores.iter();
            documents.extend(stores.map(|(party, opened)| (*party, opened.store.dump().unwrap())));
            documents.insert("mail", side.mail.mails().iter().map(mail).collect());
        }
        documents
    }

    /// What was recorded on sockets: on those that are nobody's, and on those that belong to a place
    /// which may hold something.
    fn sockets(&self) -> (Vec<Entry>, BTreeMap<&'static str, Vec<Document>>) {
        let (mut public, mut owned) = (Vec::new(), BTreeMap::new());
        for entry in self.taps.recording.entries() {
            let line = LINES.iter().find(|(tap, _)| entry.label.starts_with(&format!("{tap}#")));
            match line {
                Some((_, place)) => {
                    owned.entry(*place).or_insert_with(Vec::new).push(heard(entry));
                }
                None => public.push(entry),
            }
        }
        (public, owned)
    }

    fn evidence(&self) -> Evidence<'_> {
        let (sockets, owned) = self.sockets();
        let mut documents = self.documents();
        documents.extend(owned);
        Evidence { sockets, files: &self.files, log: log::lines(), documents }
    }

    /// There is something in every place: a check of nothing would find nothing.
    pub fn assert_recorded(&self) {
        let all: Vec<&str> = self.network.addresses().into_keys().collect();
        self.assert_recorded_of(&all);
    }

    /// As [`Tapped::assert_recorded`], where only these services were spoken to.
    pub fn assert_recorded_of(&self, spoken_to: &[&str]) {
        let evidence = self.evidence();
        let connections = self.taps.recording.entries();
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

    /// Whether these very bytes went over a socket.
    pub fn was_heard(&self, bytes: &[u8]) -> bool {
        let heard = |entry: Entry| entry.bytes.windows(bytes.len()).any(|part| part == bytes);
        self.taps.recording.entries().into_iter().any(heard)
    }

    /// Where a tap is reached.
    pub fn address(&self, tap: &str) -> SocketAddr {
        let taps = self.taps.taps.lock().unwrap();
        taps.iter().find(|(name, _)| name == tap).unwrap().1.address()
    }

    /// A party's open store.
    pub fn store(&self, party: &str) -> Arc<dyn Store> {
        let brokering = self.network.broker_if_started().map(|side| &side.stores);
        let mut opened = self.network.stores.iter().chain(brokering.into_iter().flatten());
        match opened.find(|(name, _)| **name == party) {
            Some((_, opened)) => opened.port(),
            None => self.the_member().store.clone(),
        }
    }

    /// A canary's value by its name.
    pub fn value(&self, name: &str) -> Vec<u8> {
        let secrets = secrets(&self.network, &self.documents());
        let known = self.canaries.iter().cloned().chain(secrets);
        known.into_iter().find(|canary| canary.name == name).unwrap().value
    }

    /// A party's folder.
    pub fn folder(&self, party: &str) -> std::path::PathBuf {
        self.folder.path().join(party)
    }
}

/// What went over a line, as a document of it.
fn heard(entry: Entry) -> Document {
    let Entry { label, direction, bytes } = entry;
    let value = bytes.into();
    Document { collection: "socket".to_string(), key: format!("{label} {direction}"), value }
}

/// A mail as the mail server has it.
fn mail(mail: &OutgoingMail) -> Document {
    let OutgoingMail { id, to, reply_to, subject, text, html, .. } = mail;
    let whole = format!("{to}\n{reply_to:?}\n{subject}\n{text}\n{html:?}");
    let value = whole.into_bytes().into();
    Document { collection: "mail".to_string(), key: id.clone(), value }
}

/// The program as it logs what it does at every level, for the parties that are processes of their own.
fn telling_everything(folder: &Path) -> PathBuf {
    let script = folder.join("warifu.sh");
    let program = env!("CARGO_BIN_EXE_warifu");
    let text = format!("#!/bin/sh\nRUST_LOG=trace exec '{program}' \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    script
}

/// Amounts are canaries of many digits, and members may have as much.
fn settlement() -> warifu_center::Settings {
    let yen = |minor| Money::new(minor, Currency::JPY).unwrap();
    let limit = Limit { card: yen(100_000_000_000_000), member: yen(900_000_000_000_000) };
    warifu_center::Settings { limits: vec![limit], ..warifu_center::Settings::default() }
}
