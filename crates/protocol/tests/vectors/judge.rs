//! What this implementation makes of a vector, from its file alone.
use crate::{
    bytes::Bytes,
    case::{Case, refused},
    network::Network,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use warifu_protocol::{
    AtFault,
    authorization::{Authorization, AuthorizationRequest},
    credential::Credential,
    delivery::{Delivery, DeliveryRequest},
    enrolment::{self, EnrolmentRequest},
    error::Result,
    meeting::{self, Challenge, Confirm, Hello, Met},
    quote::Quote,
    sealed::{self, OpenedOrder},
    session::Session,
    settlement::{Settlement, SettlementRequest},
    status::Status,
    terminal::Terminal,
};
use warifu_types::{Identifier, Role, UnixTime};
use zeroize::Zeroizing;

const SENDER: AtFault = AtFault::Sender;
const MERCHANT: AtFault = AtFault::Role(Role::Merchant);

pub fn judge(networks: &BTreeMap<String, Network>, case: &Case) -> Value {
    let (network, name) = &case.terminal;
    let terminal = networks[network].terminal(name, &case.with);
    let judge = Judge { terminal: &terminal, input: &case.input, now: UnixTime(case.now) };
    let outcome = match case.kind.as_str() {
        "identifier" => return judge.identifier(),
        "session" => return judge.session(),
        "trade_number" => return judge.trade_number(),
        "credential" => judge.credential(),
        "form" => judge.form(),
        "quote" => judge.quote(),
        "order" => judge.order(),
        "authorization_request" => judge.authorization_request(),
        "authorization" => judge.authorization(),
        "delivery_request" => judge.delivery_request(),
        "delivery" => judge.delivery(),
        "settlement_request" => judge.settlement_request(),
        "settlement" => judge.settlement(),
        "status" => judge.status(),
        "enrolment_request" => judge.enrolment_request(),
        "shares" => judge.shares(),
        "meeting_initiator" => judge.initiator().map(|(_, confirm)| json!({"confirm": confirm})),
        "meeting_responder" => judge.responder(),
        "epoch" => judge.epoch(),
        "renewal_request" => judge.renewal_request(),
        "renewal" => judge.renewal(),
        "telegram" => judge.telegram(),
        "telegram_answer" => judge.telegram_answer(),
        "telegram_session" => judge.telegram_session(),
        "telegram_opened" => judge.telegram_opened(),
        "application" => judge.application(),
        "prepaid_card" => judge.prepaid_card(),
        "goods_receipt" => judge.goods_receipt(),
        "meter_request" => judge.meter_request(),
        "meter" => judge.meter(),
        "receipt" => judge.receipt(),
        "card_beside" => judge.card_beside(),
        other => panic!("{other} is no kind of vector"),
    };
    outcome.map_or_else(|error| refused(&error), |outcome| json!({"accepted": outcome}))
}

pub struct Judge<'a> {
    pub terminal: &'a Terminal,
    pub input: &'a Value,
    pub now: UnixTime,
}

impl Judge<'_> {
    pub fn text(&self, field: &str) -> &str {
        self.input[field].as_str().unwrap()
    }

    pub fn read<T: DeserializeOwned>(&self, field: &str) -> T {
        serde_json::from_value(self.input[field].clone()).unwrap()
    }

    /// The credential of a party that plays a part in the case.
    pub fn party(&self, field: &str) -> Arc<Credential> {
        self.terminal.trust.credential(self.text(field), self.now, AtFault::Own).unwrap()
    }

    fn identifier(&self) -> Value {
        match Identifier::parse_canonical(self.text("text")) {
            Ok(identifier) => {
                let mut bytes = Vec::new();
                identifier.write_canonical(&mut bytes);
                json!({"accepted": {"bytes": hex::encode(bytes)}})
            }
            Err(error) => json!({"refused": {"problem": format!("{error:?}")}}),
        }
    }

    fn credential(&self) -> Result<Value> {
        let credential = self.terminal.trust.credential(self.text("token"), self.now, SENDER)?;
        Ok(json!({"sub": credential.sub, "roles": credential.roles}))
    }

    fn form(&self) -> Result<Value> {
        let merchant = self.party("merchant");
        let form = self.terminal.trust.form(self.text("token"), &merchant, self.now, MERCHANT)?;
        Ok(json!({"hash": form.hash, "rule": form.form.rule.name}))
    }

    fn quote(&self) -> Result<Value> {
        let merchant = self.party("merchant");
        let form = self.read("form");
        let key = (&merchant.sub, &merchant.key);
        let quote = Quote::verify(self.text("token"), &form, key, self.now, MERCHANT)?;
        let hash = warifu_protocol::quote::hash(self.text("token"));
        Ok(json!({"hash": hash, "total": quote.total}))
    }

    fn opened(&self) -> Result<OpenedOrder> {
        let bundle = self.read("bundle");
        let role = self.read("role");
        sealed::open(self.terminal, &bundle, &self.party("front"), role, self.now)
    }

    fn order(&self) -> Result<Value> {
        let opened = self.opened()?;
        Ok(json!({
            "identity": opened.identity,
            "fields": opened.fields,
            "sealed": opened.sealed_fields(),
        }))
    }

    fn authorization_request(&self) -> Result<Value> {
        let opened = self.opened().unwrap();
        let asking = if self.input["asking"].is_null() { "front" } else { "asking" };
        let (front, own) = (self.party(asking), self.terminal.id());
        AuthorizationRequest::verify(self.text("token"), &front, own, &opened, self.now)?;
        Ok(json!({}))
    }

    fn authorization(&self) -> Result<Value> {
        let authorization = Authorization::verify(
            self.text("token"),
            (Role::Issuer, &self.party("authorizer")),
            self.terminal.id(),
            &self.read("order"),
            self.now,
        )?;
        Ok(json!({"decision": authorization.decision}))
    }

    fn delivery_request(&self) -> Result<Value> {
        let opened = self.opened().unwrap();
        let request = DeliveryRequest::verify(
            self.text("token"),
            &self.terminal.trust,
            &self.party("front"),
            self.terminal.id(),
            &opened,
            self.now,
        )?;
        Ok(json!({"instructions": request.instructions}))
    }

    fn delivery(&self) -> Result<Value> {
        let (carrier, own, order) = (self.party("carrier"), self.terminal.id(), self.read("order"));
        let delivery = Delivery::verify(self.text("token"), &carrier, own, &order)?;
        Ok(json!({"state": delivery.state}))
    }

    fn settlement_request(&self) -> Result<Value> {
        let (front, own) = (self.party("front"), self.terminal.id());
        let request = SettlementRequest::verify(self.text("token"), &front, own, self.now)?;
        Ok(json!({"action": request.action}))
    }

    fn settlement(&self) -> Result<Value> {
        let (issuer, own, order) = (self.party("issuer"), self.terminal.id(), self.read("order"));
        let action = self.read("action");
        Settlement::verify(self.text("token"), &issuer, own, &order, action)?;
        Ok(json!({}))
    }

    fn status(&self) -> Result<Value> {
        let (front, own, order) = (self.party("front"), self.terminal.id(), self.read("order"));
        let status = Status::verify(self.text("token"), &front, own, &order, MERCHANT)?;
        Ok(json!({"state": status.state}))
    }

    fn enrolment_request(&self) -> Result<Value> {
        let request = EnrolmentRequest::verify(self.text("token"))?;
        Ok(json!({"sub": request.sub}))
    }

    fn shares(&self) -> Result<Value> {
        let (own, keys) = (self.terminal.id(), &self.terminal.hpke);
        let shares = enrolment::decrypt_shares(self.text("token"), own, keys)?;
        let files = shares.iter().map(|s| String::from_utf8(s.to_file().to_vec()).unwrap());
        Ok(json!({"shares": files.collect::<Vec<_>>()}))
    }

    /// The initiator has sent `hello` and gets `challenge`.
    fn initiator(&self) -> Result<(Met, Confirm)> {
        let hello: Hello = self.read("hello");
        let challenge: Challenge = self.read("challenge");
        let expected: Option<Identifier> = self.read("expected");
        let mut nonce = Bytes::new(&hello.nonce.0);
        let (waiting, sent) = meeting::begin(
            self.terminal,
            hello.role,
            hello.to_role,
            hello.form,
            hello.trade,
            &mut nonce,
        );
        assert_eq!(sent, hello);
        let mut random = Bytes::new(&hex::decode(self.text("initiator_random")).unwrap());
        waiting.finish(self.terminal, &challenge, expected.as_ref(), self.now, &mut random)
    }

    /// The responder gets `hello`, and `confirm` if there is one.
    fn met(&self) -> Result<(Challenge, Option<Met>)> {
        let mut random = Bytes::new(&hex::decode(self.text("responder_random")).unwrap());
        let (waiting, challenge) =
            meeting::respond(self.terminal, &self.read("hello"), self.now, &mut random)?;
        let confirm: Option<Confirm> = self.read("confirm");
        let later = UnixTime(self.input["confirmed_at"].as_u64().unwrap_or(self.now.0));
        let met = confirm.map(|confirm| waiting.finish(self.terminal, &confirm, later));
        Ok((challenge, met.transpose()?))
    }

    fn responder(&self) -> Result<Value> {
        let (challenge, met) = self.met()?;
        let peer = met.map(|met| met.peer.sub.clone());
        Ok(json!({"challenge": challenge, "met": peer}))
    }

    /// One side of a session hears messages, one after the other.
    fn session(&self) -> Value {
        let mut session: Session = match self.text("side") {
            "initiator" => self.initiator().unwrap().0.session,
            _ => self.met().unwrap().1.unwrap().session,
        };
        let messages = self.input["messages"].as_array().unwrap();
        let outcomes = messages.iter().map(|message| {
            let token = message["token"].as_str().unwrap();
            let heard = match message["answers"].as_u64() {
                Some(seq) => session.hear_answer(seq, token).map(|text| (seq, text)),
                None => session.hear(token),
            };
            let shown = |(seq, text): (u64, Zeroizing<Vec<u8>>)| {
                json!({"accepted": {"seq": seq, "text": String::from_utf8(text.to_vec()).unwrap()}})
            };
            heard.map_or_else(|error| refused(&error), shown)
        });
        let outcomes: Vec<Value> = outcomes.collect();
        // The last message is what the vector is about.
        let last = outcomes.last().unwrap().clone();
        match last.get("refused") {
            Some(_) => last,
            None => json!({"accepted": outcomes}),
        }
    }
}
