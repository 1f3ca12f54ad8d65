//! A center over SQLite on a loopback port, members with prepaid cards, and a merchant that takes
//! payment notices.

use super::load::{self, Queue};
use crate::{
    Failure,
    newcomer::{self, Newcomer},
    setup::{KeySettings, Opened, Place, now, random},
};
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::net::TcpListener;
use warifu_center::{Center, CenterWish, Kind, MoneyReceived, Rates, Settings, Way};
use warifu_holder::{Source, Standing, TopUpWish};
use warifu_keydist::Thresholds;
use warifu_ports::Entropy;
use warifu_protocol::{
    AtFault,
    authorization::{AUTHORIZATION, Authorization},
    credential::Credential,
    form::{Accepts, Designation, Form},
    joining::Message,
    jws,
    prepaid::PrepaidCard,
    rule::Rule,
    sealed::Draft,
    session::Session,
    suite::Suite,
    telegram::{self, Instruction, Payment, Person, Telegram},
    trust::CheckedForm,
    value::FieldValue,
};
use warifu_store::OsEntropy;
use warifu_types::{Currency, FieldName, Identifier, Money, Nonce, OrderId, Role};
use warifu_wire::{
    Answer, Party, PaymentNoticesAnswer, PaymentNoticesQuestion, Peer, Problem, ReceivedAnswer,
    Service, TelegramSession, identity::Wish, read_body, serve_routes, write_answer,
};
use zeroize::Zeroizing;

const NETWORK: &str = "bench.warifu.example";
/// So many members pay, each over a connection of its own.
pub const MEMBERS: usize = 128;

/// What is set up.
pub struct Stage {
    /// Where the center answers.
    pub address: SocketAddr,
    merchant: Arc<Party>,
    form_token: String,
    form: Arc<CheckedForm>,
    center_credential: Arc<Credential>,
    members: Vec<Member>,
    /// Payment notices that the merchant has taken.
    pub notices: Arc<AtomicU64>,
}

/// A member with a card, and the numbers of its telegrams.
struct Member {
    newcomer: Newcomer,
    card: PrepaidCard,
    next: u64,
    /// Whether the center has what this member's payments name.
    enclosed: bool,
}

/// A connection's requests with the session under which the answers are read.
pub struct Prepared {
    /// The requests.
    pub queue: Queue,
    /// The session.
    pub session: Session,
}

impl Stage {
    /// Sets everything up below `folder`.
    pub async fn new(folder: &Path, progress: &impl Fn(&str)) -> Result<Stage, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let center = start_center(folder, &url).await?;
        serve(listener, warifu_center::routes(center.clone()));
        let notices = Arc::new(AtomicU64::new(0));
        let merchant = start_merchant(folder, &center, &url, notices.clone()).await?;
        let mut members = Vec::new();
        for n in 0..MEMBERS {
            progress(&format!("member {} of {MEMBERS} joins", n + 1));
            members.push(member(folder, &center, &url, n).await?);
        }
        let center_credential = members
            .first()
            .map(|member| member.newcomer.writer.center.clone())
            .ok_or_else(|| Failure::input("benchmark", "has no members"))?;
        let (form_token, form) = form(&merchant, &center_credential)?;
        Ok(Stage { address, merchant, form_token, form, center_credential, members, notices })
    }

    /// Prepares so many payments for each member: sealed orders, signed telegrams, encrypted
    /// messages. They are made in the order in which they will be sent, as if each were sent at once.
    pub async fn prepare(&mut self, each: u64) -> Result<Vec<Prepared>, Failure> {
        let mut all = Vec::new();
        for _ in 0..self.members.len() {
            let (session, opened) = self.open().await?;
            debug_assert_eq!(session.id(), opened);
            all.push(Prepared { queue: Queue::default(), session });
        }
        for _ in 0..each {
            for (place, Prepared { queue, session }) in all.iter_mut().enumerate() {
                let token = self.payment(place).await?;
                let said = Zeroizing::new(serde_json::to_vec(&Message::Telegram(token))?);
                let (_, message) = session.ask(said);
                queue.requests.push(load::request(self.address, &message));
            }
        }
        Ok(all)
    }

    /// A telegram session whose messages are made here.
    async fn open(&self) -> Result<(Session, Nonce), Failure> {
        let (waiting, open) =
            telegram::session::open(NETWORK, &self.center_credential, &mut random())?;
        let url = format!("http://{}", self.address);
        let opened = TelegramSession::open_raw(&url, &open).await?;
        Ok((waiting.finish(&opened), opened.session))
    }

    /// One payment: an order of one yen, sealed to merchant and center.
    async fn payment(&mut self, place: usize) -> Result<String, Failure> {
        let (merchant, form) = (self.merchant.terminal().credential.clone(), self.form.clone());
        // The suite `kps`: the telegram session is under the center's hybrid key already.
        let center = Credential { suites: vec![Suite::Kps], ..(*self.center_credential).clone() };
        let merchant = Credential { suites: vec![Suite::Kps], ..(*merchant).clone() };
        let recipients = BTreeMap::from([
            (Role::Merchant, Arc::new(merchant)),
            (Role::Center, Arc::new(center)),
        ]);
        let member = &mut self.members[place];
        let values = values(&member.card)?;
        let draft = Draft {
            form: form.borrowed(),
            form_token: &self.form_token,
            values: &values,
            recipients: &recipients,
        };
        let party = &member.newcomer.party;
        let sealed = party.seal(&draft, OrderId(party.new_name())).await?;
        let front = self.merchant.terminal().credential_token.clone();
        let payment = Payment::of(&sealed.bundle, &front)?;
        let writer = &member.newcomer.writer;
        // As a terminal does with its first payment.
        if !std::mem::replace(&mut member.enclosed, true) {
            writer.line.enclose(&Payment::enclosures(&sealed.bundle, &front)).await?;
        }
        let telegram = Telegram {
            iss: writer.member.clone(),
            aud: writer.center.sub.clone(),
            key: telegram::key_id(&writer.signer.verifying_key()),
            jti: Nonce(party.new_name()),
            seq: member.next,
            instruction: Instruction::Pay(Box::new(payment)),
            iat: now(),
            exp: now().plus(900),
        };
        member.next += 1;
        Ok(telegram.sign(writer.signer.as_ref()))
    }
}

fn serve(listener: TcpListener, routes: axum::Router) {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "listener");
        }
    });
}

fn id(text: &str) -> Result<Identifier, Failure> {
    Ok(Identifier::parse(text)?)
}

fn opened(folder: &Path, name: &str) -> Result<Opened, Failure> {
    Place::new(&folder.join(name), None).create()
}

fn keys(url: &str) -> Result<KeySettings, Failure> {
    let center = Some((id("domain:center.example")?, url.to_string()));
    Ok(KeySettings { minimum: Some(Suite::Kps), center, ..KeySettings::default() })
}

async fn start_center(folder: &Path, url: &str) -> Result<Arc<Center>, Failure> {
    let place = opened(folder, "center")?;
    let wish = CenterWish {
        network: NETWORK.to_string(),
        identifier: id("domain:center.example")?,
        url: url.to_string(),
        thresholds: Thresholds::default(),
    };
    let mut generator = random();
    let init = move |unit: &mut dyn warifu_ports::Unit| {
        warifu_center::init(unit, &wish, [9; 32], now(), &mut generator)
    };
    place.port().run(init).await?;
    let party = place.party(&KeySettings { center: None, ..keys(url)? }).await?;
    Ok(Center::with(party, place.port(), false, settings()).await?)
}

/// As usual, but nobody is told to come again later.
fn settings() -> Settings {
    let usual = Settings::default();
    let mut rates: Rates = usual.rates;
    for rate in [
        &mut rates.opens_of_address,
        &mut rates.opens_of_all,
        &mut rates.telegrams,
        &mut rates.applications,
    ] {
        rate.burst = 10_000_000;
        rate.a_minute = 10_000_000;
    }
    Settings { rates, ..usual }
}

/// A merchant that does nothing but take payment notices.
struct Till {
    party: Arc<Party>,
    taken: Arc<AtomicU64>,
}

#[async_trait]
impl Service for Till {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        _peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        if op != "payment_notices" {
            return Err(Problem::not_found("op"));
        }
        let question: PaymentNoticesQuestion = read_body(body)?;
        let mut answers = Vec::new();
        for token in &question.authorizations {
            let notice: Authorization = jws::peek(AUTHORIZATION, token, AtFault::Sender)?;
            answers.push(Answer::Ok(ReceivedAnswer { order: notice.order }));
        }
        self.taken.fetch_add(answers.len() as u64, Ordering::Relaxed);
        write_answer(&PaymentNoticesAnswer { answers })
    }
}

async fn start_merchant(
    folder: &Path,
    center: &Arc<Center>,
    center_url: &str,
    taken: Arc<AtomicU64>,
) -> Result<Arc<Party>, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let place = opened(folder, "merchant")?;
    let wish = Wish {
        sub: id("domain:shop.example")?,
        roles: vec![Role::Merchant],
        suites: vec![Suite::Kps],
        url: Some(format!("http://{}", listener.local_addr()?)),
    };
    let answer = center.enrol(place.request(&wish).await?, Kind::Admit).await?;
    place.accept(&answer, None).await?;
    let party = place.party(&keys(center_url)?).await?;
    serve(listener, serve_routes(Arc::new(Till { party: party.clone(), taken })));
    Ok(party)
}

/// A member who has joined, with a card that was paid for by transfer.
async fn member(
    folder: &Path,
    center: &Arc<Center>,
    url: &str,
    n: usize,
) -> Result<Member, Failure> {
    let place = opened(folder, &format!("member-{n}"))?;
    let person = Person {
        name: format!("会員 {n}"),
        address: "東京都港区芝 1-2-3".to_string(),
        born: "1990-01-01".to_string(),
    };
    let settlement = center.settlement();
    let (keys, seed) = (keys(url)?, OsEntropy.bytes32());
    let newcomer = newcomer::join(settlement, url, place.port(), person, &keys, seed).await?;
    let amount = Money::new(50_000, Currency::JPY)?;
    let wish = TopUpWish { amount, onto: "prepaid".to_string(), source: Source::Transfer };
    let asked = newcomer.holder.top_up(&wish).await?;
    let Standing::Waiting { reference } = asked.standing else {
        return Err(Failure::input("benchmark", "a top-up does not wait for its money"));
    };
    let id = format!("bench-{n}");
    settlement.money_received(MoneyReceived { id, reference, amount, way: Way::Transfer }).await?;
    newcomer.holder.refresh_top_up(asked.telegram).await?;
    let cards = newcomer.holder.prepaid_cards().await?;
    let card = cards.into_iter().next().ok_or_else(|| Failure::input("benchmark", "no card"))?;
    // Registration, request and status have the first numbers.
    Ok(Member { newcomer, card: card.card?, next: 1000, enclosed: false })
}

fn form(merchant: &Arc<Party>, center: &Credential) -> Result<(String, Arc<CheckedForm>), Failure> {
    let terminal = merchant.terminal();
    let form = Form {
        iss: terminal.id().clone(),
        network: NETWORK.to_string(),
        jti: Nonce([3; 32]),
        rule: Rule::prepaid().without_party(Role::Carrier),
        parties: [(Role::Center, Designation::Identifier(center.sub.clone()))]
            .into_iter()
            .collect(),
        accepts: Accepts {
            currencies: vec![Currency::JPY],
            instalments: 1,
            issuers: vec![],
            suites: vec![Suite::Kps],
        },
        direct: true,
        iat: now().minus(10),
        exp: now().plus(86_400),
    };
    let token = form.sign(terminal.signer.as_ref());
    let checked = terminal.trust.form(&token, &terminal.credential, now(), AtFault::Own)?;
    Ok((token, checked))
}

fn values(card: &PrepaidCard) -> Result<BTreeMap<FieldName, FieldValue>, Failure> {
    use FieldName as F;
    let line = warifu_protocol::value::OrderLine { name: "煎茶".to_string(), quantity: 1 };
    Ok([
        (F::HOLDER_NAME, FieldValue::text("会員")),
        (F::HOLDER_TELEPHONE, FieldValue::text("+81-3-1234-5678")),
        (F::HOLDER_FAX, FieldValue::text("")),
        (F::CARD_NUMBER, FieldValue::text(card.number.clone())),
        (F::CARD_EXPIRY, FieldValue::text(card.expiry.clone())),
        (F::ITEM_NUMBERS, FieldValue::Numbers(vec!["T-100".to_string()])),
        (F::ITEMS, FieldValue::Lines(vec![line])),
        (F::AMOUNT, FieldValue::Amount(Money::new(1, Currency::JPY)?)),
        (F::QUOTE, FieldValue::text(warifu_protocol::quote::hash("a quote").to_string())),
    ]
    .into())
}
