//! Whoever carries the messages changes them: field by field, and byte by byte.
use crate::{
    HOLDER, OPENERS, Purchase, SENDER,
    common::{Net, forge, id},
    refused, step,
};
use warifu_protocol::{Reason, sealed, sealed::SealedOrder};
use warifu_types::Role;

/// The text with one bit of one byte flipped; it stays ASCII.
fn flipped(text: &str, place: usize, bit: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] ^= 1 << (bit % 7);
    String::from_utf8(bytes).unwrap()
}

/// The text with one base64url character changed for another.
fn other_letter(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Every changed text that is tried: one place at a time.
fn changes(text: &str, step: usize) -> impl Iterator<Item = String> + '_ {
    (0..text.len()).step_by(step).flat_map(move |place| {
        let bits = if step == 1 { 0..7 } else { place % 7..place % 7 + 1 };
        bits.map(move |bit| flipped(text, place, bit)).chain([other_letter(text, place)])
    })
}

#[test]
fn every_byte_of_every_part() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        for role in OPENERS {
            let part = &purchase.bundle().parts[&role];
            let step = step(&format!("part for the {role}"), 3);
            for changed in changes(part, step) {
                let mut bundle = purchase.bundle().clone();
                bundle.parts.as_mut().insert(role, changed);
                refused(purchase.open(&bundle, role), Reason::AlteredPart, SENDER, "part");
                // The merchant, who only passes it on, sees it too.
                let order = sealed::check(
                    &purchase.cast.merchant,
                    purchase.bundle(),
                    &purchase.cast.merchant.credential,
                    crate::common::NOW,
                )
                .unwrap();
                let relayed = sealed::check_relayed(&order.claims, &bundle, role);
                refused(relayed, Reason::AlteredPart, SENDER, &format!("parts.{role}"));
            }
        }
    }
}

#[test]
fn every_byte_of_a_part_that_its_own_holder_spoilt() {
    // The holder signs for the spoilt part, so the hash fits and everything behind it must hold.
    let purchase = Purchase::on(Net::kps());
    let part = &purchase.bundle().parts[&Role::Issuer];
    for changed in changes(part, step("part that the holder spoils", 5)) {
        let bundle = forge::with_part(&purchase.cast, purchase.bundle(), Role::Issuer, changed);
        let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
        assert_eq!(error.at_fault, HOLDER, "{error}");
        assert!(error.field.starts_with("part"), "{error}");
    }
}

#[test]
fn the_bytes_of_a_hybrid_part_that_its_own_holder_spoilt() {
    let purchase = Purchase::on(Net::new());
    let part = &purchase.bundle().parts[&Role::Issuer];
    for changed in changes(part, step("hybrid part that the holder spoils", 41)) {
        let bundle = forge::with_part(&purchase.cast, purchase.bundle(), Role::Issuer, changed);
        let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
        assert_eq!(error.at_fault, HOLDER, "{error}");
    }
}

/// Opens a bundle in which one token was changed; every change is refused as the sender's fault.
fn every_byte_of(what: &str, token: impl Fn(&mut SealedOrder) -> &mut String) {
    let purchase = Purchase::on(Net::kps());
    let mut bundle = purchase.bundle().clone();
    let honest = token(&mut bundle).clone();
    for changed in changes(&honest, step(what, 1 + honest.len() / 700)) {
        *token(&mut bundle) = changed.clone();
        for role in OPENERS {
            let error = purchase.open(&bundle, role).expect_err(what);
            let expected = if what == "form" { crate::MERCHANT } else { SENDER };
            assert_eq!(error.at_fault, expected, "{error}");
            assert!(error.field.starts_with(what), "{error}");
        }
    }
}

#[test]
fn every_byte_of_the_order() {
    every_byte_of("order", |bundle| &mut bundle.order);
}

#[test]
fn every_byte_of_the_credential() {
    every_byte_of("credential", |bundle| &mut bundle.credential);
}

#[test]
fn every_byte_of_the_form() {
    every_byte_of("form", |bundle| &mut bundle.form);
}

#[test]
fn each_claim_of_the_order() {
    // Changed claims under the old signature.
    let purchase = Purchase::on(Net::kps());
    let honest = purchase.bundle().order.clone();
    let signature = honest.rsplit_once('.').unwrap().1;
    let claims = forge::claims(&honest);
    let object = claims.as_object().unwrap();
    let fields = object["fields"].as_object().unwrap();
    let mut changed: Vec<(String, serde_json::Value)> = Vec::new();
    for name in object.keys() {
        let mut claims = claims.clone();
        claims[name] = serde_json::json!("x");
        changed.push((name.clone(), claims));
    }
    for name in fields.keys() {
        let mut claims = claims.clone();
        claims["fields"][name][0]["..."] = object["form"].clone();
        changed.push((format!("fields.{name}"), claims));
    }
    assert!(changed.len() > 20);
    for (name, claims) in changed {
        let forged = forge::jws(
            &forge::header(&honest),
            &serde_json::to_vec(&claims).unwrap(),
            purchase.cast.merchant.signer.as_ref(),
        );
        let signed = forged.rsplit_once('.').unwrap().0;
        let order = format!("{signed}.{signature}");
        for role in OPENERS {
            let bundle = SealedOrder { order: order.clone(), ..purchase.bundle().clone() };
            let result = purchase.open(&bundle, role);
            println!("{name}");
            refused(result, Reason::BadSignature, SENDER, "order");
        }
    }
}

#[test]
fn the_holder_in_clear() {
    let purchase = Purchase::on(Net::kps());
    let holder = id("mail:mallory@example.net");
    let bundle = SealedOrder { holder, ..purchase.bundle().clone() };
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::WrongParty, SENDER, "holder");
    }
}

#[test]
fn a_part_left_out() {
    let purchase = Purchase::on(Net::kps());
    for role in OPENERS {
        let bundle = purchase.bundle().except(role);
        let field = format!("parts.{role}");
        refused(purchase.open(&bundle, role), Reason::OutsideRule, SENDER, &field);
    }
}

#[test]
fn a_part_added() {
    let purchase = Purchase::on(Net::kps());
    let mut bundle = purchase.bundle().clone();
    let part = bundle.parts[&Role::Issuer].clone();
    bundle.parts.as_mut().insert(Role::Gateway, part);
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::OutsideRule, SENDER, "parts");
    }
}
