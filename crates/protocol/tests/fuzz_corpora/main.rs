//! The corpora of the protocol's targets: see `fuzz/src/corpora.rs`, which also says how the seeds are
//! written anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, also outside of test functions"
)]

#[path = "../../../../fuzz/src/corpora.rs"]
mod corpora;
mod signed;
#[path = "../../../../fuzz/src/targets.rs"]
#[allow(missing_docs, reason = "the functions of the fuzz targets")]
mod targets;

use corpora::{seed, seeds};
use targets::{
    Fixture, HPKE, KPS, TARGETS, center_of,
    common::{Cast, NETWORK, NOW, rng},
    granted, merchants_part, met,
};
use warifu_protocol::{
    AtFault,
    credential::Credential,
    encode::{b64, sha256, to_json},
    enrolment::{
        Enrolment, encrypt_shares,
        renewal::{Grant, Renewal},
    },
    joining::{Application, Guide, Message},
    jwe, meeting,
    order::Disclosure,
    presented::CardBeside,
    receipt::Receipt,
    rule::Rule,
    telegram::{BankAccount, JapaneseAccountKind, Person, Profile, Store, session},
    value::FieldValue,
};
use warifu_types::{Currency, Money, Nonce, Role};
use zeroize::Zeroizing;

#[test]
fn every_file_of_the_corpora_runs() {
    corpora::run(TARGETS, write_seeds);
}

#[test]
fn every_target_has_a_program() {
    corpora::check_programs("targets", TARGETS);
}

fn write_seeds() {
    small_seeds();
    signed::seeds();
    enrolment_seeds();
    order_seeds();
    meeting_seeds();
    joining_seeds();
}

fn small_seeds() {
    seeds("identifier", "mail", "mail:Hanako@Example.JP");
    seeds("identifier", "japanese", "name:山田\u{3000}花子|address:東京都港区芝１－２－３");
    seeds("identifier", "domain", "domain:日本.jp");
    seed("identifier", "bad_two_names", "name:a|name:b");
    seed("identifier", "bad_domain", "domain:xn--a");
    seeds("small_values", "money", r#"{"minor":1980,"currency":"JPY"}"#);
    seed("small_values", "good_matrix", "\"s0-2\"");
    seed("small_values", "good_field", "loyalty_number");
    seed("small_values", "good_source", "\"handed_out\"");
    let route = r#"{"epochs":[{"center":"domain:center.example","epoch":7}],"matrix":"h3"}"#;
    seed("small_values", "good_route", route);
    seed("small_values", "bad_route_spelling", route.replace("h3", "h03"));
    seed("small_values", "bad_fraction", r#"{"minor":1.5,"currency":"JPY"}"#);
    seed("small_values", "good_trade_number", "oO000-0000l-2");
    seed("small_values", "bad_trade_number", "00000-00001-3");
    let share = KPS.cast.holder.ring.shares().next().unwrap().to_file();
    seeds("share_file", "holder", &share);
    let sum: Vec<_> = KPS.cast.holder.ring.shares().collect();
    seed("share_file", "good_sum", sum[0].add(sum[1]).unwrap().to_file());
    let text = String::from_utf8(share.to_vec()).unwrap();
    seed("share_file", "bad_space", text.replacen(':', ": ", 1));
    for rule in [Rule::classic(), Rule::minimal(), Rule::badge()] {
        seeds("form_rule", &rule.name, to_json(&rule));
    }
    let card = String::from_utf8(to_json(&Rule::classic())).unwrap();
    seed("form_rule", "bad_card_for_carrier", card.replace("destination", "card_number"));
    let amount = FieldValue::Amount(Money::new(1980, Currency::JPY).unwrap());
    seeds("disclosure", "amount", Disclosure::new(&[3; 16], &amount).text.as_bytes());
    let salt = b64(&[3; 16]);
    seed(
        "disclosure",
        "good_plain_items",
        format!(r#"["{salt}",[{{"name":"煎茶","quantity":2}}]]"#),
    );
    seed("disclosure", "good_plain_numbers", format!(r#"["{salt}",["T-100"]]"#));
    seed("disclosure", "bad_short_salt", r#"["AAAA","山田花子"]"#);
    let card = |number| to_json(&CardBeside::new(number, "2030-12", &[[1; 16], [2; 16]]));
    seed("disclosure", "good_card", card("4111111111111111"));
    seed("disclosure", "bad_card_number", card("4111111111111112"));
    seed("disclosure", "bad_control", format!(r#"["{salt}","a\u0000b"]"#));
}

fn enrolment_seeds() {
    let Cast { holder, net, .. } = &HPKE.cast;
    let shares: Vec<_> = net.centers.iter().map(|(m, _)| m.holder_share(0, holder.id())).collect();
    let key = &holder.credential.hpke[0];
    let shares = encrypt_shares(holder.id(), key, &shares[..1], &mut rng(9)).unwrap();
    let answer = Enrolment {
        anchors: net.anchors.clone(),
        credential: holder.credential_token.clone(),
        shares: shares.clone(),
    };
    seeds("enrolment", "request", signed::enrolment_request(&HPKE.cast));
    seeds("enrolment", "shares", shares);
    seed("enrolment", "good_anchors", to_json(&net.anchors));
    let (matrices, key) = &net.centers[0];
    let shares = granted(&HPKE);
    let grant = Grant {
        iss: matrices.center().center.clone(),
        network: NETWORK.to_string(),
        sub: holder.id().clone(),
        epoch: net.epoch,
        shares: sha256(shares.as_bytes()),
    };
    let credential = Some(holder.credential_token.clone());
    let renewal = Renewal { grant: grant.sign(key), credential, shares };
    seed("enrolment", "good_renewal", to_json(&renewal));
    let other = Grant { epoch: net.epoch - 1, ..grant }.sign(key);
    seed("enrolment", "bad_renewal_epoch", to_json(&Renewal { grant: other, ..renewal }));
    // Whole it is no token; what is opened is the shares in it.
    seed("enrolment", "good_answer", to_json(&answer));
}

fn order_seeds() {
    for (suite, fixture) in [("kps", &*KPS), ("hpke", &*HPKE)] {
        let bundle = &fixture.sealed.bundle;
        seeds("part", suite, &bundle.parts[&Role::Carrier]);
        seed("sealed_order", &format!("good_{suite}_whole"), to_json(bundle));
        seed("sealed_order", &format!("good_{suite}_only"), to_json(&bundle.only(Role::Issuer)));
    }
    let mut swapped = KPS.sealed.bundle.clone();
    let part = swapped.parts[&Role::Issuer].clone();
    swapped.parts.as_mut().insert(Role::Merchant, part.clone());
    swapped.parts.as_mut().insert(Role::Carrier, part.replace('A', "B"));
    swapped.parts.as_mut().remove(&Role::Issuer);
    seed("sealed_order", "bad_swapped", to_json(&swapped));
    let (header, key) = merchants_part();
    seeds("part_header", "kps", &header);
    let text = String::from_utf8(header).unwrap();
    seed("part_header", "bad_zip", text.replacen('{', r#"{"zip":"DEF","#, 1));
    seed("part_header", "bad_suite", text.replace(r#""kps""#, r#""kps+hpke""#));
    let token = &KPS.sealed.bundle.parts[&Role::Merchant];
    let pieces = jwe::split(token, AtFault::Own, "seed").unwrap();
    let plain = jwe::decrypt(&pieces, &key, AtFault::Own, "seed").unwrap();
    seeds("envelope", "merchant", &plain);
    seed("envelope", "bad_no_disclosures", r#"{"disclosures":[],"pad":""}"#);
    let front = KPS.cast.merchant.credential_token.clone();
    let quote = Some(KPS.quote.clone());
    let mut receipt = Receipt::new(&KPS.sealed, quote, front);
    receipt.status = Some(signed::messages(&KPS)[11].clone());
    seed("receipt", "good_settled", to_json(&receipt));
    let amount = receipt.disclosures.as_mut();
    let name = amount[&warifu_types::FieldName::HOLDER_NAME].clone();
    amount.insert(warifu_types::FieldName::AMOUNT, name);
    seed("receipt", "bad_other_disclosure", to_json(&receipt));
}

fn meeting_seeds() {
    for (suite, Fixture { cast, .. }) in [("kps", &*KPS), ("hpke", &*HPKE)] {
        let Cast { holder, merchant, .. } = cast;
        let (waiting, hello) =
            meeting::begin(holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
        let (_, challenge) = meeting::respond(merchant, &hello, NOW, &mut rng(2)).unwrap();
        let (_, confirm) = waiting.finish(holder, &challenge, None, NOW, &mut rng(3)).unwrap();
        seed("meeting", &format!("good_{suite}_hello"), to_json(&hello));
        seed("meeting", &format!("good_{suite}_challenge"), to_json(&challenge));
        seed("meeting", &format!("good_{suite}_confirm"), to_json(&confirm));
        let mut other = challenge.clone();
        other.proof.0[0] ^= 1;
        seed("meeting", &format!("bad_{suite}_proof"), to_json(&other));
    }
    let (mut asks, answers) = met(&KPS);
    let body = || Zeroizing::new(br#"{"op":"catalogue","body":{}}"#.to_vec());
    seeds("session_message", "question", asks.ask(body()).1);
    seeds("session_message", "answer", answers.answer(0, body()));
    seed("session_message", "bad_other_answer", answers.answer(1, body()));
}

fn joining_seeds() {
    let (_, open) = {
        let center =
            Credential { hpke: HPKE.cast.issuer.credential.hpke.clone(), ..center_of(&HPKE) };
        session::open(NETWORK, &center, &mut rng(5)).unwrap()
    };
    seeds("joining", "open", to_json(&open));
    let other = session::Open { center: HPKE.cast.carrier.id().clone(), ..open };
    seed("joining", "bad_other_center", to_json(&other));
    let account = BankAccount::Japanese {
        bank: "0005".into(),
        branch: "001".into(),
        kind: JapaneseAccountKind::Ordinary,
        number: "1234567".into(),
        holder: "ﾔﾏﾀﾞ ﾊﾅｺ".into(),
    };
    let store = |account| {
        Message::Apply(Box::new(Application {
            application: Nonce([3; 32]),
            profile: Profile::Merchant(Store {
                name: "山田茶舗".into(),
                address: "京都市左京区1-2-3".into(),
                representative: "山田花子".into(),
                account,
            }),
            language: "ja".into(),
        }))
    };
    seeds("joining", "apply_merchant", to_json(&store(account)));
    let iban = |iban: &str| BankAccount::Iban { iban: iban.into(), holder: "Hanako".into() };
    seed("joining", "good_apply_iban", to_json(&store(iban("DE89370400440532013000"))));
    seed("joining", "bad_apply_iban", to_json(&store(iban("DE88370400440532013000"))));
    let born = |born: &str| {
        Message::Apply(Box::new(Application {
            application: Nonce([3; 32]),
            profile: Profile::Member(Person {
                name: "山田花子".into(),
                address: "京都市左京区1-2-3".into(),
                born: born.into(),
            }),
            language: "en".into(),
        }))
    };
    seed("joining", "good_apply_member", to_json(&born("1990-02-28")));
    seed("joining", "bad_apply_born", to_json(&born("1990-02-30")));
    seed("joining", "good_join", br#"{"join":{"kind":"member"}}"#);
    seed(
        "joining",
        "good_guide",
        to_json(&Guide {
            anchors: HPKE.cast.net.anchors.clone(),
            credential: HPKE.cast.issuer.credential_token.clone(),
            member_terms: "terms".into(),
            merchant_terms: "terms".into(),
        }),
    );
}
