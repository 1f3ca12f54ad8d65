//! The card registry: registering, authenticating, resolving, and who may not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    BROKER, CARD, CODE, ISSUER, MEMBER, NAME, OTHER_CARD, World, ask_of, net, provider,
    registration,
};
use serde_json::{Value, json};
use std::sync::Arc;
use warifu_ports::Store;
use warifu_protocol::encode::sha256;
use warifu_types::{Currency, Money, Role};
use warifu_wire::{
    Party,
    private_line::{
        AuthenticateAnswer, CardAnswer, CardReference, Refusal, RegisteredAnswer, VoidAnswer,
    },
    serve_routes,
};

#[tokio::test]
async fn a_card_is_registered_in_a_session_with_the_members_code_once() {
    let world = World::new().await;
    world.give_code(MEMBER, CODE).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = serve_routes(world.registry.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let terminal = world.net.terminal("mail:hanako@example.jp", Role::Holder, 1);
    let clock = world.clock.clone();
    let holder = Party::new(terminal, clock, Arc::new(warifu_store::OsEntropy), None);
    let card = registration(MEMBER, "abcd efgh jkmn pqrs tvwx", CARD);
    let expected = net::id("domain:registry.example");
    for _ in 0..2 {
        let roles = (Role::Holder, Role::Registry);
        let asked = holder.connections().ask::<RegisteredAnswer>(
            &holder,
            &url,
            roles,
            Some(&expected),
            ("register_card", &card),
            None,
        );
        assert_eq!(asked.await.unwrap().registered, net::NOW);
    }
    let register = |card| world.registry.register_card(card);
    for (member, code, number, wrong) in [
        (MEMBER, CODE, OTHER_CARD, "wrong_code"),
        (MEMBER, "AAAA", CARD, "wrong_code"),
        ("B-000002", CODE, CARD, "wrong_code"),
        (MEMBER, CODE, "4111111111111112", "bad_value"),
    ] {
        assert_eq!(register(registration(member, code, number)).await.unwrap_err().code, wrong);
    }
    // Another member cannot take the card over.
    world.give_code("B-000002", "OTHER").await;
    let taken = register(registration("B-000002", "OTHER", CARD)).await.unwrap_err();
    assert_eq!((taken.code.as_str(), taken.field.as_deref()), ("conflict", Some("card_number")));
}

#[tokio::test]
async fn yes_or_no_with_a_reason_and_the_same_again() {
    let world = World::new().await;
    let no = |answer| match answer {
        AuthenticateAnswer::No { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(no(world.authenticate("B-9", "N-0001").await), Refusal::UnknownMember);
    world.give_code(MEMBER, CODE).await;
    assert_eq!(no(world.authenticate(MEMBER, "N-0002").await), Refusal::NoCard);
    world.member().await;
    // What was said of a number stays said.
    assert_eq!(no(world.authenticate(MEMBER, "N-0002").await), Refusal::NoCard);
    let yes = world.authenticate(MEMBER, "N-0003").await;
    assert!(matches!(&yes, AuthenticateAnswer::Yes { issuer, .. } if *issuer == common::issuer()));
    assert_eq!(world.authenticate(MEMBER, "N-0003").await, yes);
    let question = json!({ "member": "B-9", "number": "N-0003" });
    let other = world.ask::<Value>(BROKER, "/v1/line/authenticate", &question).await;
    assert_eq!(other.unwrap_err().code, "conflict");
    world.registry.block_member(MEMBER, true).await.unwrap();
    assert_eq!(no(world.authenticate(MEMBER, "N-0004").await), Refusal::Blocked);
    world.registry.block_member(MEMBER, false).await.unwrap();
    world.registry.block_card(CARD, true).await.unwrap();
    assert_eq!(no(world.authenticate(MEMBER, "N-0005").await), Refusal::Blocked);
    world.registry.block_card(CARD, false).await.unwrap();
    world.clock.advance(5 * 365 * 86_400);
    assert_eq!(no(world.authenticate(MEMBER, "N-0006").await), Refusal::Expired);
}

#[tokio::test]
async fn a_card_is_nowhere_in_clear_and_no_answer_to_the_broker_has_it() {
    let world = World::new().await;
    world.member().await;
    let reference = world.reference("N-0001").await;
    let question = world.dispatch(&reference, "N-0001");
    let answer: Value = world.ask(BROKER, "/v1/line/dispatch", &question).await.unwrap();
    assert!(!answer.to_string().contains(CARD));
    for secret in [CARD, NAME, "2029-12", CODE, MEMBER] {
        assert!(!world.is_stored(secret), "{secret}");
    }
    // The check finds what is there.
    assert!(world.is_stored("N-0001") && world.is_stored("0312345678"));
    // A broker that would like the card is refused, and so is who is nobody.
    let resolve = json!({
        "reference": reference, "merchant": provider(), "order": sha256(b"1"),
        "amount": Money::new(1, Currency::JPY).unwrap(),
    });
    for who in [BROKER, "nobody.example", ""] {
        let refused = world.ask::<Value>(who, "/v1/line/resolve", &resolve).await.unwrap_err();
        assert_eq!(refused.code, "wrong_party");
    }
    let member = json!({ "member": MEMBER, "number": "N-0002" });
    let refused = world.ask::<Value>(ISSUER, "/v1/line/authenticate", &member).await.unwrap_err();
    assert_eq!(refused.code, "wrong_party");
}

#[tokio::test]
async fn a_reference_serves_the_first_order_of_its_issuer_alone() {
    let world = World::new().await;
    world.member().await;
    let reference = world.reference("N-0001").await;
    let question = |reference: &CardReference, order: &[u8], minor| {
        json!({
            "reference": reference, "merchant": provider(), "order": sha256(order),
            "amount": Money::new(minor, Currency::JPY).unwrap(),
        })
    };
    let resolve = async |question: Value| {
        world.ask::<CardAnswer>(ISSUER, "/v1/line/resolve", &question).await
    };
    let first = question(&reference, b"1", 900);
    let (second, dearer) = (question(&reference, b"2", 900), question(&reference, b"1", 901));
    let guessed = CardReference("0".repeat(32).to_string().into());
    let guessed = question(&guessed, b"1", 900);
    let mut codes = Vec::new();
    for asked in [first.clone(), first, second, dearer, guessed] {
        codes.push(match resolve(asked).await {
            Ok(card) => card.card_number.to_string(),
            Err(problem) => problem.code,
        });
    }
    assert_eq!(codes, [CARD, CARD, "conflict", "conflict", "not_found"]);
}

#[tokio::test]
async fn what_was_called_back_is_void_and_what_was_resolved_is_not() {
    let world = World::new().await;
    world.member().await;
    let void = async |number: &str| {
        let question = json!({ "number": number });
        world.ask::<VoidAnswer>(BROKER, "/v1/line/void", &question).await.unwrap().void
    };
    let resolve = async |reference: &CardReference| {
        let question = json!({
            "reference": reference, "merchant": provider(), "order": sha256(b"1"),
            "amount": Money::new(9, Currency::JPY).unwrap(),
        });
        world.ask::<CardAnswer>(ISSUER, "/v1/line/resolve", &question).await
    };
    let (first, second) = (world.reference("N-0001").await, world.reference("N-0002").await);
    assert!(void("N-0001").await && void("N-0001").await);
    assert_eq!(resolve(&first).await.unwrap_err().code, "not_found");
    let question = world.dispatch(&first, "N-0001");
    let gone = world.ask::<Value>(BROKER, "/v1/line/dispatch", &question).await.unwrap_err();
    assert_eq!(gone.code, "not_found");
    resolve(&second).await.unwrap();
    assert!(!void("N-0002").await);
}

#[tokio::test]
async fn a_new_registry_key_is_taken_up_after_every_death() {
    let world = World::new().await;
    for member in 0..60 {
        let (number, code) = (format!("B-{member}"), format!("CODE-{member}"));
        world.give_code(&number, &code).await;
        let card = (0..10).map(|check| format!("40000000000{member:04}{check}"));
        let card = card.into_iter().find(|c| warifu_protocol::value::is_card_number(c)).unwrap();
        world.registry.register_card(registration(&number, &code, &card)).await.unwrap();
    }
    for jobs in 0..20 {
        let left = Arc::new(std::sync::atomic::AtomicI64::new(jobs));
        let dying = Arc::new(common::Dying(world.store.clone() as Arc<dyn Store>, left));
        if world.rebuilt(dying, "2027").rotate().await.is_ok() {
            let registry = world.rebuilt(world.store.clone(), "2027");
            assert_eq!(registry.rotate().await.unwrap(), 0);
            assert_eq!(registry.keys_in_use().await.unwrap(), [("2027".into(), 60)].into());
            let question = json!({ "member": "B-7", "number": "N-0001" });
            let asked = ask_of(&registry, BROKER, "/v1/line/authenticate", &question).await;
            assert!(matches!(asked.unwrap(), AuthenticateAnswer::Yes { .. }));
            return;
        }
    }
    panic!("a rotation of 60 cards has fewer jobs");
}
