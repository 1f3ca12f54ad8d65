//! Sealed orders that their own holder made wrong: all is signed, and all is the holder's fault.
use crate::{
    case::Case,
    common::forge,
    network::{Made, kps},
    orders::{HOLDER, case},
};
use serde_json::{Value, json};
use warifu_protocol::{
    Reason,
    rule::Rule,
    sealed::{Sealed, SealedOrder},
};
use warifu_types::{FieldName, Role};

const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";

pub fn cases() -> Vec<Case> {
    [claims(), envelopes(), values()].into_iter().flatten().collect()
}

pub fn made() -> (Made, Sealed) {
    let made = kps();
    let sealed = made.cast.order(Rule::classic());
    (made, sealed)
}

fn claims() -> Vec<Case> {
    let (made, sealed) = made();
    let honest = sealed.bundle.only(Role::Carrier);
    let with = |change: &dyn Fn(&mut Value)| forge::reordered(&made.cast, &honest, change);
    let respelt = |from: &str, to: &str| SealedOrder {
        order: forge::respelt(&honest.order, made.cast.holder.signer.as_ref(), from, to),
        ..honest.clone()
    };
    let digest = forge::claims(&honest.order)["fields"]["quote"][0]["..."].to_string();
    use Reason::*;
    let cases = [
        (
            "order_field_two_digests",
            "Two digests in the amount's slot.",
            with(&|o| {
                let other = o["fields"]["quote"][0].clone();
                o["fields"]["amount"].as_array_mut().unwrap().push(other);
            }),
            Malformed,
            "order.fields.amount",
        ),
        (
            "order_field_no_digest",
            "No digest in the amount's slot.",
            with(&|o| o["fields"]["amount"] = json!([])),
            Malformed,
            "order.fields.amount",
        ),
        (
            "order_field_twice",
            "The amount stands twice, with two digests.",
            respelt(r#""fields":{"#, &format!(r#""fields":{{"amount":[{{"...":{digest}}}],"#)),
            Malformed,
            "order.fields.amount",
        ),
        (
            "order_fields_twice",
            "The fields stand twice.",
            respelt(r#""fields":{"#, r#""fields":{},"fields":{"#),
            Malformed,
            "order.fields",
        ),
        (
            "order_slot_as_array",
            "A slot is an array of its digest.",
            with(&|o| {
                let digest = o["fields"]["amount"][0]["..."].clone();
                o["fields"]["amount"] = json!([[digest]]);
            }),
            Malformed,
            "order.fields.amount[0]",
        ),
        (
            "order_slot_with_more",
            "A value in clear beside a digest.",
            with(&|o| o["fields"]["amount"][0]["value"] = json!(1)),
            Malformed,
            "order.fields.amount[0].value",
        ),
        (
            "order_decoy",
            "Decoy digests, as SD-JWT has them elsewhere.",
            with(&|o| o["_sd"] = json!([o["form"]])),
            Malformed,
            "order._sd",
        ),
        (
            "order_field_extra",
            "A field that the rule does not have.",
            with(&|o| o["fields"]["tip"] = json!([{"...": o["form"]}])),
            OutsideRule,
            "order.fields.tip",
        ),
        (
            "order_field_missing",
            "A field of the rule is not there.",
            with(&|o| {
                o["fields"].as_object_mut().unwrap().remove("amount");
            }),
            OutsideRule,
            "order.fields.amount",
        ),
        (
            "order_field_name_bad",
            "A field's name in upper case.",
            with(&|o| o["fields"]["Amount"] = o["fields"]["amount"].clone()),
            Malformed,
            "order.fields.Amount",
        ),
        (
            "order_digest_for_two_fields",
            "One digest for two fields.",
            with(&|o| o["fields"]["holder_fax"] = o["fields"]["amount"].clone()),
            OutsideRule,
            "order.fields.holder_fax",
        ),
        (
            "order_digest_too_short",
            "A digest of 31 bytes.",
            with(&|o| {
                o["fields"]["amount"][0]["..."] =
                    json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
            }),
            Malformed,
            "order.fields.amount[0]",
        ),
        (
            "order_sd_alg_another",
            "Another hash function.",
            with(&|o| o["_sd_alg"] = json!("sha-1")),
            Malformed,
            "order._sd_alg",
        ),
        (
            "order_network_another",
            "For another network.",
            with(&|o| o["network"] = json!("other.example")),
            WrongNetwork,
            "order.network",
        ),
        (
            "order_form_another",
            "For another form.",
            with(&|o| o["form"] = o["jti"].clone()),
            Mismatch,
            "order.form",
        ),
        (
            "order_holder_another",
            "In another holder's name.",
            with(&|o| o["iss"] = json!("mail:mallory@example.net")),
            WrongParty,
            "order.iss",
        ),
        (
            "order_holder_not_canonical",
            "The holder's name in upper case.",
            with(&|o| o["iss"] = json!("mail:HANAKO@example.jp")),
            Malformed,
            "order.iss",
        ),
        (
            "order_carrier_another",
            "Another carrier than the form designates.",
            with(&|o| o["parties"]["carrier"] = json!("domain:other-carrier.example")),
            Mismatch,
            "order.parties.carrier",
        ),
        (
            "order_merchant_another",
            "Another merchant than the form's.",
            with(&|o| o["parties"]["merchant"] = json!("domain:other-shop.example")),
            Mismatch,
            "order.parties.merchant",
        ),
        (
            "order_party_missing",
            "A party of the rule is not there.",
            with(&|o| {
                o["parties"].as_object_mut().unwrap().remove("issuer");
            }),
            OutsideRule,
            "order.parties.issuer",
        ),
        (
            "order_party_extra",
            "A party that the rule does not have.",
            with(&|o| o["parties"]["gateway"] = json!("domain:gate.example")),
            OutsideRule,
            "order.parties",
        ),
        (
            "order_part_unlisted",
            "A part's hash is not there.",
            with(&|o| {
                o["parts"].as_object_mut().unwrap().remove("issuer");
            }),
            OutsideRule,
            "order.parts.issuer",
        ),
        (
            "order_field_unknown",
            "A claim that the format does not know.",
            with(&|o| o["amount"] = json!(1)),
            Malformed,
            "order.amount",
        ),
        (
            "order_time_fractional",
            "A time with a fraction.",
            with(&|o| o["iat"] = json!(1_800_000_000.5)),
            Malformed,
            "order.iat",
        ),
    ];
    cases
        .map(|(name, about, bundle, reason, field)| {
            case(&made, name, about, &bundle, Role::Carrier).refused(reason, HOLDER, field)
        })
        .into()
}

fn envelopes() -> Vec<Case> {
    let (made, sealed) = made();
    let honest = sealed.bundle.only(Role::Merchant);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut envelope = forge::envelope(&made.cast, &sealed, Role::Merchant);
        change(&mut envelope);
        forge::with_envelope(&made.cast, &honest, Role::Merchant, &envelope)
    };
    let bytes = |bytes: &[u8]| forge::resealed(&made.cast, &honest, Role::Merchant, |_| {}, bytes);
    let card = sealed.disclosures[&FieldName::CARD_NUMBER].text.to_string();
    let other_amount = forge::disclosure(&json!([SALT, {"minor": 1, "currency": "JPY"}])).0;
    use Reason::*;
    [
        (
            "part_another_amount",
            "Another amount than the one that was signed.",
            with(&|e| e["disclosures"][6] = json!(other_amount)),
            WrongDigest,
            "order.fields.amount",
        ),
        (
            "part_disclosure_extra",
            "The card number for the merchant.",
            with(&|e| e["disclosures"].as_array_mut().unwrap().push(json!(card))),
            OutsideRule,
            "part.disclosures",
        ),
        (
            "part_disclosure_of_another_field",
            "The card number in place of the name.",
            with(&|e| e["disclosures"][0] = json!(card)),
            WrongDigest,
            "order.fields.holder_name",
        ),
        (
            "part_disclosure_missing",
            "The last disclosure is not there.",
            with(&|e| {
                e["disclosures"].as_array_mut().unwrap().pop();
            }),
            OutsideRule,
            "order.fields.quote",
        ),
        (
            "part_disclosures_in_another_order",
            "Two disclosures changed places.",
            with(&|e| e["disclosures"].as_array_mut().unwrap().swap(0, 1)),
            WrongDigest,
            "order.fields.holder_name",
        ),
        (
            "envelope_unknown_field",
            "A member that the format does not know.",
            with(&|e| e["note"] = json!("x")),
            Malformed,
            "part.note",
        ),
        (
            "envelope_pad_missing",
            "No padding.",
            with(&|e| {
                e.as_object_mut().unwrap().remove("pad");
            }),
            Malformed,
            "part.pad",
        ),
        (
            "envelope_disclosure_number",
            "A number among the disclosures.",
            with(&|e| e["disclosures"][0] = json!(7)),
            Malformed,
            "part.disclosures[0]",
        ),
        ("envelope_as_array", "The envelope is an array.", bytes(b"[[],\"\"]"), Malformed, "part"),
        ("envelope_not_json", "The envelope is no JSON.", bytes(b"hello"), Malformed, "part"),
        (
            "envelope_not_utf8",
            "The envelope is no UTF-8.",
            bytes(b"\xff\xfe\xfd"),
            Malformed,
            "part",
        ),
        ("envelope_empty", "Nothing under the tag.", bytes(b""), Malformed, "part"),
        (
            "envelope_trailing",
            "Something after the envelope.",
            bytes(b"{\"disclosures\":[],\"pad\":\"\"} x"),
            Malformed,
            "part",
        ),
    ]
    .map(|(name, about, bundle, reason, field)| {
        case(&made, name, about, &bundle, Role::Merchant).refused(reason, HOLDER, field)
    })
    .into()
}

/// One disclosure with other JSON in it, and the digest to fit.
fn values() -> Vec<Case> {
    let (made, sealed) = made();
    let honest = sealed.bundle.only(Role::Issuer);
    use Reason::*;
    [
        (
            "salt_too_short",
            "A salt of 3 bytes.",
            4,
            "card_number",
            json!(["AAAA", "4111111111111111"]),
            BadValue,
            "part.disclosures.salt",
        ),
        (
            "salt_not_base64",
            "A salt that is no base64url.",
            4,
            "card_number",
            json!(["+++++++++++++++++++++++++", "4111111111111111"]),
            Malformed,
            "part.disclosures",
        ),
        (
            "disclosure_of_three",
            "The disclosure of an object's property.",
            4,
            "card_number",
            json!([SALT, "card_number", "4111111111111111"]),
            Malformed,
            "part.disclosures",
        ),
        (
            "disclosure_without_value",
            "A salt alone.",
            4,
            "card_number",
            json!([SALT]),
            Malformed,
            "part.disclosures",
        ),
        (
            "card_fails_luhn",
            "The card number's check digit is wrong.",
            4,
            "card_number",
            json!([SALT, "4111111111111112"]),
            BadValue,
            "order.fields.card_number",
        ),
        (
            "card_with_spaces",
            "The card number with spaces.",
            4,
            "card_number",
            json!([SALT, "4111 1111 1111 1111"]),
            BadValue,
            "order.fields.card_number",
        ),
        (
            "card_expiry_bad",
            "A month 13.",
            5,
            "card_expiry",
            json!([SALT, "2030-13"]),
            BadValue,
            "order.fields.card_expiry",
        ),
        (
            "amount_zero",
            "Nothing to pay.",
            7,
            "amount",
            json!([SALT, {"minor": 0, "currency": "JPY"}]),
            BadValue,
            "order.fields.amount",
        ),
        (
            "amount_text",
            "The amount as text.",
            7,
            "amount",
            json!([SALT, "1980"]),
            BadValue,
            "order.fields.amount",
        ),
        (
            "amount_negative",
            "Less than nothing to pay.",
            7,
            "amount",
            json!([SALT, {"minor": -1, "currency": "JPY"}]),
            Malformed,
            "part.disclosures[1].minor",
        ),
        (
            "amount_fractional",
            "A fraction of a minor unit.",
            7,
            "amount",
            json!([SALT, {"minor": 1.5, "currency": "JPY"}]),
            Malformed,
            "part.disclosures[1].minor",
        ),
        (
            "amount_overflows",
            "An amount above 2^53 - 1.",
            7,
            "amount",
            json!([SALT, {"minor": 9_007_199_254_740_992_u64, "currency": "JPY"}]),
            Malformed,
            "part.disclosures[1]",
        ),
        (
            "amount_currency_unknown",
            "A currency that does not exist.",
            7,
            "amount",
            json!([SALT, {"minor": 1, "currency": "ZZZ"}]),
            Malformed,
            "part.disclosures[1].currency",
        ),
        (
            "amount_as_array",
            "The amount is an array of its values.",
            7,
            "amount",
            json!([SALT, [1980, "JPY"]]),
            Malformed,
            "part.disclosures[1][0]",
        ),
        (
            "payment_type_unknown",
            "A payment type that does not exist.",
            8,
            "payment_type",
            json!([SALT, "later"]),
            BadValue,
            "order.fields.payment_type",
        ),
        (
            "instalments_with_leading_zero",
            "A second spelling of three instalments.",
            8,
            "payment_type",
            json!([SALT, "instalments:03"]),
            BadValue,
            "order.fields.payment_type",
        ),
        (
            "item_numbers_none",
            "No items.",
            6,
            "item_numbers",
            json!([SALT, []]),
            BadValue,
            "order.fields.item_numbers",
        ),
        (
            "holder_name_empty",
            "A holder without a name.",
            0,
            "holder_name",
            json!([SALT, "  "]),
            BadValue,
            "order.fields.holder_name",
        ),
        (
            "holder_name_control_character",
            "A bell in the name.",
            0,
            "holder_name",
            json!([SALT, "a\u{7}b"]),
            BadValue,
            "order.fields.holder_name",
        ),
    ]
    .map(|(name, about, place, field, disclosed, reason, error_field)| {
        let (text, digest) = forge::disclosure(&disclosed);
        let mut envelope = forge::envelope(&made.cast, &sealed, Role::Issuer);
        envelope["disclosures"][place] = json!(text);
        let bundle = forge::with_envelope(&made.cast, &honest, Role::Issuer, &envelope);
        let bundle = forge::reordered(&made.cast, &bundle, |order| {
            order["fields"][field][0]["..."] = json!(digest);
        });
        case(&made, name, about, &bundle, Role::Issuer).refused(reason, HOLDER, error_field)
    })
    .into()
}
