//! Properties: parsers of outside bytes never panic and name a field, and what is sealed opens to
//! what it was. `WARIFU_LONG` makes many more tries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]
mod common;

use common::{Cast, NOW, Net, forge, rng};
use proptest::prelude::*;
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};
use warifu_protocol::{
    AtFault, ProtocolError,
    authorization::{AUTHORIZATION, AUTHORIZATION_REQUEST, Authorization, AuthorizationRequest},
    credential::{CREDENTIAL, Credential},
    delivery::{DELIVERY, DELIVERY_REQUEST, Delivery, DeliveryRequest},
    encode::{from_json, sha256},
    enrolment::{ENROLMENT_REQUEST, Enrolment, EnrolmentRequest, decrypt_shares},
    error::Result,
    form::{FORM, Form},
    jws::{self, TokenType},
    meeting::{Challenge, Confirm, Hello},
    order::{Disclosure, ORDER, OrderClaims},
    part::PartHeader,
    quote::{QUOTE, Quote},
    receipt::Receipt,
    rule::Rule,
    sealed::{self, Draft, SealedOrder, seal},
    session::session_of,
    settlement::{SETTLEMENT, SETTLEMENT_REQUEST, Settlement, SettlementRequest},
    status::{STATUS, Status},
    value::{FieldValue, OrderLine},
};
use warifu_types::{Currency, FieldName, Money, OrderId, Role};

const AT_FAULT: AtFault = AtFault::Sender;

fn config(usual: u32) -> ProptestConfig {
    let long = std::env::var_os("WARIFU_LONG").is_some();
    ProptestConfig::with_cases(if long { usual * 100 } else { usual })
}

/// Made once: sealing anew for every try would be the slowest part by far.
static KPS: LazyLock<(Cast, SealedOrder)> = LazyLock::new(|| {
    let cast = Cast::new(Net::kps());
    let bundle = cast.order(Rule::classic()).bundle;
    (cast, bundle)
});

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[A-Za-z0-9_-]{43}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}|.{0,4}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An error names a field below `word`, and no value.
fn named<T>(result: &Result<T>, word: &str) -> std::result::Result<(), TestCaseError> {
    if let Err(ProtocolError { field, .. }) = result {
        prop_assert!(field.starts_with(word), "{} instead of {}", field, word);
        prop_assert!(field.len() < 300);
    }
    Ok(())
}

/// A token through one parser; what is read is let go.
type Parser = fn(TokenType, &str) -> Result<()>;

fn parser<T: serde::de::DeserializeOwned>(kind: TokenType, token: &str) -> Result<()> {
    let key = KPS.0.merchant.credential.key;
    jws::verify::<T>(kind, token, &key, AT_FAULT).map(drop)
}

const TOKENS: [(TokenType, Parser); 13] = [
    (FORM, parser::<Form>),
    (QUOTE, parser::<Quote>),
    (ORDER, parser::<OrderClaims>),
    (CREDENTIAL, parser::<Credential>),
    (AUTHORIZATION_REQUEST, parser::<AuthorizationRequest>),
    (AUTHORIZATION, parser::<Authorization>),
    (DELIVERY_REQUEST, parser::<DeliveryRequest>),
    (DELIVERY, parser::<Delivery>),
    (SETTLEMENT_REQUEST, parser::<SettlementRequest>),
    (SETTLEMENT, parser::<Settlement>),
    (STATUS, parser::<Status>),
    (ENROLMENT_REQUEST, parser::<EnrolmentRequest>),
    (TokenType { typ: "any", word: "any" }, parser::<Value>),
];

/// A JSON document through one parser.
type Reader = fn(&[u8]) -> Result<()>;

fn reader<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<()> {
    from_json::<T>(bytes, AT_FAULT, "document").map(drop)
}

const DOCUMENTS: [Reader; 8] = [
    reader::<SealedOrder>,
    reader::<Hello>,
    reader::<Challenge>,
    reader::<Confirm>,
    reader::<PartHeader>,
    reader::<Enrolment>,
    reader::<Receipt>,
    reader::<Rule>,
];

/// A place in a JSON value, chosen by numbers.
fn place<'a>(value: &'a mut Value, path: &[usize]) -> &'a mut Value {
    let size = value.as_array().map_or(value.as_object().map_or(0, |map| map.len()), Vec::len);
    match path.split_first() {
        Some((first, rest)) if size > 0 => match value {
            Value::Array(items) => place(&mut items[first % size], rest),
            Value::Object(fields) => place(fields.values_mut().nth(first % size).unwrap(), rest),
            other => other,
        },
        _ => value,
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_text_as_a_token(text in ".{0,200}") {
        for (kind, parse) in TOKENS {
            let result = parse(kind, &text);
            prop_assert!(result.is_err());
            named(&result, kind.word)?;
        }
        prop_assert!(session_of(&text).is_err());
        let holder = &KPS.0.holder;
        named(&decrypt_shares(&text, holder.id(), &holder.hpke), "shares")?;
    }

    #[test]
    fn any_pieces_as_a_token(pieces in prop::collection::vec("[A-Za-z0-9_-]{0,60}", 0..7)) {
        let text = pieces.join(".");
        for (kind, parse) in TOKENS {
            named(&parse(kind, &text), kind.word)?;
        }
        named(&session_of(&text), "session")?;
        let holder = &KPS.0.holder;
        named(&decrypt_shares(&text, holder.id(), &holder.hpke), "shares")?;
    }

    #[test]
    fn any_json_as_claims(claims in any_json()) {
        let payload = serde_json::to_vec(&claims).unwrap();
        for (kind, parse) in TOKENS {
            let header = format!(r#"{{"alg":"EdDSA","typ":"{}"}}"#, kind.typ);
            let token = forge::jws(&header, &payload, KPS.0.merchant.signer.as_ref());
            let result = parse(kind, &token);
            prop_assert_eq!(result.is_ok(), kind.typ == "any" && claims.is_object());
            named(&result, kind.word)?;
        }
    }

    #[test]
    fn any_bytes_as_claims(payload in prop::collection::vec(any::<u8>(), 0..100)) {
        for (kind, parse) in TOKENS {
            let header = format!(r#"{{"alg":"EdDSA","typ":"{}"}}"#, kind.typ);
            let token = forge::jws(&header, &payload, KPS.0.merchant.signer.as_ref());
            named(&parse(kind, &token), kind.word)?;
        }
    }

    #[test]
    fn any_header(header in any_json()) {
        let (cast, bundle) = &*KPS;
        let payload = forge::piece(&bundle.form, 1);
        let token = forge::jws(&header.to_string(), &payload, cast.merchant.signer.as_ref());
        let result = parser::<Form>(FORM, &token);
        prop_assert!(result.is_err());
        named(&result, "form")?;
    }

    #[test]
    fn any_document(bytes in prop::collection::vec(any::<u8>(), 0..100), json in any_json()) {
        for read in DOCUMENTS {
            for bytes in [bytes.clone(), serde_json::to_vec(&json).unwrap()] {
                named(&read(&bytes), "document")?;
            }
        }
    }

    #[test]
    fn any_disclosure(text in ".{0,60}|[A-Za-z0-9_-]{0,60}", json in any_json()) {
        for field in [FieldName::AMOUNT, FieldName::ITEMS, FieldName::CARD_NUMBER] {
            for text in [text.clone(), forge::disclosure(&json).0] {
                if let Err(error) = Disclosure::read(&text, &field) {
                    let place = format!("order.fields.{field}");
                    prop_assert!(error.field.starts_with("part.disclosures") || error.field == place);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn an_order_with_anything_anywhere(
        path in prop::collection::vec(0usize..40, 1..5),
        value in any_json(),
    ) {
        let (cast, bundle) = &*KPS;
        let mut changed = false;
        let bundle = forge::reordered(cast, bundle, |order| {
            let place = place(order, &path);
            changed = *place != value;
            *place = value.clone();
        });
        let front = &cast.merchant.credential;
        let result = sealed::open(&cast.issuer, &bundle, front, Role::Issuer, NOW);
        // One part's hash or field can differ without this party's noticing; not more.
        if changed && let Err(error) = &result {
            prop_assert_ne!(error.at_fault, AtFault::Own);
            prop_assert!(["order", "part", "holder"].iter().any(|word| error.field.starts_with(word)), "{}", error);
        }
    }

    #[test]
    fn a_form_with_anything_anywhere(
        path in prop::collection::vec(0usize..40, 1..6),
        value in any_json(),
    ) {
        let (cast, bundle) = &*KPS;
        let signer = cast.merchant.signer.as_ref();
        let token = forge::resigned(&bundle.form, signer, |form| *place(form, &path) = value);
        let credential = &cast.merchant.credential;
        let result = cast.holder.trust.form(&token, credential, NOW, AT_FAULT);
        if let Err(error) = &result {
            let good = error.field.starts_with("form") || error.field == "credential.roles";
            prop_assert!(good, "{}", error);
        }
    }

    #[test]
    fn a_part_with_any_envelope(envelope in any_json()) {
        let (cast, bundle) = &*KPS;
        let bundle = forge::with_envelope(cast, bundle, Role::Issuer, &envelope);
        let front = &cast.merchant.credential;
        let result = sealed::open(&cast.issuer, &bundle, front, Role::Issuer, NOW);
        prop_assert!(result.is_err());
        named(&result, "part")?;
    }
}

/// Text such as people write, and as they do not.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "山田 花子",
        "東京都港区芝1-2-3 🍵",
        "\"quoted\" \\ 'and' {braces}",
        "  spaced  ",
        "é e\u{301}",
        "\u{202e}right to left",
        "a\nb",
        "~.~",
        "null",
        "\u{feff}bom",
        "𠮷野家",
        "👩‍👩‍👧",
        "0",
    ]);
    prop_oneof!["\\PC{1,120}", odd.prop_map(str::to_string)]
        .prop_filter("not blank", |text| !text.trim().is_empty() && text.len() <= 1024)
}

/// Seals these values in both suites, and compares what every party opens.
fn round_trip(
    cast: &Cast,
    values: &BTreeMap<FieldName, FieldValue>,
    seed: u8,
) -> std::result::Result<(), TestCaseError> {
    let rule = Rule::classic();
    let token = cast.form(rule.clone()).sign(cast.merchant.signer.as_ref());
    let front = &cast.merchant.credential;
    let form = cast.holder.trust.form(&token, front, NOW, AtFault::Own).unwrap();
    let recipients = cast.recipients();
    let draft =
        Draft { form: form.borrowed(), form_token: &token, values, recipients: &recipients };
    let sealed = seal(&cast.holder, &draft, OrderId([seed; 32]), NOW, &mut rng(seed)).unwrap();
    for (terminal, role) in [
        (&cast.merchant, Role::Merchant),
        (&cast.issuer, Role::Issuer),
        (&cast.carrier, Role::Carrier),
    ] {
        let opened = sealed::open(terminal, &sealed.bundle, front, role, NOW).unwrap();
        for field in rule.part(role) {
            prop_assert!(opened.fields[field] == values[field], "{}", field);
        }
        prop_assert_eq!(opened.fields.len(), rule.part(role).len());
        // Nothing but steps of 256 bytes can be told from a length.
        let ciphertext = forge::piece(&sealed.bundle.parts[&role], 3);
        prop_assert_eq!(ciphertext.len() % 256, 0);
    }
    // The same bytes as JSON and back are the same bundle.
    let json = serde_json::to_vec(&sealed.bundle).unwrap();
    prop_assert_eq!(from_json::<SealedOrder>(&json, AT_FAULT, "bundle").unwrap(), sealed.bundle);
    Ok(())
}

static HYBRID: LazyLock<Cast> = LazyLock::new(|| Cast::new(Net::new()));

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn what_is_sealed_opens_to_what_it_was(
        texts in prop::collection::vec(text(), 5),
        lines in prop::collection::vec((text(), 1u32..), 1..8),
        minor in 1..=Money::MAX_MINOR,
        seed in any::<u8>(),
    ) {
        use FieldName as F;
        let mut values = common::values("quote");
        values.remove(&F::ACCESS_ZONE);
        let fields = [
            F::HOLDER_NAME, F::HOLDER_ADDRESS, F::HOLDER_TELEPHONE, F::HOLDER_FAX, F::DESTINATION,
        ];
        for (field, text) in fields.into_iter().zip(texts) {
            values.insert(field, FieldValue::Text(text));
        }
        let numbers = (0..lines.len()).map(|n| format!("品番-{n}")).collect();
        values.insert(F::ITEM_NUMBERS, FieldValue::Numbers(numbers));
        let lines = lines.into_iter().map(|(name, quantity)| OrderLine { name, quantity });
        values.insert(F::ITEMS, FieldValue::Lines(lines.collect()));
        let amount = Money::new(minor, Currency::EUR).unwrap();
        values.insert(F::AMOUNT, FieldValue::Amount(amount));
        round_trip(&KPS.0, &values, seed)?;
        round_trip(&HYBRID, &values, seed)?;
    }

    #[test]
    fn a_signature_is_for_its_message_alone(message in prop::collection::vec(any::<u8>(), 0..64), bit in 0usize..512) {
        let (key, signer) = (KPS.0.holder.credential.key, &KPS.0.holder.signer);
        let mut signature = signer.sign(&message);
        prop_assert!(key.verify(&message, &signature, AT_FAULT, "test").is_ok());
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.verify(&message, &signature, AT_FAULT, "test").is_err());
        prop_assert!(key.verify(&sha256(&message).0, &signer.sign(&message), AT_FAULT, "test").is_err());
    }
}
