//! A whole trade, as Warifu writes it, and what the peers must have read of it.

use crate::{
    PARTS,
    common::{Cast, NETWORK, NOW, Net, values},
    jwk, pair, telegrams, terminal,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use warifu_protocol::{
    AtFault,
    authorization::{
        AUTHORIZATION, AUTHORIZATION_REQUEST, Authorization, AuthorizationRequest, Decision,
        shared_digests,
    },
    credential::{CREDENTIAL, Credential},
    delivery::{DELIVERY, DELIVERY_REQUEST, Delivery, DeliveryRequest, DeliveryState},
    derive::{Context, Purpose},
    encode::{b64, unb64},
    enrolment::{ENROLMENT_REQUEST, EnrolmentRequest},
    form::{FORM, Form},
    hpke::{Binding, decapsulate},
    jws::{self, TokenType},
    order::{ORDER, OrderClaims},
    part::PartHeader,
    quote::{QUOTE, Quote},
    rule::Rule,
    sealed::{Sealed, SealedOrder},
    settlement::{Action, SETTLEMENT, SETTLEMENT_REQUEST, Settlement, SettlementRequest},
    signer::Signer,
    status::{STATUS, State, Status},
    suite::Suite,
};
use warifu_types::{Nonce, Role};

/// One signed message and what it says.
pub struct Message {
    name: String,
    typ: &'static str,
    signer: Role,
    token: String,
    claims: Value,
}

/// A whole trade, as Warifu writes it.
pub struct Trade {
    pub cast: Cast,
    sealed: Sealed,
    messages: Vec<Message>,
}

impl Trade {
    pub fn new(net: Net, rule: Rule) -> Trade {
        let cast = Cast::new(net);
        let sealed = cast.order(rule);
        let mut trade = Trade { cast, sealed, messages: Vec::new() };
        trade.first_messages();
        trade.authorization();
        trade.after_authorization();
        telegrams::push(&mut trade);
        trade
    }

    /// Keeps a message, with its claims as this implementation reads them.
    pub fn push<T: Serialize + DeserializeOwned>(
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

    /// A message that was kept, by its name.
    pub fn token(&self, name: &str) -> &str {
        &self.messages.iter().find(|message| message.name == name).unwrap().token
    }

    pub fn signer(&self, role: Role) -> Arc<dyn Signer> {
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
    pub fn to_json(&self) -> Value {
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
            "keys": keys, "messages": messages, "order": self.sealed.bundle.order, "parts": parts,
            "telegram_session": telegrams::session(self),
        })
    }

    /// What the peers must have read.
    pub fn check(&self, answer: &Value, peer: &str) {
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
        telegrams::check(self, answer, peer);
        let altered = &answer["altered"];
        assert!(altered["tried"].as_u64().unwrap() > 100, "{peer}: {altered}");
        assert_eq!(altered["accepted"], json!([]), "{peer} accepted altered messages");
    }
}
