//! Orders of brokers: the card beside the order, or by a reference (rows C6, C7).
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use async_trait::async_trait;
use common::{CARD, Wish, World, net::NOW, peer, yen};
use std::sync::{Arc, Mutex};
use warifu_issuer::{Issuer, Settings};
use warifu_ports::{
    Store, StoreError,
    card_network::{CardAnswer, CardAuthorization, CardNetwork, PresentedCard, TradeReference},
    holds::{CardReferences, ReferenceError, ReferenceQuestion},
};
use warifu_protocol::{
    AtFault,
    authorization::{AuthorizationRequest, shared_digests},
    encode::UniqueMap,
    presented::{CardBeside, CardQuestion},
    rule::Rule,
    sealed::{self, Sealed},
    settlement::Action,
    status::{State, Status},
    terminal::Terminal,
    trade_number::TradeNumber,
};
use warifu_store::OsEntropy;
use warifu_types::{Digest, FieldName, Role};
use warifu_wire::{AuthorizeAnswer, Party, Problem, StatusAnswer, WithdrawQuestion};

/// The usual holder's terminal, as a broker's.
fn broker(world: &World) -> Terminal {
    let mut broker = world.cast.net.terminal("domain:broker.example", Role::Holder, 12);
    let mut credential = (*broker.credential).clone();
    credential.roles = vec![Role::Holder, Role::Broker];
    broker.credential_token = credential.sign(&world.cast.net.centers[0].1);
    broker.credential = Arc::new(credential);
    broker
}

fn wish(number: u32) -> Wish {
    Wish { rule: Rule::broker(), ..Wish::new(number) }
}

fn by_reference(number: u32) -> Wish {
    Wish { rule: Rule::broker_reference(), ..wish(number) }
        .text(FieldName::CARD_REFERENCE, "ref-0001")
}

fn beside(number: &str, expiry: &str) -> CardBeside {
    CardBeside::new(number, expiry, &[[1; 16], [2; 16]])
}

/// The merchant's question with a card; `signed` is the card whose digests it signs.
fn question(
    world: &World,
    sealed: &Sealed,
    card: Option<CardBeside>,
    signed: Option<&CardBeside>,
) -> CardQuestion {
    use warifu_ports::Clock;
    let front = world.front();
    let order = sealed::check(front, &sealed.bundle, &front.credential, world.clock.now()).unwrap();
    let mut digests: UniqueMap<FieldName, Digest> =
        shared_digests(&order.form.form.rule, &order.claims);
    digests.as_mut().extend(signed.into_iter().flat_map(CardBeside::digests));
    let request = AuthorizationRequest {
        iss: front.id().clone(),
        aud: world.cast.issuer.id().clone(),
        order: order.identity,
        digests,
        iat: world.clock.now(),
        exp: world.clock.now().plus(300),
    };
    let request = request.sign(front.signer.as_ref());
    CardQuestion { sealed: sealed.bundle.only(Role::Issuer), request, card }
}

async fn ask(world: &World, question: &CardQuestion) -> Result<String, Problem> {
    let answer: AuthorizeAnswer = world.ask(&peer(world.front()), "authorize", question).await?;
    Ok(answer.authorization)
}

async fn shown(world: &World, sealed: &Sealed, card: CardBeside) -> Result<String, Problem> {
    ask(world, &question(world, sealed, Some(card.clone()), Some(&card))).await
}

fn named(problem: Problem) -> (String, String) {
    (problem.code, problem.field.unwrap_or_default())
}

#[tokio::test]
async fn the_card_beside_the_order() {
    let mut world = World::new();
    world.card().await;
    let broker = broker(&world);
    let sealed = world.seal_by(&broker, &wish(1));
    let token = shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    let authorization = world.read(&token, &sealed);
    assert_eq!(authorization.reason, None);
    assert_eq!(world.sums().await, (1980, 0, 0));
    world.clock.advance(60);
    world.restart(Settings::default());
    // The same answer, whatever is shown now.
    for card in [beside(CARD, "2030-12"), beside("5555555555554444", "2031-01")] {
        assert_eq!(shown(&world, &sealed, card).await.unwrap(), token);
    }
    world.capture(&authorization).await.unwrap();
    assert_eq!(world.sums().await, (0, 1980, 1980));
    world.issuer.audit().await.unwrap();
}

#[tokio::test]
async fn the_card_stands_in_no_evidence_and_can_be_proved() {
    let mut world = World::new();
    world.card().await;
    let sealed = world.seal_by(&broker(&world), &wish(1));
    let card = beside(CARD, "2030-12");
    shown(&world, &sealed, card.clone()).await.unwrap();
    let aside = tempfile::tempdir().unwrap();
    world.issuer = common::open(&world.cast.net, &aside, &world.clock, Settings::default());
    let store = warifu_store::SqliteStore::open(
        &common::database(&world.folder),
        &warifu_store::MasterKey::from_bytes([1; 32]),
    );
    let store: Arc<dyn Store> = Arc::new(store.unwrap());
    let hidden = serde_json::to_value(&card).unwrap();
    let hidden = hidden["number"].as_str().unwrap().to_string();
    let key = sealed.id.to_string();
    let salts = store
        .run(move |unit| {
            for collection in ["issuer_evidence", "issuer_orders", "issuer_card_salts"] {
                let value = unit.get(collection, &key)?.unwrap();
                let text = String::from_utf8(value.to_vec()).unwrap();
                assert!(!text.contains(CARD) && !text.contains(&hidden), "{collection}");
            }
            let salts = unit.get("issuer_card_salts", &key)?.unwrap();
            Ok::<_, StoreError>(serde_json::from_slice::<[String; 2]>(&salts).unwrap())
        })
        .await
        .unwrap();
    assert_eq!(salts, card.salts().unwrap(), "with the card's own record they open the digests");
}

#[tokio::test]
async fn whose_card_it_is() {
    let world = World::new();
    let id = world.card().await;
    let broker = broker(&world);
    for (place, (wish, card, reason)) in (1..).zip([
        (
            wish(0).text(FieldName::HOLDER_NAME, "鈴木一郎"),
            beside(CARD, "2030-12"),
            "not_authenticated",
        ),
        (wish(0), beside(CARD, "2031-01"), "not_authenticated"),
        (wish(0), beside("5555555555554444", "2030-12"), "not_authenticated"),
        (wish(0).amount(yen(5001)), beside(CARD, "2030-12"), "limit_exceeded"),
        (wish(0).payment("instalments:13"), beside(CARD, "2030-12"), "instalments_not_offered"),
    ]) {
        let sealed = world.seal_by(&broker, &Wish { number: place, ..wish });
        let token = shown(&world, &sealed, card).await.unwrap();
        assert_eq!(world.read(&token, &sealed).reason.as_deref(), Some(reason));
    }
    world.issuer.block_card(&id).await.unwrap();
    let sealed = world.seal_by(&broker, &wish(9));
    let token = shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason.as_deref(), Some("card_blocked"));
    assert_eq!(world.sums().await, (0, 0, 0));
}

#[tokio::test]
async fn questions_that_are_refused_name_the_field() {
    let world = World::new();
    world.card().await;
    let broker = broker(&world);
    let sealed = world.seal_by(&broker, &wish(1));
    let card = beside(CARD, "2030-12");
    let other = CardBeside::new(CARD, "2030-12", &[[3; 16], [2; 16]]);
    let no_card = beside("4111111111111112", "2030-12");
    let no_expiry = beside(CARD, "12/30");
    let minimal = world.seal(&Wish::new(2));
    let holders = world.seal(&wish(3));
    let digests = "authorization_request.digests";
    for (question, code, field) in [
        (question(&world, &sealed, None, None), "outside_rule", "card"),
        (question(&world, &sealed, None, Some(&card)), "mismatch", digests),
        (
            question(&world, &sealed, Some(card.clone()), None),
            "mismatch",
            "authorization_request.digests.card_expiry",
        ),
        (
            question(&world, &sealed, Some(card.clone()), Some(&other)),
            "mismatch",
            "authorization_request.digests.card_number",
        ),
        (
            question(&world, &sealed, Some(no_card.clone()), Some(&no_card)),
            "bad_value",
            "card.number",
        ),
        (
            question(&world, &sealed, Some(no_expiry.clone()), Some(&no_expiry)),
            "bad_value",
            "card.expiry",
        ),
        (question(&world, &minimal, Some(card.clone()), Some(&card)), "outside_rule", "card"),
        (
            question(&world, &holders, Some(card.clone()), Some(&card)),
            "wrong_party",
            "credential.roles",
        ),
    ] {
        let problem = ask(&world, &question).await.unwrap_err();
        assert_eq!(named(problem), (code.to_string(), field.to_string()));
    }
    assert_eq!(world.sums().await, (0, 0, 0));
    shown(&world, &sealed, card).await.unwrap();
}

#[tokio::test]
async fn a_broker_s_order_waits_longer_than_its_form() {
    let world = World::new();
    world.card().await;
    let broker = broker(&world);
    let sealed = world.seal_by(&broker, &wish(1));
    let late = world.seal_by(&broker, &wish(2));
    let minimal = world.question(&world.seal(&Wish::new(3)).bundle);
    world.clock.set(NOW.plus(2 * 86_400));
    let token = shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    assert!(!token.is_empty());
    let problem: Problem = world
        .ask::<AuthorizeAnswer>(&peer(world.front()), "authorize", &minimal)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "expired");
    let card = beside(CARD, "2030-12");
    let asked = question(&world, &late, Some(card.clone()), Some(&card));
    world.clock.set(NOW.plus(3 * 86_400 + 400));
    let problem = ask(&world, &asked).await.unwrap_err();
    assert_eq!(named(problem), ("expired".to_string(), "order.exp".to_string()));
    assert_eq!(world.sums().await, (1980, 0, 0));
}

/// A registry that answers as it is told, and remembers what it was asked.
#[derive(Default)]
struct Registry {
    answers: Mutex<Vec<Result<Option<&'static str>, &'static str>>>,
    asked: Mutex<Vec<ReferenceQuestion>>,
}

#[async_trait]
impl CardReferences for Registry {
    async fn resolve(
        &self,
        asked: &ReferenceQuestion,
    ) -> Result<Option<PresentedCard>, ReferenceError> {
        self.asked.lock().unwrap().push(asked.clone());
        match self.answers.lock().unwrap().pop() {
            None | Some(Ok(None)) => Ok(None),
            Some(Ok(Some(number))) => Ok(Some(PresentedCard {
                number: number.to_string().into(),
                expiry: "2030-12".to_string().into(),
            })),
            Some(Err(text)) => Err(ReferenceError(text.to_string())),
        }
    }
}

fn with_registry(world: &mut World, registry: &Arc<Registry>) {
    world.folder = tempfile::tempdir().unwrap();
    let terminal = world.cast.net.terminal("domain:card.example", Role::Issuer, 3);
    let party = Party::new(terminal, world.clock.clone(), Arc::new(OsEntropy), None);
    let key = warifu_store::MasterKey::from_bytes([1; 32]);
    let store = warifu_store::SqliteStore::open(&common::database(&world.folder), &key).unwrap();
    let store = Arc::new(store);
    world.issuer = Issuer::with_references(party, store, Settings::default(), registry.clone());
}

#[tokio::test]
async fn the_card_by_its_reference() {
    let mut world = World::new();
    let registry: Arc<Registry> = Arc::default();
    with_registry(&mut world, &registry);
    world.card().await;
    let broker = broker(&world);
    let sealed = world.seal_by(&broker, &by_reference(1));
    // Popped from the end: silence first, then the card.
    *registry.answers.lock().unwrap() = vec![Ok(Some(CARD)), Err("down")];
    let asked = question(&world, &sealed, None, None);
    let problem = ask(&world, &asked).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "registry_unreachable"));
    assert_eq!(world.sums().await, (0, 0, 0), "nothing is held before the answer");
    let token = ask(&world, &asked).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason, None);
    // What the registry says later changes nothing.
    assert_eq!(ask(&world, &asked).await.unwrap(), token);
    assert_eq!(world.sums().await, (1980, 0, 0));
    let first = registry.asked.lock().unwrap()[0].clone();
    let merchant = world.front().id().clone();
    let reference = "ref-0001".to_string();
    let expected =
        ReferenceQuestion { reference, merchant, amount: yen(1980), order: sealed.identity };
    assert_eq!(first, expected);
    let authorization = world.read(&token, &sealed);
    world.settle(&world.cast.merchant, &authorization, Action::Void).await.unwrap();
    world.issuer.audit().await.unwrap();

    let sealed = world.seal_by(&broker, &by_reference(2));
    *registry.answers.lock().unwrap() = vec![Ok(None)];
    let token = ask(&world, &question(&world, &sealed, None, None)).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason.as_deref(), Some("not_authenticated"));

    let card = beside(CARD, "2030-12");
    let sealed = world.seal_by(&broker, &by_reference(3));
    let problem = shown(&world, &sealed, card).await.unwrap_err();
    assert_eq!(named(problem), ("outside_rule".to_string(), "card".to_string()));
}

#[tokio::test]
async fn a_reference_without_a_registry() {
    let world = World::new();
    world.card().await;
    let sealed = world.seal_by(&broker(&world), &by_reference(1));
    let problem = ask(&world, &question(&world, &sealed, None, None)).await.unwrap_err();
    let expected = ("no_registry".to_string(), "order.fields.card_reference".to_string());
    assert_eq!(named(problem), expected);
}

/// The broker gives the order up; how far it has come here, by the issuer's signed word.
async fn withdraw(world: &World, broker: &Terminal, sealed: &Sealed) -> State {
    let merchant = world.cast.merchant.id().clone();
    let question = WithdrawQuestion { order: sealed.id, identity: sealed.identity, merchant };
    let answer: StatusAnswer = world.ask(&peer(broker), "withdraw", &question).await.unwrap();
    let issuer = &world.cast.issuer.credential;
    let at_fault = AtFault::Role(Role::Issuer);
    let status =
        Status::verify(&answer.status, issuer, broker.id(), &sealed.identity, at_fault).unwrap();
    status.state
}

#[tokio::test]
async fn an_order_that_its_broker_has_given_up_is_refused_from_then_on() {
    let mut world = World::new();
    world.card().await;
    let broker = broker(&world);
    let sealed = world.seal_by(&broker, &wish(1));
    assert_eq!(withdraw(&world, &broker, &sealed).await, State::Refused);
    world.restart(Settings::default());
    let token = shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    assert_eq!(world.read(&token, &sealed).reason.as_deref(), Some("withdrawn"));
    assert_eq!(withdraw(&world, &broker, &sealed).await, State::Refused);
    // What is held stays held for its time, and what was paid is paid.
    let sealed = world.seal_by(&broker, &wish(2));
    let token = shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    assert_eq!(withdraw(&world, &broker, &sealed).await, State::Authorized);
    world.capture(&world.read(&token, &sealed)).await.unwrap();
    assert_eq!(withdraw(&world, &broker, &sealed).await, State::Settled);
    let sealed = world.seal_by(&broker, &wish(3));
    shown(&world, &sealed, beside(CARD, "2030-12")).await.unwrap();
    let long = NOW.plus(400 * 86_400);
    world.issuer.expire(long).await.unwrap();
    assert_eq!(withdraw(&world, &broker, &sealed).await, State::Cancelled);
}

#[tokio::test]
async fn an_order_that_was_given_up_is_refused_on_the_card_network_too() {
    let world = World::new();
    world.card().await;
    world.issuer.admit_acceptor("INN1", world.cast.merchant.id()).await.unwrap();
    let broker = broker(&world);
    let asked = |sealed: &Sealed| CardAuthorization {
        trade: TradeReference {
            acceptor: "INN1".into(),
            reference: TradeNumber::of(&sealed.id).reference(),
        },
        card: PresentedCard {
            number: CARD.to_string().into(),
            expiry: "2030-12".to_string().into(),
        },
        amount: yen(1980),
        payments: 1,
        at: NOW,
    };
    let given_up = world.seal_by(&broker, &wish(1));
    assert_eq!(withdraw(&world, &broker, &given_up).await, State::Refused);
    let answer = CardNetwork::authorize(&*world.issuer, &asked(&given_up)).await.unwrap();
    assert_eq!(answer, CardAnswer::Declined { code: "12".into() });
    let held = world.seal_by(&broker, &wish(2));
    let answer = CardNetwork::authorize(&*world.issuer, &asked(&held)).await.unwrap();
    assert!(matches!(answer, CardAnswer::Approved { .. }));
    assert_eq!(withdraw(&world, &broker, &held).await, State::Authorized);
    // A holder of its own keys gives up by itself, and asks nobody.
    let question = WithdrawQuestion {
        order: held.id,
        identity: held.identity,
        merchant: world.cast.merchant.id().clone(),
    };
    let refused: Result<StatusAnswer, _> =
        world.ask(&peer(&world.cast.holder), "withdraw", &question).await;
    assert_eq!(named(refused.unwrap_err()), ("wrong_party".into(), "op".into()));
}
