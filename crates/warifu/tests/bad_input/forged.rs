//! Orders that no terminal of ours would seal: a card that fails Luhn or is over, a zero, a huge list.
//! The holder signs for them all the same, and whoever opens the part names the field.

use crate::stage::{Prepared, Sealed, Stage, VICTIMS, Victim};
use serde_json::json;
use std::collections::BTreeMap;
use warifu::setup::now;
use warifu_protocol::{
    encode::sha256,
    jws,
    order::{Disclosure, ORDER, OrderClaims, SdAlg, Slot},
    part::{Address, seal_part},
    sealed::SealedOrder,
    suite::Suite,
    value::{FieldValue, OrderLine},
};
use warifu_types::{FieldName, OrderId};

/// Seals whatever is prepared, without a look at any value.
fn seal(stage: &Stage, prepared: &Prepared) -> Sealed {
    let party = stage.holder();
    let (terminal, mut random) = (party.terminal(), party.random());
    let id = OrderId(party.random32());
    let disclosures: BTreeMap<FieldName, Disclosure> = prepared
        .values
        .iter()
        .map(|(field, value)| (field.clone(), Disclosure::new(&[7; 16], value)))
        .collect();
    let rule = &prepared.form.form.rule;
    let mut parts = BTreeMap::new();
    for (role, fields) in rule.parts.iter() {
        let address = Address {
            order: &id,
            form: &prepared.form.hash,
            to: &prepared.recipients[role],
            role: *role,
        };
        let chosen: Vec<&Disclosure> = fields.iter().map(|field| &disclosures[field]).collect();
        let part =
            seal_part(&terminal, address, Suite::KpsHpke, &chosen, now(), &mut random).unwrap();
        parts.insert(*role, part);
    }
    let claims = OrderClaims {
        iss: terminal.id().clone(),
        network: terminal.trust.network().to_string(),
        jti: id,
        form: prepared.form.hash,
        parties: prepared.recipients.iter().map(|(role, who)| (*role, who.sub.clone())).collect(),
        fields: disclosures
            .iter()
            .map(|(field, disclosure)| (field.clone(), [Slot { digest: disclosure.digest }]))
            .collect(),
        parts: parts.iter().map(|(role, part)| (*role, sha256(part.as_bytes()))).collect(),
        sd_alg: SdAlg::Sha256,
        iat: now(),
        exp: now().plus(rule.order_lifetime()),
    };
    let bundle = SealedOrder {
        holder: terminal.id().clone(),
        order: jws::sign(ORDER, &claims, terminal.signer.as_ref()),
        credential: terminal.credential_token.clone(),
        form: prepared.form_token.clone(),
        parts: parts.into_iter().collect(),
    };
    Sealed { bundle, quote: prepared.quote.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_order_that_is_good_is_accepted() {
    // Otherwise the others would be refused for the forger's own faults.
    let stage = Stage::set().await;
    let order = seal(&stage, &stage.prepare().await);
    stage.bring(&order, Victim::Issuer).await.unwrap();
    stage.bring(&order, Victim::Merchant).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_in_an_order_is_named_by_whoever_opens_it() {
    let stage = Stage::set().await;
    let line = OrderLine { name: "T".to_string(), quantity: 1 };
    let mut none = line.clone();
    none.quantity = 0;
    for (field, value, victims) in [
        // The last digit is wrong.
        ("card_number", FieldValue::text("4111111111111112"), &VICTIMS[1..2]),
        ("card_number", FieldValue::text("4111-1111-1111-1111"), &VICTIMS[1..2]),
        ("card_expiry", FieldValue::text("2031-13"), &VICTIMS[1..2]),
        ("items", FieldValue::Lines(vec![line; 10_000]), &VICTIMS[..1]),
        ("items", FieldValue::Lines(vec![none]), &VICTIMS[..1]),
        ("items", FieldValue::Lines(Vec::new()), &VICTIMS[..1]),
        ("item_numbers", FieldValue::Numbers(vec!["PA-1021".to_string(); 10_000]), &VICTIMS[..2]),
        ("amount", FieldValue::text("1980"), &VICTIMS[..2]),
        ("payment_type", FieldValue::text("instalments:-3"), &VICTIMS[..2]),
        ("destination", FieldValue::text(" "), &VICTIMS[2..]),
    ] {
        let mut prepared = stage.prepare().await;
        prepared.values.insert(field.parse().unwrap(), value);
        let order = seal(&stage, &prepared);
        for victim in victims {
            let before = stage.documents();
            let answer = stage.bring(&order, *victim).await;
            stage.assert_in_vain(&before, answer, ("bad_value", &format!("order.fields.{field}")));
        }
    }
}

/// An expiry in the past is a good date, and the issuer's decision: a signed no, and nothing is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_has_expired_pays_nothing() {
    let stage = Stage::set().await;
    let mut prepared = stage.prepare().await;
    prepared.values.insert(FieldName::CARD_EXPIRY, FieldValue::text("2020-01"));
    let answer = stage.bring(&seal(&stage, &prepared), Victim::Issuer).await.unwrap();
    let token = answer["authorization"].as_str().unwrap();
    let decided = crate::claims(token);
    assert_eq!(decided["decision"], json!("refused"), "{decided}");
    let issuer = &stage.documents()["issuer"];
    assert!(issuer.iter().all(|document| document.collection != "issuer_open_holds"));
}
