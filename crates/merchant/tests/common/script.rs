//! A peer that does what the test says: issuer, card manager, carrier, gateway, center. It answers the same
//! twice, and counts.

use async_trait::async_trait;
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use warifu_protocol::{
    authorization::{Authorization, AuthorizationRequest, Decision},
    delivery::{Delivery, DeliveryRequest, DeliveryState},
    metering::{Meter, MeterRequest},
    presented::CardQuestion,
    sealed::{OpenedOrder, SealedOrder},
    settlement::{Action, Settlement, SettlementRequest},
};
use warifu_types::{Digest, Identifier, Money, Nonce, Role};
use warifu_wire::{
    AuthorizeAnswer, DeliverQuestion, DeliveryAnswer, DeliveryStatusQuestion, MeterAnswer,
    MeterQuestion, Party, Peer, Problem, ReceivedAnswer, Service, SettleQuestion, SettlementAnswer,
    read_body, write_answer,
};

/// What a peer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// What is asked.
    Good,
    /// It refuses with this reason, signed.
    Refuses(&'static str),
    /// It answers with this problem.
    Problem(Problem),
    /// It signs for another order.
    WrongOrder,
    /// It delivers at once.
    DeliversAtOnce,
}

pub struct Script {
    party: Arc<Party>,
    role: Role,
    pub mode: Mutex<Mode>,
    /// Every effect, once: the kind, and the order's identity.
    pub effects: Mutex<Vec<(&'static str, Digest)>>,
    /// Every question, as often as it came.
    pub asked: Mutex<Vec<String>>,
    /// Parts that came with `authorize`, by how many.
    pub parts: Mutex<Vec<usize>>,
    /// A part that came directly.
    pub direct: Mutex<Option<SealedOrder>>,
    /// Cards that were shown beside orders.
    pub cards: Mutex<Vec<(Digest, (String, String))>>,
    /// The amounts that captures named.
    pub captured: Mutex<Vec<Option<Money>>>,
    /// Ticks and amounts that it was told, once each.
    pub ticks: Mutex<Vec<(u32, u64)>>,
    delivered: Mutex<BTreeMap<Digest, DeliveryState>>,
}

impl Script {
    pub fn new(party: Arc<Party>, role: Role) -> Arc<Script> {
        Arc::new(Script {
            party,
            role,
            mode: Mutex::new(Mode::Good),
            effects: Mutex::default(),
            asked: Mutex::default(),
            parts: Mutex::default(),
            direct: Mutex::default(),
            cards: Mutex::default(),
            captured: Mutex::default(),
            ticks: Mutex::default(),
            delivered: Mutex::default(),
        })
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// How many effects there were.
    pub fn count(&self) -> usize {
        self.effects.lock().unwrap().len()
    }

    /// The kinds of effects, in order.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.effects.lock().unwrap().iter().map(|(kind, _)| *kind).collect()
    }

    pub fn times_asked(&self, op: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == op).count()
    }

    pub fn mark_delivered(&self, order: Digest) {
        self.delivered.lock().unwrap().insert(order, DeliveryState::Delivered);
    }

    fn mode(&self) -> Mode {
        self.mode.lock().unwrap().clone()
    }

    fn effect(&self, kind: &'static str, order: Digest) {
        let mut effects = self.effects.lock().unwrap();
        if !effects.contains(&(kind, order)) {
            effects.push((kind, order));
        }
    }

    async fn open(&self, peer: &Peer, sealed: &SealedOrder) -> Result<OpenedOrder, Problem> {
        Ok(self.party.open(sealed, &peer.credential, self.role).await?)
    }

    async fn authorize(
        &self,
        peer: &Peer,
        question: CardQuestion,
    ) -> Result<AuthorizeAnswer, Problem> {
        self.parts.lock().unwrap().push(question.sealed.parts.len());
        let direct = self.direct.lock().unwrap().clone();
        let opened = self.open(peer, &direct.unwrap_or(question.sealed)).await?;
        let own = self.party.id();
        let now = self.party.now();
        let card = question.card;
        let by = (&*peer.credential, &own);
        AuthorizationRequest::verify_with(&question.request, by, &opened, card.as_ref(), now)?;
        if let Some(card) = card {
            let read = card.read()?;
            let shown = (read.number.to_string(), read.expiry.to_string());
            self.cards.lock().unwrap().push((opened.identity, shown));
        }
        let (decision, reason) = match self.mode() {
            Mode::Refuses(reason) => (Decision::Refused, Some(reason.to_string())),
            _ => (Decision::Authorized, None),
        };
        let wrong = self.mode() == Mode::WrongOrder;
        self.effect("authorize", opened.identity);
        let order = if wrong { Digest([0; 32]) } else { opened.identity };
        let answer = Authorization {
            jti: Nonce(opened.identity.0),
            decision,
            reason,
            ..self.granted(&peer.credential.sub, order)
        };
        Ok(AuthorizeAnswer { authorization: answer.sign(self.party.terminal().signer.as_ref()) })
    }

    /// A yes to an order; a center's has a transaction number.
    pub fn granted(&self, front: &Identifier, order: Digest) -> Authorization {
        let now = self.party.now();
        Authorization {
            iss: self.party.id(),
            aud: front.clone(),
            order,
            jti: Nonce(order.0),
            decision: Decision::Authorized,
            reason: None,
            transaction: (self.role == Role::Center).then(|| "T-20270115-000123".to_string()),
            iat: now,
            exp: now.plus(86_400),
        }
    }

    fn meter(&self, peer: &Peer, question: MeterQuestion) -> Result<MeterAnswer, Problem> {
        let (own, now) = (self.party.id(), self.party.now());
        let request = MeterRequest::verify(&question.request, &peer.credential, &own, now)?;
        let told = (request.tick, request.amount.minor());
        let mut ticks = self.ticks.lock().unwrap();
        if !ticks.contains(&told) {
            ticks.push(told);
        }
        let wrong = self.mode() == Mode::WrongOrder;
        let answer = Meter {
            iss: own,
            aud: peer.credential.sub.clone(),
            order: if wrong { Digest([0; 32]) } else { request.order },
            tick: request.tick,
            amount: request.amount,
            iat: now,
        };
        Ok(MeterAnswer { meter: answer.sign(self.party.terminal().signer.as_ref()) })
    }

    fn settle(&self, peer: &Peer, question: SettleQuestion) -> Result<SettlementAnswer, Problem> {
        let own = self.party.id();
        let now = self.party.now();
        let request = SettlementRequest::verify(&question.request, &peer.credential, &own, now)?;
        if request.authorization != Nonce(request.order.0) {
            return Err(Problem::not_found("settlement_request.authorization"));
        }
        let (kind, other) = match request.action {
            Action::Capture => ("capture", "void"),
            Action::Void => ("void", "capture"),
        };
        if self.effects.lock().unwrap().contains(&(other, request.order)) {
            return Err(Problem::conflict("settlement_request.action"));
        }
        if kind == "capture" && !self.effects.lock().unwrap().contains(&(kind, request.order)) {
            self.captured.lock().unwrap().push(request.amount);
        }
        self.effect(kind, request.order);
        let wrong = self.mode() == Mode::WrongOrder;
        let answer = Settlement {
            iss: own,
            aud: peer.credential.sub.clone(),
            order: if wrong { Digest([0; 32]) } else { request.order },
            action: request.action,
            iat: now,
        };
        Ok(SettlementAnswer { settlement: answer.sign(self.party.terminal().signer.as_ref()) })
    }

    async fn request(&self, peer: &Peer, question: &DeliverQuestion) -> Result<Digest, Problem> {
        self.parts.lock().unwrap().push(question.sealed.parts.len());
        let opened = self.open(peer, &question.sealed).await?;
        DeliveryRequest::verify(
            &question.request,
            &self.party.terminal().trust,
            &peer.credential,
            &self.party.id(),
            &opened,
            self.party.now(),
        )?;
        Ok(opened.identity)
    }

    fn delivery(&self, merchant: &Identifier, order: Digest) -> Result<DeliveryAnswer, Problem> {
        let state = self.delivered.lock().unwrap().get(&order).copied();
        let wrong = self.mode() == Mode::WrongOrder;
        let answer = Delivery {
            iss: self.party.id(),
            aud: merchant.clone(),
            order: if wrong { Digest([0; 32]) } else { order },
            state: state.ok_or_else(|| Problem::not_found("order"))?,
            iat: self.party.now(),
        };
        Ok(DeliveryAnswer { delivery: answer.sign(self.party.terminal().signer.as_ref()) })
    }
}

#[async_trait]
impl Service for Script {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        self.asked.lock().unwrap().push(op.to_string());
        if let Mode::Problem(problem) = self.mode() {
            return Err(problem);
        }
        match op {
            "authorize" => write_answer(&self.authorize(peer, read_body(body)?).await?),
            "settle" => write_answer(&self.settle(peer, read_body(body)?)?),
            "meter" => write_answer(&self.meter(peer, read_body(body)?)?),
            "deliver" => {
                let order = self.request(peer, &read_body(body)?).await?;
                self.effect("deliver", order);
                let first = match self.mode() {
                    Mode::DeliversAtOnce => DeliveryState::Delivered,
                    _ => DeliveryState::Accepted,
                };
                self.delivered.lock().unwrap().entry(order).or_insert(first);
                write_answer(&self.delivery(&peer.credential.sub, order)?)
            }
            "delivery_status" => {
                let question: DeliveryStatusQuestion = read_body(body)?;
                write_answer(&self.delivery(&peer.credential.sub, question.order)?)
            }
            "notify" => {
                let order = self.request(peer, &read_body(body)?).await?;
                self.effect("notify", order);
                let wrong = self.mode() == Mode::WrongOrder;
                let order = if wrong { Digest([0; 32]) } else { order };
                write_answer(&ReceivedAnswer { order })
            }
            _ => Err(Problem::not_found("op")),
        }
    }
}
