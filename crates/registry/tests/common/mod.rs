//! A registry over a temporary store, with a scripted fax server and closed line.
#![allow(dead_code, missing_docs, reason = "each test file uses its own share of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::result_large_err, reason = "as in the crate")]

#[path = "../../../protocol/tests/common/mod.rs"]
pub mod net;

use async_trait::async_trait;
use axum::{Router, extract::connect_info::MockConnectInfo};
use net::{NOW, Net, id};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tempfile::TempDir;
use warifu_ports::{
    FixedClock, Job, Store, StoreError, Submitted,
    fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known, Spool},
};
use warifu_registry::{
    CardKeys, Channel, ClosedLine, ProviderEntry, Registry, Settings, Ways, line_routes,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Identifier, Role};
use warifu_wire::{
    CallError, Party, Problem,
    private_line::{
        AuthenticateAnswer, CardPost, CardReference, CardRegistration, LineDone, LinePeer,
        code_hash,
    },
};
use zeroize::Zeroizing;

pub const CARD: &str = "4111111111111111";
pub const OTHER_CARD: &str = "5555555555554444";
pub const NAME: &str = "HANAKO YAMADA";
pub const BROKER: &str = "broker.example";
pub const ISSUER: &str = "issuer.example";
pub const MEMBER: &str = "B-000001";
pub const CODE: &str = "ABCD-EFGH-JKMN-PQRS-TVWX";

pub fn provider() -> Identifier {
    id("domain:inn.example")
}

pub fn issuer() -> Identifier {
    id("domain:card.example")
}

/// A fax server that does as it is told. A sheet that was handed over is kept as it would be in a
/// spool, until it is cleared.
#[derive(Default)]
pub struct Script {
    pub spool: Mutex<BTreeMap<String, (String, CardSheet)>>,
    /// Every job that was ever made, with the number that it went to.
    pub jobs: Mutex<Vec<(String, String)>>,
    pub state: Mutex<Option<FaxState>>,
    pub down: AtomicBool,
    pub refuses: Mutex<Option<FaxError>>,
    /// It breaks off when it has the page, after it has made a job of it or before.
    pub breaks_off: Mutex<Option<bool>>,
    /// It cannot be asked for a job, and clears nothing: a mail gateway.
    pub is_gateway: AtomicBool,
    pub posted: Mutex<Vec<(String, CardPost)>>,
}

impl Script {
    pub fn says(&self, state: FaxState) {
        *self.state.lock().unwrap() = Some(state);
    }

    fn up(&self) -> Result<(), FaxError> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(FaxError::Unreachable("down".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Fax for Script {
    async fn submit(&self, id: &str, to: &str, sheet: &CardSheet) -> Result<FaxJob, FaxError> {
        self.up()?;
        if let Some(error) = self.refuses.lock().unwrap().clone() {
            return Err(error);
        }
        let breaks_off = *self.breaks_off.lock().unwrap();
        let broken = || FaxError::Unclear("broken off".into());
        if breaks_off == Some(false) {
            return Err(broken());
        }
        let mut jobs = self.jobs.lock().unwrap();
        if !jobs.iter().any(|(job, _)| job == id) {
            jobs.push((id.to_string(), to.to_string()));
            self.spool.lock().unwrap().insert(id.to_string(), (to.to_string(), sheet.clone()));
        }
        if breaks_off.is_some() { Err(broken()) } else { Ok(FaxJob(id.to_string())) }
    }

    async fn find(&self, id: &str) -> Result<Known, FaxError> {
        self.up()?;
        if self.is_gateway.load(Ordering::SeqCst) {
            return Ok(Known::Untold);
        }
        let known = self.jobs.lock().unwrap().iter().any(|(job, _)| job == id);
        Ok(if known { Known::Job(FaxJob(id.to_string())) } else { Known::Nothing })
    }

    async fn state(&self, _: &FaxJob) -> Result<FaxState, FaxError> {
        self.up()?;
        Ok(self.state.lock().unwrap().clone().unwrap_or(FaxState::Waiting))
    }

    async fn clear(&self, job: &FaxJob) -> Result<Spool, FaxError> {
        self.up()?;
        if self.is_gateway.load(Ordering::SeqCst) {
            return Ok(Spool::BeyondReach);
        }
        self.spool.lock().unwrap().remove(&job.0);
        Ok(Spool::Clear)
    }
}

#[async_trait]
impl ClosedLine for Script {
    async fn post(&self, url: &str, sheet: &CardPost) -> Result<(), CallError> {
        self.up().map_err(|error| CallError::Network(error.to_string()))?;
        let mut posted = self.posted.lock().unwrap();
        if !posted.iter().any(|(_, known)| known.number == sheet.number) {
            posted.push((url.to_string(), sheet.clone()));
        }
        Ok(())
    }
}

/// A store that dies after so many jobs.
#[derive(Clone)]
pub struct Dying(pub Arc<dyn Store>, pub Arc<AtomicI64>);

impl Store for Dying {
    fn submit(&self, job: Job) -> Submitted {
        if self.1.fetch_sub(1, Ordering::SeqCst) > 0 {
            return self.0.submit(job);
        }
        Box::pin(async { Err(StoreError::Closed) })
    }
}

pub struct World {
    pub net: Net,
    pub folder: TempDir,
    pub clock: Arc<FixedClock>,
    pub store: Arc<SqliteStore>,
    pub script: Arc<Script>,
    pub registry: Arc<Registry>,
}

pub fn keys(current: &str) -> CardKeys {
    let key = |byte| Zeroizing::new([byte; 32]);
    CardKeys::new(current, [("2026".to_string(), key(1)), ("2027".to_string(), key(2))]).unwrap()
}

impl World {
    pub async fn new() -> World {
        let net = Net::new();
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes([9; 32]);
        let store = Arc::new(SqliteStore::open(&folder.path().join("db"), &key).unwrap());
        let clock = Arc::new(FixedClock::new(NOW));
        let script = Arc::new(Script::default());
        let registry = built(&net, &clock, store.clone(), &script, "2026");
        let world = World { net, folder, clock, store, script, registry };
        world.admit(Channel::Fax { number: "0312345678".into() }).await;
        world
    }

    /// The same registry after a crash, or with another key or store.
    pub fn rebuilt(&self, store: Arc<dyn Store>, key: &str) -> Arc<Registry> {
        built(&self.net, &self.clock, store, &self.script, key)
    }

    /// Another process of the registry, with a connection of its own to the same database, and with
    /// settings and ways of its own.
    pub fn another(&self, settings: Settings, ways: Ways) -> Arc<Registry> {
        let key = MasterKey::from_bytes([9; 32]);
        let store = Arc::new(SqliteStore::open(&self.folder.path().join("db"), &key).unwrap());
        built_with(&self.net, &self.clock, (store, "2026"), (settings, ways))
    }

    pub async fn admit(&self, channel: Channel) {
        let (provider, name) = (provider(), "海辺の宿".to_string());
        let entry = ProviderEntry { provider, name, channel, sheets_an_hour: 5 };
        self.registry.admit_provider(entry).await.unwrap();
    }

    /// Asks on the private line, as whom the certificate names.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        who: &str,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, Problem> {
        ask_of(&self.registry, who, path, question).await
    }

    pub async fn give_code(&self, member: &str, code: &str) {
        let question = serde_json::json!({
            "member": member, "code_hash": code_hash(code), "until": NOW.plus(86_400),
        });
        let _: LineDone = self.ask(BROKER, "/v1/line/code", &question).await.unwrap();
    }

    /// A member with a card.
    pub async fn member(&self) {
        self.give_code(MEMBER, CODE).await;
        self.registry.register_card(registration(MEMBER, CODE, CARD)).await.unwrap();
    }

    pub async fn authenticate(&self, member: &str, number: &str) -> AuthenticateAnswer {
        let question = serde_json::json!({ "member": member, "number": number });
        self.ask(BROKER, "/v1/line/authenticate", &question).await.unwrap()
    }

    pub async fn reference(&self, number: &str) -> CardReference {
        match self.authenticate(MEMBER, number).await {
            AuthenticateAnswer::Yes { reference, .. } => reference,
            other => panic!("{other:?}"),
        }
    }

    pub fn dispatch(&self, reference: &CardReference, number: &str) -> serde_json::Value {
        serde_json::json!({ "reference": reference, "number": number, "provider": provider() })
    }

    pub fn is_stored(&self, text: &str) -> bool {
        let all = self.store.dump().unwrap();
        all.iter().any(|document| {
            let value = String::from_utf8_lossy(&document.value);
            value.contains(text) || document.key.contains(text)
        })
    }
}

fn built(
    net: &Net,
    clock: &Arc<FixedClock>,
    store: Arc<dyn Store>,
    script: &Arc<Script>,
    key: &str,
) -> Arc<Registry> {
    let ways = Ways { fax: Some(script.clone()), line: Some(script.clone()) };
    built_with(net, clock, (store, key), (settings(), ways))
}

pub fn settings() -> Settings {
    Settings::new(BROKER, BTreeMap::from([(ISSUER.to_string(), issuer())]))
}

fn built_with(
    net: &Net,
    clock: &Arc<FixedClock>,
    (store, key): (Arc<dyn Store>, &str),
    (settings, ways): (Settings, Ways),
) -> Arc<Registry> {
    let terminal = net.terminal("domain:registry.example", Role::Registry, 5);
    let party = Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None);
    Registry::new(party, store, keys(key), settings, ways)
}

pub async fn ask_of<A: DeserializeOwned>(
    registry: &Arc<Registry>,
    who: &str,
    path: &str,
    question: &impl Serialize,
) -> Result<A, Problem> {
    let peer = LinePeer { name: who.into(), address: ([127, 0, 0, 1], 1).into() };
    let router: Router = line_routes(registry.clone()).layer(MockConnectInfo(peer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.post(url).json(question).send().await.unwrap();
    let good = response.status().is_success();
    let bytes = response.bytes().await.unwrap();
    serving.abort();
    if good {
        Ok(serde_json::from_slice(&bytes).unwrap())
    } else {
        Err(serde_json::from_slice(&bytes).unwrap())
    }
}

pub fn registration(member: &str, code: &str, card: &str) -> CardRegistration {
    let text = |text: &str| Zeroizing::new(text.to_string());
    CardRegistration {
        member: member.into(),
        code: text(code),
        holder_name: text(NAME),
        card_number: text(card),
        card_expiry: text("2029-12"),
        issuer: issuer(),
    }
}
