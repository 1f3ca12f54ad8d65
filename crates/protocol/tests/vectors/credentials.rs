//! Credentials.
use crate::{
    case::Case,
    common::{NOW, forge},
    network::kps,
};
use serde_json::{Value, json};
use warifu_protocol::{AtFault, CLOCK_SKEW, Reason, encode::b64, signer::SigningKey};

const SENDER: AtFault = AtFault::Sender;

pub fn cases() -> Vec<Case> {
    let made = kps();
    let center = &made.cast.net.centers[0].1;
    let merchant = &made.cast.merchant;
    let honest = merchant.credential_token.clone();
    let case = |name: &str, about: &str, token: String| {
        Case::new("credential", name, about, ("kps", "holder"), json!({"token": token}))
    };
    let changed = |change: &dyn Fn(&mut Value)| forge::resigned(&honest, center, change);
    let with = |field: &str, value: Value| changed(&|c| c[field] = value.clone());
    let under = |header: &str| forge::jws(header, &forge::piece(&honest, 1), center);
    let typ = "warifu-credential+jwt";
    let mut small = [0; 32];
    small[0] = 1;
    let late = NOW.0 - CLOCK_SKEW;
    let signed = honest.rsplit_once('.').unwrap().0;
    use Reason::*;
    let refused = [
        (
            "credential_signed_by_stranger",
            "Under a key that no center has.",
            merchant.credential.sign(&SigningKey::from_seed(&[66; 32])),
            BadSignature,
            "credential",
        ),
        (
            "signed_by_the_other_center",
            "The second center signs in the first one's name.",
            merchant.credential.sign(&made.cast.net.centers[1].1),
            BadSignature,
            "credential",
        ),
        (
            "center_not_pinned",
            "By a center that is not of this network.",
            with("iss", json!("domain:center9.example")),
            Untrusted,
            "credential.iss",
        ),
        (
            "network_of_another",
            "For another network.",
            with("network", json!("other.example")),
            WrongNetwork,
            "credential.network",
        ),
        (
            "expired",
            "Past its end and the clocks' difference.",
            with("exp", json!(late)),
            Expired,
            "credential.exp",
        ),
        (
            "from_the_future",
            "Dated beyond the clocks' difference.",
            with("iat", json!(NOW.0 + CLOCK_SKEW + 1)),
            NotYetValid,
            "credential.iat",
        ),
        (
            "key_of_small_order",
            "The verification key is the neutral point.",
            with("key", json!(b64(&small))),
            Malformed,
            "credential.key",
        ),
        (
            "key_too_short",
            "The verification key has 31 bytes.",
            with("key", json!(b64(&[7; 31]))),
            Malformed,
            "credential.key",
        ),
        (
            "field_unknown",
            "A claim that the format does not know.",
            with("admin", json!(true)),
            Malformed,
            "credential.admin",
        ),
        (
            "field_missing",
            "No roles.",
            changed(&|c| {
                c.as_object_mut().unwrap().remove("roles");
            }),
            Malformed,
            "credential.roles",
        ),
        (
            "role_unknown",
            "A role that does not exist.",
            with("roles", json!(["emperor"])),
            Malformed,
            "credential.roles[0]",
        ),
        (
            "subject_not_canonical",
            "The identifier is in upper case.",
            with("sub", json!("domain:SHOP.example")),
            Malformed,
            "credential.sub",
        ),
        (
            "claim_twice",
            "One claim stands twice.",
            forge::respelt(&honest, center, r#""network":"#, r#""network":"other","network":"#),
            Malformed,
            "credential.network",
        ),
        (
            "header_with_jwk",
            "The header offers a key.",
            under(&format!(r#"{{"alg":"EdDSA","typ":"{typ}","jwk":{{"kty":"OKP"}}}}"#)),
            Malformed,
            "credential.jwk",
        ),
        (
            "header_with_kid",
            "The header names a key.",
            under(&format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"1"}}"#)),
            Malformed,
            "credential.kid",
        ),
        (
            "header_with_x5c",
            "The header brings a certificate.",
            under(&format!(r#"{{"alg":"EdDSA","typ":"{typ}","x5c":["AAAA"]}}"#)),
            Malformed,
            "credential.x5c",
        ),
        (
            "header_as_array",
            "The header is an array of its values.",
            under(&format!(r#"["EdDSA","{typ}"]"#)),
            Malformed,
            "credential",
        ),
        (
            "alg_none",
            "No algorithm.",
            under(&format!(r#"{{"alg":"none","typ":"{typ}"}}"#)),
            BadSignature,
            "credential.alg",
        ),
        (
            "alg_hs256",
            "Another algorithm.",
            under(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)),
            BadSignature,
            "credential.alg",
        ),
        (
            "typ_of_a_form",
            "The type of another message.",
            under(r#"{"alg":"EdDSA","typ":"warifu-form+jwt"}"#),
            Malformed,
            "credential.typ",
        ),
        (
            "signature_missing",
            "An empty signature.",
            format!("{signed}."),
            BadSignature,
            "credential",
        ),
        ("pieces_two", "Only two pieces.", signed.to_string(), Malformed, "credential"),
        (
            "base64_padded",
            "base64url with padding.",
            format!("{honest}=="),
            Malformed,
            "credential",
        ),
    ];
    let accepted = json!({"sub": merchant.id(), "roles": ["merchant"]});
    let mut cases = vec![case("good", "A merchant's.", honest.clone()).accepted(accepted)];
    for (name, about, token, reason, field) in refused {
        cases.push(case(name, about, token).refused(reason, SENDER, field));
    }
    cases
}
