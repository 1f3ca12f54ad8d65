//! Signed messages outside the profile: a key that comes along, other algorithms, other types.
use crate::{
    HOLDER, OPENERS, Purchase, SENDER,
    common::{Net, forge},
    refused,
};
use warifu_protocol::{
    Reason, authorization, credential,
    encode::b64,
    form,
    jws::{self, MAX_TOKEN},
    order::ORDER,
    sealed::SealedOrder,
    signer::{Signer, SigningKey, VerifyingKey},
};

const TYP: &str = "warifu-order+sd-jwt";

/// The honest order under another header, properly signed by `signer`.
fn under(purchase: &Purchase, header: &str, signer: &dyn Signer) -> SealedOrder {
    let payload = forge::piece(&purchase.bundle().order, 1);
    let order = forge::jws(header, &payload, signer);
    SealedOrder { order, ..purchase.bundle().clone() }
}

#[test]
fn a_key_offered_outside_a_credential() {
    let purchase = Purchase::on(Net::kps());
    let mallory = SigningKey::from_seed(&[66; 32]);
    let key = b64(mallory.verifying_key().as_bytes());
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{key}"}}"#);
    for (name, value) in [
        ("jwk", jwk.as_str()),
        ("kid", r#""mallory""#),
        ("x5c", r#"["AAAA"]"#),
        ("x5u", r#""https://mallory.example""#),
        ("jku", r#""https://mallory.example/keys""#),
        ("crit", r#"["b64"]"#),
        ("b64", "false"),
        ("cty", r#""JWT""#),
    ] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"{TYP}","{name}":{value}}}"#);
        // Neither the stranger's signature nor the holder's own makes it acceptable.
        for signer in [&mallory as &dyn Signer, purchase.cast.holder.signer.as_ref()] {
            let bundle = under(&purchase, &header, signer);
            for role in OPENERS {
                let field = format!("order.{name}");
                refused(purchase.open(&bundle, role), Reason::Malformed, SENDER, &field);
            }
        }
    }
}

#[test]
fn no_algorithm_or_another() {
    let purchase = Purchase::on(Net::kps());
    let holder = purchase.cast.holder.signer.as_ref();
    for alg in ["none", "None", "HS256", "ES256", "RS256", "eddsa", ""] {
        let bundle = under(&purchase, &format!(r#"{{"alg":"{alg}","typ":"{TYP}"}}"#), holder);
        let result = purchase.open(&bundle, OPENERS[0]);
        refused(result, Reason::BadSignature, SENDER, "order.alg");
        let unsigned = bundle.order.rsplit_once('.').unwrap().0;
        let bundle = SealedOrder { order: format!("{unsigned}."), ..bundle };
        let result = purchase.open(&bundle, OPENERS[0]);
        refused(result, Reason::BadSignature, SENDER, "order.alg");
    }
    // The holder's public key as an HMAC key is the classic confusion.
    let header = format!(r#"{{"alg":"HS256","typ":"{TYP}"}}"#);
    let payload = forge::piece(&purchase.bundle().order, 1);
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(&payload));
    use hmac::{KeyInit, Mac};
    let key = purchase.cast.holder.credential.key;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let order = format!("{signed}.{}", b64(&mac.finalize().into_bytes()));
    let bundle = SealedOrder { order, ..purchase.bundle().clone() };
    let result = purchase.open(&bundle, OPENERS[0]);
    refused(result, Reason::BadSignature, SENDER, "order.alg");
}

#[test]
fn another_type() {
    let purchase = Purchase::on(Net::kps());
    let holder = purchase.cast.holder.signer.as_ref();
    for typ in ["JWT", "warifu-form+jwt", "warifu-order+sd-jwt ", "WARIFU-ORDER+SD-JWT", ""] {
        let bundle = under(&purchase, &format!(r#"{{"alg":"EdDSA","typ":"{typ}"}}"#), holder);
        let result = purchase.open(&bundle, OPENERS[0]);
        refused(result, Reason::Malformed, SENDER, "order.typ");
    }
    for header in
        [r#"{"alg":"EdDSA"}"#, "{}", "[]", "null", "", r#"["EdDSA","warifu-order+sd-jwt"]"#]
    {
        let bundle = under(&purchase, header, holder);
        let error = purchase.open(&bundle, OPENERS[0]).unwrap_err();
        assert_eq!((error.reason, error.at_fault), (Reason::Malformed, SENDER), "{header}");
    }
    let twice = format!(r#"{{"alg":"EdDSA","typ":"JWT","typ":"{TYP}"}}"#);
    let result = purchase.open(&under(&purchase, &twice, holder), OPENERS[0]);
    refused(result, Reason::Malformed, SENDER, "order.typ");
}

#[test]
fn a_token_of_one_type_as_another() {
    // The merchant signs forms and requests with one key: neither passes for the other.
    let purchase = Purchase::on(Net::kps());
    let key = purchase.cast.merchant.credential.key;
    let form = &purchase.bundle().form;
    for kind in [
        authorization::AUTHORIZATION_REQUEST,
        credential::CREDENTIAL,
        ORDER,
        authorization::AUTHORIZATION,
    ] {
        let result = jws::verify::<serde_json::Value>(kind, form, &key, SENDER);
        refused(result, Reason::Malformed, SENDER, &format!("{}.typ", kind.word));
    }
    assert!(jws::verify::<serde_json::Value>(form::FORM, form, &key, SENDER).is_ok());
}

#[test]
fn a_token_of_another_shape() {
    let purchase = Purchase::on(Net::kps());
    let honest = &purchase.bundle().order;
    let (signed, signature) = honest.rsplit_once('.').unwrap();
    for order in [
        String::new(),
        ".".into(),
        "..".into(),
        signed.to_string(),
        format!("{honest}."),
        format!(".{honest}"),
        format!("{honest}~"),
        format!("{honest}="),
        format!(" {honest}"),
        format!("{honest}\n"),
        format!("{signed}..{signature}"),
        format!("{signed}.{}", &signature[..signature.len() - 1]),
        format!("{signed}.{signature}A"),
        honest.replace('_', "/").replace('-', "+"),
        "🍵.🍵.🍵".into(),
    ] {
        let bundle = SealedOrder { order: order.clone(), ..purchase.bundle().clone() };
        for role in OPENERS {
            let error = purchase.open(&bundle, role).expect_err(&order);
            assert_eq!(error.at_fault, SENDER, "{error}");
            assert!(error.field.starts_with("order"), "{error}");
        }
    }
}

#[test]
fn a_token_that_is_too_large() {
    let purchase = Purchase::on(Net::kps());
    let order = "A".repeat(MAX_TOKEN + 1);
    let bundle = SealedOrder { order, ..purchase.bundle().clone() };
    refused(purchase.open(&bundle, OPENERS[0]), Reason::TooLarge, SENDER, "order");
    let mut bundle = purchase.bundle().clone();
    let part = "A".repeat(warifu_protocol::part::MAX_PART + 1);
    bundle.parts.as_mut().insert(OPENERS[0], part);
    refused(purchase.open(&bundle, OPENERS[0]), Reason::TooLarge, SENDER, "part");
}

#[test]
fn a_key_of_small_order() {
    // Under such a key one signature fits many messages; RFC 8032 does not forbid it, we do.
    let mut one = [0; 32];
    one[0] = 1;
    assert!(VerifyingKey::from_bytes(&one).is_none());
    assert!(VerifyingKey::from_bytes(&[0; 32]).is_none());
    let text = serde_json::to_string(&b64(&one)).unwrap();
    assert!(serde_json::from_str::<VerifyingKey>(&text).is_err());
}

#[test]
fn a_deeply_nested_payload() {
    let purchase = Purchase::on(Net::kps());
    let payload = "[".repeat(50_000);
    let header = format!(r#"{{"alg":"EdDSA","typ":"{TYP}"}}"#);
    let order = forge::jws(&header, payload.as_bytes(), purchase.cast.holder.signer.as_ref());
    let bundle = SealedOrder { order, ..purchase.bundle().clone() };
    let error = purchase.open(&bundle, OPENERS[0]).unwrap_err();
    assert_eq!((error.reason, error.at_fault), (Reason::Malformed, HOLDER));
}
