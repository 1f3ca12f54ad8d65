//! Orders that are refused: the answer names the field, and nothing has changed.
#![allow(clippy::unwrap_used, clippy::result_large_err, reason = "helpers of tests")]
mod common;

use common::{World, net, offered, who};
use std::collections::BTreeMap;
use warifu_protocol::{
    form::{Designation, FORM, Form},
    jws,
    rule::Rule,
    value::{FieldValue, OrderLine},
};
use warifu_types::{Currency, FieldName, Money, Nonce, Role};
use warifu_wire::{FormAnswer, OrderQuestion, StatusAnswer};

fn pair(code: &str, field: &str) -> (String, String) {
    (code.to_string(), field.to_string())
}

/// Sends two teas with one value changed.
async fn with_value(world: &World, field: FieldName, value: FieldValue) -> (String, String) {
    let form = world.form("minimal").await;
    let quote = world.quote(&form, &[("T-100", 2)]).await.unwrap();
    let mut values = net::values(&quote);
    values.insert(field, value);
    let (_, question) = world.seal(&form, Some(quote), values, 7).await;
    world.refused(&question).await
}

#[tokio::test]
async fn a_value_that_differs_from_the_quote() {
    let world = World::new(Rule::minimal()).await;
    let line = |name: &str, quantity| OrderLine { name: name.into(), quantity };
    for (field, value) in [
        (FieldName::AMOUNT, FieldValue::Amount(Money::new(1979, Currency::JPY).unwrap())),
        (FieldName::AMOUNT, FieldValue::Amount(Money::new(1980, Currency::EUR).unwrap())),
        (FieldName::ITEM_NUMBERS, FieldValue::Numbers(vec!["C-1".into()])),
        (FieldName::ITEM_NUMBERS, FieldValue::Numbers(vec!["T-100".into(), "C-1".into()])),
        (FieldName::ITEMS, FieldValue::Lines(vec![line("煎茶", 3)])),
        (FieldName::ITEMS, FieldValue::Lines(vec![line("玉露", 2)])),
        (FieldName::QUOTE, FieldValue::text(Nonce([3; 32]).to_string())),
    ] {
        let expected = pair("mismatch", &format!("order.fields.{field}"));
        assert_eq!(with_value(&world, field, value).await, expected);
    }
    let instalments = FieldValue::text("instalments:4");
    let expected = pair("bad_value", "order.fields.payment_type");
    assert_eq!(with_value(&world, FieldName::PAYMENT_TYPE, instalments).await, expected);
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_quote_of_another_form_an_old_one_and_none() {
    let rules = vec![offered(Rule::minimal()), offered(Rule::classic())];
    let world = World::with(rules, &[]).await;
    let (minimal, classic) = (world.form("minimal").await, world.form("classic").await);
    let quote = world.quote(&classic, &[("T-100", 2)]).await.unwrap();
    let (_, question) = world.seal(&minimal, Some(quote.clone()), net::values(&quote), 7).await;
    assert_eq!(world.refused(&question).await, pair("mismatch", "quote.form"));

    let (_, question) = world.two_teas(8).await;
    let none = OrderQuestion { quote: None, ..question.clone() };
    assert_eq!(world.refused(&none).await, pair("mismatch", "quote"));
    world.clock.advance(600 + warifu_protocol::CLOCK_SKEW);
    assert_eq!(world.refused(&question).await, pair("expired", "quote.exp"));
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_quote_that_the_holder_made() {
    let world = World::new(Rule::minimal()).await;
    let form = world.form("minimal").await;
    let good = world.quote(&form, &[("T-100", 2)]).await.unwrap();
    let forged = {
        let (payload, _) = good.rsplit_once('.').unwrap();
        let signature = world.holder.terminal().signer.sign(payload.as_bytes());
        format!("{payload}.{}", warifu_protocol::encode::b64(&signature))
    };
    let (_, question) = world.seal(&form, Some(forged.clone()), net::values(&forged), 7).await;
    assert_eq!(world.refused(&question).await, pair("bad_signature", "quote"));
    world.assert_untouched().await;
}

#[tokio::test]
async fn an_order_that_another_holder_hands_in() {
    let world = World::new(Rule::minimal()).await;
    let (_, question) = world.two_teas(7).await;
    let thief = world.other_holder();
    let answer: Result<StatusAnswer, _> = world.ask(&thief, "order", &question).await;
    let expected = pair("impostor", "sealed.holder");
    assert_eq!(common::problem(answer.unwrap_err()), expected);
    let mut posing = question.clone();
    posing.sealed.holder = thief.id();
    let answer: Result<StatusAnswer, _> = world.ask(&thief, "order", &posing).await;
    assert_eq!(common::problem(answer.unwrap_err()), pair("wrong_party", "holder"));
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_relayed_part_that_was_altered() {
    let rule = Rule::minimal().also(Role::Gateway, FieldName::HOLDER_TELEPHONE);
    let world = World::new(rule).await;
    for role in [Role::Issuer, Role::Carrier, Role::Gateway] {
        let (_, mut question) = world.two_teas(7).await;
        let part = question.sealed.parts.get(&role).unwrap().clone();
        let altered = format!("{part}A");
        let others = question.sealed.except(role);
        let parts = others.parts.iter().map(|(role, part)| (*role, part.clone()));
        question.sealed.parts = parts.chain([(role, altered)]).collect();
        let expected = pair("altered_part", &format!("parts.{role}"));
        assert_eq!(world.refused(&question).await, expected);
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_form_that_was_never_issued() {
    let world = World::new(Rule::minimal()).await;
    let form = world.form("minimal").await;
    // The merchant's own key has signed it, yet it is in no record: from another's copy of the key.
    let shop = world.merchant.party().clone();
    let mut claims: Form = jws::peek(FORM, &form.form, warifu_protocol::AtFault::Sender).unwrap();
    claims.jti = Nonce([66; 32]);
    let unknown = claims.sign(shop.terminal().signer.as_ref());
    let unknown = FormAnswer { form: unknown, ..form };
    let quoted = world.quote(&unknown, &[("T-100", 2)]).await;
    assert_eq!(common::problem(quoted.unwrap_err()), pair("bad_value", "form"));
    let quote = {
        let real = world.form("minimal").await;
        let token = world.quote(&real, &[("T-100", 2)]).await.unwrap();
        let mut quote: warifu_protocol::quote::Quote =
            jws::peek(warifu_protocol::quote::QUOTE, &token, warifu_protocol::AtFault::Sender)
                .unwrap();
        quote.form = warifu_protocol::encode::sha256(unknown.form.as_bytes());
        quote.sign(shop.terminal().signer.as_ref())
    };
    let (_, question) = world.seal(&unknown, Some(quote.clone()), net::values(&quote), 7).await;
    assert_eq!(world.refused(&question).await, pair("mismatch", "order.form"));
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_carrier_that_the_name_does_not_find() {
    let mut rule = offered(Rule::minimal());
    rule.parties.insert(Role::Carrier, Designation::Name("黒猫運輸".into()));
    let world = World::with(vec![rule], &[]).await;
    let carrier = world.scripts[&Role::Carrier].clone();
    let token = warifu_wire::Service::party(carrier.as_ref()).terminal().credential_token.clone();
    world.directory.name_token("黒猫運輸", &token);
    let (_, question) = world.two_teas(7).await;

    let other = common::terminal(&world.net, "domain:other.example", Role::Carrier, 77, None);
    world.directory.name("黒猫運輸", &other);
    assert_eq!(world.refused(&question).await, pair("mismatch", "order.parties.carrier"));
    world.assert_untouched().await;
    world.directory.name_token("黒猫運輸", &token);
    let answer: StatusAnswer = world.ask(&world.holder, "order", &question).await.unwrap();
    assert!(!answer.status.is_empty());
}

#[tokio::test]
async fn an_issuer_that_nobody_knows_refuses_the_order() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    world.directory.forget(who(Role::Issuer).as_str());
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.reason.as_deref(), Some("unknown_party"));
    assert_eq!(world.left("T-100").await, 10);
    assert_eq!(world.script(Role::Issuer).count(), 0);
}

#[tokio::test]
async fn an_issuer_that_is_none_refuses_the_order() {
    let world = World::new(Rule::minimal()).await;
    let (sealed, question) = world.two_teas(7).await;
    let url = Some(world.hosts[&Role::Issuer].url());
    let name = who(Role::Issuer);
    let demoted = common::terminal(&world.net, name.as_str(), Role::Carrier, 3, url);
    world.directory.add(&demoted);
    let status = world.order(&sealed, &question).await;
    assert_eq!(status.reason.as_deref(), Some("unknown_party"));
    assert_eq!(world.script(Role::Issuer).count(), 0);
}

#[tokio::test]
async fn a_currency_that_is_not_accepted_where_there_is_no_quote() {
    let world = World::new(Rule::minimal().without(&FieldName::QUOTE)).await;
    let form = world.form("minimal").await;
    let mut values = net::values("");
    let dollars = Money::new(1980, Currency::USD).unwrap();
    values.insert(FieldName::AMOUNT, FieldValue::Amount(dollars));
    let (_, question) = world.seal(&form, None, values.clone(), 7).await;
    assert_eq!(world.refused(&question).await, pair("bad_value", "order.fields.amount"));
    world.assert_untouched().await;
    let yen = Money::new(1980, Currency::JPY).unwrap();
    values.insert(FieldName::AMOUNT, FieldValue::Amount(yen));
    let (sealed, question) = world.seal(&form, None, values, 7).await;
    let with_quote = OrderQuestion { quote: Some("a.b.c".into()), ..question.clone() };
    assert_eq!(world.refused(&with_quote).await, pair("mismatch", "quote"));
    world.order(&sealed, &question).await;
}

#[tokio::test]
async fn questions_of_others_and_unknown_ones() {
    let world = World::new(Rule::minimal()).await;
    let answer: Result<StatusAnswer, _> =
        world.ask(&world.holder, "refund", &BTreeMap::<String, String>::new()).await;
    assert_eq!(common::problem(answer.unwrap_err()), pair("not_found", "op"));
    let issuer = common::terminal(&world.net, "domain:x.example", Role::Issuer, 90, None);
    let issuer = common::party(issuer, &world.clock, &world.directory);
    let question = warifu_wire::StatusQuestion { order: warifu_types::OrderId([1; 32]) };
    let roles = (Role::Issuer, Role::Merchant);
    let connections = issuer.connections();
    let answer: Result<StatusAnswer, _> =
        connections.ask(&issuer, &world.url, roles, None, ("status", &question), None).await;
    assert_eq!(common::problem(answer.unwrap_err()), pair("wrong_party", "role"));
}
