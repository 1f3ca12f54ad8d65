//! What the fuzz targets do, one function each: bytes from outside go through a parser and all the
//! checks behind it, in a fixed small network. A function says whether the message was accepted, and
//! panics if something does not hold that must hold for every input.
//!
//! `crates/protocol/tests/fuzz_corpora` runs the corpora through the same functions.

#[path = "../../crates/protocol/tests/common/mod.rs"]
pub mod common;
#[path = "signed.rs"]
mod signed;

pub use signed::{ASKED, FILE, asked_meter, center_of, claims, granted, kinds, signed_message};

use common::{Cast, NETWORK, NOW, Net, rng};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{LazyLock, Mutex};
use warifu_keydist::{Matrix, Route, Share};
use warifu_protocol::{
    AtFault,
    derive::{Context, KeySource, Purpose},
    encode::{from_json, sha256, to_json, unb64},
    enrolment::{Enrolment, EnrolmentRequest, decrypt_shares, fingerprint, renewal::Renewal},
    joining::{Guide, Message, Reply},
    jwe, jws,
    meeting::{self, Challenge, Confirm, Hello},
    order::{Disclosure, ORDER, OrderClaims},
    part::{Expected, PartHeader, open_part},
    presented::CardBeside,
    receipt::Receipt,
    rule::Rule,
    sealed::{self, OpenedOrder, Sealed, SealedOrder},
    session::{Session, session_of},
    suite::Suite,
    telegram::session::{Open, Opened, accept},
    terminal::Terminal,
    trade_number::TradeNumber,
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

/// The small values of `types` and `keydist`, as JSON, and texts as field names and trade numbers.
pub fn small_values(data: &[u8]) -> bool {
    let field = text(data).is_some_and(|text| text.parse::<FieldName>().is_ok());
    field
        | text(data).is_some_and(trade_number)
        | small::<Identifier>(data).is_some()
        | small::<Money>(data).is_some()
        | small::<FieldName>(data).is_some()
        | small::<OrderId>(data).is_some()
        | small::<Role>(data).is_some()
        | small::<Matrix>(data).is_some()
        | small::<KeySource>(data).is_some()
        | small::<Route>(data).is_some_and(|route| route.check().is_ok())
}

/// A trade number as a person types it: shown again, it is the same one.
fn trade_number(text: &str) -> bool {
    let Ok(number) = text.parse::<TradeNumber>() else { return false };
    assert_eq!(number.to_string().parse(), Ok(number));
    assert_eq!(number.as_str().parse(), Ok(number));
    true
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

/// A request, the center's answer, or the shares in it; an answer to a request for renewal.
pub fn enrolment(data: &[u8]) -> bool {
    let Cast { holder, net, .. } = &HPKE.cast;
    if let Some(renewal) = stable::<Renewal>(data) {
        let center = &net.anchors.centers[0];
        return renewal.open(NETWORK, center, holder.id(), &holder.hpke).is_ok();
    }
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

/// A disclosure, as it stands or before its encoding, for each known field; the two of a card that is
/// shown beside an order.
pub fn disclosure(data: &[u8]) -> bool {
    if let Some(card) = stable::<CardBeside>(data) {
        let read = card.read().is_ok();
        assert!(!read || card.salts().is_ok(), "what was read has its salts");
        return read;
    }
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
