//! A scripted provider: a merchant that really opens what it is sent.

use super::net::{NOW, Net, id};
use async_trait::async_trait;
use axum::{Json, Router, extract::State as On, routing::get};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use warifu_ports::FixedClock;
use warifu_protocol::{
    encode::sha256,
    form::{Accepts, Designation, Form},
    quote::{Quote, QuoteLine},
    rule::Rule,
    status::{State, Status},
    value::FieldValue,
};
use warifu_store::OsEntropy;
use warifu_types::{Currency, Digest, FieldName, Money, Nonce, OrderId, Role};
use warifu_wire::{
    FormAnswer, OrderQuestion, Party, Peer, Problem, QuoteAnswer, QuoteQuestion, Service,
    StatusAnswer, StatusQuestion, read_body, serve_routes, write_answer,
};

pub const PROVIDER: &str = "domain:inn.example";

/// An order's identity, and the fields of the provider's part.
pub type Opened = (Digest, BTreeMap<FieldName, FieldValue>);

pub struct Provider {
    pub party: Arc<Party>,
    form: String,
    pub down: AtomicBool,
    /// What one costs.
    pub price: AtomicU64,
    /// What it says of every order.
    pub word: Mutex<(State, Option<String>)>,
    /// What it says no with.
    pub refuses: Mutex<Option<Problem>>,
    /// What it has opened, by order.
    pub orders: Mutex<BTreeMap<OrderId, Opened>>,
    /// How many orders came, retries included.
    pub received: AtomicU64,
}

impl Provider {
    pub fn new(net: &Net, clock: &Arc<FixedClock>, rule: Rule) -> Arc<Provider> {
        let terminal = net.terminal(PROVIDER, Role::Merchant, 2);
        let form = Form {
            iss: terminal.id().clone(),
            network: super::net::NETWORK.to_string(),
            jti: Nonce([9; 32]),
            parties: [(Role::Issuer, Designation::Holder {})].into_iter().collect(),
            rule,
            accepts: Accepts {
                currencies: vec![Currency::JPY],
                instalments: 12,
                issuers: vec![],
                suites: net.suites.clone(),
            },
            direct: false,
            iat: NOW.minus(10),
            exp: NOW.plus(900_000),
        };
        let form = form.sign(terminal.signer.as_ref());
        Arc::new(Provider {
            party: Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None),
            form,
            down: AtomicBool::new(false),
            price: AtomicU64::new(9_000),
            word: Mutex::new((State::Ordered, None)),
            refuses: Mutex::default(),
            orders: Mutex::default(),
            received: AtomicU64::new(0),
        })
    }

    pub async fn serve(self: &Arc<Provider>) -> String {
        let router = Router::new()
            .route("/v1/form", get(form))
            .with_state(self.clone())
            .merge(serve_routes(self.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    pub fn says(&self, state: State, reason: Option<&str>) {
        *self.word.lock().unwrap() = (state, reason.map(str::to_string));
    }

    fn up(&self) -> Result<(), Problem> {
        if self.down.load(Ordering::SeqCst) { Err(Problem::internal()) } else { Ok(()) }
    }

    fn status(&self, peer: &Peer, order: Digest) -> StatusAnswer {
        let (state, reason) = self.word.lock().unwrap().clone();
        let status = Status {
            iss: id(PROVIDER),
            aud: peer.credential.sub.clone(),
            order,
            state,
            reason,
            authorization: None,
            iat: self.party.now(),
        };
        StatusAnswer { status: status.sign(self.party.terminal().signer.as_ref()) }
    }

    fn quote(&self, question: QuoteQuestion) -> QuoteAnswer {
        let unit_price = Money::new(self.price.load(Ordering::SeqCst), Currency::JPY).unwrap();
        let item = &question.items[0];
        let total = unit_price.times(item.quantity.into()).unwrap();
        let line = QuoteLine {
            number: item.number.clone(),
            name: "一泊二食".into(),
            quantity: item.quantity,
            unit_price,
            content: None,
            tick_seconds: None,
        };
        let now = self.party.now();
        let quote = Quote {
            iss: id(PROVIDER),
            jti: Nonce([8; 32]),
            form: question.form,
            total,
            lines: vec![line],
            iat: now,
            exp: now.plus(600),
        };
        QuoteAnswer { quote: quote.sign(self.party.terminal().signer.as_ref()) }
    }
}

async fn form(On(provider): On<Arc<Provider>>) -> Result<Json<FormAnswer>, Problem> {
    provider.up()?;
    let credential = provider.party.terminal().credential_token.clone();
    let form = provider.form.clone();
    Ok(Json(FormAnswer { credential, form, credentials: [].into_iter().collect() }))
}

#[async_trait]
impl Service for Provider {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        self.up()?;
        match op {
            "quote" => write_answer(&self.quote(read_body(body)?)),
            "order" => {
                if let Some(problem) = self.refuses.lock().unwrap().clone() {
                    return Err(problem);
                }
                let question: OrderQuestion = read_body(body)?;
                let own = self.party.terminal().credential.clone();
                let opened = self.party.open(&question.sealed, &own, Role::Merchant).await?;
                self.received.fetch_add(1, Ordering::SeqCst);
                let known = (opened.identity, opened.fields.clone());
                let before = self.orders.lock().unwrap().insert(opened.claims.jti, known);
                assert!(before.is_none_or(|(identity, _)| identity == opened.identity));
                assert_eq!(
                    opened.text(&FieldName::QUOTE),
                    sha256(question.quote.unwrap().as_bytes()).to_string()
                );
                write_answer(&self.status(peer, opened.identity))
            }
            "status" => {
                let question: StatusQuestion = read_body(body)?;
                let known = self.orders.lock().unwrap().get(&question.order).cloned();
                let (identity, _) = known.ok_or_else(|| Problem::not_found("order"))?;
                write_answer(&self.status(peer, identity))
            }
            _ => Err(Problem::not_found("op")),
        }
    }
}
