//! Amounts that are none, over the wire: negative, fractional, too large. They stand in documents that
//! are signed as they should be, so that the amount alone is at fault.

use crate::{ask_as, network};
use serde_json::{Value, json};
use warifu::{demo::network::Network, setup::now};
use warifu_holder::{Source, TopUpWish};
use warifu_protocol::{
    joining::Message,
    jws,
    metering::METER_REQUEST,
    settlement::SETTLEMENT_REQUEST,
    telegram::{Funding, Instruction, TELEGRAM, Telegram, TopUp},
};
use warifu_types::{Currency, Digest, Money, Nonce, Role};
use warifu_wire::{CallError, Problem, TelegramSession};

/// Numbers that are no amount of minor units.
fn bad_amounts() -> Vec<(&'static str, Value)> {
    vec![
        ("negative", json!(-1)),
        ("fractional", json!(1.5)),
        ("too large for a number", json!(1e30)),
        ("too large for an amount", json!(u64::MAX)),
        ("a text", json!("1980")),
        ("nothing", Value::Null),
    ]
}

/// What every party keeps.
fn documents(network: &Network) -> Vec<(&'static str, Vec<warifu_store::Document>)> {
    let stores = network.stores.iter();
    stores.map(|(party, opened)| (*party, opened.store.dump().unwrap())).collect()
}

#[track_caller]
fn assert_names(what: &str, problem: &Problem, field: &str) {
    let named = problem.field.clone().unwrap_or_default();
    assert!(named.starts_with(field), "{what}: {named} should name {field}");
    assert!((400..500).contains(&problem.status), "{what}: {problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_amount_is_captured_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let merchant = network.merchant().unwrap().party().clone();
    for (what, minor) in bad_amounts() {
        let before = documents(&network);
        let claims = json!({
            "iss": merchant.id(), "aud": "domain:card.example", "order": Digest([1; 32]),
            "authorization": Nonce([2; 32]), "action": "capture",
            "amount": {"minor": minor, "currency": "JPY"}, "iat": now(), "exp": now().plus(60),
        });
        let request = jws::sign(SETTLEMENT_REQUEST, &claims, merchant.terminal().signer.as_ref());
        let roles = (Role::Merchant, Role::Issuer);
        let body = json!({"request": request});
        let problem = ask_as(&network, &merchant, ("issuer", roles), "settle", body).await;
        assert_names(what, &problem, "settlement_request.amount");
        assert!(documents(&network) == before, "{what}");
    }
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_amount_is_metered_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let merchant = network.merchant().unwrap().party().clone();
    let request = |amount: Value, tick: Value| {
        let claims = json!({
            "iss": merchant.id(), "aud": "domain:center.example", "order": Digest([1; 32]),
            "tick": tick, "amount": amount, "iat": now(), "exp": now().plus(60),
        });
        jws::sign(METER_REQUEST, &claims, merchant.terminal().signer.as_ref())
    };
    let yen = |minor: Value| json!({"minor": minor, "currency": "JPY"});
    let mut cases: Vec<_> = bad_amounts()
        .into_iter()
        .map(|(what, minor)| (what, request(yen(minor), json!(1)), "meter_request.amount"))
        .collect();
    cases.push(("zero", request(yen(json!(0)), json!(1)), "meter_request.amount"));
    cases.push(("an array", request(json!([1, "JPY"]), json!(1)), "meter_request.amount"));
    cases.push(("no tick", request(yen(json!(20)), json!(0)), "meter_request.tick"));
    cases.push(("half a tick", request(yen(json!(20)), json!(0.5)), "meter_request.tick"));
    cases.push(("many ticks", request(yen(json!(20)), json!(1e12)), "meter_request.tick"));
    for (what, request, field) in cases {
        let before = documents(&network);
        let roles = (Role::Merchant, Role::Center);
        let body = json!({"request": request});
        let problem = ask_as(&network, &merchant, ("center", roles), "meter", body).await;
        assert_names(what, &problem, field);
        assert!(documents(&network) == before, "{what}");
    }
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_amount_is_loaded_on_no_card() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let member = network.member().await.unwrap();
    let writer = &member.writer;
    let session = TelegramSession::open(
        warifu::demo::network::NETWORK,
        &writer.center,
        &mut warifu::setup::random(),
    )
    .await
    .unwrap();
    for (place, (what, minor)) in bad_amounts().into_iter().enumerate() {
        let before = documents(&network);
        let one = Money::new(1, Currency::JPY).unwrap();
        let top_up = TopUp { amount: one, card: None, funding: Funding::Transfer {} };
        let telegram = Telegram {
            iss: writer.member.clone(),
            aud: writer.center.sub.clone(),
            key: warifu_protocol::telegram::key_id(&writer.signer.verifying_key()),
            jti: Nonce([place as u8 + 1; 32]),
            seq: 1_000_000 + place as u64,
            instruction: Instruction::TopUp(Box::new(top_up)),
            iat: now(),
            exp: now().plus(60),
        };
        let mut claims = serde_json::to_value(&telegram).unwrap();
        claims["instruction"]["top_up"]["amount"]["minor"] = minor;
        let token = jws::sign(TELEGRAM, &claims, writer.signer.as_ref());
        match session.say(&Message::Telegram(token)).await {
            Err(CallError::Problem(problem)) => {
                assert_names(what, &problem, "telegram.instruction.top_up.amount");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert!(documents(&network) == before, "{what}");
    }
    // The terminal itself asks for nothing, either.
    let nothing = TopUpWish {
        amount: Money::zero(Currency::JPY),
        onto: "prepaid".to_string(),
        source: Source::Transfer,
    };
    let before = documents(&network);
    let asked = member.holder.top_up(&nothing).await.unwrap();
    assert!(format!("{:?}", asked.standing).contains("amount_is_zero"), "{:?}", asked.standing);
    let cards = |all: &[(&str, Vec<warifu_store::Document>)]| {
        let center = &all.iter().find(|(party, _)| *party == "center").unwrap().1;
        center.iter().filter(|document| document.collection == "center_cards").count()
    };
    assert_eq!(cards(&documents(&network)), cards(&before));
    network.stop().await;
}
