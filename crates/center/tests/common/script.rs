//! A peer that does what the test says: an issuer that pays for cards, a merchant that is told of
//! payments. It answers the same twice, and counts.

use super::{Keys, admit, net::NOW};
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};
use warifu_center::Center;
use warifu_ports::FixedClock;
use warifu_protocol::{
    authorization::{Authorization, AuthorizationRequest, Decision, shared_digests},
    metering::MeterRequest,
    sealed::{Sealed, check},
    settlement::{Action, Settlement, SettlementRequest},
    value::FieldValue,
};
use warifu_types::{Digest, FieldName, Money, Nonce, Role};
use warifu_wire::{
    Answer, AuthorizeAnswer, AuthorizeQuestion, CallError, MeterAnswer, MeterQuestion, Party,
    PaymentNoticesAnswer, PaymentNoticesQuestion, Peer, Problem, ReceivedAnswer, Service,
    SettleQuestion, SettlementAnswer, read_body, serve_routes, write_answer,
};

/// What a peer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// What is asked.
    Good,
    /// It refuses with this reason, signed.
    Refuses(&'static str),
    /// It answers with this problem, with no effect.
    Problem(Problem),
    /// Only settlements are answered with a problem.
    NoSettling(Problem),
    /// It signs for another order.
    WrongOrder,
}

pub struct Script {
    pub party: Arc<Party>,
    role: Role,
    center: Arc<Mutex<(warifu_types::Identifier, String)>>,
    pub mode: Mutex<Mode>,
    /// Every effect, once: the kind, the order's identity, the amount if it was read.
    pub effects: Mutex<Vec<(&'static str, Digest, Option<Money>)>>,
    /// Every question, as often as it came.
    pub asked: Mutex<Vec<String>>,
    /// The notices that came.
    pub notices: Mutex<Vec<String>>,
}

impl Script {
    pub async fn start(
        center: &Arc<Center>,
        clock: &Arc<FixedClock>,
        who: &str,
        role: Role,
        number: u8,
    ) -> Arc<Script> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let keys = Keys::new(who, role, Some(format!("http://{address}")), number);
        let party = admit(center, clock, &keys).await;
        let script = Arc::new(Script {
            party,
            role,
            center: Arc::new(Mutex::new(super::center_link(center))),
            mode: Mutex::new(Mode::Good),
            effects: Mutex::default(),
            asked: Mutex::default(),
            notices: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = serve_routes(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        script
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn mode(&self) -> Mode {
        self.mode.lock().unwrap().clone()
    }

    pub fn times_asked(&self, op: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == op).count()
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        self.effects.lock().unwrap().iter().map(|(kind, _, _)| *kind).collect()
    }

    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    fn effect(&self, kind: &'static str, order: Digest, amount: Option<Money>) {
        let mut effects = self.effects.lock().unwrap();
        if !effects.iter().any(|known| (known.0, known.1) == (kind, order)) {
            effects.push((kind, order, amount));
        }
    }

    async fn authorize(
        &self,
        peer: &Peer,
        question: AuthorizeQuestion,
    ) -> Result<AuthorizeAnswer, Problem> {
        let opened = self.party.open(&question.sealed, &peer.credential, self.role).await?;
        let (own, now) = (self.party.id(), self.party.now());
        AuthorizationRequest::verify(&question.request, &peer.credential, &own, &opened, now)?;
        let (decision, reason) = match self.mode() {
            Mode::Refuses(reason) => (Decision::Refused, Some(reason.to_string())),
            _ => (Decision::Authorized, None),
        };
        let wrong = self.mode() == Mode::WrongOrder;
        let amount = opened.fields.get(&FieldName::AMOUNT).and_then(FieldValue::as_amount);
        self.effect("authorize", opened.identity, amount);
        let answer = Authorization {
            iss: own,
            aud: peer.credential.sub.clone(),
            order: if wrong { Digest([0; 32]) } else { opened.identity },
            jti: Nonce(opened.identity.0),
            decision,
            reason,
            transaction: None,
            iat: now,
            exp: now.plus(86_400),
        };
        Ok(AuthorizeAnswer { authorization: answer.sign(self.party.terminal().signer.as_ref()) })
    }

    fn settle_for(
        &self,
        peer: &Peer,
        question: SettleQuestion,
    ) -> Result<SettlementAnswer, Problem> {
        let (own, now) = (self.party.id(), self.party.now());
        let request = SettlementRequest::verify(&question.request, &peer.credential, &own, now)?;
        if let Mode::NoSettling(problem) = self.mode() {
            return Err(problem);
        }
        assert_eq!(request.authorization, Nonce(request.order.0));
        self.effect("capture", request.order, None);
        let answer = Settlement {
            iss: own,
            aud: peer.credential.sub.clone(),
            order: request.order,
            action: request.action,
            iat: now,
        };
        Ok(SettlementAnswer { settlement: answer.sign(self.party.terminal().signer.as_ref()) })
    }

    fn take_notices(
        &self,
        question: PaymentNoticesQuestion,
    ) -> Result<PaymentNoticesAnswer, Problem> {
        let answers = question.authorizations.into_iter().map(|token| match self.notice(token) {
            Ok(received) => Answer::Ok(received),
            Err(problem) => Answer::Problem(problem),
        });
        Ok(PaymentNoticesAnswer { answers: answers.collect() })
    }

    fn notice(&self, token: String) -> Result<ReceivedAnswer, Problem> {
        let claims: Authorization = warifu_protocol::jws::peek(
            warifu_protocol::authorization::AUTHORIZATION,
            &token,
            warifu_protocol::AtFault::Sender,
        )?;
        self.notices.lock().unwrap().push(token);
        let wrong = self.mode() == Mode::WrongOrder;
        Ok(ReceivedAnswer { order: if wrong { Digest([0; 32]) } else { claims.order } })
    }

    // What a merchant asks the center.

    pub async fn ask<A: DeserializeOwned>(
        &self,
        op: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, Problem> {
        let (center, url) = self.center.lock().unwrap().clone();
        let roles = (self.role, Role::Center);
        let connections = self.party.connections();
        let answer =
            connections.ask(&self.party, &url, roles, Some(&center), (op, question), None).await;
        answer.map_err(|error| match error {
            CallError::Problem(problem) | CallError::Unproven(problem) => problem,
            other => panic!("{other}"),
        })
    }

    /// Asks the center for the authorization of an order.
    pub async fn authorization(&self, sealed: &Sealed) -> Result<Authorization, Problem> {
        let request = self.request(sealed);
        let mut bundle = sealed.bundle.only(Role::Center);
        bundle.parts.as_mut().clear();
        let question = AuthorizeQuestion { sealed: bundle, request };
        let answer: AuthorizeAnswer = self.ask("authorize", &question).await?;
        Ok(self.read(&answer.authorization, sealed))
    }

    fn request(&self, sealed: &Sealed) -> String {
        let terminal = self.party.terminal();
        let now = self.party.now();
        let made = sealed_at(sealed);
        let checked = check(&terminal, &sealed.bundle, &terminal.credential, made).unwrap();
        let request = AuthorizationRequest {
            iss: terminal.id().clone(),
            aud: self.center.lock().unwrap().0.clone(),
            order: sealed.identity,
            digests: shared_digests(&checked.form.form.rule, &checked.claims),
            iat: now,
            exp: now.plus(300),
        };
        request.sign(terminal.signer.as_ref())
    }

    /// The credential as others are shown it.
    pub fn credential(&self) -> String {
        self.party.terminal().credential_token.clone()
    }

    /// Whether an authorization is for this order.
    pub fn is_about(&self, token: &str, sealed: &Sealed) -> bool {
        let claims: Authorization = warifu_protocol::jws::peek(
            warifu_protocol::authorization::AUTHORIZATION,
            token,
            warifu_protocol::AtFault::Sender,
        )
        .unwrap();
        claims.order == sealed.identity
    }

    /// Reads an authorization as the merchant does.
    pub fn read(&self, token: &str, sealed: &Sealed) -> Authorization {
        let terminal = self.party.terminal();
        let centers = &terminal.trust.anchors().centers;
        let claims: Authorization = warifu_protocol::jws::verify(
            warifu_protocol::authorization::AUTHORIZATION,
            token,
            &centers[0].key,
            warifu_protocol::AtFault::Sender,
        )
        .unwrap();
        assert_eq!((&claims.iss, &claims.aud), (&centers[0].center, terminal.id()));
        assert_eq!(claims.order, sealed.identity);
        claims
    }

    pub async fn settle(
        &self,
        authorization: &Authorization,
        action: Action,
        amount: Option<Money>,
    ) -> Result<String, Problem> {
        let now = self.party.now();
        let request = SettlementRequest {
            iss: self.party.id(),
            aud: self.center.lock().unwrap().0.clone(),
            order: authorization.order,
            authorization: authorization.jti,
            action,
            amount,
            iat: now,
            exp: now.plus(300),
        };
        let request = request.sign(self.party.terminal().signer.as_ref());
        let answer: SettlementAnswer = self.ask("settle", &SettleQuestion { request }).await?;
        Ok(answer.settlement)
    }

    pub async fn tick(
        &self,
        authorization: &Authorization,
        tick: u32,
        amount: Money,
    ) -> Result<String, Problem> {
        let now = self.party.now();
        let request = MeterRequest {
            iss: self.party.id(),
            aud: self.center.lock().unwrap().0.clone(),
            order: authorization.order,
            tick,
            amount,
            iat: now,
            exp: now.plus(300),
        };
        let request = request.sign(self.party.terminal().signer.as_ref());
        let answer: MeterAnswer = self.ask("meter", &MeterQuestion { request }).await?;
        Ok(answer.meter)
    }
}

/// When an order was made.
fn sealed_at(sealed: &Sealed) -> warifu_types::UnixTime {
    let claims: warifu_protocol::order::OrderClaims = warifu_protocol::jws::peek(
        warifu_protocol::order::ORDER,
        &sealed.bundle.order,
        warifu_protocol::AtFault::Own,
    )
    .unwrap();
    claims.iat.max(NOW)
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
        assert_eq!(peer.role, Role::Center);
        if let Mode::Problem(problem) = self.mode() {
            return Err(problem);
        }
        match op {
            "authorize" => write_answer(&self.authorize(peer, read_body(body)?).await?),
            "settle" => write_answer(&self.settle_for(peer, read_body(body)?)?),
            "payment_notices" => write_answer(&self.take_notices(read_body(body)?)?),
            _ => Err(Problem::not_found("op")),
        }
    }
}
