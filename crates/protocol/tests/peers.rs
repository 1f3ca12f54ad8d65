//! Other people's libraries: Python and Node open and verify what Warifu wrote, and Warifu accepts
//! what they wrote (row D4). Their programs are in `tests/peers`, and follow `docs/protocol.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, also outside of test functions"
)]

mod common;

use common::{Cast, NETWORK, NOW, Net, id, values};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use warifu_keydist::{CenterEpoch, CenterMatrices, CenterSeed, Matrix, Points, Route, Thresholds};
use warifu_protocol::{
    AtFault,
    authorization::{
        AUTHORIZATION, AUTHORIZATION_REQUEST, Authorization, AuthorizationRequest, Decision,
        shared_digests,
    },
    credential::{CREDENTIAL, Credential},
    delivery::{DELIVERY, DELIVERY_REQUEST, Delivery, DeliveryRequest, DeliveryState},
    derive::{Context, KeySource, Purpose},
    encode::{b64, unb64},
    enrolment::{ENROLMENT_REQUEST, EnrolmentRequest, fingerprint},
    error::Reason,
    form::{FORM, Form},
    hpke::{Binding, decapsulate},
    jws::{self, TokenType},
    order::{Disclosure, ORDER, OrderClaims},
    part::PartHeader,
    quote::{QUOTE, Quote},
    rule::Rule,
    sealed::{self, Sealed, SealedOrder},
    settlement::{Action, SETTLEMENT, SETTLEMENT_REQUEST, Settlement, SettlementRequest},
    signer::{Signer, SigningKey, VerifyingKey},
    status::{STATUS, State, Status},
    suite::{Suite, SuiteFloor},
    terminal::Terminal,
    trust::{Anchors, PinnedCenter},
    value::FieldValue,
};
use warifu_types::{Currency, FieldName, Money, Nonce, Role, UnixTime};

const PARTS: [Role; 3] = [Role::Merchant, Role::Issuer, Role::Carrier];

/// The number that `Cast::new` makes each party's keys of.
fn number(role: Role) -> u8 {
    match role {
        Role::Center => 101,
        Role::Holder => 1,
        Role::Merchant => 2,
        Role::Issuer => 3,
        _ => 4,
    }
}

fn terminal(cast: &Cast, role: Role) -> &Terminal {
    match role {
        Role::Holder => &cast.holder,
        Role::Merchant => &cast.merchant,
        Role::Issuer => &cast.issuer,
        _ => &cast.carrier,
    }
}

fn jwk(role: Role, private: bool) -> Value {
    let seed = [number(role); 32];
    let public = SigningKey::from_seed(&seed).verifying_key();
    let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(public.as_bytes()) });
    if private {
        key["d"] = b64(&seed).into();
    }
    key
}

fn source(cast: &Cast, role: Role) -> KeySource {
    cast.holder.source_for(&terminal(cast, role).credential, NOW).unwrap()
}

fn pair(cast: &Cast, role: Role) -> [u8; 32] {
    let peer = terminal(cast, role).id();
    *cast.holder.pair_key(&source(cast, role), peer, None).unwrap().expose()
}

/// One signed message and what it says.
struct Message {
    name: String,
    typ: &'static str,
    signer: Role,
    token: String,
    claims: Value,
}

/// A whole trade, as Warifu writes it.
struct Trade {
    cast: Cast,
    sealed: Sealed,
    messages: Vec<Message>,
}

impl Trade {
    fn new(net: Net, rule: Rule) -> Trade {
        let cast = Cast::new(net);
        let sealed = cast.order(rule);
        let mut trade = Trade { cast, sealed, messages: Vec::new() };
        trade.first_messages();
        trade.authorization();
        trade.after_authorization();
        trade
    }

    /// Keeps a message, with its claims as this implementation reads them.
    fn push<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: TokenType,
        signer: Role,
        name: &str,
        token: String,
    ) -> String {
        let claims: T = jws::peek(kind, &token, AtFault::Own).unwrap();
        let claims = serde_json::to_value(claims).unwrap();
        let name = name.to_string();
        self.messages.push(Message { name, typ: kind.typ, signer, token: token.clone(), claims });
        token
    }

    fn signer(&self, role: Role) -> std::sync::Arc<dyn Signer> {
        terminal(&self.cast, role).signer.clone()
    }

    fn first_messages(&mut self) {
        for role in [Role::Holder, Role::Merchant, Role::Issuer, Role::Carrier] {
            let token = terminal(&self.cast, role).credential_token.clone();
            let name = format!("credential of {role}");
            self.push::<Credential>(CREDENTIAL, Role::Center, &name, token);
        }
        let holder = &self.cast.holder.credential;
        let request = EnrolmentRequest {
            sub: holder.sub.clone(),
            roles: vec![Role::Holder],
            key: holder.key,
            hpke: holder.hpke.clone(),
            suites: holder.suites.clone(),
            url: None,
            iat: NOW,
        };
        let token = request.sign(self.signer(Role::Holder).as_ref());
        self.push::<EnrolmentRequest>(ENROLMENT_REQUEST, Role::Holder, "enrolment", token);
        let SealedOrder { form, order, .. } = self.sealed.bundle.clone();
        self.push::<Form>(FORM, Role::Merchant, "form", form);
        let quote = self.cast.quote(self.claims().form);
        self.push::<Quote>(QUOTE, Role::Merchant, "quote", quote);
        self.push::<OrderClaims>(ORDER, Role::Holder, "order", order);
    }

    fn claims(&self) -> OrderClaims {
        jws::peek(ORDER, &self.sealed.bundle.order, AtFault::Own).unwrap()
    }

    fn authorization(&mut self) {
        let form: Form = jws::peek(FORM, &self.sealed.bundle.form, AtFault::Own).unwrap();
        let request = AuthorizationRequest {
            iss: self.cast.merchant.id().clone(),
            aud: self.cast.issuer.id().clone(),
            order: self.sealed.identity,
            digests: shared_digests(&form.rule, &self.claims()),
            iat: NOW,
            exp: NOW.plus(300),
        }
        .sign(self.signer(Role::Merchant).as_ref());
        let kind = AUTHORIZATION_REQUEST;
        self.push::<AuthorizationRequest>(kind, Role::Merchant, "authorization request", request);
        let answer = Authorization {
            iss: self.cast.issuer.id().clone(),
            aud: self.cast.merchant.id().clone(),
            order: self.sealed.identity,
            jti: Nonce([5; 32]),
            decision: Decision::Authorized,
            reason: None,
            transaction: None,
            iat: NOW,
            exp: NOW.plus(86_400),
        };
        let token = answer.sign(self.signer(Role::Issuer).as_ref());
        let token = self.push::<Authorization>(AUTHORIZATION, Role::Issuer, "authorization", token);
        let request = DeliveryRequest {
            iss: self.cast.merchant.id().clone(),
            aud: self.cast.carrier.id().clone(),
            order: self.sealed.identity,
            authorization: token,
            issuer_credential: self.cast.issuer.credential_token.clone(),
            instructions: "天地無用 \"keep upright\"\n".into(),
            iat: NOW,
            exp: NOW.plus(300),
        };
        let token = request.sign(self.signer(Role::Merchant).as_ref());
        self.push::<DeliveryRequest>(DELIVERY_REQUEST, Role::Merchant, "delivery request", token);
    }

    fn after_authorization(&mut self) {
        let order = self.sealed.identity;
        let [merchant, issuer, carrier] = PARTS.map(|role| terminal(&self.cast, role).id().clone());
        let delivery = Delivery {
            iss: carrier,
            aud: merchant.clone(),
            order,
            state: DeliveryState::Delivered,
            iat: NOW,
        };
        let token = delivery.sign(self.signer(Role::Carrier).as_ref());
        self.push::<Delivery>(DELIVERY, Role::Carrier, "delivery", token);
        let request = SettlementRequest {
            iss: merchant.clone(),
            aud: issuer.clone(),
            order,
            authorization: Nonce([5; 32]),
            action: Action::Capture,
            amount: None,
            iat: NOW,
            exp: NOW.plus(300),
        };
        let token = request.sign(self.signer(Role::Merchant).as_ref());
        let kind = SETTLEMENT_REQUEST;
        self.push::<SettlementRequest>(kind, Role::Merchant, "settlement request", token);
        let aud = merchant.clone();
        let answer = Settlement { iss: issuer, aud, order, action: Action::Capture, iat: NOW };
        let token = answer.sign(self.signer(Role::Issuer).as_ref());
        self.push::<Settlement>(SETTLEMENT, Role::Issuer, "settlement", token);
        let status = Status {
            iss: merchant,
            aud: self.cast.holder.id().clone(),
            order,
            state: State::Settled,
            reason: None,
            authorization: None,
            iat: NOW,
        };
        let token = status.sign(self.signer(Role::Merchant).as_ref());
        self.push::<Status>(STATUS, Role::Merchant, "status", token);
    }

    /// A part's content key, as its recipient derives it.
    fn content_key(&self, role: Role) -> [u8; 32] {
        let token = &self.sealed.bundle.parts[&role];
        let header = token.split_once('.').unwrap().0;
        let header = unb64(header, AtFault::Own, "part").unwrap();
        let header: PartHeader = serde_json::from_slice(&header).unwrap();
        let own = terminal(&self.cast, role);
        let pair = own.pair_key(&header.keys, &header.from, None).unwrap();
        let context = Context {
            network: NETWORK,
            source: &header.keys,
            suite: header.suite,
            sender: (&header.from, Role::Holder),
            recipient: (own.id(), role),
            about: &header.order.0,
        };
        let (Some(kid), Some(ek)) = (&header.kid, &header.ek) else {
            assert_eq!(header.suite, Suite::Kps);
            return *context.key(&pair, Purpose::Part);
        };
        let psk = context.key(&pair, Purpose::PartPsk);
        let info = context.info(Purpose::Part);
        let binding = Binding { psk: Some(&psk), info: &info };
        let ek = unb64(ek, AtFault::Own, "ek").unwrap();
        let secret = own.hpke_secret(kid).unwrap();
        *decapsulate(secret, &ek, &binding, AtFault::Own, "ek").unwrap()
    }

    /// What the peers are given to read.
    fn to_json(&self) -> Value {
        let keys: Map<String, Value> = [Role::Center, Role::Holder]
            .iter()
            .chain(&PARTS)
            .map(|role| (role.to_string(), jwk(*role, false)))
            .collect();
        let messages: Vec<Value> = self
            .messages
            .iter()
            .map(|m| json!({ "name": m.name, "typ": m.typ, "signer": m.signer, "token": m.token }))
            .collect();
        let parts: Map<String, Value> = PARTS
            .into_iter()
            .map(|role| {
                let secret = &terminal(&self.cast, role).hpke[0];
                let part = json!({
                    "part": self.sealed.bundle.parts[&role],
                    "key": b64(&self.content_key(role)),
                    "pair": b64(&pair(&self.cast, role)),
                    "hpke_seed": b64(secret.seed()),
                    "hpke_public": secret.public().key,
                });
                (role.to_string(), part)
            })
            .collect();
        json!({
            "keys": keys, "messages": messages, "order": self.sealed.bundle.order, "parts": parts
        })
    }

    /// What the peers must have read.
    fn check(&self, answer: &Value, peer: &str) {
        for Message { name, claims, .. } in &self.messages {
            assert_eq!(&answer["claims"][name], claims, "{peer}: {name}");
        }
        let quote = &self.messages.iter().find(|m| m.typ == QUOTE.typ).unwrap().token;
        let values = values(quote);
        for role in PARTS {
            let form = &self.messages.iter().find(|m| m.typ == FORM.typ).unwrap().claims;
            let expected: Map<String, Value> = serde_json::from_value::<Rule>(form["rule"].clone())
                .unwrap()
                .part(role)
                .iter()
                .map(|field| (field.to_string(), serde_json::to_value(&values[field]).unwrap()))
                .collect();
            assert_eq!(answer["parts"][role.as_str()], Value::Object(expected), "{peer}: {role}");
        }
        let altered = &answer["altered"];
        assert!(altered["tried"].as_u64().unwrap() > 100, "{peer}: {altered}");
        assert_eq!(altered["accepted"], json!([]), "{peer} accepted altered messages");
    }
}

/// What the peers are given to write with: the private keys of three parties, and the pair keys.
fn writer(cast: &Cast, rule: &Rule, suites: &[Suite]) -> Value {
    let roles = [Role::Holder].into_iter().chain(PARTS);
    let mut parties: Map<String, Value> =
        roles.map(|role| (role.to_string(), json!(terminal(cast, role).id()))).collect();
    parties.insert("center".into(), json!(cast.net.anchors.centers[0].center));
    let each = |value: &dyn Fn(Role) -> Value| -> Map<String, Value> {
        PARTS.into_iter().map(|role| (role.to_string(), value(role))).collect()
    };
    let KeySource::Predistributed(route) = source(cast, Role::Merchant) else { unreachable!() };
    json!({
        "network": NETWORK,
        "now": NOW,
        "suites": suites,
        "rule": rule,
        "parties": parties,
        "route": route,
        "private": {
            "center": jwk(Role::Center, true),
            "holder": jwk(Role::Holder, true),
            "merchant": jwk(Role::Merchant, true),
        },
        "pairs": each(&|role| b64(&pair(cast, role)).into()),
        "hpke": each(&|role| json!(terminal(cast, role).credential.hpke[0])),
        "values": values(""),
    })
}

/// A peer's language, and where its program lives.
#[derive(Clone, Copy)]
enum Peer {
    Python,
    Node,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Peer {
    fn run(self, program: &str, folder: &Path) -> Value {
        let root = root();
        let (interpreter, needed, file) = match self {
            Peer::Python => {
                let python = root.join(".venv/bin/python");
                (python.clone(), python, format!("{program}.py"))
            }
            Peer::Node => {
                let library = root.join("tests/peers/node_modules/jose/package.json");
                ("node".into(), library, format!("{program}.mjs"))
            }
        };
        assert!(
            needed.exists(),
            "{} is not there: run ./test once, it installs what the peers need",
            needed.strip_prefix(&root).unwrap().display()
        );
        let output = Command::new(&interpreter)
            .arg(root.join("tests/peers").join(&file))
            .arg(folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap_or_else(|error| {
                panic!("{file} does not start ({error}): run ./test once, it installs the peers")
            });
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file} failed:\n{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn folder(name: &str, content: &Value) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("warifu.json"), content.to_string()).unwrap();
    folder
}

fn peers_open(peer: Peer, name: &str) {
    let trades = [
        (Suite::Kps, Trade::new(Net::kps(), Rule::classic())),
        (Suite::KpsHpke, Trade::new(Net::new(), Rule::minimal())),
    ];
    let suites: Map<String, Value> =
        trades.iter().map(|(suite, trade)| (suite.to_string(), trade.to_json())).collect();
    let folder = folder(name, &json!({ "suites": suites, "writer": { "now": NOW } }));
    let answer = peer.run("open", &folder);
    for (suite, trade) in trades {
        trade.check(&answer[suite.as_str()], &format!("{name}, {suite}"));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn python_opens_what_warifu_wrote() {
    peers_open(Peer::Python, "python opens");
}

#[test]
fn node_opens_what_warifu_wrote() {
    peers_open(Peer::Node, "node opens");
}

/// The text with one character changed in the middle of its piece number `n`.
fn altered(token: &str, n: usize) -> String {
    let mut pieces: Vec<String> = token.split('.').map(str::to_string).collect();
    let at = pieces[n].len() / 2;
    let other = if pieces[n].as_bytes()[at] == b'A' { "B" } else { "A" };
    pieces[n].replace_range(at..=at, other);
    pieces.join(".")
}

/// Every version of the bundle in which one token has one character changed.
fn altered_bundles(bundle: &SealedOrder, role: Role) -> Vec<(String, SealedOrder)> {
    let mut all = Vec::new();
    for n in 0..3 {
        let mut push = |name: &str, other: SealedOrder| all.push((format!("{name}, {n}"), other));
        push("order", SealedOrder { order: altered(&bundle.order, n), ..bundle.clone() });
        push("form", SealedOrder { form: altered(&bundle.form, n), ..bundle.clone() });
        let credential = altered(&bundle.credential, n);
        push("credential", SealedOrder { credential, ..bundle.clone() });
    }
    for n in [0, 2, 3, 4] {
        let mut other = bundle.clone();
        let part = altered(&bundle.parts[&role], n);
        other.parts.as_mut().insert(role, part);
        all.push((format!("part, {n}"), other));
    }
    all
}

fn accept(cast: &Cast, rule: &Rule, written: &Value, what: &str) {
    let bundle: SealedOrder = serde_json::from_value(written["bundle"].clone()).unwrap();
    let quote = written["quote"].as_str().unwrap();
    let values = values(quote);
    for role in PARTS {
        let own = terminal(cast, role);
        let front = &cast.merchant.credential;
        let opened = sealed::open(own, &bundle, front, role, NOW)
            .unwrap_or_else(|error| panic!("{what}: {role}: {error}"));
        let seen: Vec<_> = opened.fields.iter().collect();
        let mut expected: Vec<_> =
            rule.part(role).iter().map(|field| (field, &values[field])).collect();
        expected.sort_by_key(|(field, _)| *field);
        assert_eq!(json!(seen), json!(expected), "{what}: {role}");
        let merchant = (cast.merchant.id(), &cast.merchant.credential.key);
        let read = Quote::verify(quote, &opened.form.hash, merchant, NOW, AtFault::Sender);
        assert_eq!(read.unwrap().total, values[&FieldName::AMOUNT].as_amount().unwrap());
        for n in 0..3 {
            let other = altered(quote, n);
            let hash = &opened.form.hash;
            assert!(Quote::verify(&other, hash, merchant, NOW, AtFault::Sender).is_err());
        }
        for (name, other) in altered_bundles(&bundle, role) {
            let error = sealed::open(own, &other, front, role, NOW)
                .expect_err(&format!("{what}: {role}: altered {name}"));
            if name.starts_with("part") {
                assert_eq!(error.reason, Reason::AlteredPart, "{what}: {role}: {name}");
            }
        }
    }
}

fn warifu_opens(peer: Peer, name: &str, suites: &[Suite]) {
    // The floor is the reader's: here it takes both suites for every field.
    let floor = SuiteFloor::all(Suite::Kps);
    let cast = Cast::new(Net::with(1, &[Suite::KpsHpke, Suite::Kps], floor));
    for rule in [Rule::minimal(), Rule::classic()] {
        let given = json!({ "writer": writer(&cast, &rule, suites) });
        let folder = folder(&format!("{name} {}", rule.name), &given);
        let written = peer.run("write", &folder);
        for suite in suites {
            let what = format!("{name}, {}, {suite}", rule.name);
            accept(&cast, &rule, &written[suite.as_str()], &what);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn warifu_opens_what_python_wrote() {
    warifu_opens(Peer::Python, "python writes", &[Suite::Kps, Suite::KpsHpke]);
}

#[test]
fn warifu_opens_what_node_wrote() {
    warifu_opens(Peer::Node, "node writes", &[Suite::Kps]);
}

/// The examples of `docs/protocol.md`, computed anew.
#[test]
fn the_specification_has_the_right_examples() {
    let text = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    // Long hexadecimal stands there in lines.
    let joined: String = text.lines().collect();
    let has = |what: &str| assert!(joined.contains(what), "docs/protocol.md lacks {what}");

    let center = CenterEpoch { center: id("domain:center.example"), epoch: 1 };
    let seed = CenterSeed::from_bytes(std::array::from_fn(|n| n as u8));
    let thresholds = Thresholds::new(5, 4).unwrap();
    let matrices = CenterMatrices::new(seed, "town", center.clone(), thresholds);
    let (hanako, shop) = (id("mail:hanako@example.jp"), id("domain:shop.example"));
    for point in Points::of("town", 1, &hanako).each() {
        has(&hex::encode(point));
    }
    let share = matrices.holder_share(3, &hanako);
    has(std::str::from_utf8(&share.to_file()).unwrap());
    let pair = share.pair_key(&shop);
    has(&hex::encode(pair.expose()));

    let route = Route { epochs: vec![center.clone()], matrix: Matrix::Holders { group: 3 } };
    let source = KeySource::Predistributed(route);
    let context = Context {
        network: "town",
        source: &source,
        suite: Suite::Kps,
        sender: (&hanako, Role::Holder),
        recipient: (&shop, Role::Merchant),
        about: &[7; 32],
    };
    has(&hex::encode(context.info(Purpose::Part)));
    has(&hex::encode(*context.key(&pair, Purpose::Part)));

    let amount = FieldValue::Amount(Money::new(1980, Currency::JPY).unwrap());
    let disclosure = Disclosure::new(&std::array::from_fn(|n| n as u8), &amount);
    has(&disclosure.text);
    has(&disclosure.digest.to_string());

    // RFC 8032, section 7.1, test 1.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let key = VerifyingKey::from_bytes(&hex::decode(key).unwrap().try_into().unwrap()).unwrap();
    let centers =
        vec![PinnedCenter { center: center.center, key, epoch: 1, grace_until: UnixTime(0) }];
    has(&fingerprint(&Anchors { network: "town".into(), centers }));

    for reason in Reason::ALL {
        has(&format!("| `{}` | {} |", reason.code(), reason.text()));
    }
    for typ in [CREDENTIAL, ENROLMENT_REQUEST, FORM, QUOTE, ORDER, AUTHORIZATION_REQUEST]
        .into_iter()
        .chain([AUTHORIZATION, DELIVERY_REQUEST, DELIVERY])
        .chain([SETTLEMENT_REQUEST, SETTLEMENT, STATUS])
    {
        has(&format!("| `{}` | `{}` |", typ.typ, typ.word));
    }
    for (rule, roles) in
        [(Rule::classic(), &PARTS[..]), (Rule::badge(), &[Role::Door, Role::CardManager])]
    {
        for role in roles {
            let fields: Vec<_> = rule.part(*role).iter().map(|field| field.as_str()).collect();
            has(&format!("| {role} | `{}` |", fields.join(" ")));
        }
    }
}
