//! Orders that are not what the holder sealed, not for whom it is brought to, or not of now.

use crate::stage::{Sealed, Stage, VICTIMS, Victim};
use serde_json::{Value, json};
use std::sync::Arc;
use warifu::setup::now;
use warifu_protocol::{
    AtFault,
    credential::Credential,
    encode::{b64, unb64},
    jws,
    order::{ORDER, OrderClaims},
    suite::{Suite, SuiteFloor},
};
use warifu_types::{OrderId, Role, UnixTime};
use warifu_wire::OrderQuestion;

/// Two orders of the holder, and the first with the part of `role` from the second.
async fn swapped(stage: &Stage, role: Role) -> Sealed {
    let (mut first, second) = (stage.seal(now()).await, stage.seal(now()).await);
    first.bundle.parts.as_mut().insert(role, second.bundle.parts[&role].clone());
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_order_is_refused_by_whom_it_is_for() {
    let stage = Stage::set().await;
    for victim in VICTIMS {
        let order = swapped(&stage, victim.role()).await;
        let before = stage.documents();
        let answer = stage.bring(&order, victim).await;
        stage.assert_in_vain(&before, answer, ("altered_part", "part"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_order_is_refused_by_who_passes_it_on() {
    let stage = Stage::set().await;
    for role in [Role::Issuer, Role::Carrier] {
        let order = swapped(&stage, role).await;
        let before = stage.documents();
        let answer = stage.bring(&order, Victim::Merchant).await;
        stage.assert_in_vain(&before, answer, ("altered_part", &format!("parts.{role}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_order_is_refused_by_each_party() {
    let stage = Stage::set().await;
    let mut order = stage.seal(now()).await;
    // It would be good for ever.
    order.bundle.order = altered(&order.bundle.order, |claims| claims["exp"] = json!(u32::MAX));
    for victim in VICTIMS {
        let before = stage.documents();
        let answer = stage.bring(&order, victim).await;
        stage.assert_in_vain(&before, answer, ("bad_signature", "order"));
    }
}

/// A token with other claims under the old signature.
fn altered(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let pieces: Vec<&str> = token.split('.').collect();
    let claims = unb64(pieces[1], AtFault::Own, "order").unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    change(&mut claims);
    format!("{}.{}.{}", pieces[0], b64(claims.to_string().as_bytes()), pieces[2])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_order_is_refused_by_each_party() {
    let stage = Stage::set().await;
    // The form is older than the order.
    let order = stage.seal(UnixTime(now().0 - 30 * 86_400)).await;
    for victim in VICTIMS {
        let before = stage.documents();
        let answer = stage.bring(&order, victim).await;
        stage.assert_in_vain(&before, answer, ("expired", "order.exp"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_or_a_destination_under_a_weaker_suite_is_refused() {
    let stage = Stage::set().await;
    // A terminal that somebody has talked into it.
    stage.holder().change(|terminal| terminal.floor = SuiteFloor::all(Suite::Kps));
    let mut prepared = stage.prepare().await;
    for credential in prepared.recipients.values_mut() {
        *credential = Arc::new(Credential { hpke: Vec::new(), ..(**credential).clone() });
    }
    let order = stage.seal_as(&prepared, OrderId(stage.holder().random32()), now());
    for victim in [Victim::Issuer, Victim::Carrier] {
        let before = stage.documents();
        let answer = stage.bring(&order, victim).await;
        stage.assert_in_vain(&before, answer, ("downgrade", "part.suite"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_somebody_else_sends_is_refused() {
    let stage = Stage::set().await;
    let order = stage.seal(now()).await;
    let mallory = stage.newcomer("mail:mallory@example.net", Role::Holder).await;
    let question = OrderQuestion { sealed: order.bundle, quote: Some(order.quote) };
    let before = stage.documents();
    let asked = ("order", &question);
    let answer = stage.ask(&mallory, Role::Holder, Victim::Merchant, asked).await;
    stage.assert_in_vain(&before, answer, ("impostor", "sealed.holder"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_comes_again_changes_nothing() {
    let stage = Stage::set().await;
    let order = stage.seal(now()).await;
    stage.bring(&order, Victim::Issuer).await.unwrap();
    let before = stage.documents();
    stage.bring(&order, Victim::Issuer).await.unwrap();
    assert!(before == stage.documents(), "the money was held twice");
    // Another order of the holder under the same id.
    let claims: OrderClaims = jws::peek(ORDER, &order.bundle.order, AtFault::Own).unwrap();
    let other = stage.seal_as(&stage.prepare().await, claims.jti, now());
    let before = stage.documents();
    let answer = stage.bring(&other, Victim::Issuer).await;
    stage.assert_in_vain(&before, answer, ("conflict", "order.jti"));
}
