//! An eavesdropper, who has every byte of the network and no share.
use crate::common::{Cast, NOW, Net, forge, one, rng, values};
use std::collections::BTreeMap;
use warifu_protocol::{
    AtFault,
    encode::b64,
    meeting,
    rule::Rule,
    sealed::{self, Draft, SealedOrder, seal},
    value::{FieldValue, OrderLine},
};
use warifu_types::{Currency, FieldName, Money, OrderId, Role};
use zeroize::Zeroizing;

/// A value for each field that stands nowhere else.
fn canaries(quote: &str) -> BTreeMap<FieldName, FieldValue> {
    use FieldName as F;
    let mut canaries: BTreeMap<_, _> = values(quote)
        .into_keys()
        .map(|field| (field.clone(), FieldValue::text(format!("canary-of-{field}-カナリア"))))
        .collect();
    canaries.extend([
        (F::CARD_NUMBER, FieldValue::text("4000005555554444")),
        (F::CARD_EXPIRY, FieldValue::text("2037-11")),
        (F::PAYMENT_TYPE, FieldValue::text("instalments:37")),
        (F::AMOUNT, FieldValue::Amount(Money::new(7_919_104_729, Currency::JPY).unwrap())),
        (F::ITEM_NUMBERS, FieldValue::Numbers(vec!["canary-number".into()])),
        (F::ITEMS, FieldValue::Lines(vec![OrderLine { name: "canary-item".into(), quantity: 2 }])),
        (F::QUOTE, values(quote)[&F::QUOTE].clone()),
    ]);
    canaries
}

/// What an eavesdropper looks for.
fn needles(values: &BTreeMap<FieldName, FieldValue>) -> Vec<(String, String)> {
    let mut needles = Vec::new();
    for (field, value) in values {
        let texts = match value {
            FieldValue::Text(text) => vec![text.clone()],
            FieldValue::Amount(money) => vec![money.minor().to_string()],
            FieldValue::Numbers(numbers) => numbers.clone(),
            FieldValue::Lines(lines) => lines.iter().map(|line| line.name.clone()).collect(),
        };
        needles.extend(texts.into_iter().map(|text| (field.to_string(), text)));
    }
    needles
}

/// The bytes, and whatever in them can be read as base64url, again and again.
fn layers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
    for run in bytes.split(|b| !alphabet(b)).filter(|run| run.len() >= 8) {
        let text = std::str::from_utf8(run).unwrap();
        if let Ok(inner) = warifu_protocol::encode::unb64(text, AtFault::Own, "run") {
            all.extend(layers(&inner));
        }
    }
    all
}

fn finds(haystack: &[u8], needle: &str) -> bool {
    layers(haystack)
        .iter()
        .any(|layer| layer.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

fn sealed_canaries(cast: &Cast, rule: &Rule, quote: &str) -> (SealedOrder, Vec<(String, String)>) {
    let form = cast.form(rule.clone());
    let token = form.sign(cast.merchant.signer.as_ref());
    let checked =
        cast.holder.trust.form(&token, &cast.merchant.credential, NOW, AtFault::Own).unwrap();
    let mut values = canaries(quote);
    values.retain(|field, _| rule.fields().contains(field));
    let recipients = cast.recipients();
    let draft = Draft {
        form: checked.borrowed(),
        form_token: &token,
        values: &values,
        recipients: &recipients,
    };
    let sealed = seal(&cast.holder, &draft, OrderId([3; 32]), NOW, &mut rng(3)).unwrap();
    (sealed.bundle, needles(&values))
}

#[test]
fn an_eavesdropper_finds_no_field_in_a_bundle() {
    for net in [Net::kps(), Net::new()] {
        let cast = Cast::new(net);
        for rule in [Rule::classic(), Rule::minimal()] {
            let (bundle, needles) = sealed_canaries(&cast, &rule, "quote");
            let wire = serde_json::to_vec(&bundle).unwrap();
            assert!(finds(&wire, "mail:hanako@example.jp"), "the search itself works");
            for (field, needle) in needles {
                assert!(!finds(&wire, &needle), "{field} can be read");
            }
        }
    }
}

#[test]
fn the_search_finds_a_planted_leak() {
    let leak = forge::disclosure(&serde_json::json!(["salt", "4000005555554444"])).0;
    assert!(finds(format!("x.{leak}.y").as_bytes(), "4000005555554444"));
    let twice = b64(format!("[\"{leak}\"]").as_bytes());
    assert!(finds(twice.as_bytes(), "4000005555554444"));
}

#[test]
fn digests_cannot_be_guessed_without_the_salt() {
    // The same values in two orders have no digest in common.
    let cast = Cast::new(Net::kps());
    let form = cast.form(Rule::classic());
    let digests = |seed| {
        let sealed = cast.order_on(&form, &cast.recipients(), seed).unwrap();
        sealed.disclosures.values().map(|d| d.digest).collect::<Vec<_>>()
    };
    let (first, second) = (digests(1), digests(2));
    assert!(first.iter().all(|digest| !second.contains(digest)));
}

#[test]
fn the_length_of_a_part_does_not_tell_a_short_name_from_a_long_one() {
    let cast = Cast::new(Net::kps());
    let rule = Rule::badge();
    let door = cast.net.terminal("domain:door.example", Role::Door, 11);
    let manager = cast.net.terminal("domain:badges.example", Role::CardManager, 12);
    let mut form = cast.form(rule);
    form.iss = door.id().clone();
    form.parties = one(Role::CardManager, warifu_protocol::form::Designation::Holder {});
    let token = form.sign(door.signer.as_ref());
    let checked = cast.holder.trust.form(&token, &door.credential, NOW, AtFault::Own).unwrap();
    let recipients =
        [(Role::Door, door.credential), (Role::CardManager, manager.credential)].into();
    let length = |name: &str| {
        let mut values = values("quote");
        values.insert(FieldName::HOLDER_NAME, FieldValue::text(name));
        values.retain(|field, _| checked.form.rule.fields().contains(field));
        let draft = Draft {
            form: checked.borrowed(),
            form_token: &token,
            values: &values,
            recipients: &recipients,
        };
        let sealed = seal(&cast.holder, &draft, OrderId([3; 32]), NOW, &mut rng(3)).unwrap();
        sealed.bundle.parts[&Role::CardManager].len()
    };
    assert_eq!(length("Bo"), length("Maximiliane Schmidt"));
}

#[test]
fn an_eavesdropper_learns_nothing_from_a_meeting_and_what_follows() {
    for net in [Net::kps(), Net::new()] {
        let cast = Cast::new(net);
        let (waiting, hello) =
            meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (expect, challenge) =
            meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
        let (mut asks, confirm) =
            waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3)).unwrap();
        let mut answers = expect.finish(&cast.merchant, &confirm, NOW).unwrap();
        let secret = "card 4000005555554444";
        let (seq, question) = asks.session.ask(Zeroizing::new(secret.into()));
        answers.session.hear(&question).unwrap();
        let answer = answers.session.answer(seq, Zeroizing::new(secret.into()));
        let wire = serde_json::to_vec(&(hello, challenge, confirm, question, answer)).unwrap();
        assert!(!finds(&wire, "4000005555554444"));
    }
}

#[test]
fn debug_output_shows_no_value() {
    for net in [Net::kps(), Net::new()] {
        let cast = Cast::new(net);
        let (bundle, needles) = sealed_canaries(&cast, &Rule::classic(), "quote");
        for (terminal, role) in [
            (&cast.merchant, Role::Merchant),
            (&cast.issuer, Role::Issuer),
            (&cast.carrier, Role::Carrier),
        ] {
            let opened =
                sealed::open(terminal, &bundle, &cast.merchant.credential, role, NOW).unwrap();
            let shown = format!("{opened:?} {opened:#?}");
            for (field, needle) in &needles {
                assert!(!finds(shown.as_bytes(), needle), "{field} is shown to a log");
            }
        }
    }
}
