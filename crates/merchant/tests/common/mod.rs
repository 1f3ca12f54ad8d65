//! A merchant with a holder and scripted peers, over real sockets, for its tests.
#![allow(dead_code, missing_docs, reason = "each test file uses its own share of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::result_large_err, reason = "as in the crate")]

#[path = "../../../protocol/tests/common/mod.rs"]
pub mod net;
pub mod script;
pub mod server;

use script::Script;
use server::{Directory, Host};

use net::{NOW, Net};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use warifu_merchant::{Goods, Item, ItemName, Merchant, OfferedRule, Settings};
use warifu_ports::{FixedClock, Job, Store, StoreError, Submitted};
use warifu_protocol::{
    AtFault,
    authorization::Authorization,
    form::{Accepts, Designation},
    jws,
    quote::{QUOTE, Quote},
    rule::Rule,
    sealed::{Draft, Sealed},
    status::{State, Status},
    terminal::Terminal,
    value::{FieldValue, OrderLine},
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Currency, FieldName, Identifier, Money, OrderId, Role};
use warifu_wire::{
    Answer, CallError, FormAnswer, OrderQuestion, Party, PaymentNoticesAnswer,
    PaymentNoticesQuestion, Problem, QuoteAnswer, QuoteItem, QuoteQuestion, ReceivedAnswer,
    Service, StatusAnswer, StatusQuestion,
};

pub const HOLDER: &str = "mail:hanako@example.jp";

pub fn who(role: Role) -> Identifier {
    net::id(match role {
        Role::Merchant => "domain:shop.example",
        Role::Door => "domain:door.example",
        Role::Issuer => "domain:card.example",
        Role::CardManager => "domain:badge.example",
        Role::Carrier => "name:黒猫運輸|domain:carrier.example",
        Role::Gateway => "domain:gateway.example",
        Role::Center => "domain:pay.example",
        _ => panic!("no such party here"),
    })
}

/// The network: one front, scripted peers, a directory, one holder.
pub struct World {
    pub net: Net,
    pub clock: Arc<FixedClock>,
    pub folder: TempDir,
    pub store: Arc<SqliteStore>,
    pub settings: Settings,
    pub directory: Directory,
    pub hosts: BTreeMap<Role, Host>,
    pub scripts: BTreeMap<Role, Arc<Script>>,
    pub merchant: Arc<Merchant>,
    pub url: String,
    pub holder: Arc<Party>,
}

pub fn offered(rule: Rule) -> OfferedRule {
    let parties = rule
        .parts
        .keys()
        .filter(|role| **role != rule.front)
        .map(|role| {
            let designation = match role {
                Role::Carrier | Role::Gateway | Role::Center => Designation::Identifier(who(*role)),
                _ => Designation::Holder {},
            };
            (*role, designation)
        })
        .collect();
    let direct = rule.authorizer == Role::Center;
    OfferedRule { rule, parties, direct }
}

pub fn item(number: &str, en: &str, ja: &str, yen: u64, stock: u64) -> Item {
    Item {
        number: number.into(),
        name: ItemName { en: en.into(), ja: ja.into() },
        kind: "food".into(),
        prices: vec![
            Money::new(yen, Currency::JPY).unwrap(),
            Money::new(yen, Currency::EUR).unwrap(),
        ],
        stock,
        goods: Goods::Later {},
    }
}

/// Ten of `T-100` at 990 yen, as the usual order's values have it, and some others.
pub fn goods() -> Vec<Item> {
    vec![
        item("C-1", "Coffee", "コーヒー", 500, 5),
        item("L-1", "The last one", "最後の一つ", 700, 1),
        item("T-100", "Green tea", "煎茶", 990, 10),
    ]
}

impl World {
    pub async fn new(rule: Rule) -> World {
        World::with(vec![offered(rule)], &[]).await
    }

    /// A world in which the parties in `down` cannot be reached yet.
    pub async fn with(rules: Vec<OfferedRule>, down: &[Role]) -> World {
        let net = Net::new();
        let clock = Arc::new(FixedClock::new(NOW));
        let directory = Directory::start().await;
        let role = rules[0].rule.front;
        let settings = Settings {
            role,
            rules,
            accepts: Accepts {
                currencies: vec![Currency::JPY, Currency::EUR],
                instalments: 3,
                issuers: vec![],
                suites: net.suites.clone(),
            },
            form_lifetime: 86_400,
            quote_lifetime: 600,
            instructions: "keep upright".into(),
        };
        let folder = tempfile::tempdir().unwrap();
        let store = open_store(&folder);
        let (mut hosts, mut scripts) = (BTreeMap::new(), BTreeMap::new());
        let peers = [Role::Issuer, Role::CardManager, Role::Carrier, Role::Gateway, Role::Center];
        for (number, role) in (3..).zip(peers) {
            let host = Host::reserve();
            let terminal = terminal(&net, who(role).as_str(), role, number, Some(host.url()));
            directory.add(&terminal);
            let script = Script::new(party(terminal, &clock, &directory), role);
            if !down.contains(&role) {
                host.start(script.clone()).await;
            }
            hosts.insert(role, host);
            scripts.insert(role, script);
        }
        let own = terminal(&net, who(role).as_str(), role, 2, Some("http://front.example".into()));
        let own = party(own, &clock, &directory);
        let merchant = Merchant::new(own, store.clone(), settings.clone());
        merchant.import_catalogue(goods()).await.unwrap();
        let url = server::serve(warifu_merchant::routes(merchant.clone())).await;
        let holder = party(terminal(&net, HOLDER, Role::Holder, 1, None), &clock, &directory);
        World {
            net,
            clock,
            folder,
            store,
            settings,
            directory,
            hosts,
            scripts,
            merchant,
            url,
            holder,
        }
    }

    pub fn script(&self, role: Role) -> &Script {
        &self.scripts[&role]
    }

    pub async fn start(&self, role: Role) {
        self.hosts[&role].start(self.scripts[&role].clone()).await;
    }

    /// The same merchant after a crash: nothing but its store is left.
    pub fn rebuilt(&self) -> Arc<Merchant> {
        self.rebuilt_on(self.store.clone())
    }

    pub fn rebuilt_on(&self, store: Arc<dyn Store>) -> Arc<Merchant> {
        let role = self.settings.role;
        let url = Some("http://front.example".into());
        let own = terminal(&self.net, who(role).as_str(), role, 2, url);
        let own = party(own, &self.clock, &self.directory);
        Merchant::new(own, store, self.settings.clone())
    }

    /// Serves a rebuilt merchant; the holder asks it from now on.
    pub async fn serve(&mut self, merchant: Arc<Merchant>) {
        self.url = server::serve(warifu_merchant::routes(merchant.clone())).await;
        self.merchant = merchant;
    }

    pub fn other_holder(&self) -> Arc<Party> {
        let other = terminal(&self.net, "mail:taro@example.jp", Role::Holder, 60, None);
        party(other, &self.clock, &self.directory)
    }

    pub async fn form(&self, rule: &str) -> FormAnswer {
        let url = format!("{}/v1/form?rule={rule}", self.url);
        self.holder.connections().get(&url).await.unwrap()
    }

    pub async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        holder: &Arc<Party>,
        op: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<A, CallError> {
        let role = self.settings.role;
        let roles = (Role::Holder, role);
        holder
            .connections()
            .ask(holder, &self.url, roles, Some(&who(role)), (op, question), None)
            .await
    }

    /// A quote for some things, in Japanese and yen.
    pub async fn quote(
        &self,
        form: &FormAnswer,
        items: &[(&str, u32)],
    ) -> Result<String, CallError> {
        let question = question(form, items);
        self.ask::<QuoteAnswer>(&self.holder, "quote", &question).await.map(|answer| answer.quote)
    }

    /// Two teas, sealed on the rule's form.
    pub async fn two_teas(&self, seed: u8) -> (Sealed, OrderQuestion) {
        let form = self.form(&self.settings.rules[0].rule.name).await;
        let quote = self.quote(&form, &[("T-100", 2)]).await.unwrap();
        let values = net::values(&quote);
        self.seal(&form, Some(quote), values, seed).await
    }

    /// Two teas, or what else is wanted, paid with a prepaid card: the center's part goes to the
    /// center, which has it from now on.
    pub async fn prepaid(&self, number: &str, quantity: u32, seed: u8) -> (Sealed, OrderQuestion) {
        let form = self.form(&self.settings.rules[0].rule.name).await;
        let token = self.quote(&form, &[(number, quantity)]).await.unwrap();
        let quote = jws::peek::<Quote>(QUOTE, &token, AtFault::Sender).unwrap();
        let mut values = net::values(&token);
        let line = OrderLine { name: quote.lines[0].name.clone(), quantity };
        values.insert(FieldName::ITEM_NUMBERS, FieldValue::Numbers(vec![number.into()]));
        values.insert(FieldName::ITEMS, FieldValue::Lines(vec![line]));
        values.insert(FieldName::AMOUNT, FieldValue::Amount(quote.total));
        let (sealed, question) = self.seal(&form, Some(token), values, seed).await;
        let center = self.script(Role::Center);
        *center.direct.lock().unwrap() = Some(sealed.bundle.only(Role::Center));
        (sealed, OrderQuestion { sealed: question.sealed.except(Role::Center), ..question })
    }

    /// The center's word that an order is paid.
    pub fn payment(&self, sealed: &Sealed) -> Authorization {
        self.script(Role::Center).granted(&who(Role::Merchant), sealed.identity)
    }

    /// The center sends a notice.
    pub async fn notice(&self, payment: &Authorization) -> Result<ReceivedAnswer, CallError> {
        let center = Service::party(self.script(Role::Center)).clone();
        let token = payment.sign(center.terminal().signer.as_ref());
        self.notice_from(&center, token).await
    }

    /// A center sends a notice.
    pub async fn notice_from(
        &self,
        center: &Arc<Party>,
        authorization: String,
    ) -> Result<ReceivedAnswer, CallError> {
        give_notice(center, &self.url, authorization).await
    }

    /// An order of other values.
    pub async fn seal(
        &self,
        form: &FormAnswer,
        quote: Option<String>,
        mut values: BTreeMap<FieldName, FieldValue>,
        seed: u8,
    ) -> (Sealed, OrderQuestion) {
        let front = self.holder.credential(&form.credential, AtFault::Sender).unwrap();
        let checked = {
            let terminal = self.holder.terminal();
            terminal.trust.form(&form.form, &front, self.holder.now(), AtFault::Sender).unwrap()
        };
        let fields = checked.form.rule.fields();
        values.retain(|field, _| fields.contains(field));
        let mut recipients = BTreeMap::from([(checked.form.rule.front, front)]);
        for role in checked.form.parties.keys() {
            let found = self.holder.directory().find(&self.holder, &who(*role)).await.unwrap();
            recipients.insert(*role, found.credential);
        }
        let draft = Draft {
            form: checked.borrowed(),
            form_token: &form.form,
            values: &values,
            recipients: &recipients,
        };
        let sealed = self.holder.seal(&draft, OrderId([seed; 32])).await.unwrap();
        let question = OrderQuestion { sealed: sealed.bundle.clone(), quote };
        (sealed, question)
    }

    /// Sends an order; returns the verified status.
    pub async fn order(&self, sealed: &Sealed, question: &OrderQuestion) -> Status {
        let answer: StatusAnswer = self.ask(&self.holder, "order", question).await.unwrap();
        self.verified(sealed, &answer.status)
    }

    /// Sends an order that is refused; returns the code and the field.
    pub async fn refused(&self, question: &OrderQuestion) -> (String, String) {
        let answer: Result<StatusAnswer, _> = self.ask(&self.holder, "order", question).await;
        problem(answer.unwrap_err())
    }

    pub async fn status(&self, sealed: &Sealed) -> Status {
        let question = StatusQuestion { order: sealed.id };
        let answer: StatusAnswer = self.ask(&self.holder, "status", &question).await.unwrap();
        self.verified(sealed, &answer.status)
    }

    pub fn verified(&self, sealed: &Sealed, token: &str) -> Status {
        let front = self.merchant.party().terminal().credential.clone();
        let at_fault = AtFault::Sender;
        Status::verify(token, &front, self.holder.terminal().id(), &sealed.identity, at_fault)
            .unwrap()
    }

    pub async fn state(&self, sealed: &Sealed) -> State {
        self.merchant.view(&sealed.id).await.unwrap().unwrap().state
    }

    /// How many are left of an item.
    pub async fn left(&self, number: &str) -> u64 {
        let language = warifu_merchant::Language::En;
        let page = self.merchant.catalogue(None, 100, Some(number), language).await.unwrap();
        page.items[0].stock
    }

    /// Nothing was kept of any order, and nothing was taken.
    pub async fn assert_untouched(&self) {
        assert!(self.merchant.orders(None, 10).await.unwrap().is_empty());
        assert_eq!(self.left("T-100").await, 10);
        for script in self.scripts.values() {
            assert_eq!(script.count(), 0);
        }
    }
}

pub fn question(form: &FormAnswer, items: &[(&str, u32)]) -> QuoteQuestion {
    QuoteQuestion {
        items: items
            .iter()
            .map(|(number, quantity)| QuoteItem { number: number.to_string(), quantity: *quantity })
            .collect(),
        currency: Currency::JPY,
        language: "ja".into(),
        form: warifu_protocol::encode::sha256(form.form.as_bytes()),
    }
}

pub fn problem(error: CallError) -> (String, String) {
    let problem: Problem = error.into();
    (problem.code, problem.field.unwrap_or_default())
}

pub fn terminal(net: &Net, who: &str, role: Role, number: u8, url: Option<String>) -> Terminal {
    let mut terminal = net.terminal(who, role, number);
    let mut credential = (*terminal.credential).clone();
    credential.url = url;
    terminal.credential_token = credential.sign(&net.centers[0].1);
    terminal.credential = Arc::new(credential);
    terminal
}

pub fn party(terminal: Terminal, clock: &Arc<FixedClock>, directory: &Directory) -> Arc<Party> {
    // The program chooses its TLS library when it starts; so does a test, once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let center = (net::id("domain:center1.example"), directory.url.clone());
    Party::new(terminal, clock.clone(), Arc::new(OsEntropy), Some(center))
}

pub fn open_store(folder: &TempDir) -> Arc<SqliteStore> {
    let key = MasterKey::from_bytes([1; 32]);
    Arc::new(SqliteStore::open(&folder.path().join("merchant.db"), &key).unwrap())
}

/// A center that has not been paid yet.
pub fn not_paid() -> script::Mode {
    script::Mode::Problem(Problem::new(503, "part_not_here", "", Some("parts.center")))
}

/// A store that breaks for good after some jobs, as if the process had ended there.
pub struct Breaking {
    pub store: Arc<dyn Store>,
    pub jobs: AtomicUsize,
}

impl Store for Breaking {
    fn submit(&self, job: Job) -> Submitted {
        let left = self.jobs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match left {
            Ok(_) => self.store.submit(job),
            Err(_) => Box::pin(async { Err(StoreError::Closed) }),
        }
    }
}

/// A center's one notice to the merchant, and what the merchant says to it.
pub async fn give_notice(
    center: &Arc<Party>,
    url: &str,
    authorization: String,
) -> Result<ReceivedAnswer, CallError> {
    let question = PaymentNoticesQuestion { authorizations: vec![authorization] };
    let roles = (Role::Center, Role::Merchant);
    let (shop, question) = (who(Role::Merchant), ("payment_notices", &question));
    let connections = center.connections();
    let answer: PaymentNoticesAnswer =
        connections.ask(center, url, roles, Some(&shop), question, None).await?;
    let [answer] = <[_; 1]>::try_from(answer.answers).unwrap();
    match answer {
        Answer::Ok(received) => Ok(received),
        Answer::Problem(problem) => Err(CallError::Problem(problem)),
    }
}
