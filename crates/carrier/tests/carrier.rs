//! A carrier over real sockets: what it takes on, what it refuses, what it keeps.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]

#[path = "../../protocol/tests/common/mod.rs"]
mod net;

use net::{Cast, NOW, Net};
use std::sync::Arc;
use warifu_carrier::{Carrier, Settings, routes};
use warifu_ports::FixedClock;
use warifu_protocol::{
    authorization::{Authorization, Decision},
    delivery::{Delivery, DeliveryRequest, DeliveryState},
    rule::Rule,
    sealed::{Sealed, SealedOrder},
    signer::Signer,
    status::State,
    terminal::Terminal,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Digest, FieldName, Identifier, Nonce, OrderId, Role};
use warifu_wire::{
    CallError, DeliverQuestion, DeliveryAnswer, DeliveryStatusQuestion, Party, Problem,
};

struct World {
    clock: Arc<FixedClock>,
    store: Arc<SqliteStore>,
    carrier: Arc<Carrier>,
    url: String,
    merchant: Arc<Party>,
    issuer_key: Arc<dyn Signer>,
    issuer: Identifier,
    issuer_credential: String,
    sealed: Sealed,
    /// Another order under the same id.
    twin: Sealed,
    cast_net: Net,
    _folder: tempfile::TempDir,
}

fn party(terminal: Terminal, clock: &Arc<FixedClock>) -> Arc<Party> {
    // The program chooses its TLS library when it starts; so does a test, once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None)
}

impl World {
    async fn new(auto_deliver: bool) -> World {
        let cast = Cast::new(Net::new());
        let clock = Arc::new(FixedClock::new(NOW));
        let (sealed, twin) = (cast.order(Rule::minimal()), cast.order(Rule::classic()));
        let Cast { net: cast_net, merchant, issuer, carrier, .. } = cast;
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes([1; 32]);
        let store = Arc::new(SqliteStore::open(&folder.path().join("c.db"), &key).unwrap());
        let settings = Settings { auto_deliver };
        let carrier = Carrier::new(party(carrier, &clock), store.clone(), settings);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = routes(carrier.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        World {
            merchant: party(merchant, &clock),
            issuer_key: issuer.signer.clone(),
            issuer: issuer.id().clone(),
            issuer_credential: issuer.credential_token.clone(),
            clock,
            store,
            carrier,
            url,
            sealed,
            twin,
            cast_net,
            _folder: folder,
        }
    }

    fn authorization(&self, order: Digest) -> Authorization {
        Authorization {
            iss: self.issuer.clone(),
            aud: self.merchant.id(),
            order,
            jti: Nonce([5; 32]),
            decision: Decision::Authorized,
            reason: None,
            transaction: None,
            iat: NOW,
            exp: NOW.plus(86_400),
        }
    }

    fn request(&self, sealed: &Sealed) -> DeliveryRequest {
        DeliveryRequest {
            iss: self.merchant.id(),
            aud: self.carrier.party().id(),
            order: sealed.identity,
            authorization: self.authorization(sealed.identity).sign(self.issuer_key.as_ref()),
            issuer_credential: self.issuer_credential.clone(),
            instructions: "keep upright".into(),
            iat: NOW,
            exp: NOW.plus(300),
        }
    }

    fn question(&self, sealed: &Sealed, request: &DeliveryRequest) -> DeliverQuestion {
        DeliverQuestion {
            sealed: sealed.bundle.only(Role::Carrier),
            request: request.sign(self.merchant.terminal().signer.as_ref()),
        }
    }

    async fn ask(
        &self,
        who: &Arc<Party>,
        role: Role,
        op: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<String, (String, String)> {
        let roles = (role, Role::Carrier);
        let expected = Some(self.carrier.party().id());
        let connections = who.connections();
        let answer: Result<DeliveryAnswer, CallError> =
            connections.ask(who, &self.url, roles, expected.as_ref(), (op, question), None).await;
        answer.map(|answer| answer.delivery).map_err(|error| {
            let problem = Problem::from(error);
            (problem.code, problem.field.unwrap_or_default())
        })
    }

    async fn deliver(&self, question: &DeliverQuestion) -> Result<String, (String, String)> {
        self.ask(&self.merchant, Role::Merchant, "deliver", question).await
    }

    async fn status(&self, order: Digest) -> Result<String, (String, String)> {
        let question = DeliveryStatusQuestion { order };
        self.ask(&self.merchant, Role::Merchant, "delivery_status", &question).await
    }

    fn state(&self, answer: &str) -> DeliveryState {
        let carrier = self.carrier.party().terminal().credential.clone();
        let order = self.sealed.identity;
        Delivery::verify(answer, &carrier, &self.merchant.id(), &order).unwrap().state
    }

    /// The carrier refuses a request that was changed, and keeps nothing.
    async fn refuses(&self, change: impl FnOnce(&mut DeliveryRequest), code: &str, field: &str) {
        let mut request = self.request(&self.sealed);
        change(&mut request);
        let answer = self.deliver(&self.question(&self.sealed, &request)).await;
        assert_eq!(answer.unwrap_err(), (code.to_string(), field.to_string()));
        self.assert_empty();
    }

    fn assert_empty(&self) {
        assert!(self.store.dump().unwrap().is_empty());
    }
}

#[tokio::test]
async fn taken_on_and_delivered() {
    let world = World::new(false).await;
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let answer = world.deliver(&question).await.unwrap();
    assert_eq!(world.state(&answer), DeliveryState::Accepted);
    let view = world.carrier.view(&world.sealed.id).await.unwrap().unwrap();
    assert_eq!(view.state, State::Dispatched);
    let fields: Vec<_> = view.fields.keys().map(FieldName::as_str).collect();
    assert_eq!(fields, ["destination", "holder_fax", "holder_name", "holder_telephone"]);
    for sealed in [FieldName::AMOUNT, FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY] {
        assert!(view.sealed.contains(&sealed));
    }

    world.clock.advance(60);
    world.carrier.mark_delivered(&world.sealed.id).await.unwrap();
    let delivered = world.status(world.sealed.identity).await.unwrap();
    assert_eq!(world.state(&delivered), DeliveryState::Delivered);
    world.clock.advance(60);
    world.carrier.mark_delivered(&world.sealed.id).await.unwrap();
    assert_eq!(world.status(world.sealed.identity).await.unwrap(), delivered, "marked once");
    let view = world.carrier.view(&world.sealed.id).await.unwrap().unwrap();
    assert_eq!(view.state, State::Delivered);
    let listed = world.carrier.deliveries(None, 10).await.unwrap();
    assert_eq!(listed[0].instructions, "keep upright");
    assert_eq!(listed[0].state, DeliveryState::Delivered);
    let unknown = world.carrier.mark_delivered(&OrderId([1; 32])).await.unwrap_err();
    assert_eq!(unknown.code, "not_found");
}

#[tokio::test]
async fn delivered_at_once_where_it_is_set_so() {
    let world = World::new(true).await;
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let answer = world.deliver(&question).await.unwrap();
    assert_eq!(world.state(&answer), DeliveryState::Delivered);
}

#[tokio::test]
async fn no_good_authorization_no_delivery() {
    let world = World::new(false).await;
    let sign = |authorization: Authorization| authorization.sign(world.issuer_key.as_ref());
    let good = || world.authorization(world.sealed.identity);
    world.refuses(|r| r.authorization = String::new(), "malformed", "authorization").await;
    let refused = sign(Authorization { decision: Decision::Refused, ..good() });
    let field = "delivery_request.authorization.decision";
    world.refuses(|r| r.authorization = refused, "mismatch", field).await;
    let other = sign(world.authorization(world.twin.identity));
    world.refuses(|r| r.authorization = other, "mismatch", "authorization.order").await;
    let old = sign(Authorization { exp: NOW.minus(200), ..good() });
    world.refuses(|r| r.authorization = old, "expired", "authorization.exp").await;
    let elsewhere = sign(Authorization { aud: world.issuer.clone(), ..good() });
    world.refuses(|r| r.authorization = elsewhere, "wrong_party", "authorization.aud").await;
    let own = good().sign(world.merchant.terminal().signer.as_ref());
    world.refuses(|r| r.authorization = own, "bad_signature", "authorization").await;
    let merchant = world.merchant.terminal().credential_token.clone();
    let field = "delivery_request.issuer_credential";
    world.refuses(|r| r.issuer_credential = merchant, "wrong_party", field).await;
    let twin = world.twin.identity;
    world.refuses(|r| r.order = twin, "mismatch", "delivery_request.order").await;
    let issuer = world.issuer.clone();
    world.refuses(|r| r.aud = issuer, "wrong_party", "delivery_request.aud").await;
}

#[tokio::test]
async fn a_replay_gives_the_same_answer_and_no_second_parcel() {
    let world = World::new(false).await;
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let first = world.deliver(&question).await.unwrap();
    world.clock.advance(60);
    assert_eq!(world.deliver(&question).await.unwrap(), first);
    // A merchant that was down for long asks again, when order and request are over.
    world.clock.advance(3600);
    assert_eq!(world.deliver(&question).await.unwrap(), first);
    assert_eq!(world.carrier.deliveries(None, 10).await.unwrap().len(), 1);
    world.carrier.mark_delivered(&world.sealed.id).await.unwrap();
    let later = world.deliver(&question).await.unwrap();
    assert_eq!(world.state(&later), DeliveryState::Delivered);
}

#[tokio::test]
async fn twenty_at_once_are_one_parcel() {
    let world = Arc::new(World::new(false).await);
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let asks: Vec<_> = (0..20)
        .map(|_| {
            let (world, question) = (world.clone(), question.clone());
            tokio::spawn(async move { world.deliver(&question).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.carrier.deliveries(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_order_under_a_known_id_is_a_conflict() {
    let world = World::new(false).await;
    assert_eq!(world.sealed.id, world.twin.id);
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let first = world.deliver(&question).await.unwrap();
    let twin = world.question(&world.twin, &world.request(&world.twin));
    let refused = world.deliver(&twin).await.unwrap_err();
    assert_eq!(refused, ("conflict".to_string(), "order.jti".to_string()));
    assert_eq!(world.status(world.sealed.identity).await.unwrap(), first);
    let unknown = world.status(world.twin.identity).await.unwrap_err();
    assert_eq!(unknown, ("not_found".to_string(), "order".to_string()));
}

#[tokio::test]
async fn another_merchant_gets_neither_delivery_nor_status() {
    let world = World::new(false).await;
    let thief = world.cast_net.terminal("domain:thief.example", Role::Merchant, 50);
    let thief = party(thief, &world.clock);
    let question = world.question(&world.sealed, &world.request(&world.sealed));
    let refused = world.ask(&thief, Role::Merchant, "deliver", &question).await.unwrap_err();
    assert_eq!(refused, ("bad_signature".to_string(), "form".to_string()));
    world.assert_empty();

    world.deliver(&question).await.unwrap();
    let refused = world.ask(&thief, Role::Merchant, "deliver", &question).await.unwrap_err();
    assert_eq!(refused, ("conflict".to_string(), "order.jti".to_string()));
    let asked = DeliveryStatusQuestion { order: world.sealed.identity };
    let refused = world.ask(&thief, Role::Merchant, "delivery_status", &asked).await.unwrap_err();
    assert_eq!(refused, ("not_found".to_string(), "order".to_string()));

    let issuer = world.cast_net.terminal("domain:other.example", Role::Issuer, 51);
    let issuer = party(issuer, &world.clock);
    let refused = world.ask(&issuer, Role::Issuer, "delivery_status", &asked).await.unwrap_err();
    assert_eq!(refused, ("wrong_party".to_string(), "role".to_string()));
    let refused = world.ask(&world.merchant, Role::Merchant, "refund", &asked).await.unwrap_err();
    assert_eq!(refused, ("not_found".to_string(), "op".to_string()));
}

#[tokio::test]
async fn an_altered_part_is_refused() {
    let world = World::new(false).await;
    let mut question = world.question(&world.sealed, &world.request(&world.sealed));
    let part = world.twin.bundle.only(Role::Carrier).parts;
    question.sealed = SealedOrder { parts: part, ..question.sealed };
    let refused = world.deliver(&question).await.unwrap_err();
    assert_eq!(refused, ("altered_part".to_string(), "part".to_string()));
    world.assert_empty();
}

#[tokio::test]
async fn the_destination_is_here_and_amount_and_card_are_not() {
    let world = World::new(false).await;
    // A merchant that hands over the whole bundle: the others' parts are not kept.
    let mut question = world.question(&world.sealed, &world.request(&world.sealed));
    question.sealed = world.sealed.bundle.clone();
    world.deliver(&question).await.unwrap();
    let view = world.carrier.view(&world.sealed.id).await.unwrap().unwrap();
    assert!(view.fields.contains_key(&FieldName::DESTINATION));
    let issuers = world.sealed.bundle.parts.get(&Role::Issuer).unwrap();
    for document in world.store.dump().unwrap() {
        let text = String::from_utf8_lossy(&document.value).into_owned();
        for secret in ["4111111111111111", "\"minor\"", "2030-12", "煎茶", issuers] {
            assert!(!text.contains(secret), "{document:?}");
        }
    }
    // In the message, the destination is in the part alone.
    let sent = serde_json::to_string(&question).unwrap();
    assert!(!sent.contains("左京区"));
}
