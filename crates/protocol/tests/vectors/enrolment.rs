//! Enrolment: the request, and the shares that come back.
use crate::{
    case::Case,
    common::{NOW, forge, rng},
    network::kps,
};
use serde_json::{Value, json};
use warifu_protocol::{
    AtFault, Reason,
    enrolment::{EnrolmentRequest, encrypt_shares},
    suite::Suite,
};
use warifu_types::Role;

const CENTER: AtFault = AtFault::Role(Role::Center);

pub fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(shares());
    cases
}

fn requests() -> Vec<Case> {
    let made = kps();
    let holder = &made.cast.holder;
    let signer = holder.signer.as_ref();
    let honest = EnrolmentRequest {
        sub: holder.id().clone(),
        roles: vec![Role::Holder],
        key: holder.credential.key,
        hpke: holder.credential.hpke.clone(),
        suites: vec![Suite::KpsHpke, Suite::Kps],
        url: None,
        iat: NOW,
    }
    .sign(signer);
    let case = |name: &str, about: &str, token: String| {
        Case::new("enrolment_request", name, about, ("kps", "merchant"), json!({"token": token}))
    };
    let accepted = json!({"sub": holder.id()});
    let mut cases = vec![case("good", "A holder's.", honest.clone()).accepted(accepted)];
    let word = "enrolment_request";
    let forged = forge::resigned(&honest, made.cast.merchant.signer.as_ref(), |_| {});
    let about = "The asker does not have the key that it names.";
    let case_of_another = case("signed_by_another_key", about, forged);
    cases.push(case_of_another.refused(Reason::BadSignature, AtFault::Sender, word));
    use Reason::*;
    for (name, about, claim, value, reason, field) in [
        (
            "hpke_none",
            "No HPKE key to receive the shares with.",
            "hpke",
            json!([]),
            BadValue,
            "hpke",
        ),
        (
            "hpke_as_array",
            "An HPKE key is an array of its values.",
            "hpke",
            json!([["a", "b", "c"]]),
            Malformed,
            "hpke[0]",
        ),
        ("roles_none", "No role.", "roles", json!([]), BadValue, "roles"),
        (
            "holder_with_a_second_role",
            "A holder is nothing else.",
            "roles",
            json!(["holder", "issuer"]),
            BadValue,
            "roles",
        ),
        (
            "holder_with_an_address",
            "A holder serves nobody.",
            "url",
            json!("http://hanako.example"),
            BadValue,
            "roles",
        ),
        ("suites_none", "No suite.", "suites", json!([]), BadValue, "suites"),
        (
            "suite_unknown",
            "A suite that does not exist.",
            "suites",
            json!(["rot13"]),
            Malformed,
            "suites[0]",
        ),
        (
            "key_of_small_order",
            "The verification key is the neutral point.",
            "key",
            json!("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Malformed,
            "key",
        ),
        (
            "field_unknown",
            "A claim that the format does not know.",
            "password",
            json!("x"),
            Malformed,
            "password",
        ),
    ] {
        let token = forge::resigned(&honest, signer, |c: &mut Value| c[claim] = value.clone());
        let case = case(name, about, token);
        cases.push(case.refused(reason, AtFault::Sender, &format!("{word}.{field}")));
    }
    cases
}

fn shares() -> Vec<Case> {
    let made = kps();
    let (net, holder) = (&made.cast.net, &made.cast.holder);
    let to = &holder.credential.hpke[0];
    let shares = net.centers.iter().map(|(center, _)| center.holder_share(0, holder.id()));
    let shares: Vec<_> = shares.collect();
    let honest = encrypt_shares(holder.id(), to, &shares, &mut rng(21)).unwrap();
    let case = |name: &str, about: &str, token: String| {
        Case::new("shares", name, about, ("kps", "holder"), json!({"token": token}))
    };
    let files = shares.iter().map(|s| String::from_utf8(s.to_file().to_vec()).unwrap());
    let accepted = json!({"shares": files.collect::<Vec<_>>()});
    let mut cases =
        vec![case("good", "A share of each center.", honest.clone()).accepted(accepted)];
    let other = made.terminal("other_holder");
    let to_other = encrypt_shares(other.id(), to, &shares, &mut rng(21)).unwrap();
    let unknown_key = encrypt_shares(holder.id(), &other.credential.hpke[0], &shares, &mut rng(21));
    let (head, tag) = honest.rsplit_once('.').unwrap();
    let spoilt = format!("{head}.A{}", &tag[1..]);
    let spoilt = if spoilt == honest { format!("{head}.B{}", &tag[1..]) } else { spoilt };
    use Reason::*;
    for (name, about, token, reason, field) in [
        ("to_another", "For another holder.", to_other, WrongParty, "shares.to"),
        (
            "kid_unknown",
            "To a key that the holder does not have.",
            unknown_key.unwrap(),
            UnknownKey,
            "shares.kid",
        ),
        ("tag_altered", "One character of the tag.", spoilt, SealedWrong, "shares"),
        ("pieces_four", "Without the tag.", head.to_string(), Malformed, "shares"),
    ] {
        cases.push(case(name, about, token).refused(reason, CENTER, field));
    }
    cases
}
