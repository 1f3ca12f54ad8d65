//! Parts in the wrong place: between two orders, and between two roles.
use crate::{
    HOLDER, OPENERS, Purchase, SENDER,
    common::{Net, forge},
    refused,
};
use warifu_protocol::{Reason, rule::Rule, sealed::Sealed};
use warifu_types::Role;

/// A second order of the same holder on the same form.
fn second(purchase: &Purchase) -> Sealed {
    let form = purchase.cast.form(Rule::classic());
    purchase.cast.order_on(&form, &purchase.cast.recipients(), 8).unwrap()
}

#[test]
fn a_part_of_another_order() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        let second = second(&purchase);
        for role in OPENERS {
            let mut bundle = purchase.bundle().clone();
            bundle.parts.as_mut().insert(role, second.bundle.parts[&role].clone());
            refused(purchase.open(&bundle, role), Reason::AlteredPart, SENDER, "part");
        }
    }
}

#[test]
fn a_part_of_another_order_that_the_holder_signs_for() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        let second = second(&purchase);
        for role in OPENERS {
            let part = second.bundle.parts[&role].clone();
            let bundle = forge::with_part(&purchase.cast, purchase.bundle(), role, part);
            refused(purchase.open(&bundle, role), Reason::Mismatch, HOLDER, "part.order");
        }
    }
}

#[test]
fn all_parts_of_another_order() {
    let purchase = Purchase::on(Net::kps());
    let mut bundle = purchase.bundle().clone();
    bundle.parts = second(&purchase).bundle.parts;
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::AlteredPart, SENDER, "part");
    }
}

#[test]
fn a_part_for_another_role() {
    for net in [Net::kps(), Net::new()] {
        let purchase = Purchase::on(net);
        for (role, other) in [
            (Role::Merchant, Role::Issuer),
            (Role::Issuer, Role::Carrier),
            (Role::Carrier, Role::Merchant),
        ] {
            let part = purchase.bundle().parts[&other].clone();
            let mut bundle = purchase.bundle().clone();
            bundle.parts.as_mut().insert(role, part.clone());
            refused(purchase.open(&bundle, role), Reason::AlteredPart, SENDER, "part");
            let bundle = forge::with_part(&purchase.cast, purchase.bundle(), role, part);
            refused(purchase.open(&bundle, role), Reason::WrongParty, HOLDER, "part.to");
        }
    }
}

#[test]
fn a_part_whose_header_was_made_to_fit() {
    // The header says what the recipient expects, but the key was made for another role.
    let purchase = Purchase::on(Net::kps());
    let envelope = forge::envelope(&purchase.cast, &purchase.sealed, Role::Issuer);
    let bytes = serde_json::to_vec(&envelope).unwrap();
    let issuer = purchase.cast.issuer.id().to_string();
    let from_merchant = forge::resealed(
        &purchase.cast,
        purchase.bundle(),
        Role::Merchant,
        |header| {
            header["to"] = issuer.into();
            header["role"] = "issuer".into();
        },
        &bytes,
    );
    let part = from_merchant.parts[&Role::Merchant].clone();
    let bundle = forge::with_part(&purchase.cast, purchase.bundle(), Role::Issuer, part);
    refused(purchase.open(&bundle, Role::Issuer), Reason::SealedWrong, HOLDER, "part");
}

#[test]
fn the_order_of_another_bundle() {
    let purchase = Purchase::on(Net::kps());
    let mut bundle = purchase.bundle().clone();
    bundle.order = second(&purchase).bundle.order;
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::AlteredPart, SENDER, "part");
    }
}

#[test]
fn another_form_of_the_same_merchant() {
    let purchase = Purchase::on(Net::kps());
    let mut form = purchase.cast.form(Rule::classic());
    form.jti = warifu_types::Nonce([10; 32]);
    let mut bundle = purchase.bundle().clone();
    bundle.form = form.sign(purchase.cast.merchant.signer.as_ref());
    for role in OPENERS {
        refused(purchase.open(&bundle, role), Reason::Mismatch, HOLDER, "order.form");
    }
}
