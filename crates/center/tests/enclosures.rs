//! What a payment names by its hash: enclosed once, and good for every payment after that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{Wish, World, member::problem, yen};
use warifu_protocol::{
    joining::MAX_ENCLOSED,
    telegram::{Instruction, Outcome, Payment, Telegram},
};
use warifu_wire::Problem;

async fn enclose(world: &World, documents: &[&str]) -> Result<(), Problem> {
    let documents: Vec<String> = documents.iter().map(ToString::to_string).collect();
    world.session().await.enclose(&documents).await.map_err(problem)
}

/// The first letter of a token's signature, changed: it does not verify any more.
fn altered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[tokio::test]
async fn a_payment_waits_for_what_it_names_and_is_the_same_telegram_afterwards() {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(5000)).await;
    let sealed = world.seal_only(&world.merchant, &member, &Wish::new(1, &card)).await;
    let token = member.telegram(&world, world.payment(&sealed));
    let missing = member.send(&world, &token).await.unwrap_err();
    assert_eq!(missing.code, "enclosure_missing");
    assert_eq!(missing.field.as_deref(), Some("enclosures.credential"));
    assert!(!missing.is_definite(), "the terminal does not give the payment up");
    let jti = Telegram::peek(&token).unwrap().jti;
    let settlement = world.center.settlement();
    assert_eq!(settlement.telegram_evidence(&member.keys.sub, &jti).await, Ok(None));

    let front = world.merchant.credential();
    let documents = Payment::enclosures(&sealed.bundle, &front);
    world.session().await.enclose(&documents).await.unwrap();
    let paid = member.send(&world, &token).await.unwrap();
    assert!(matches!(paid, Outcome::Paid(_)), "{paid:?}");
    let evidence = settlement.telegram_evidence(&member.keys.sub, &jti).await.unwrap().unwrap();
    assert_eq!(evidence.enclosures, documents, "the telegram can be verified again");

    // The next one needs nothing, also at a center that was started again.
    let mut world = world;
    world.restart().await;
    let next = world.seal_only(&world.merchant, &member, &Wish::new(2, &card)).await;
    let paid = member.tell(&world, world.payment(&next)).await.unwrap();
    assert!(matches!(paid, Outcome::Paid(_)), "{paid:?}");
}

#[tokio::test]
async fn nothing_is_kept_that_does_not_prove_itself() {
    let world = World::new().await;
    let member = world.member().await;
    let card = member.card(&world, yen(5000)).await;
    let sealed = world.seal_only(&world.merchant, &member, &Wish::new(1, &card)).await;
    let front = world.merchant.credential();
    let (credential, form) = (sealed.bundle.credential.as_str(), sealed.bundle.form.as_str());
    let (other_form, other_credential) = (altered(form), altered(credential));
    let refusals = [
        (vec![form], "untrusted"),
        (vec![credential, form], "bad_signature"),
        (vec![front.as_str(), &other_form], "bad_signature"),
        (vec![&other_credential], "bad_signature"),
        (vec!["anything"], "untrusted"),
        (vec![front.as_str(), "anything"], "malformed"),
        (vec![front.as_str(); MAX_ENCLOSED + 1], "too_large"),
    ];
    for (documents, reason) in refusals {
        let refused = enclose(&world, &documents).await.unwrap_err();
        assert_eq!(refused.code, reason, "{documents:?}");
    }
    let Instruction::Pay(payment) = world.payment(&sealed) else { panic!("a payment") };
    let refused = member.tell(&world, Instruction::Pay(payment)).await.unwrap_err();
    assert_eq!(refused.code, "enclosure_missing", "nothing was kept");
}
