//! What is shown later or beside: a holder's receipt, a card beside an order, a trade number.
use crate::{
    case::Case,
    common::{NOW, forge},
    decisions::{MERCHANT, ZERO},
    network::{Made, kps},
};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault, Reason,
    encode::b64,
    presented::CardBeside,
    receipt::Receipt,
    rule::Rule,
    sealed::Sealed,
    status::{State, Status},
    trade_number::TradeNumber,
};
use warifu_types::OrderId;

pub fn cases() -> Vec<Case> {
    let made = kps();
    [receipts(&made), cards_beside(), trade_numbers()].into_iter().flatten().collect()
}

fn status(made: &Made, sealed: &Sealed) -> String {
    let cast = &made.cast;
    Status {
        iss: cast.merchant.id().clone(),
        aud: cast.holder.id().clone(),
        order: sealed.identity,
        state: State::Settled,
        reason: None,
        authorization: None,
        iat: NOW,
    }
    .sign(cast.merchant.signer.as_ref())
}

fn receipts(made: &Made) -> Vec<Case> {
    let cast = &made.cast;
    let sealed = cast.order(Rule::minimal());
    let mut receipt = Receipt::new(&sealed, None, cast.merchant.credential_token.clone());
    let case = |name: &str, about: &str, receipt: &Value| {
        let input = json!({"receipt": receipt});
        Case::new("receipt", name, about, ("kps", "holder"), input)
    };
    let verified = receipt.verify(&cast.holder, NOW).unwrap();
    let accepted = |state: Value| json!({"fields": verified.fields, "state": state});
    let bare = json!(receipt);
    let mut cases = vec![
        case("without_status", "Nothing was heard yet.", &bare).accepted(accepted(Value::Null)),
    ];
    receipt.status = Some(status(made, &sealed));
    let honest = json!(receipt);
    cases.push(case("settled", "To the end.", &honest).accepted(accepted(json!("settled"))));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut other = honest.clone();
        change(&mut other);
        other
    };
    let signer = cast.merchant.signer.as_ref();
    let of_another = forge::resigned(&status(made, &sealed), signer, |s| s["order"] = json!(ZERO));
    let forged = forge::resigned(&status(made, &sealed), cast.carrier.signer.as_ref(), |_| {});
    let other = made.terminal("other_merchant");
    use Reason::*;
    for (name, about, receipt, reason, at_fault, field) in [
        (
            "disclosure_missing",
            "The amount is missing.",
            with(&|r| {
                r["disclosures"].as_object_mut().unwrap().remove("amount");
            }),
            WrongDigest,
            AtFault::Sender,
            "fields.amount",
        ),
        (
            "disclosure_of_another_field",
            "The name stands for the amount.",
            with(&|r| r["disclosures"]["amount"] = r["disclosures"]["holder_name"].clone()),
            WrongDigest,
            AtFault::Sender,
            "fields.amount",
        ),
        (
            "disclosure_altered",
            "Another amount.",
            with(&|r| {
                let amount = json!(["AAECAwQFBgcICQoLDA0ODw", {"minor": 1, "currency": "JPY"}]);
                r["disclosures"]["amount"] = json!(forge::disclosure(&amount).0);
            }),
            WrongDigest,
            AtFault::Sender,
            "fields.amount",
        ),
        (
            "status_of_another_order",
            "A status of another order.",
            with(&|r| r["status"] = json!(of_another)),
            Mismatch,
            MERCHANT,
            "status.order",
        ),
        (
            "status_forged",
            "A status that the merchant has not signed.",
            with(&|r| r["status"] = json!(forged)),
            BadSignature,
            MERCHANT,
            "status",
        ),
        (
            "front_another",
            "Another merchant's credential.",
            with(&|r| r["front_credential"] = json!(other.credential_token)),
            BadSignature,
            MERCHANT,
            "form",
        ),
    ] {
        cases.push(case(name, about, &receipt).refused(reason, at_fault, field));
    }
    let late = case("seen_too_late", "Long after its credentials.", &honest).at(NOW.0 + 2_000_000);
    cases.push(late.refused(Expired, AtFault::Sender, "credential.exp"));
    cases
}

fn cards_beside() -> Vec<Case> {
    let case = |name: &str, about: &str, card: &Value| {
        Case::new("card_beside", name, about, ("kps", "issuer"), json!({"card": card}))
    };
    let honest = CardBeside::new("4111111111111111", "2030-12", &[[1; 16], [2; 16]]);
    let digests: Vec<Value> = honest.digests().iter().map(|(_, digest)| json!(digest)).collect();
    let accepted = json!({
        "number": "4111111111111111", "expiry": "2030-12",
        "digests": {"card_number": digests[0], "card_expiry": digests[1]},
    });
    let honest = json!(honest);
    let mut cases = vec![case("good", "Number and expiry.", &honest).accepted(accepted)];
    let salt = b64(&[3; 16]);
    let disclosed = |json: Value| json!(forge::disclosure(&json).0);
    let with = |field: &str, value: Value| {
        let mut other = honest.clone();
        other[field] = value;
        other
    };
    use Reason::*;
    for (name, about, card, reason, field) in [
        (
            "number_check_digit",
            "A number whose check digit is wrong.",
            with("number", disclosed(json!([salt, "4111111111111112"]))),
            BadValue,
            "card.number",
        ),
        (
            "number_as_number",
            "The number is no text.",
            with("number", disclosed(json!([salt, 4_111_111_111_111_111u64]))),
            Malformed,
            "card.number",
        ),
        (
            "expiry_month",
            "The month 13.",
            with("expiry", disclosed(json!([salt, "2030-13"]))),
            BadValue,
            "card.expiry",
        ),
        (
            "salt_short",
            "A salt of 15 bytes.",
            with("expiry", disclosed(json!([b64(&[3; 15]), "2030-12"]))),
            BadValue,
            "card.expiry",
        ),
        (
            "exchanged",
            "The expiry stands for the number.",
            with("number", honest["expiry"].clone()),
            BadValue,
            "card.number",
        ),
        (
            "not_base64",
            "Padded base64.",
            with("number", json!("WyJBIl0=")),
            Malformed,
            "card.number",
        ),
        ("in_clear", "The number itself.", with("number", json!("4111")), Malformed, "card.number"),
    ] {
        cases.push(case(name, about, &card).refused(reason, MERCHANT, field));
    }
    cases
}

fn trade_numbers() -> Vec<Case> {
    let case = |name: &str, about: &str, input: Value| {
        Case::new("trade_number", name, about, ("kps", "merchant"), input)
    };
    let mut bytes = [0; 32];
    bytes[6] = 0b0100_0000;
    let accepted = |number: TradeNumber| json!({"number": number.as_str()});
    let mut cases = Vec::new();
    for (name, about, id) in [
        ("of_zeros", "An id of zero bytes.", OrderId([0; 32])),
        ("of_ones", "An id of 255s.", OrderId([255; 32])),
        ("of_one_bit", "The fiftieth bit alone is set.", OrderId(bytes)),
    ] {
        let number = accepted(TradeNumber::of(&id));
        cases.push(case(name, about, json!({"order": id})).accepted(number));
    }
    let number = TradeNumber::of(&OrderId(std::array::from_fn(|n| (n as u8).wrapping_mul(37))));
    let (plain, shown) = (number.as_str().to_string(), number.to_string());
    let zeros = TradeNumber::of(&OrderId([0; 32]));
    for (name, about, text, number) in [
        ("plain", "The characters alone.", plain.clone(), number),
        ("shown", "As it is shown.", shown.clone(), number),
        ("small_letters", "As people type it.", shown.to_lowercase().replace('-', " "), number),
        ("letters_for_digits", "O for 0.", "OOOOO-ooooo-O".to_string(), zeros),
    ] {
        cases.push(case(name, about, json!({"text": text})).accepted(accepted(number)));
    }
    let mut exchanged = plain.clone().into_bytes();
    exchanged.swap(1, 2);
    assert_ne!(exchanged[1], exchanged[2]);
    let exchanged = String::from_utf8(exchanged).unwrap();
    for (name, about, text) in [
        ("check_wrong", "Another check character.", "00000000001".to_string()),
        ("characters_exchanged", "Two characters changed places.", exchanged),
        ("ten_characters", "Without the check character.", plain[..10].to_string()),
        ("twelve_characters", "A character more.", format!("{plain}0")),
        ("letter_u", "A letter that is not of the alphabet.", format!("U{}", &plain[1..])),
        ("full_width", "Full-width digits.", "０００００００００００".to_string()),
        ("empty", "Nothing.", String::new()),
    ] {
        let expected = json!({"refused": {"problem": "no trade number"}});
        cases.push(Case { expected, ..case(name, about, json!({"text": text})) });
    }
    cases
}
