//! Sealed orders that somebody changed on the way, or made up.
use crate::{case::Case, common::forge, network::kps, orders::case};
use serde_json::json;
use warifu_protocol::{AtFault, Reason, encode::b64, rule::Rule, sealed::SealedOrder};
use warifu_types::{Identifier, Role};

const SENDER: AtFault = AtFault::Sender;

/// The token with one character of one of its pieces changed.
fn spoilt(token: &str, piece: usize) -> String {
    let mut pieces: Vec<String> = token.split('.').map(str::to_string).collect();
    let last = pieces[piece].len() - 5;
    let other = if &pieces[piece][last..=last] == "A" { "B" } else { "A" };
    pieces[piece].replace_range(last..=last, other);
    pieces.join(".")
}

pub fn cases() -> Vec<Case> {
    [parts(), bundles(), tokens()].into_iter().flatten().collect()
}

fn parts() -> Vec<Case> {
    let made = kps();
    let honest = made.cast.order(Rule::classic()).bundle;
    let form = made.cast.form(Rule::classic());
    let second = made.cast.order_on(&form, &made.cast.recipients(), 8).unwrap().bundle;
    let part = honest.parts[&Role::Issuer].clone();
    let pieces: Vec<&str> = part.split('.').collect();
    let mut cases = Vec::new();
    for (name, about, other) in [
        ("part_header_altered", "One character of the part's header.", spoilt(&part, 0)),
        ("part_iv_altered", "One character of the part's IV.", spoilt(&part, 2)),
        ("part_ciphertext_altered", "One character of the part's ciphertext.", spoilt(&part, 3)),
        ("part_tag_altered", "One character of the part's tag.", spoilt(&part, 4)),
        ("part_cut_off", "The part without its tag.", pieces[..4].join(".")),
        (
            "part_of_another_order",
            "The issuer's part of another order of the same holder.",
            second.parts[&Role::Issuer].clone(),
        ),
        (
            "part_for_another_role",
            "The carrier's part in the issuer's place.",
            honest.parts[&Role::Carrier].clone(),
        ),
        ("part_empty", "No text at all.", String::new()),
    ] {
        let mut bundle = honest.only(Role::Issuer);
        bundle.parts.as_mut().insert(Role::Issuer, other);
        let case = case(&made, name, about, &bundle, Role::Issuer);
        cases.push(case.refused(Reason::AlteredPart, SENDER, "part"));
    }
    cases
}

fn bundles() -> Vec<Case> {
    let made = kps();
    let honest = made.cast.order(Rule::classic()).bundle;
    let mine = honest.only(Role::Issuer);
    let form = made.cast.form(Rule::classic());
    let second = made.cast.order_on(&form, &made.cast.recipients(), 8).unwrap().bundle;
    let stranger = made.terminal("other_holder");
    let other = |text: &str| Identifier::parse(text).unwrap();
    let mut surplus = mine.clone();
    surplus.parts.as_mut().insert(Role::Gateway, "x".into());
    let mut other_form = made.cast.form(Rule::classic());
    other_form.jti = warifu_types::Nonce([10; 32]);
    use Reason::*;
    let mut cases = Vec::new();
    for (name, about, bundle, reason, at_fault, field) in [
        (
            "part_missing",
            "The issuer's part is not there.",
            honest.only(Role::Carrier),
            OutsideRule,
            SENDER,
            "parts.issuer",
        ),
        (
            "part_surplus",
            "A part that the order does not list.",
            surplus,
            OutsideRule,
            SENDER,
            "parts",
        ),
        (
            "holder_in_clear_altered",
            "Another holder's name in clear.",
            SealedOrder { holder: other("mail:mallory@example.net"), ..mine.clone() },
            WrongParty,
            SENDER,
            "holder",
        ),
        (
            "credential_of_another_holder",
            "Another holder's credential.",
            SealedOrder { credential: stranger.credential_token.clone(), ..mine.clone() },
            WrongParty,
            SENDER,
            "holder",
        ),
        (
            "credential_of_a_service",
            "A carrier orders as a holder.",
            SealedOrder {
                holder: made.cast.carrier.id().clone(),
                credential: made.cast.carrier.credential_token.clone(),
                ..mine.clone()
            },
            WrongParty,
            SENDER,
            "holder",
        ),
        (
            "order_of_another_bundle",
            "The signed order belongs to other parts.",
            SealedOrder { order: second.order.clone(), ..mine.clone() },
            AlteredPart,
            SENDER,
            "part",
        ),
        (
            "form_of_another_hash",
            "Another form of the same merchant.",
            SealedOrder {
                form: other_form.sign(made.cast.merchant.signer.as_ref()),
                ..mine.clone()
            },
            Mismatch,
            crate::orders::HOLDER,
            "order.form",
        ),
        (
            "form_signature_altered",
            "One character of the form's signature.",
            SealedOrder { form: spoilt(&mine.form, 2), ..mine.clone() },
            BadSignature,
            AtFault::Role(Role::Merchant),
            "form",
        ),
        (
            "credential_signature_altered",
            "One character of the credential's signature.",
            SealedOrder { credential: spoilt(&mine.credential, 2), ..mine.clone() },
            BadSignature,
            SENDER,
            "credential",
        ),
    ] {
        cases
            .push(case(&made, name, about, &bundle, Role::Issuer).refused(reason, at_fault, field));
    }
    let role = Role::Issuer;
    let wrong =
        case(&made, "opened_by_another", "The carrier tries the issuer's part.", &mine, role);
    cases.push(Case { terminal: ("kps".into(), "carrier".into()), ..wrong }.refused(
        WrongParty,
        SENDER,
        "order.parties.issuer",
    ));
    cases
}

fn tokens() -> Vec<Case> {
    let made = kps();
    let honest = made.cast.order(Rule::classic()).bundle.only(Role::Carrier);
    let holder = made.cast.holder.signer.as_ref();
    let stranger = made.terminal("other_holder");
    let typ = "warifu-order+sd-jwt";
    let payload = forge::piece(&honest.order, 1);
    let under = |header: String| forge::jws(&header, &payload, holder);
    let key = b64(stranger.credential.key.as_bytes());
    let signed = honest.order.rsplit_once('.').unwrap().0;
    use Reason::*;
    [
        ("order_signed_by_stranger", "Signed by another holder (a stolen share cannot sign).",
            forge::resigned(&honest.order, stranger.signer.as_ref(), |_| {}), BadSignature, "order"),
        ("order_signature_altered", "One character of the order's signature.",
            spoilt(&honest.order, 2), BadSignature, "order"),
        ("order_payload_altered", "One character of the order's claims.",
            spoilt(&honest.order, 1), BadSignature, "order"),
        ("order_signature_missing", "An empty signature.",
            format!("{signed}."), BadSignature, "order"),
        ("order_alg_none", "No algorithm.",
            under(format!(r#"{{"alg":"none","typ":"{typ}"}}"#)), BadSignature, "order.alg"),
        ("order_alg_es256", "Another algorithm.",
            under(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)), BadSignature, "order.alg"),
        ("order_header_with_jwk", "The header offers a key.",
            forge::jws(
                &format!(
                    r#"{{"alg":"EdDSA","typ":"{typ}","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{key}"}}}}"#
                ),
                &payload,
                stranger.signer.as_ref(),
            ),
            Malformed, "order.jwk"),
        ("order_header_with_kid", "The header names a key.",
            under(format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"1"}}"#)), Malformed, "order.kid"),
        ("order_header_with_crit", "The header demands an extension.",
            under(format!(r#"{{"alg":"EdDSA","typ":"{typ}","crit":["b64"]}}"#)),
            Malformed, "order.crit"),
        ("order_typ_of_a_status", "The type of another message.",
            under(r#"{"alg":"EdDSA","typ":"warifu-status+jwt"}"#.into()), Malformed, "order.typ"),
        ("order_typ_twice", "The type stands twice.",
            under(format!(r#"{{"alg":"EdDSA","typ":"x","typ":"{typ}"}}"#)), Malformed, "order.typ"),
        ("order_with_disclosures", "A presentation, not the bare order.",
            format!("{}~", honest.order), Malformed, "order"),
    ]
    .map(|(name, about, order, reason, field)| {
        let bundle = SealedOrder { order, ..honest.clone() };
        case(&made, name, about, &bundle, Role::Carrier).refused(reason, SENDER, field)
    })
    .into_iter()
    .chain([{
        // An array in place of the claims' object, and yet properly signed.
        let claims = forge::claims(&honest.order);
        let array = json!([claims["iss"], claims["network"]]);
        let header = forge::header(&honest.order);
        let order = forge::jws(&header, &serde_json::to_vec(&array).unwrap(), holder);
        let bundle = SealedOrder { order, ..honest.clone() };
        case(&made, "order_claims_as_array", "The claims are an array.", &bundle, Role::Carrier)
            .refused(Malformed, crate::orders::HOLDER, "order")
    }])
    .collect()
}
