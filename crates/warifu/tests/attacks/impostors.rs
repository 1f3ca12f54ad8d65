//! Parties that are not who they say.

use crate::stage::{Stage, Victim};
use warifu::setup::now;
use warifu_protocol::{
    AtFault,
    encode::sha256,
    jws,
    meeting::{self, Challenge, Confirm},
    order::{ORDER, OrderClaims},
};
use warifu_types::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_false_merchant_gets_no_authorization_for_anothers_order() {
    let stage = Stage::set().await;
    let order = stage.seal(now()).await;
    let mallory = stage.newcomer("domain:false-shop.example", Role::Merchant).await;
    let before = stage.documents();
    let answer = stage.ask_authorization(&mallory, &order.bundle).await;
    stage.assert_in_vain(&before, answer, ("bad_signature", "form"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_with_keys_of_its_own_signs_in_no_others_name() {
    let stage = Stage::set().await;
    let mut order = stage.seal(now()).await;
    let mallory = stage.newcomer("mail:mallory@example.net", Role::Holder).await;
    // The holder's order and credential, signed anew.
    let claims: OrderClaims = jws::peek(ORDER, &order.bundle.order, AtFault::Own).unwrap();
    order.bundle.order = jws::sign(ORDER, &claims, mallory.terminal().signer.as_ref());
    for victim in crate::stage::VICTIMS {
        let before = stage.documents();
        let answer = stage.bring(&order, victim).await;
        stage.assert_in_vain(&before, answer, ("bad_signature", "order"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_without_the_keys_meets_nobody() {
    let stage = Stage::set().await;
    let mallory = stage.newcomer("mail:mallory@example.net", Role::Holder).await;
    for victim in [Victim::Merchant, Victim::Issuer] {
        // Mallory shows Hanako's credential, and proves with keys of her own.
        let (waiting, hello) = {
            let mut random = mallory.random();
            let terminal = mallory.terminal();
            meeting::begin(&terminal, Role::Holder, victim.role(), None, None, &mut random)
        };
        let mut lie = hello.clone();
        lie.credential = stage.holder().terminal().credential_token.clone();
        let before = stage.documents();
        let body = serde_json::to_vec(&lie).unwrap();
        let challenge = stage.post(victim.name(), "/v1/meet/hello", body).await.unwrap();
        let challenge: Challenge = serde_json::from_value(challenge).unwrap();
        // The challenge itself is proven to Hanako, and not to her.
        let finished = {
            let mut random = mallory.random();
            waiting.finish(&mallory.terminal(), &challenge, None, now(), &mut random)
        };
        assert_eq!(finished.err().unwrap().field, "challenge.proof");
        let confirm = Confirm {
            session: challenge.session,
            ek: None,
            kid: None,
            proof: sha256(b"something like a proof"),
        };
        let body = serde_json::to_vec(&confirm).unwrap();
        let answer = stage.post(victim.name(), "/v1/meet/confirm", body).await;
        stage.assert_in_vain(&before, answer, ("impostor", "confirm.proof"));
    }
}
