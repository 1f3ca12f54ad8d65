//! A dishonest hand: makes the messages that an honest terminal would not.
#![allow(dead_code, reason = "each test binary uses its own share of this")]

use super::Cast;
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault,
    derive::{Context, Purpose},
    encode::{b64, sha256, unb64},
    jwe,
    part::PartHeader,
    sealed::{Sealed, SealedOrder},
    signer::Signer,
    suite::Suite,
};
use warifu_types::Role;
use zeroize::Zeroizing;

/// A compact JWS with any header and payload.
pub fn jws(header: &str, payload: &[u8], signer: &dyn Signer) -> String {
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(payload));
    let signature = signer.sign(signed.as_bytes());
    format!("{signed}.{}", b64(&signature))
}

/// The bytes of one of a token's pieces.
pub fn piece(token: &str, place: usize) -> Vec<u8> {
    unb64(token.split('.').nth(place).unwrap(), AtFault::Own, "token").unwrap()
}

/// A token's header as text.
pub fn header(token: &str) -> String {
    String::from_utf8(piece(token, 0)).unwrap()
}

/// A token's claims.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&piece(token, 1)).unwrap()
}

/// The token with other claims, signed anew.
pub fn resigned(token: &str, signer: &dyn Signer, change: impl FnOnce(&mut Value)) -> String {
    let mut changed = claims(token);
    change(&mut changed);
    jws(&header(token), &serde_json::to_vec(&changed).unwrap(), signer)
}

/// The token with its payload's text changed, for what a JSON value cannot say (a key twice).
pub fn respelt(token: &str, signer: &dyn Signer, from: &str, to: &str) -> String {
    let text = String::from_utf8(piece(token, 1)).unwrap();
    assert!(text.contains(from), "nothing to change");
    jws(&header(token), text.replacen(from, to, 1).as_bytes(), signer)
}

/// The bundle with other claims of the order, signed by the holder.
pub fn reordered(
    cast: &Cast,
    bundle: &SealedOrder,
    change: impl FnOnce(&mut Value),
) -> SealedOrder {
    let order = resigned(&bundle.order, cast.holder.signer.as_ref(), change);
    SealedOrder { order, ..bundle.clone() }
}

/// The bundle with another text as a part, which the holder signs for.
pub fn with_part(cast: &Cast, bundle: &SealedOrder, role: Role, part: String) -> SealedOrder {
    let hash = sha256(part.as_bytes()).to_string();
    let mut bundle = reordered(cast, bundle, |order| {
        order["parts"][role.as_str()] = json!(hash);
    });
    bundle.parts.as_mut().insert(role, part);
    bundle
}

/// The envelope of a part, as the holder sealed it.
pub fn envelope(cast: &Cast, sealed: &Sealed, role: Role) -> Value {
    let form = warifu_protocol::form::FORM;
    let key = cast.merchant.credential.key;
    let form: warifu_protocol::form::Form =
        warifu_protocol::jws::verify(form, &sealed.bundle.form, &key, AtFault::Own).unwrap();
    let texts: Vec<&str> =
        form.rule.part(role).iter().map(|field| sealed.disclosures[field].text.as_str()).collect();
    json!({"disclosures": texts, "pad": ""})
}

/// The content key of a part of suite `kps`, as the holder derives it.
pub fn content_key(cast: &Cast, header: &PartHeader) -> jwe::ContentKey {
    assert_eq!(header.suite, Suite::Kps);
    let pair = cast.holder.pair_key(&header.keys, &header.to, Some(&header.order)).unwrap();
    let context = Context {
        network: &header.network,
        source: &header.keys,
        suite: header.suite,
        sender: (&header.from, Role::Holder),
        recipient: (&header.to, header.role),
        about: &header.order.0,
    };
    context.key(&pair, Purpose::Part)
}

/// A part of suite `kps` with any envelope, under a changed header: encrypted with the right key,
/// listed in the order, signed by the holder.
pub fn resealed(
    cast: &Cast,
    bundle: &SealedOrder,
    role: Role,
    change: impl FnOnce(&mut Value),
    envelope: &[u8],
) -> SealedOrder {
    let mut header: Value = serde_json::from_slice(&piece(&bundle.parts[&role], 0)).unwrap();
    let honest: PartHeader = serde_json::from_value(header.clone()).unwrap();
    change(&mut header);
    let plain = Zeroizing::new(envelope.to_vec());
    let bytes = serde_json::to_vec(&header).unwrap();
    let part = jwe::encrypt(&bytes, &content_key(cast, &honest), &[5; 12], plain);
    with_part(cast, bundle, role, part)
}

/// As [`resealed`], with the honest header.
pub fn with_envelope(
    cast: &Cast,
    bundle: &SealedOrder,
    role: Role,
    envelope: &Value,
) -> SealedOrder {
    resealed(cast, bundle, role, |_| {}, &serde_json::to_vec(envelope).unwrap())
}

/// A disclosure of any JSON, and its digest.
pub fn disclosure(json: &Value) -> (String, String) {
    let text = b64(&serde_json::to_vec(json).unwrap());
    let digest = sha256(text.as_bytes()).to_string();
    (text, digest)
}
