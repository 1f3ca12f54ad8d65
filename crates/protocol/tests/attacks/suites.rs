//! Downgrades: a weaker suite, or a weaker source of keys, than a terminal accepts.
use crate::{
    HOLDER, Purchase, SENDER,
    common::{Cast, NOW, Net, forge, rng},
    refused,
};
use serde_json::json;
use std::sync::Arc;
use warifu_protocol::{
    AtFault, Reason,
    credential::Credential,
    meeting,
    rule::Rule,
    sealed,
    suite::{Suite, SuiteFloor},
};
use warifu_types::Role;

/// What a party would publish that has no HPKE key.
fn without_hpke(credential: &Credential) -> Arc<Credential> {
    Arc::new(Credential { hpke: vec![], ..credential.clone() })
}

#[test]
fn a_holder_never_seals_a_card_below_the_floor() {
    let cast = Cast::new(Net::new());
    let form = cast.form(Rule::classic());
    for (role, credential) in
        [(Role::Issuer, &cast.issuer.credential), (Role::Carrier, &cast.carrier.credential)]
    {
        let mut recipients = cast.recipients();
        recipients.insert(role, without_hpke(credential));
        let result = cast.order_on(&form, &recipients, 7).map(|_| ());
        refused(result, Reason::Downgrade, AtFault::Own, &format!("order.parts.{role}"));
        let kps_only = Credential { suites: vec![Suite::Kps], ..(**credential).clone() };
        recipients.insert(role, Arc::new(kps_only));
        let result = cast.order_on(&form, &recipients, 7).map(|_| ());
        refused(result, Reason::Downgrade, AtFault::Own, &format!("order.parts.{role}"));
    }
}

#[test]
fn a_part_below_the_recipients_floor() {
    // A careless or bribed holder seals for the issuer without its HPKE key.
    let mut cast = Cast::new(Net::new());
    cast.holder.floor = SuiteFloor::all(Suite::Kps);
    let mut recipients = cast.recipients();
    recipients.insert(Role::Issuer, without_hpke(&cast.issuer.credential));
    recipients.insert(Role::Carrier, without_hpke(&cast.carrier.credential));
    let sealed = cast.order_on(&cast.form(Rule::classic()), &recipients, 7).unwrap();
    let front = &cast.merchant.credential;
    for (terminal, role) in [(&cast.issuer, Role::Issuer), (&cast.carrier, Role::Carrier)] {
        let result = sealed::open(terminal, &sealed.bundle, front, role, NOW);
        refused(result, Reason::Downgrade, HOLDER, "part.suite");
    }
}

#[test]
fn a_suite_renamed_in_the_header() {
    let purchase = Purchase::on(Net::kps());
    let envelope = forge::envelope(&purchase.cast, &purchase.sealed, Role::Issuer);
    let bytes = serde_json::to_vec(&envelope).unwrap();
    for (change, reason, field) in [
        (json!({"suite": "kps+hpke"}), Reason::Malformed, "part.ek"),
        (json!({"kid": "x"}), Reason::Malformed, "part.ek"),
        (json!({"ek": "x"}), Reason::Malformed, "part.ek"),
        (json!({"suite": "none"}), Reason::Malformed, "part.header.suite"),
        (json!({"enc": "A128GCM"}), Reason::Malformed, "part.header.enc"),
        (json!({"alg": "ECDH-ES"}), Reason::Malformed, "part.header.alg"),
        (json!({"zip": "DEF"}), Reason::Malformed, "part.header.zip"),
        (json!({"crit": ["exp"]}), Reason::Malformed, "part.header.crit"),
        (json!({"typ": "JWE"}), Reason::Malformed, "part.typ"),
        (json!({"network": "other.example"}), Reason::WrongNetwork, "part.network"),
        (json!({"from": "mail:mallory@example.net"}), Reason::WrongParty, "part.from"),
        (json!({"role": "merchant"}), Reason::WrongParty, "part.role"),
        (json!({"keys": "agreed"}), Reason::Downgrade, "part.keys"),
        (json!({"keys": "handed_out"}), Reason::Downgrade, "part.keys"),
    ] {
        let change = |header: &mut serde_json::Value| {
            for (name, value) in change.as_object().unwrap() {
                header[name] = value.clone();
            }
        };
        let bundle =
            forge::resealed(&purchase.cast, purchase.bundle(), Role::Issuer, change, &bytes);
        refused(purchase.open(&bundle, Role::Issuer), reason, HOLDER, field);
    }
}

#[test]
fn a_challenge_with_a_weaker_suite_than_both_accept() {
    let cast = Cast::new(Net::new());
    let (waiting, hello) =
        meeting::begin(&cast.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, mut challenge) = meeting::respond(&cast.merchant, &hello, NOW, &mut rng(2)).unwrap();
    challenge.suite = Suite::Kps;
    let result = waiting.finish(&cast.holder, &challenge, None, NOW, &mut rng(3));
    refused(result, Reason::Downgrade, SENDER, "challenge.suite");
}

#[test]
fn a_meeting_with_a_party_below_the_floor() {
    let floor = SuiteFloor::all(Suite::KpsHpke);
    let mut strict = Cast::new(Net::with(1, &[Suite::KpsHpke, Suite::Kps], floor));
    let weak = Cast::new(Net::kps());
    // The credential does not offer what the merchant demands.
    let (_, hello) =
        meeting::begin(&weak.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let result = meeting::respond(&strict.merchant, &hello, NOW, &mut rng(2)).map(|_| ());
    refused(result, Reason::Downgrade, SENDER, "hello.credential.suites");
    // Nor what the holder demands.
    let (waiting, hello) =
        meeting::begin(&strict.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, challenge) = meeting::respond(&weak.merchant, &hello, NOW, &mut rng(2)).unwrap();
    let result = waiting.finish(&strict.holder, &challenge, None, NOW, &mut rng(3));
    refused(result, Reason::Downgrade, SENDER, "challenge.suite");
    // A lower floor makes the same meeting possible, so it was the floor that refused it.
    strict.holder.floor = SuiteFloor::all(Suite::Kps);
    let (waiting, hello) =
        meeting::begin(&strict.holder, Role::Holder, Role::Merchant, None, None, &mut rng(1));
    let (_, challenge) = meeting::respond(&weak.merchant, &hello, NOW, &mut rng(2)).unwrap();
    assert!(waiting.finish(&strict.holder, &challenge, None, NOW, &mut rng(3)).is_ok());
}

#[test]
fn an_encapsulated_key_that_is_spoilt() {
    let purchase = Purchase::on(Net::new());
    let part = &purchase.bundle().parts[&Role::Issuer];
    let (header, rest) = part.split_once('.').unwrap();
    for (ek, field) in [("AAAA", "part.ek"), ("not base64!", "part.ek")] {
        let mut spoilt: serde_json::Value =
            serde_json::from_slice(&forge::piece(header, 0)).unwrap();
        spoilt["ek"] = json!(ek);
        let header = warifu_protocol::encode::b64(&serde_json::to_vec(&spoilt).unwrap());
        let part = format!("{header}.{rest}");
        let bundle = forge::with_part(&purchase.cast, purchase.bundle(), Role::Issuer, part);
        let error = purchase.open(&bundle, Role::Issuer).unwrap_err();
        assert!([Reason::SealedWrong, Reason::Malformed].contains(&error.reason), "{error}");
        assert_eq!((error.at_fault, error.field.as_ref()), (HOLDER, field));
    }
}
