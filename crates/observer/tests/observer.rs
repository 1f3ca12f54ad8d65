//! A further party over real sockets: what it is told, and what it refuses.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]

#[path = "../../protocol/tests/common/mod.rs"]
mod net;

use net::{Cast, NOW, Net};
use std::sync::Arc;
use warifu_observer::{Observer, routes};
use warifu_ports::FixedClock;
use warifu_protocol::{
    authorization::{Authorization, Decision},
    delivery::DeliveryRequest,
    form::Designation,
    rule::Rule,
    sealed::Sealed,
    status::State,
    terminal::Terminal,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{FieldName, Nonce, Role};
use warifu_wire::{CallError, DeliverQuestion, Party, Problem, ReceivedAnswer};

struct World {
    cast: Cast,
    store: Arc<SqliteStore>,
    observer: Arc<Observer>,
    url: String,
    merchant: Arc<Party>,
    clock: Arc<FixedClock>,
    sealed: Sealed,
    /// Another order under the same id.
    twin: Sealed,
    _folder: tempfile::TempDir,
}

fn party(terminal: Terminal, clock: &Arc<FixedClock>) -> Arc<Party> {
    // The program chooses its TLS library when it starts; so does a test, once.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Party::new(terminal, clock.clone(), Arc::new(OsEntropy), None)
}

/// An order whose rule has a part for the gateway.
fn order(cast: &Cast, gateway: &Terminal, rule: Rule) -> Sealed {
    let mut form = cast.form(rule.also(Role::Gateway, FieldName::HOLDER_TELEPHONE));
    form.parties.as_mut().insert(Role::Gateway, Designation::Identifier(gateway.id().clone()));
    let mut recipients = cast.recipients();
    recipients.insert(Role::Gateway, gateway.credential.clone());
    cast.order_on(&form, &recipients, 7).unwrap()
}

impl World {
    async fn new() -> World {
        let cast = Cast::new(Net::new());
        let clock = Arc::new(FixedClock::new(NOW));
        let gateway = cast.net.terminal("domain:gateway.example", Role::Gateway, 9);
        let (sealed, twin) =
            (order(&cast, &gateway, Rule::minimal()), order(&cast, &gateway, Rule::classic()));
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes([1; 32]);
        let store = Arc::new(SqliteStore::open(&folder.path().join("o.db"), &key).unwrap());
        let observer = Observer::new(party(gateway, &clock), store.clone(), Role::Gateway);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = routes(observer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let merchant = cast.net.terminal("domain:shop.example", Role::Merchant, 2);
        let merchant = party(merchant, &clock);
        World { cast, store, observer, url, merchant, clock, sealed, twin, _folder: folder }
    }

    fn question(&self, sealed: &Sealed, decision: Decision) -> DeliverQuestion {
        let authorization = Authorization {
            iss: self.cast.issuer.id().clone(),
            aud: self.merchant.id(),
            order: sealed.identity,
            jti: Nonce([5; 32]),
            decision,
            reason: None,
            transaction: None,
            iat: NOW,
            exp: NOW.plus(86_400),
        };
        let request = DeliveryRequest {
            iss: self.merchant.id(),
            aud: self.observer.party().id(),
            order: sealed.identity,
            authorization: authorization.sign(self.cast.issuer.signer.as_ref()),
            issuer_credential: self.cast.issuer.credential_token.clone(),
            instructions: String::new(),
            iat: NOW,
            exp: NOW.plus(300),
        };
        DeliverQuestion {
            sealed: sealed.bundle.clone(),
            request: request.sign(self.merchant.terminal().signer.as_ref()),
        }
    }

    async fn ask(
        &self,
        who: &Arc<Party>,
        role: Role,
        op: &str,
        question: &DeliverQuestion,
    ) -> Result<warifu_types::Digest, (String, String)> {
        let roles = (role, Role::Gateway);
        let connections = who.connections();
        let answer: Result<ReceivedAnswer, CallError> =
            connections.ask(who, &self.url, roles, None, (op, question), None).await;
        answer.map(|answer| answer.order).map_err(|error| {
            let problem = Problem::from(error);
            (problem.code, problem.field.unwrap_or_default())
        })
    }

    async fn notify(
        &self,
        question: &DeliverQuestion,
    ) -> Result<warifu_types::Digest, (String, String)> {
        self.ask(&self.merchant, Role::Merchant, "notify", question).await
    }
}

fn pair(code: &str, field: &str) -> (String, String) {
    (code.to_string(), field.to_string())
}

#[tokio::test]
async fn told_of_an_authorized_order() {
    let world = World::new().await;
    let question = world.question(&world.sealed, Decision::Authorized);
    assert_eq!(world.notify(&question).await, Ok(world.sealed.identity));
    let view = world.observer.view(&world.sealed.id).await.unwrap().unwrap();
    assert_eq!(view.state, State::Authorized);
    let fields: Vec<_> = view.fields.keys().cloned().collect();
    assert_eq!(fields, [FieldName::HOLDER_TELEPHONE]);

    world.clock.advance(3600);
    assert_eq!(world.notify(&question).await, Ok(world.sealed.identity), "again, and late");
    assert_eq!(world.observer.notices(None, 10).await.unwrap().len(), 1);
    let parts = &world.sealed.bundle.parts;
    for document in world.store.dump().unwrap() {
        let text = String::from_utf8_lossy(&document.value).into_owned();
        for role in [Role::Merchant, Role::Issuer, Role::Carrier] {
            assert!(!text.contains(parts.get(&role).unwrap()), "the part of the {role}");
        }
    }
}

#[tokio::test]
async fn not_without_a_good_authorization() {
    let world = World::new().await;
    let question = world.question(&world.sealed, Decision::Refused);
    let expected = pair("mismatch", "delivery_request.authorization.decision");
    assert_eq!(world.notify(&question).await, Err(expected));
    assert!(world.store.dump().unwrap().is_empty());
    assert!(world.observer.view(&world.sealed.id).await.unwrap().is_none());
}

#[tokio::test]
async fn another_order_under_a_known_id_is_a_conflict() {
    let world = World::new().await;
    world.notify(&world.question(&world.sealed, Decision::Authorized)).await.unwrap();
    let twin = world.question(&world.twin, Decision::Authorized);
    assert_eq!(world.notify(&twin).await, Err(pair("conflict", "order.jti")));
}

#[tokio::test]
async fn others_may_not_ask() {
    let world = World::new().await;
    let question = world.question(&world.sealed, Decision::Authorized);
    let thief = world.cast.net.terminal("domain:thief.example", Role::Merchant, 50);
    let thief = party(thief, &world.clock);
    let refused = world.ask(&thief, Role::Merchant, "notify", &question).await;
    assert_eq!(refused, Err(pair("bad_signature", "form")));
    world.notify(&question).await.unwrap();
    let refused = world.ask(&thief, Role::Merchant, "notify", &question).await;
    assert_eq!(refused, Err(pair("conflict", "order.jti")));
    let carrier = world.cast.net.terminal("domain:other.example", Role::Carrier, 51);
    let carrier = party(carrier, &world.clock);
    let refused = world.ask(&carrier, Role::Carrier, "notify", &question).await;
    assert_eq!(refused, Err(pair("wrong_party", "role")));
    let refused = world.ask(&world.merchant, Role::Merchant, "deliver", &question).await;
    assert_eq!(refused, Err(pair("not_found", "op")));
}
