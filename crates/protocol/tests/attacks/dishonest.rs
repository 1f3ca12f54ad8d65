//! A dishonest holder, who signs what an honest terminal would not: two values for one field above
//! all (row D2). Everything here is the holder's fault, and the error names the field.
use crate::{
    HOLDER, OPENERS, Purchase,
    common::{Net, forge},
    refused,
};
use serde_json::{Value, json};
use warifu_protocol::{Reason, sealed::SealedOrder};
use warifu_types::Role;

fn purchase() -> Purchase {
    Purchase::on(Net::kps())
}

/// The order with changed claims, refused by everyone.
fn everyone_refuses(change: impl Fn(&mut Value), reason: Reason, field: &str) {
    let purchase = purchase();
    let bundle = forge::reordered(&purchase.cast, purchase.bundle(), change);
    for role in OPENERS {
        refused(purchase.open(&bundle, role), reason, HOLDER, field);
    }
}

/// One part with a changed envelope.
fn with_envelope(purchase: &Purchase, role: Role, change: impl Fn(&mut Value)) -> SealedOrder {
    let mut envelope = forge::envelope(&purchase.cast, &purchase.sealed, role);
    change(&mut envelope);
    forge::with_envelope(&purchase.cast, purchase.bundle(), role, &envelope)
}

/// One field of one part disclosed with other JSON, and the order's digest to fit.
fn with_value(role: Role, place: usize, field: &str, disclosed: Value) -> (Purchase, SealedOrder) {
    let purchase = purchase();
    let (text, digest) = forge::disclosure(&disclosed);
    let bundle = with_envelope(&purchase, role, |envelope| {
        envelope["disclosures"][place] = json!(text);
    });
    let bundle = forge::reordered(&purchase.cast, &bundle, |order| {
        order["fields"][field][0]["..."] = json!(digest);
    });
    (purchase, bundle)
}

/// The amount's place among the merchant's fields, and among the issuer's.
const AMOUNT: [(Role, usize); 2] = [(Role::Merchant, 6), (Role::Issuer, 7)];
const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn another_amount_for_one_party() {
    for (role, place) in AMOUNT {
        let purchase = purchase();
        let amount = json!([SALT, {"minor": 1, "currency": "JPY"}]);
        let bundle = with_envelope(&purchase, role, |envelope| {
            envelope["disclosures"][place] = json!(forge::disclosure(&amount).0);
        });
        let field = "order.fields.amount";
        refused(purchase.open(&bundle, role), Reason::WrongDigest, HOLDER, field);
    }
}

#[test]
fn another_value_for_each_field_of_each_part() {
    let purchase = purchase();
    let rule = warifu_protocol::rule::Rule::classic();
    for role in OPENERS {
        for (place, field) in rule.part(role).iter().enumerate() {
            let bundle = with_envelope(&purchase, role, |envelope| {
                envelope["disclosures"][place] = json!(forge::disclosure(&json!([SALT, "x"])).0);
            });
            let field = format!("order.fields.{field}");
            refused(purchase.open(&bundle, role), Reason::WrongDigest, HOLDER, &field);
        }
    }
}

#[test]
fn two_digests_in_one_slot() {
    everyone_refuses(
        |order| {
            let other = order["fields"]["quote"][0].clone();
            order["fields"]["amount"].as_array_mut().unwrap().push(other);
        },
        Reason::Malformed,
        "order.fields.amount",
    );
}

#[test]
fn no_digest_in_a_slot() {
    everyone_refuses(
        |order| order["fields"]["amount"] = json!([]),
        Reason::Malformed,
        "order.fields.amount",
    );
}

#[test]
fn a_value_in_clear_beside_the_digest() {
    everyone_refuses(
        |order| order["fields"]["amount"][0]["value"] = json!(1),
        Reason::Malformed,
        "order.fields.amount[0].value",
    );
}

#[test]
fn one_field_twice_in_the_json() {
    let purchase = purchase();
    let signer = purchase.cast.holder.signer.as_ref();
    let claims = forge::claims(&purchase.bundle().order);
    let other = claims["fields"]["quote"][0]["..."].as_str().unwrap();
    let order = forge::respelt(
        &purchase.bundle().order,
        signer,
        r#""fields":{"#,
        &format!(r#""fields":{{"amount":[{{"...":"{other}"}}],"#),
    );
    let bundle = SealedOrder { order, ..purchase.bundle().clone() };
    for role in OPENERS {
        let field = "order.fields.amount";
        refused(purchase.open(&bundle, role), Reason::Malformed, HOLDER, field);
    }
}

#[test]
fn the_fields_twice_in_the_json() {
    let purchase = purchase();
    let signer = purchase.cast.holder.signer.as_ref();
    let order = forge::respelt(
        &purchase.bundle().order,
        signer,
        r#""fields":{"#,
        r#""fields":{},"fields":{"#,
    );
    let bundle = SealedOrder { order, ..purchase.bundle().clone() };
    for role in OPENERS {
        let result = purchase.open(&bundle, role);
        refused(result, Reason::Malformed, HOLDER, "order.fields");
    }
}

#[test]
fn a_decoy_digest() {
    everyone_refuses(
        |order| order["_sd"] = json!([order["fields"]["quote"][0]["..."]]),
        Reason::Malformed,
        "order._sd",
    );
}

#[test]
fn a_field_beyond_the_rule() {
    everyone_refuses(
        |order| order["fields"]["second_amount"] = json!([{"...": order["form"]}]),
        Reason::OutsideRule,
        "order.fields.second_amount",
    );
}

#[test]
fn a_field_left_out() {
    everyone_refuses(
        |order| {
            order["fields"].as_object_mut().unwrap().remove("amount");
        },
        Reason::OutsideRule,
        "order.fields.amount",
    );
}

#[test]
fn one_digest_for_two_fields() {
    everyone_refuses(
        |order| order["fields"]["holder_fax"] = order["fields"]["amount"].clone(),
        Reason::OutsideRule,
        "order.fields.holder_fax",
    );
}

#[test]
fn another_hash_function() {
    everyone_refuses(|order| order["_sd_alg"] = json!("sha-1"), Reason::Malformed, "order._sd_alg");
}

#[test]
fn a_disclosure_beyond_the_rule() {
    // The holder hands the merchant the card.
    let purchase = purchase();
    let card = &purchase.sealed.disclosures[&warifu_types::FieldName::CARD_NUMBER];
    let bundle = with_envelope(&purchase, Role::Merchant, |envelope| {
        envelope["disclosures"].as_array_mut().unwrap().push(json!(card.text.as_str()));
    });
    let result = purchase.open(&bundle, Role::Merchant);
    refused(result, Reason::OutsideRule, HOLDER, "part.disclosures");
}

#[test]
fn a_disclosure_in_place_of_another() {
    let purchase = purchase();
    let card = &purchase.sealed.disclosures[&warifu_types::FieldName::CARD_NUMBER];
    let bundle = with_envelope(&purchase, Role::Merchant, |envelope| {
        envelope["disclosures"][0] = json!(card.text.as_str());
    });
    let result = purchase.open(&bundle, Role::Merchant);
    refused(result, Reason::WrongDigest, HOLDER, "order.fields.holder_name");
}

#[test]
fn a_disclosure_left_out() {
    let purchase = purchase();
    let bundle = with_envelope(&purchase, Role::Issuer, |envelope| {
        envelope["disclosures"].as_array_mut().unwrap().pop();
    });
    let result = purchase.open(&bundle, Role::Issuer);
    refused(result, Reason::OutsideRule, HOLDER, "order.fields.payment_type");
}

#[test]
fn disclosures_in_another_order() {
    let purchase = purchase();
    let bundle = with_envelope(&purchase, Role::Carrier, |envelope| {
        envelope["disclosures"].as_array_mut().unwrap().swap(0, 1);
    });
    let result = purchase.open(&bundle, Role::Carrier);
    refused(result, Reason::WrongDigest, HOLDER, "order.fields.holder_name");
}

#[test]
fn an_envelope_with_more_in_it() {
    let purchase = purchase();
    let bundle = with_envelope(&purchase, Role::Merchant, |envelope| {
        envelope["amount"] = json!({"minor": 1, "currency": "JPY"});
    });
    let result = purchase.open(&bundle, Role::Merchant);
    refused(result, Reason::Malformed, HOLDER, "part.amount");
}

#[test]
fn an_envelope_that_is_no_json() {
    let purchase = purchase();
    for bytes in [&b"\xff\xfe"[..], b"", b"null", b"[[[[", b"[[],\"\"]", b"{"] {
        let bundle =
            forge::resealed(&purchase.cast, purchase.bundle(), Role::Issuer, |_| {}, bytes);
        refused(purchase.open(&bundle, Role::Issuer), Reason::Malformed, HOLDER, "part");
    }
}

#[test]
fn a_short_salt() {
    let (purchase, bundle) =
        with_value(Role::Issuer, 4, "card_number", json!(["AAAA", "4111111111111111"]));
    let result = purchase.open(&bundle, Role::Issuer);
    refused(result, Reason::BadValue, HOLDER, "part.disclosures.salt");
}

#[test]
fn a_disclosure_of_another_shape() {
    // SD-JWT's disclosure of an object's property has three elements.
    for shape in [
        json!([SALT, "card_number", "4111111111111111"]),
        json!([SALT]),
        json!("4111111111111111"),
        json!({"card_number": "4111111111111111"}),
        json!([SALT, ["4111111111111111", 7]]),
        json!([SALT, null]),
    ] {
        let (purchase, bundle) = with_value(Role::Issuer, 4, "card_number", shape);
        let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
        assert_eq!((error.reason, error.at_fault), (Reason::Malformed, HOLDER));
        assert!(error.field.starts_with("part.disclosures"), "{error}");
    }
}

#[test]
fn a_card_that_is_none() {
    for card in [
        "4111111111111112",
        "41111111111",
        "4111 1111 1111 1111",
        "",
        "４１１１１１１１１１１１１１１１",
    ] {
        let (purchase, bundle) = with_value(Role::Issuer, 4, "card_number", json!([SALT, card]));
        let result = purchase.open(&bundle, Role::Issuer);
        refused(result, Reason::BadValue, HOLDER, "order.fields.card_number");
    }
}

#[test]
fn an_amount_that_is_none() {
    for amount in [json!({"minor": 0, "currency": "JPY"}), json!("1980"), json!(["1980"])] {
        for (role, place) in AMOUNT {
            let (purchase, bundle) = with_value(role, place, "amount", json!([SALT, amount]));
            let result = purchase.open(&bundle, role);
            refused(result, Reason::BadValue, HOLDER, "order.fields.amount");
        }
    }
    for amount in [
        json!({"minor": -1, "currency": "JPY"}),
        json!({"minor": 1.5, "currency": "JPY"}),
        json!({"minor": 9_007_199_254_740_992_u64, "currency": "JPY"}),
        json!({"minor": 1, "currency": "ZZZ"}),
        json!({"minor": 1, "currency": "JPY", "more": 1}),
    ] {
        let (purchase, bundle) = with_value(Role::Issuer, 7, "amount", json!([SALT, amount]));
        let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
        assert_eq!((error.reason, error.at_fault), (Reason::Malformed, HOLDER));
        assert!(error.field.starts_with("part.disclosures"), "{error}");
    }
}

#[test]
fn an_array_in_place_of_an_object() {
    // One spelling for one meaning: an array of an object's values is not the object.
    everyone_refuses(
        |order| {
            let digest = order["fields"]["amount"][0]["..."].clone();
            order["fields"]["amount"] = json!([[digest]]);
        },
        Reason::Malformed,
        "order.fields.amount[0]",
    );
    let (purchase, bundle) = with_value(Role::Issuer, 7, "amount", json!([SALT, [1980, "JPY"]]));
    let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
    assert_eq!((error.reason, error.at_fault), (Reason::Malformed, HOLDER));
    let (purchase, bundle) = with_value(Role::Merchant, 5, "items", json!([SALT, [["煎茶", 2]]]));
    let error = purchase.open(&bundle, Role::Merchant).unwrap_err();
    assert_eq!((error.reason, error.at_fault), (Reason::Malformed, HOLDER));
}

#[test]
fn another_carrier_than_the_form_designates() {
    let purchase = purchase();
    let other = "domain:other-carrier.example";
    let bundle = forge::reordered(&purchase.cast, purchase.bundle(), |order| {
        order["parties"]["carrier"] = json!(other);
    });
    let result = purchase.open(&bundle, Role::Merchant);
    refused(result, Reason::Mismatch, HOLDER, "order.parties.carrier");
}

#[test]
fn a_party_left_out_or_added() {
    for (list, field) in [("parties", "order.parties.carrier"), ("parts", "order.parts.carrier")] {
        everyone_refuses(
            |order| {
                order[list].as_object_mut().unwrap().remove("carrier");
            },
            Reason::OutsideRule,
            field,
        );
    }
    everyone_refuses(
        |order| order["parties"]["gateway"] = json!("domain:gate.example"),
        Reason::OutsideRule,
        "order.parties",
    );
}

#[test]
fn an_identifier_that_is_not_canonical() {
    everyone_refuses(
        |order| order["iss"] = json!("mail:Hanako@example.jp"),
        Reason::Malformed,
        "order.iss",
    );
}
