//! A network with one issuer over a real store, and parties that ask it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own share of this")]

#[path = "../../../center/tests/common/dying.rs"]
pub mod dying;
#[path = "../../../protocol/tests/common/mod.rs"]
pub mod net;

use dying::Dying;
use net::{Cast, NETWORK, NOW, Net, id, rng};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use warifu_issuer::{AccountKind, CardApplication, CardId, CardKind, Issuer, Settings};
use warifu_ports::{FixedClock, Store};
use warifu_protocol::{
    AtFault, ProtocolError,
    authorization::{Authorization, AuthorizationRequest, shared_digests},
    credential::Credential,
    form::{Accepts, Designation, Form},
    rule::Rule,
    sealed::{self, Draft, Sealed, SealedOrder, seal},
    settlement::{Action, SettlementRequest},
    terminal::Terminal,
    value::FieldValue,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Currency, FieldName, Identifier, Money, Nonce, OrderId, Role};
use warifu_wire::{
    AuthorizeAnswer, AuthorizeQuestion, PartQuestion, Party, Peer, Problem, ReceivedAnswer,
    Service, SettleQuestion, SettlementAnswer,
};

pub const CARD: &str = "4111111111111111";

pub struct World {
    pub cast: Cast,
    pub door: Terminal,
    pub other: Terminal,
    pub clock: Arc<FixedClock>,
    pub issuer: Arc<Issuer>,
    pub folder: TempDir,
    pub role: Role,
}

impl World {
    pub fn new() -> World {
        World::with(Net::kps(), Settings::default())
    }

    pub fn badges() -> World {
        World::with(Net::kps(), Settings { role: Role::CardManager, ..Settings::default() })
    }

    pub fn with(net: Net, settings: Settings) -> World {
        let role = settings.role;
        let mut cast = Cast::new(net);
        cast.issuer = cast.net.terminal("domain:card.example", role, 3);
        let clock = Arc::new(FixedClock::new(NOW));
        let folder = tempfile::tempdir().unwrap();
        let issuer = open(&cast.net, &folder, &clock, settings);
        World {
            door: cast.net.terminal("domain:door.example", Role::Door, 5),
            other: cast.net.terminal("domain:other.example", Role::Merchant, 6),
            cast,
            clock,
            issuer,
            folder,
            role,
        }
    }

    /// The process ends and starts again on the same file.
    pub fn restart(&mut self, settings: Settings) {
        // Two stores must not hold the file at once, so the old one goes first.
        let aside = tempfile::tempdir().unwrap();
        self.issuer = open(&self.cast.net, &aside, &self.clock, settings.clone());
        self.issuer = open(&self.cast.net, &self.folder, &self.clock, settings);
    }

    /// As [`World::restart`], on a store that dies after so many halves of jobs.
    pub fn dying_after(&mut self, halves: i64, settings: Settings) -> Dying {
        let aside = tempfile::tempdir().unwrap();
        self.issuer = open(&self.cast.net, &aside, &self.clock, settings.clone());
        let dying = Dying::on(Arc::new(store(&self.folder)));
        self.issuer = open_on(&self.cast.net, Arc::new(dying.clone()), &self.clock, settings);
        dying.after(halves);
        dying
    }

    /// Changes an order's record behind the issuer's back.
    pub async fn tamper(&mut self, wish: &Wish, from: &str, to: &str) {
        let aside = tempfile::tempdir().unwrap();
        self.issuer = open(&self.cast.net, &aside, &self.clock, Settings::default());
        let store: Arc<dyn Store> = Arc::new(store(&self.folder));
        let (key, from, to) = (wish.order().to_string(), from.to_string(), to.to_string());
        let changed = move |unit: &mut dyn warifu_ports::Unit| {
            let value = unit.get("issuer_orders", &key)?.unwrap();
            let text = String::from_utf8(value.to_vec()).unwrap();
            assert!(text.contains(&from), "{text}");
            unit.put("issuer_orders", &key, text.replace(&from, &to).as_bytes())
        };
        store.run(changed).await.unwrap();
        drop(store);
        self.issuer = open(&self.cast.net, &self.folder, &self.clock, Settings::default());
    }

    pub fn front(&self) -> &Terminal {
        if self.role == Role::CardManager { &self.door } else { &self.cast.merchant }
    }

    pub fn seal(&self, wish: &Wish) -> Sealed {
        self.seal_by(&self.cast.holder, wish)
    }

    pub fn seal_by(&self, holder: &Terminal, wish: &Wish) -> Sealed {
        let front = self.front();
        let form = self.form(wish);
        let token = form.sign(front.signer.as_ref());
        let checked = holder.trust.form(&token, &front.credential, NOW, AtFault::Own).unwrap();
        let mut values = net::values(&self.cast.quote(checked.hash));
        values.extend(wish.values.clone());
        let fields = checked.form.rule.fields();
        values.retain(|field, _| fields.contains(field));
        let recipients = self.recipients();
        let draft = Draft {
            form: checked.borrowed(),
            form_token: &token,
            values: &values,
            recipients: &recipients,
        };
        seal(holder, &draft, wish.order(), NOW, &mut rng(wish.salt)).unwrap()
    }

    /// What the issuer says of a front's form.
    pub fn check_form(&self, wish: &Wish) -> Result<(), ProtocolError> {
        let front = self.front();
        let token = self.form(wish).sign(front.signer.as_ref());
        let trust = &self.cast.issuer.trust;
        let by_front = AtFault::Role(wish.rule.front);
        trust.form(&token, &front.credential, NOW, by_front).map(drop)
    }

    pub fn form(&self, wish: &Wish) -> Form {
        let others = wish.rule.parts.keys().filter(|role| **role != wish.rule.front);
        Form {
            iss: self.front().id().clone(),
            network: NETWORK.to_string(),
            jti: Nonce([9; 32]),
            rule: wish.rule.clone(),
            parties: others.map(|role| (*role, Designation::Holder {})).collect(),
            accepts: Accepts {
                currencies: vec![Currency::JPY],
                instalments: 60,
                issuers: vec![],
                suites: self.cast.net.suites.clone(),
            },
            direct: wish.direct,
            iat: NOW.minus(10),
            exp: NOW.plus(86_400),
        }
    }

    fn recipients(&self) -> BTreeMap<Role, Arc<Credential>> {
        [
            (Role::Merchant, self.cast.merchant.credential.clone()),
            (Role::Center, self.cast.merchant.credential.clone()),
            (Role::Door, self.door.credential.clone()),
            (self.role, self.cast.issuer.credential.clone()),
            (Role::Carrier, self.cast.carrier.credential.clone()),
        ]
        .into()
    }

    pub async fn ask<A: DeserializeOwned>(
        &self,
        peer: &Peer,
        op: &str,
        question: &impl Serialize,
    ) -> Result<A, Problem> {
        let body = serde_json::value::to_raw_value(question).unwrap();
        let answer = self.issuer.answer(peer, op, &body).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// The front's question, as it asks for an order that it has received.
    pub fn question(&self, bundle: &SealedOrder) -> AuthorizeQuestion {
        self.question_by(self.front(), bundle)
    }

    pub fn question_by(&self, asker: &Terminal, bundle: &SealedOrder) -> AuthorizeQuestion {
        let front = self.front();
        let order = sealed::check(front, bundle, &front.credential, NOW).unwrap();
        let request = AuthorizationRequest {
            iss: asker.id().clone(),
            aud: self.cast.issuer.id().clone(),
            order: order.identity,
            digests: shared_digests(&order.form.form.rule, &order.claims),
            iat: NOW,
            exp: NOW.plus(600),
        };
        let sealed = bundle.only(self.role);
        AuthorizeQuestion { sealed, request: request.sign(asker.signer.as_ref()) }
    }

    pub async fn try_authorize(&self, sealed: &Sealed) -> Result<String, Problem> {
        let question = self.question(&sealed.bundle);
        let answer: AuthorizeAnswer = self.ask(&peer(self.front()), "authorize", &question).await?;
        Ok(answer.authorization)
    }

    pub async fn authorize(&self, wish: &Wish) -> Authorization {
        let sealed = self.seal(wish);
        self.authorize_sealed(&sealed).await
    }

    pub async fn authorize_sealed(&self, sealed: &Sealed) -> Authorization {
        let token = self.try_authorize(sealed).await.unwrap();
        self.read(&token, sealed)
    }

    pub fn read(&self, token: &str, sealed: &Sealed) -> Authorization {
        let issuer = &self.cast.issuer.credential;
        let front = self.front().id();
        let by = (Role::Issuer, &**issuer);
        Authorization::verify(token, by, front, &sealed.identity, NOW).unwrap()
    }

    /// The reason of the refusal; empty if it is authorized.
    pub async fn reason(&self, wish: &Wish) -> String {
        self.authorize(wish).await.reason.unwrap_or_default()
    }

    pub async fn settle(
        &self,
        asker: &Terminal,
        authorization: &Authorization,
        action: Action,
    ) -> Result<String, Problem> {
        use warifu_ports::Clock;
        let request = SettlementRequest {
            iss: asker.id().clone(),
            aud: self.cast.issuer.id().clone(),
            order: authorization.order,
            authorization: authorization.jti,
            action,
            amount: None,
            iat: self.clock.now(),
            exp: self.clock.now().plus(600),
        };
        let question = SettleQuestion { request: request.sign(asker.signer.as_ref()) };
        let answer: SettlementAnswer = self.ask(&peer(asker), "settle", &question).await?;
        Ok(answer.settlement)
    }

    pub async fn capture(&self, authorization: &Authorization) -> Result<String, Problem> {
        self.settle(&self.cast.merchant, authorization, Action::Capture).await
    }

    pub async fn void(&self, authorization: &Authorization) -> Result<String, Problem> {
        self.settle(&self.cast.merchant, authorization, Action::Void).await
    }

    pub async fn send_part(
        &self,
        holder: &Terminal,
        sealed: &Sealed,
    ) -> Result<ReceivedAnswer, Problem> {
        let question = PartQuestion {
            sealed: sealed.bundle.only(self.role),
            front: self.front().credential_token.clone(),
        };
        self.ask(&peer(holder), "part", &question).await
    }

    /// Held and posted debits of the cards, posted credits of the merchants.
    pub async fn sums(&self) -> (u64, u64, u64) {
        let all = self.issuer.balances().await.unwrap();
        let sum = |kind, of: fn(&warifu_ledger::Balance) -> u64| -> u64 {
            all.iter().filter(|a| a.kind == kind).map(|a| of(&a.balance)).sum()
        };
        (
            sum(AccountKind::Card, |b| b.debits_pending),
            sum(AccountKind::Card, |b| b.debits_posted),
            sum(AccountKind::Merchant, |b| b.credits_posted),
        )
    }

    pub async fn available(&self, card: &CardId, currency: Currency) -> u64 {
        let all = self.issuer.balances().await.unwrap();
        let mine = all.iter().find(|a| a.owner == card.as_str() && a.currency == currency);
        mine.unwrap().balance.available()
    }

    /// The usual card, with a limit of 5000 yen and of 100 euros.
    pub async fn card(&self) -> CardId {
        self.issuer.add_card(application(self.cast.holder.id())).await.unwrap()
    }

    pub async fn badge(&self) -> CardId {
        self.issuer.add_card(badge(self.cast.holder.id())).await.unwrap()
    }
}

pub fn open(
    net: &Net,
    folder: &TempDir,
    clock: &Arc<FixedClock>,
    settings: Settings,
) -> Arc<Issuer> {
    open_on(net, Arc::new(store(folder)), clock, settings)
}

fn open_on(
    net: &Net,
    store: Arc<dyn Store>,
    clock: &Arc<FixedClock>,
    settings: Settings,
) -> Arc<Issuer> {
    let terminal = net.terminal("domain:card.example", settings.role, 3);
    let party = Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None);
    Issuer::new(party, store, settings)
}

fn store(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(&database(folder), &MasterKey::from_bytes([1; 32])).unwrap()
}

pub fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("issuer.db")
}

pub fn peer(terminal: &Terminal) -> Peer {
    Peer {
        credential: terminal.credential.clone(),
        token: terminal.credential_token.clone(),
        role: terminal.credential.roles[0],
    }
}

pub fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

pub fn euro(minor: u64) -> Money {
    Money::new(minor, Currency::EUR).unwrap()
}

pub fn application(holder: &Identifier) -> CardApplication {
    CardApplication {
        kind: CardKind::Credit,
        card_number: CARD.into(),
        expiry: "2030-12".into(),
        holder: holder.clone(),
        holder_name: "山田花子".into(),
        holder_telephone: "+81 3 1234 5678".into(),
        limits: vec![yen(5000), euro(10_000)],
        zones: vec![],
        max_instalments: 12,
    }
}

pub fn badge(holder: &Identifier) -> CardApplication {
    let mut badge = application(holder);
    badge.kind = CardKind::Badge;
    badge.holder_telephone = String::new();
    badge.limits = vec![];
    badge.zones = vec!["lab-1".into(), "lab-2".into()];
    badge.max_instalments = 0;
    badge
}

/// An order that a test wishes for: 1980 yen in one payment, unless it says otherwise.
#[derive(Clone)]
pub struct Wish {
    pub number: u32,
    pub salt: u8,
    pub rule: Rule,
    pub direct: bool,
    pub values: BTreeMap<FieldName, FieldValue>,
}

impl Wish {
    pub fn new(number: u32) -> Wish {
        Wish { number, salt: 1, rule: Rule::minimal(), direct: false, values: BTreeMap::new() }
    }

    pub fn badge(number: u32) -> Wish {
        Wish { rule: Rule::badge(), ..Wish::new(number) }
    }

    pub fn order(&self) -> OrderId {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&self.number.to_be_bytes());
        OrderId(bytes)
    }

    pub fn with(mut self, field: FieldName, value: FieldValue) -> Wish {
        self.values.insert(field, value);
        self
    }

    pub fn text(self, field: FieldName, text: &str) -> Wish {
        self.with(field, FieldValue::text(text))
    }

    pub fn amount(self, money: Money) -> Wish {
        self.with(FieldName::AMOUNT, FieldValue::Amount(money))
    }

    pub fn payment(self, text: &str) -> Wish {
        self.text(FieldName::PAYMENT_TYPE, text)
    }
}

pub fn another_holder(world: &World) -> Terminal {
    world.cast.net.terminal("mail:taro@example.jp", Role::Holder, 11)
}

pub fn name(text: &str) -> Identifier {
    id(text)
}
