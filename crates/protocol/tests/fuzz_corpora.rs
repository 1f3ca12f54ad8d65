//! Every file of the fuzz corpora goes through its target, on stable Rust.
//!
//! A file named `good…` must be accepted, one named `bad…` refused; others (what a fuzzer found) only
//! must not panic. `WARIFU_WRITE_CORPUS=1` writes the seeds anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code, also outside of test functions"
)]

#[path = "../../../fuzz/src/targets.rs"]
#[allow(missing_docs, reason = "the functions of the fuzz targets")]
mod targets;

use std::{fs, path::PathBuf};
use targets::{
    ASKED, Fixture, HPKE, KPS, TARGETS, center_of,
    common::{Cast, NETWORK, NOW, rng},
    kinds, merchants_part, met,
};
use warifu_protocol::{
    AtFault,
    authorization::{Authorization, AuthorizationRequest, Decision, shared_digests},
    credential::Credential,
    delivery::{Delivery, DeliveryRequest, DeliveryState},
    encode::{b64, to_json, unb64},
    enrolment::{Enrolment, EnrolmentRequest, encrypt_shares},
    joining::{Application, Guide, Message},
    jwe, meeting,
    order::Disclosure,
    prepaid::PrepaidCard,
    receipt::Receipt,
    rule::Rule,
    settlement::{Action, Settlement, SettlementRequest},
    status::{State, Status},
    telegram::{
        BankAccount, Instruction, JapaneseAccountKind, Outcome, Person, Profile, Store, Telegram,
        TelegramAnswer, identity, key_id, session,
    },
    value::FieldValue,
};
use warifu_types::{Currency, Money, Nonce, Role};
use zeroize::Zeroizing;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

#[test]
fn every_file_of_the_corpora_runs() {
    if std::env::var_os("WARIFU_WRITE_CORPUS").is_some() {
        write_seeds();
    }
    for (name, target) in TARGETS {
        let (mut good, mut bad) = (0, 0);
        for entry in fs::read_dir(corpus(name)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let accepted = target(&fs::read(&path).unwrap());
            if file.starts_with("good") {
                assert!(accepted, "{name}/{file} is good, and was refused");
                good += 1;
            } else if file.starts_with("bad") {
                assert!(!accepted, "{name}/{file} is bad, and was accepted");
                bad += 1;
            }
        }
        assert!(good > 0 && bad > 0, "{name} has {good} good seeds and {bad} bad ones");
    }
}

#[test]
fn every_target_has_a_program() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("targets::{name}(data)")), "{name}");
    }
}

/// Writes one seed.
fn seed(target: &str, name: &str, content: impl AsRef<[u8]>) {
    fs::create_dir_all(corpus(target)).unwrap();
    fs::write(corpus(target).join(name), content).unwrap();
}

/// The good seed, and three bad ones made of it: cut, with a byte changed, and empty.
fn seeds(target: &str, name: &str, content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    seed(target, &format!("good_{name}"), content);
    seed(target, &format!("bad_{name}_cut"), &content[..content.len() / 2]);
    let mut changed = content.to_vec();
    // Past the middle lies the payload, not only a header.
    changed[content.len() * 2 / 3] ^= 1;
    seed(target, &format!("{name}_changed"), changed);
    seed(target, "bad_empty", b"");
}

fn write_seeds() {
    small_seeds();
    signed_seeds();
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
    seed("disclosure", "bad_control", format!(r#"["{salt}","a\u0000b"]"#));
}

/// One message of each kind, in the order of `kinds`.
fn messages(fixture: &Fixture) -> Vec<String> {
    let Fixture { cast, sealed, opened, quote } = fixture;
    let Cast { holder, merchant, issuer, carrier, .. } = cast;
    let order = sealed.identity;
    let [m, i, c, h] = [merchant, issuer, carrier, holder].map(|terminal| terminal.id().clone());
    let (iat, exp) = (NOW, NOW.plus(300));
    let (by_merchant, by_issuer) = (merchant.signer.as_ref(), issuer.signer.as_ref());
    let digests = shared_digests(&opened.form.form.rule, &opened.claims);
    let authorization = Authorization {
        iss: i.clone(),
        aud: m.clone(),
        order,
        jti: Nonce([5; 32]),
        decision: Decision::Authorized,
        reason: None,
        transaction: None,
        iat,
        exp,
    }
    .sign(by_issuer);
    let delivery_request = DeliveryRequest {
        iss: m.clone(),
        aud: c.clone(),
        order,
        authorization: authorization.clone(),
        issuer_credential: issuer.credential_token.clone(),
        instructions: "天地無用".into(),
        iat,
        exp,
    };
    let (action, state) = (Action::Capture, State::Settled);
    let (iss, aud) = (m.clone(), i.clone());
    let request = SettlementRequest {
        iss: iss.clone(),
        aud: aud.clone(),
        order,
        authorization: Nonce([5; 32]),
        action,
        amount: None,
        iat,
        exp,
    };
    let delivered = DeliveryState::Delivered;
    let trade = [
        holder.credential_token.clone(),
        enrolment_request(cast),
        sealed.bundle.form.clone(),
        quote.clone(),
        sealed.bundle.order.clone(),
        AuthorizationRequest { iss, aud, order, digests, iat, exp }.sign(by_merchant),
        authorization,
        delivery_request.sign(by_merchant),
        Delivery { iss: c, aud: m.clone(), order, state: delivered, iat }
            .sign(carrier.signer.as_ref()),
        request.sign(by_merchant),
        Settlement { iss: i, aud: m.clone(), order, action, iat }.sign(by_issuer),
        Status { iss: m, aud: h, order, state, reason: None, authorization: None, iat }
            .sign(by_merchant),
    ];
    trade.into_iter().chain(prepaid_messages(fixture)).collect()
}

/// A telegram, its answer, and a card.
fn prepaid_messages(fixture: &Fixture) -> [String; 3] {
    let Cast { holder, issuer, .. } = &fixture.cast;
    let (center, member) = (center_of(fixture), &holder.credential);
    let telegram = Telegram {
        iss: member.sub.clone(),
        aud: center.sub.clone(),
        key: key_id(&member.key),
        jti: Nonce([8; 32]),
        seq: 3,
        instruction: Instruction::Balance { card: "4111111111111111".into() },
        iat: NOW,
        exp: NOW.plus(300),
    };
    let loaded = Money::new(10_000, Currency::JPY).unwrap();
    let answer = TelegramAnswer {
        iss: center.sub.clone(),
        aud: member.sub.clone(),
        telegram: identity(ASKED),
        outcome: Outcome::Balance(loaded),
        iat: NOW,
    };
    let card = PrepaidCard {
        iss: center.sub,
        network: NETWORK.to_string(),
        sub: member.sub.clone(),
        number: "4111111111111111".into(),
        expiry: "2030-12".into(),
        loaded,
        serial: 1,
        iat: NOW,
        exp: NOW.plus(86_400),
    };
    let by_center = issuer.signer.as_ref();
    [telegram.sign(holder.signer.as_ref()), answer.sign(by_center), card.sign(by_center)]
}

fn enrolment_request(cast: &Cast) -> String {
    let credential = &cast.holder.credential;
    EnrolmentRequest {
        sub: credential.sub.clone(),
        roles: vec![Role::Holder],
        key: credential.key,
        hpke: credential.hpke.clone(),
        suites: credential.suites.clone(),
        url: None,
        iat: NOW,
    }
    .sign(cast.holder.signer.as_ref())
}

fn signed_seeds() {
    for (n, (token, (kind, _))) in messages(&KPS).iter().zip(kinds(&KPS)).enumerate() {
        seed("signed_message", &format!("good_{}", kind.word), token);
        let payload = token.split('.').nth(1).unwrap();
        let mut claims = vec![b'a' + n as u8];
        claims.extend(unb64(payload, AtFault::Own, "seed").unwrap());
        seeds("claims", kind.word, claims);
    }
    let status = &messages(&KPS)[11];
    let other = b64(br#"{"alg":"none","typ":"warifu-status+jwt"}"#);
    let rest = status.split_once('.').unwrap().1;
    seed("signed_message", "bad_alg_none", format!("{other}.{rest}"));
    seed("signed_message", "bad_cut", &status[..status.len() - 1]);
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
    seeds("enrolment", "request", enrolment_request(&HPKE.cast));
    seeds("enrolment", "shares", shares);
    seed("enrolment", "good_anchors", to_json(&net.anchors));
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
    receipt.status = Some(messages(&KPS)[11].clone());
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
