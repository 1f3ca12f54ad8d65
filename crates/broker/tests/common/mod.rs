//! A broker over a temporary store, with a scripted registry, mail server and provider.
#![allow(dead_code, missing_docs, reason = "each test file uses its own share of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::result_large_err, reason = "as in the crate")]

pub mod authenticator;
pub mod card_issuer;
#[path = "../../../protocol/tests/common/mod.rs"]
pub mod net;
pub mod provider;

use async_trait::async_trait;
use card_issuer::CardIssuer;
use net::{NOW, Net, id};
use provider::{PROVIDER, Provider};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tempfile::TempDir;
use warifu_broker::{
    Broker, Import, MemberApplication, OrderView, OrderWish, ProviderApplication, RegistryLine,
    Settings,
    rules::forwarded::{ForwardedBy, Proxies},
};
use warifu_ports::{
    FixedClock, Job, Store, StoreError, Submitted,
    mail::{IncomingKind, IncomingMail, MailError, MailOut, OutgoingMail, SenderCheck},
};
use warifu_protocol::rule::Rule;
use warifu_store::{MasterKey, OsEntropy, SqliteStore, search::MemoryIndex};
use warifu_types::{Identifier, OrderId, Role};
use warifu_wire::{
    CallError, Found, Party, Problem,
    private_line::{
        AuthenticateAnswer, AuthenticateQuestion, CardReference, CodeQuestion, DispatchAnswer,
        DispatchQuestion, LineDone, NumberQuestion, Refusal, SheetState, VoidAnswer,
    },
};

pub const MAIL: &str = "hanako@example.jp";
pub const PASSWORD: &str = "correct horse battery";
pub const DOMAIN: &str = "broker.example";

pub fn issuer() -> Identifier {
    id("domain:card.example")
}

/// A registry and a mail server that do as they are told.
#[derive(Default)]
pub struct Script {
    pub no: Mutex<Option<Refusal>>,
    pub registry_down: AtomicBool,
    pub mail_down: AtomicBool,
    pub refuses_mail: AtomicBool,
    /// Mails by their stable id: a mail server shows one, however often it is sent.
    pub mails: Mutex<Vec<OutgoingMail>>,
    pub codes: Mutex<Vec<CodeQuestion>>,
    /// Who was asked about, by number.
    pub asked: Mutex<BTreeMap<String, String>>,
    pub dispatched: Mutex<BTreeMap<String, Identifier>>,
    pub void: Mutex<Vec<String>>,
    /// Whether a sheet is out at once, and cannot be called back.
    pub out: AtomicBool,
}

impl Script {
    fn up(&self) -> Result<(), CallError> {
        match self.registry_down.load(Ordering::SeqCst) {
            true => Err(CallError::Network("down".into())),
            false => Ok(()),
        }
    }

    pub fn subjects(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|mail| mail.subject.clone()).collect()
    }

    /// The kinds of the mails that went out, in order, from their stable ids.
    pub fn kinds(&self) -> Vec<String> {
        let kind = |mail: &OutgoingMail| mail.id.split_once('-').unwrap().1.to_string();
        let of = |mail: &OutgoingMail| {
            // An order's id may itself hold a hyphen: it is 43 characters long.
            mail.id.get(44..).map_or_else(|| kind(mail), str::to_string)
        };
        self.mails.lock().unwrap().iter().map(of).collect()
    }

    pub fn last(&self) -> OutgoingMail {
        self.mails.lock().unwrap().last().unwrap().clone()
    }
}

#[async_trait]
impl MailOut for Script {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        if self.mail_down.load(Ordering::SeqCst) {
            return Err(MailError::Unreachable("down".into()));
        }
        if self.refuses_mail.load(Ordering::SeqCst) {
            return Err(MailError::Refused(550));
        }
        let mut mails = self.mails.lock().unwrap();
        match mails.iter().find(|known| known.id == mail.id) {
            // A retry is the same mail, byte for byte.
            Some(known) => assert!(known == mail),
            None => mails.push(mail.clone()),
        }
        Ok(())
    }
}

#[async_trait]
impl RegistryLine for Script {
    async fn code(&self, question: &CodeQuestion) -> Result<LineDone, CallError> {
        self.up()?;
        self.codes.lock().unwrap().push(question.clone());
        Ok(LineDone {})
    }

    async fn authenticate(
        &self,
        question: &AuthenticateQuestion,
    ) -> Result<AuthenticateAnswer, CallError> {
        self.up()?;
        let AuthenticateQuestion { member, number } = question.clone();
        self.asked.lock().unwrap().insert(number.clone(), member);
        if let Some(reason) = *self.no.lock().unwrap() {
            return Ok(AuthenticateAnswer::No { reason });
        }
        let reference = CardReference(format!("ref-{number}").into());
        Ok(AuthenticateAnswer::Yes { reference, issuer: issuer() })
    }

    async fn dispatch(&self, question: &DispatchQuestion) -> Result<DispatchAnswer, CallError> {
        self.up()?;
        if self.void.lock().unwrap().contains(&question.number) {
            return Err(CallError::Problem(Problem::not_found("reference")));
        }
        assert_eq!(question.reference.0.as_str(), format!("ref-{}", question.number));
        let mut dispatched = self.dispatched.lock().unwrap();
        dispatched.insert(question.number.clone(), question.provider.clone());
        Ok(DispatchAnswer { state: SheetState::Queued })
    }

    async fn void(&self, question: &NumberQuestion) -> Result<VoidAnswer, CallError> {
        self.up()?;
        let out = self.out.load(Ordering::SeqCst)
            && self.dispatched.lock().unwrap().contains_key(&question.number);
        if !out {
            self.dispatched.lock().unwrap().remove(&question.number);
            self.void.lock().unwrap().push(question.number.clone());
        }
        Ok(VoidAnswer { void: !out })
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
    pub provider: Arc<Provider>,
    pub issuer: Arc<CardIssuer>,
    card: Found,
    pub broker: Arc<Broker>,
    pub member: String,
    pub provider_token: String,
}

pub const SERVICES: &str = "number,kind,name_en,name_ja,text_en,text_ja,price,currency,place,begins,ends,capacity\n\
    N-1,inn,A night with dinner,一泊二食,Hot spring and garden,温泉と庭のある宿,9000,JPY,別府,,,\n\
    N-2,inn,A night,素泊まり,,,5000,JPY,京都,,,\n\
    C-1,concert,Piano recital,ピアノ演奏会,Chopin,ショパンの夕べ,4500,JPY,市民会館,2026-12-24,2026-12-24,3\n";

impl World {
    pub async fn new() -> World {
        World::with(Rule::broker()).await
    }

    pub async fn with(rule: Rule) -> World {
        let net = Net::new();
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes([9; 32]);
        let store = Arc::new(SqliteStore::open(&folder.path().join("db"), &key).unwrap());
        let clock = Arc::new(FixedClock::new(NOW));
        let script = Arc::new(Script::default());
        let by_reference = rule.name == Rule::broker_reference().name;
        let provider = Provider::new(&net, &clock, rule);
        let url = provider.serve().await;
        let (issuer, card) = CardIssuer::serve(&net, &clock).await;
        let broker = built(&net, &clock, store.clone(), &script, &card).await.unwrap();
        let application = ProviderApplication {
            provider: id(PROVIDER),
            name: "海辺の宿".into(),
            url,
            mail: "inn@example.jp".into(),
            by_reference,
        };
        let number = broker.apply(application).await.unwrap();
        let provider_token = broker.admit_provider(&number).await.unwrap().to_string();
        let file = Import::Csv(SERVICES.as_bytes());
        assert_eq!(broker.import(&number, file).await.unwrap(), Ok(3));
        let member = broker.admit_member(application_of("ja")).await.unwrap();
        World {
            net,
            folder,
            clock,
            store,
            script,
            provider,
            issuer,
            card,
            broker,
            member,
            provider_token,
        }
    }

    /// The same broker after a crash: nothing but its store is left.
    pub async fn rebuilt(&self, store: Arc<dyn Store>) -> Result<Arc<Broker>, Problem> {
        built(&self.net, &self.clock, store, &self.script, &self.card).await
    }

    pub async fn restart(&mut self) {
        self.broker = self.rebuilt(self.store.clone()).await.unwrap();
    }

    pub async fn place(&self, key: &str) -> OrderId {
        self.broker.place(&self.member, key, night()).await.unwrap()
    }

    pub async fn pass(&self) {
        self.broker.run_pending().await.unwrap();
    }

    /// An order whose confirmation is out.
    pub async fn confirming(&self) -> OrderId {
        let order = self.place("k1").await;
        self.pass().await;
        assert_eq!(self.state(order).await, "confirming");
        order
    }

    pub async fn view(&self, order: OrderId) -> OrderView {
        self.broker.order(&self.member, order).await.unwrap()
    }

    pub async fn state(&self, order: OrderId) -> &'static str {
        self.view(order).await.state
    }

    /// A reply to the last mail that can be answered.
    pub fn reply(&self, text: &str) -> IncomingMail {
        let mails = self.script.mails.lock().unwrap();
        let mail = mails.iter().rev().find(|mail| mail.reply_to.is_some()).unwrap();
        IncomingMail {
            recipients: vec![mail.reply_to.clone().unwrap()],
            from: MAIL.into(),
            kind: IncomingKind::Personal,
            subject: format!("Re: {}", mail.subject),
            text: text.into(),
            dkim: SenderCheck::Pass,
            spf: SenderCheck::Pass,
            digest: *blake(text),
        }
    }

    pub fn is_stored(&self, text: &str) -> bool {
        let all = self.store.dump().unwrap();
        all.iter().any(|document| {
            let value = String::from_utf8_lossy(&document.value);
            value.contains(text) || document.key.contains(text)
        })
    }
}

fn blake(text: &str) -> Box<[u8; 32]> {
    Box::new(warifu_protocol::encode::sha256(text.as_bytes()).0)
}

pub fn night() -> OrderWish {
    OrderWish {
        service: "P-000001/N-1".into(),
        quantity: 2,
        date: "2026-12-01".into(),
        destination: String::new(),
        payment_type: "one".into(),
    }
}

pub fn application_of(language: &str) -> MemberApplication {
    MemberApplication {
        name: "山田花子".into(),
        telephone: "+81-3-1234-5678".into(),
        mail: MAIL.into(),
        language: language.into(),
        password: PASSWORD.to_string().into(),
    }
}

pub fn settings() -> Settings {
    let proxies =
        Proxies { addresses: vec![[127, 0, 0, 1].into()], header: ForwardedBy::XForwardedFor };
    let usual = Settings::new(DOMAIN, "https://broker.example");
    Settings { password_cost: (64, 1), proxies, ..usual }
}

async fn built(
    net: &Net,
    clock: &Arc<FixedClock>,
    store: Arc<dyn Store>,
    script: &Arc<Script>,
    card: &Found,
) -> Result<Arc<Broker>, Problem> {
    let mut terminal = net.terminal("domain:broker.example", Role::Holder, 1);
    let mut credential = (*terminal.credential).clone();
    credential.roles = vec![Role::Holder, Role::Broker];
    terminal.credential_token = credential.sign(&net.centers[0].1);
    terminal.credential = Arc::new(credential);
    let party = Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None);
    party.directory().remember(card.clone());
    let index = Arc::new(MemoryIndex::new().unwrap());
    Broker::new(party, store, settings(), script.clone(), (script.clone(), index)).await
}
