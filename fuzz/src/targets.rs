//! What the fuzz targets do, one function each: bytes from outside go through a parser and all the
//! checks behind it, in a fixed small network. A function says whether the message was accepted, and
//! panics if something does not hold that must hold for every input.
//!
//! `crates/protocol/tests/fuzz_corpora.rs` runs the corpora through the same functions.

#[path = "../../crates/protocol/tests/common/mod.rs"]
pub mod common;

use common::{Cast, NETWORK, NOW, Net, rng};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::sync::{LazyLock, Mutex};
use warifu_keydist::{Matrix, Route, Share};
use warifu_protocol::{
    AtFault,
    authorization::{AUTHORIZATION, AUTHORIZATION_REQUEST, Authorization, AuthorizationRequest},
    credential::{CREDENTIAL, Credential},
    delivery::{DELIVERY, DELIVERY_REQUEST, Delivery, DeliveryRequest},
    derive::{Context, KeySource, Purpose},
    encode::{from_json, sha256, to_json, unb64},
    enrolment::{ENROLMENT_REQUEST, Enrolment, EnrolmentRequest, decrypt_shares, fingerprint},
    error::Result,
    form::{FORM, Form},
    joining::{Guide, Message, Reply},
    jwe, jws,
    jws::TokenType,
    meeting::{self, Challenge, Confirm, Hello},
    order::{Disclosure, ORDER, OrderClaims},
    part::{Expected, PartHeader, open_part},
    prepaid::{PREPAID_CARD, PrepaidCard},
    quote::{QUOTE, Quote},
    receipt::Receipt,
    rule::Rule,
    sealed::{self, OpenedOrder, Sealed, SealedOrder},
    session::{Session, session_of},
    settlement::{Action, SETTLEMENT, SETTLEMENT_REQUEST, Settlement, SettlementRequest},
    signer::Signer,
    status::{STATUS, Status},
    suite::Suite,
    telegram::{
        TELEGRAM, TELEGRAM_ANSWER, Telegram, TelegramAnswer,
        session::{Open, Opened, accept},
    },
    terminal::Terminal,
    trust::Anchors,
};
use warifu_types::{FieldName, Identifier, Money, OrderId, Role};
use zeroize::Zeroizing;

/// A target: bytes in, accepted or not out.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is also that of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("identifier", identifier),
    ("small_values", small_values),
    ("share_file", share_file),
    ("form_rule", form_rule),
    ("signed_message", signed_message),
    ("claims", claims),
    ("enrolment", enrolment),
    ("part", part),
    ("part_header", part_header),
    ("envelope", envelope),
    ("disclosure", disclosure),
    ("sealed_order", sealed_order),
    ("receipt", receipt),
    ("meeting", meeting),
    ("session_message", session_message),
    ("joining", joining),
];

/// A network, and an order that was sealed and opened in it.
pub struct Fixture {
    pub cast: Cast,
    pub sealed: Sealed,
    pub quote: String,
    pub opened: OpenedOrder,
}

impl Fixture {
    fn new(net: Net) -> Fixture {
        let cast = Cast::new(net);
        let sealed = cast.order(Rule::classic());
        let front = &cast.merchant.credential;
        let opened = sealed::open(&cast.issuer, &sealed.bundle, front, Role::Issuer, NOW).unwrap();
        let quote = cast.quote(opened.form.hash);
        Fixture { cast, sealed, quote, opened }
    }

    /// The parties with a part.
    pub fn parties(&self) -> [(Role, &Terminal); 3] {
        let Cast { merchant, issuer, carrier, .. } = &self.cast;
        [(Role::Merchant, merchant), (Role::Issuer, issuer), (Role::Carrier, carrier)]
    }
}

/// Suite `kps`.
pub static KPS: LazyLock<Fixture> = LazyLock::new(|| Fixture::new(Net::kps()));

/// Suite `kps+hpke`.
pub static HPKE: LazyLock<Fixture> = LazyLock::new(|| Fixture::new(Net::new()));

/// A pair that has met: initiator, responder.
pub fn met(fixture: &Fixture) -> (Session, Session) {
    let Cast { holder, merchant, .. } = &fixture.cast;
    let (waiting, hello) =
        meeting::begin(holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (expect, challenge) = meeting::respond(merchant, &hello, NOW, &mut rng(2)).unwrap();
    let (asks, confirm) = waiting.finish(holder, &challenge, None, NOW, &mut rng(3)).unwrap();
    (asks.session, expect.finish(merchant, &confirm, NOW).unwrap().session)
}

static SESSIONS: LazyLock<Mutex<(Session, Session)>> = LazyLock::new(|| Mutex::new(met(&KPS)));

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// What is read as a message is written in a form that reads as the same.
fn stable<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<T> {
    let value: T = from_json(data, AtFault::Sender, "fuzz").ok()?;
    let again: T = from_json(&to_json(&value), AtFault::Sender, "fuzz").unwrap();
    assert_eq!(value, again);
    Some(value)
}

/// The same for values that are no messages of their own.
fn small<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(data).ok()?;
    assert_eq!(value, serde_json::from_slice(&to_json(&value)).unwrap());
    Some(value)
}

/// An identifier's text.
pub fn identifier(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let Ok(parsed) = Identifier::parse(text) else { return false };
    assert_eq!(Identifier::parse_canonical(parsed.as_str()), Ok(parsed.clone()));
    let mut bytes = Vec::new();
    parsed.write_canonical(&mut bytes);
    let values: usize = parsed.parts().map(|(_, value)| value.len() + 5).sum();
    assert_eq!(bytes.len(), values);
    let _ = parsed.skeleton();
    true
}

/// The small values of `types` and `keydist`, as JSON, and texts as field names.
pub fn small_values(data: &[u8]) -> bool {
    let field = text(data).is_some_and(|text| text.parse::<FieldName>().is_ok());
    field
        | small::<Identifier>(data).is_some()
        | small::<Money>(data).is_some()
        | small::<FieldName>(data).is_some()
        | small::<OrderId>(data).is_some()
        | small::<Role>(data).is_some()
        | small::<Matrix>(data).is_some()
        | small::<KeySource>(data).is_some()
        | small::<Route>(data).is_some_and(|route| route.check().is_ok())
}

/// A share file: one spelling, and its keys can be derived.
pub fn share_file(data: &[u8]) -> bool {
    let Ok(share) = Share::from_file(data) else { return false };
    assert_eq!(*share.to_file(), data);
    let _ = share.pair_key(share.owner());
    true
}

/// A disclosure rule.
pub fn form_rule(data: &[u8]) -> bool {
    let Some(rule) = stable::<Rule>(data) else { return false };
    if rule.check(AtFault::Sender).is_err() {
        return false;
    }
    let beyond = rule.beyond_minimal();
    let card = [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY];
    for (role, fields) in rule.parts.iter() {
        assert!(*role == rule.authorizer || !fields.iter().any(|field| card.contains(field)));
    }
    assert!(beyond.iter().all(|(role, field)| rule.part(*role).contains(field)));
    true
}

/// A signed message of any kind, as it comes from the network.
pub fn signed_message(data: &[u8]) -> bool {
    text(data).is_some_and(|token| verify_all(&KPS, token))
}

/// Verifies a token as every kind that it might be. Each check ends at the `typ` but the right one.
fn verify_all(fixture: &Fixture, token: &str) -> bool {
    let Fixture { cast, opened, sealed, .. } = fixture;
    let [holder, merchant, issuer, carrier] =
        [&cast.holder, &cast.merchant, &cast.issuer, &cast.carrier].map(|t| &t.credential);
    let order = &sealed.identity;
    let front = (&merchant.sub, &merchant.key);
    let with_order = SealedOrder { order: token.into(), ..sealed.bundle.clone() };
    let trust = &cast.carrier.trust;
    let center = center_of(fixture);
    let checked: [Result<()>; 15] = [
        trust.credential(token, NOW, AtFault::Sender).map(drop),
        EnrolmentRequest::verify(token).map(drop),
        trust.form(token, merchant, NOW, AtFault::Sender).map(drop),
        Quote::verify(token, &opened.form.hash, front, NOW, AtFault::Sender).map(drop),
        sealed::check(&cast.issuer, &with_order, merchant, NOW).map(drop),
        AuthorizationRequest::verify(token, merchant, &issuer.sub, opened, NOW).map(drop),
        Authorization::verify(token, (Role::Issuer, issuer), &merchant.sub, order, NOW).map(drop),
        DeliveryRequest::verify(token, trust, merchant, &carrier.sub, opened, NOW).map(drop),
        Delivery::verify(token, carrier, &merchant.sub, order).map(drop),
        SettlementRequest::verify(token, merchant, &issuer.sub, NOW).map(drop),
        Settlement::verify(token, issuer, &merchant.sub, order, Action::Capture).map(drop),
        Status::verify(token, merchant, &holder.sub, order, AtFault::Sender).map(drop),
        Telegram::verify(token, &holder.key, &center.sub).map(drop),
        TelegramAnswer::verify(token, &center, &holder.sub, ASKED).map(drop),
        PrepaidCard::verify(token, &center, NOW).map(drop),
    ];
    let accepted = checked.iter().filter(|result| result.is_ok()).count();
    assert!(accepted <= 1, "a message of two kinds");
    accepted == 1
}

/// What stands for the telegram that is answered.
pub const ASKED: &str = "a telegram";

/// The issuer as a settlement center, whose signer it is in [`kinds`].
pub fn center_of(fixture: &Fixture) -> Credential {
    Credential { roles: vec![Role::Center], ..(*fixture.cast.issuer.credential).clone() }
}

/// Who signs each kind of message.
pub fn kinds(fixture: &Fixture) -> [(TokenType, &dyn Signer); 15] {
    let Cast { holder, merchant, issuer, carrier, net } = &fixture.cast;
    let [holder, merchant, issuer, carrier] =
        [holder, merchant, issuer, carrier].map(|terminal| terminal.signer.as_ref());
    [
        (CREDENTIAL, &net.centers[0].1),
        (ENROLMENT_REQUEST, holder),
        (FORM, merchant),
        (QUOTE, merchant),
        (ORDER, holder),
        (AUTHORIZATION_REQUEST, merchant),
        (AUTHORIZATION, issuer),
        (DELIVERY_REQUEST, merchant),
        (DELIVERY, carrier),
        (SETTLEMENT_REQUEST, merchant),
        (SETTLEMENT, issuer),
        (STATUS, merchant),
        (TELEGRAM, holder),
        (TELEGRAM_ANSWER, issuer),
        (PREPAID_CARD, issuer),
    ]
}

/// Claims, signed by the right party: the first byte chooses the kind, the rest is JSON.
pub fn claims(data: &[u8]) -> bool {
    let Some((kind, claims)) = data.split_first() else { return false };
    let Ok(claims) = serde_json::from_slice::<&RawValue>(claims) else { return false };
    let kinds = kinds(&KPS);
    let (kind, signer) = kinds[usize::from(kind.wrapping_sub(b'a')) % kinds.len()];
    let token = jws::sign(kind, &claims, signer);
    let accepted = verify_all(&KPS, &token);
    assert!(!accepted || rewritten(kind, &token).is_some(), "accepted claims can be written");
    accepted
}

/// The claims as this implementation writes them.
fn rewritten(kind: TokenType, token: &str) -> Option<Vec<u8>> {
    fn again<T: DeserializeOwned + Serialize>(kind: TokenType, token: &str) -> Option<Vec<u8>> {
        jws::peek::<T>(kind, token, AtFault::Own).ok().map(|claims| to_json(&claims))
    }
    again::<Credential>(kind, token)
        .or_else(|| again::<EnrolmentRequest>(kind, token))
        .or_else(|| again::<Form>(kind, token))
        .or_else(|| again::<Quote>(kind, token))
        .or_else(|| again::<OrderClaims>(kind, token))
        .or_else(|| again::<AuthorizationRequest>(kind, token))
        .or_else(|| again::<Authorization>(kind, token))
        .or_else(|| again::<DeliveryRequest>(kind, token))
        .or_else(|| again::<Delivery>(kind, token))
        .or_else(|| again::<SettlementRequest>(kind, token))
        .or_else(|| again::<Settlement>(kind, token))
        .or_else(|| again::<Status>(kind, token))
        .or_else(|| again::<Telegram>(kind, token))
        .or_else(|| again::<TelegramAnswer>(kind, token))
        .or_else(|| again::<PrepaidCard>(kind, token))
}

/// A request, the center's answer, or the shares in it.
pub fn enrolment(data: &[u8]) -> bool {
    let Cast { holder, .. } = &HPKE.cast;
    let answer = stable::<Enrolment>(data);
    if let Some(answer) = &answer {
        assert_eq!(fingerprint(&answer.anchors).len(), 49);
    }
    let anchors = stable::<Anchors>(data).is_some();
    let Some(token) = text(data) else { return false };
    let shares = answer.as_ref().map_or(token, |answer| &answer.shares);
    let opened = decrypt_shares(shares, holder.id(), &holder.hpke).is_ok();
    anchors || opened || EnrolmentRequest::verify(token).is_ok()
}

fn expected<'a>(fixture: &'a Fixture, role: Role, token: &[u8]) -> Expected<'a> {
    Expected {
        holder: &fixture.cast.holder.credential,
        order: &fixture.sealed.id,
        form: &fixture.opened.form.hash,
        role,
        hash: sha256(token),
        floor: Suite::Kps,
    }
}

/// A part's JWE that the holder has signed for.
pub fn part(data: &[u8]) -> bool {
    let Some(token) = text(data) else { return false };
    let mut accepted = false;
    for fixture in [&*KPS, &*HPKE] {
        for (role, terminal) in fixture.parties() {
            let expected = expected(fixture, role, data);
            accepted |= open_part(terminal, token, expected, NOW).is_ok();
        }
    }
    let _ = session_of(token);
    accepted
}

/// The header of the merchant's part, and its content key in suite `kps`.
pub fn merchants_part() -> (Vec<u8>, Zeroizing<[u8; 32]>) {
    let token = &KPS.sealed.bundle.parts[&Role::Merchant];
    let header = unb64(token.split_once('.').unwrap().0, AtFault::Own, "part").unwrap();
    let read: PartHeader = from_json(&header, AtFault::Own, "part").unwrap();
    let context = Context {
        network: NETWORK,
        source: &read.keys,
        suite: Suite::Kps,
        sender: (&read.from, Role::Holder),
        recipient: (&read.to, read.role),
        about: &read.order.0,
    };
    let pair = KPS.cast.holder.pair_key(&read.keys, &read.to, None).unwrap();
    (header, context.key(&pair, Purpose::Part))
}

static MERCHANTS_PART: LazyLock<(Vec<u8>, Zeroizing<[u8; 32]>)> = LazyLock::new(merchants_part);

/// A part's header, as it is, before a ciphertext under the right key.
pub fn part_header(data: &[u8]) -> bool {
    let key = &MERCHANTS_PART.1;
    let plain = br#"{"disclosures":[],"pad":""}"#.to_vec();
    let token = jwe::encrypt(data, key, &[0; 12], Zeroizing::new(plain));
    let expected = expected(&KPS, Role::Merchant, token.as_bytes());
    let opened = open_part(&KPS.cast.merchant, &token, expected, NOW).is_ok();
    if opened {
        assert!(stable::<PartHeader>(data).is_some());
    }
    opened
}

/// The plaintext of the merchant's part, in an order that lists it.
pub fn envelope(data: &[u8]) -> bool {
    let Fixture { cast, sealed, .. } = &*KPS;
    let (header, key) = &*MERCHANTS_PART;
    let part = jwe::encrypt(header, key, &[0; 12], Zeroizing::new(data.to_vec()));
    let mut bundle = sealed.bundle.clone();
    let mut claims = jws::peek::<OrderClaims>(ORDER, &bundle.order, AtFault::Own).unwrap();
    claims.parts.as_mut().insert(Role::Merchant, sha256(part.as_bytes()));
    bundle.parts.as_mut().insert(Role::Merchant, part);
    bundle.order = jws::sign(ORDER, &claims, cast.holder.signer.as_ref());
    open(&cast.merchant, &bundle, Role::Merchant, &cast.merchant)
}

/// Opens a bundle as one party, and checks what every opened order must be.
fn open(terminal: &Terminal, bundle: &SealedOrder, role: Role, front: &Terminal) -> bool {
    let Ok(opened) = sealed::open(terminal, bundle, &front.credential, role, NOW) else {
        return false;
    };
    let fields = opened.form.form.rule.part(role);
    assert_eq!(opened.fields.len(), fields.len());
    for (field, value) in &opened.fields {
        assert!(fields.contains(field));
        assert_eq!(value.check(field, AtFault::Own), Ok(()));
    }
    true
}

/// Opens a bundle as each party.
fn open_all(fixture: &Fixture, bundle: &SealedOrder) -> [bool; 3] {
    let front = &fixture.cast.merchant;
    fixture.parties().map(|(role, terminal)| open(terminal, bundle, role, front))
}

/// A disclosure, as it stands or before its encoding, for each known field.
pub fn disclosure(data: &[u8]) -> bool {
    let fields = Rule::classic();
    let encoded = warifu_protocol::encode::b64(data);
    let mut accepted = false;
    for field in fields.fields() {
        for text in [text(data).unwrap_or(""), &encoded] {
            if let Ok(value) = Disclosure::read(text, field) {
                let again = Disclosure::new(&[0; 16], &value);
                assert_eq!(Disclosure::read(&again.text, field), Ok(value));
                accepted = true;
            }
        }
    }
    accepted
}

/// A whole sealed order.
pub fn sealed_order(data: &[u8]) -> bool {
    let Some(bundle) = stable::<SealedOrder>(data) else { return false };
    let _ = bundle.identity();
    for role in [Role::Merchant, Role::Issuer] {
        assert!(bundle.only(role).parts.len() <= 1);
        assert_eq!(
            bundle.except(role).parts.len() + bundle.only(role).parts.len(),
            bundle.parts.len()
        );
    }
    let opened = [open_all(&KPS, &bundle), open_all(&HPKE, &bundle)].concat();
    opened.into_iter().any(|opened| opened)
}

/// A holder's receipt.
pub fn receipt(data: &[u8]) -> bool {
    let Some(receipt) = stable::<Receipt>(data) else { return false };
    let _ = receipt.presentation();
    receipt.verify(&KPS.cast.holder, NOW).is_ok()
}

/// A message of a meeting, to the party that waits for it.
pub fn meeting(data: &[u8]) -> bool {
    let mut accepted = false;
    for Fixture { cast, .. } in [&*KPS, &*HPKE] {
        let Cast { holder, merchant, .. } = cast;
        let first =
            || meeting::begin(holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        if let Some(hello) = stable::<Hello>(data) {
            accepted |= meeting::respond(merchant, &hello, NOW, &mut rng(2)).is_ok();
        }
        if let Some(challenge) = stable::<Challenge>(data) {
            let met = first().0.finish(holder, &challenge, Some(merchant.id()), NOW, &mut rng(3));
            accepted |= met.is_ok();
        }
        if let Some(confirm) = stable::<Confirm>(data) {
            let (expect, _) = meeting::respond(merchant, &first().1, NOW, &mut rng(2)).unwrap();
            accepted |= expect.finish(merchant, &confirm, NOW).is_ok();
        }
    }
    accepted
}

/// A session's message: to the responder as a question, to the initiator as an answer.
pub fn session_message(data: &[u8]) -> bool {
    let Some(token) = text(data) else { return false };
    let mut sessions = SESSIONS.lock().unwrap();
    let (asks, answers) = &mut *sessions;
    let question = answers.hear(token).is_ok();
    if question {
        assert!(answers.hear(token).is_err(), "a question counts once");
        // The next input meets a session that has heard nothing.
        *sessions = met(&KPS);
        return true;
    }
    asks.hear_answer(0, token).is_ok()
}

/// What is said before there is a key: opening a telegram session, applying, the guide.
pub fn joining(data: &[u8]) -> bool {
    if let Some(open) = stable::<Open>(data) {
        let (session, opened) = match accept(&HPKE.cast.issuer, &open, &mut rng(4)) {
            Ok(accepted) => accepted,
            Err(_) => return false,
        };
        assert_eq!(session.id(), opened.session);
        return true;
    }
    match stable::<Message>(data) {
        Some(Message::Apply(application)) => application.check().is_ok(),
        Some(Message::Join { .. } | Message::Telegram(_) | Message::Enclose(_)) => true,
        None => {
            stable::<Reply>(data).is_some()
                || stable::<Opened>(data).is_some()
                || stable::<Guide>(data).is_some()
        }
    }
}
