//! Parts whose holder gave them a wrong header, or that do not open though their holder signed them.
use crate::{
    case::Case,
    common::forge,
    network::Made,
    orders::{HOLDER, case},
    orders_dishonest::made,
};
use serde_json::{Value, json};
use warifu_protocol::{Reason, sealed::SealedOrder};
use warifu_types::Role;

pub fn cases() -> Vec<Case> {
    let (made, sealed) = made();
    let honest = sealed.bundle.only(Role::Carrier);
    let envelope = forge::envelope(&made.cast, &sealed, Role::Carrier);
    let envelope = serde_json::to_vec(&envelope).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        forge::resealed(&made.cast, &honest, Role::Carrier, change, &envelope)
    };
    let route = |change: &dyn Fn(&mut Value)| with(&|h| change(&mut h["keys"]["predistributed"]));
    use Reason::*;
    let mut cases: Vec<Case> = [
        (
            "part_zip",
            "Compression.",
            with(&|h| h["zip"] = json!("DEF")),
            Malformed,
            "part.header.zip",
        ),
        (
            "part_crit",
            "A demanded extension.",
            with(&|h| h["crit"] = json!(["x"])),
            Malformed,
            "part.header.crit",
        ),
        (
            "part_enc_another",
            "Another cipher.",
            with(&|h| h["enc"] = json!("A128GCM")),
            Malformed,
            "part.header.enc",
        ),
        (
            "part_alg_another",
            "Another key management.",
            with(&|h| h["alg"] = json!("A256KW")),
            Malformed,
            "part.header.alg",
        ),
        (
            "part_typ_another",
            "Another type.",
            with(&|h| h["typ"] = json!("warifu-session+jwe")),
            Malformed,
            "part.typ",
        ),
        (
            "part_network_another",
            "For another network.",
            with(&|h| h["network"] = json!("other.example")),
            WrongNetwork,
            "part.network",
        ),
        (
            "part_from_another",
            "From another holder.",
            with(&|h| h["from"] = json!("mail:mallory@example.net")),
            WrongParty,
            "part.from",
        ),
        (
            "part_to_another",
            "To another carrier.",
            with(&|h| h["to"] = json!("domain:other-carrier.example")),
            WrongParty,
            "part.to",
        ),
        (
            "part_role_another",
            "In another role.",
            with(&|h| h["role"] = json!("merchant")),
            WrongParty,
            "part.role",
        ),
        (
            "part_order_another",
            "Of another order.",
            with(&|h| h["order"] = h["form"].clone()),
            Mismatch,
            "part.order",
        ),
        (
            "part_form_another",
            "On another form.",
            with(&|h| h["form"] = h["order"].clone()),
            Mismatch,
            "part.form",
        ),
        (
            "part_suite_unknown",
            "A suite that does not exist.",
            with(&|h| h["suite"] = json!("none")),
            Malformed,
            "part.header.suite",
        ),
        (
            "part_suite_without_ek",
            "Suite kps+hpke without an encapsulated key.",
            with(&|h| h["suite"] = json!("kps+hpke")),
            Malformed,
            "part.ek",
        ),
        (
            "part_ek_without_suite",
            "An encapsulated key under suite kps.",
            with(&|h| h["ek"] = json!("AAAA")),
            Malformed,
            "part.ek",
        ),
        (
            "part_keys_agreed",
            "A key agreed beforehand, against the network's way.",
            with(&|h| h["keys"] = json!("agreed")),
            Downgrade,
            "part.keys",
        ),
        (
            "part_keys_handed_out",
            "A key handed out, against the network's way.",
            with(&|h| h["keys"] = json!("handed_out")),
            Downgrade,
            "part.keys",
        ),
        (
            "route_leaves_a_center_out",
            "One center's share alone.",
            route(&|r| {
                r["epochs"].as_array_mut().unwrap().pop();
            }),
            Untrusted,
            "part.keys",
        ),
        (
            "route_with_a_center_twice",
            "One center twice: its keys would cancel out.",
            route(&|r| r["epochs"][1] = r["epochs"][0].clone()),
            Untrusted,
            "part.keys",
        ),
        (
            "route_with_a_center_more",
            "A center that nobody knows.",
            route(&|r| {
                let more = json!({"center": "domain:center9.example", "epoch": 1});
                r["epochs"].as_array_mut().unwrap().push(more);
            }),
            Untrusted,
            "part.keys",
        ),
        (
            "route_in_another_order",
            "The centers in another order.",
            route(&|r| r["epochs"].as_array_mut().unwrap().reverse()),
            Untrusted,
            "part.keys",
        ),
        (
            "route_over_another_matrix",
            "Another group's matrix.",
            route(&|r| r["matrix"] = json!("h1")),
            WrongParty,
            "part.keys",
        ),
    ]
    .map(|(name, about, bundle, reason, field)| {
        case(&made, name, about, &bundle, Role::Carrier).refused(reason, HOLDER, field)
    })
    .into();
    cases.extend(wrong_keys(&made, &honest));
    cases
}

/// Parts that do not open though their holder signed for them.
fn wrong_keys(made: &Made, honest: &SealedOrder) -> Vec<Case> {
    let part = honest.parts[&Role::Carrier].clone();
    let pieces: Vec<&str> = part.split('.').collect();
    let other = |text: &str| {
        let first = if text.starts_with('A') { "B" } else { "A" };
        format!("{first}{}", &text[1..])
    };
    let (iv, text, tag) = (other(pieces[2]), other(pieces[3]), other(pieces[4]));
    let join = |pieces: &[&str]| pieces.join(".");
    use Reason::*;
    [
        (
            "resealed_tag_altered",
            "The tag does not fit.",
            join(&[pieces[0], "", pieces[2], pieces[3], &tag]),
            SealedWrong,
            "part",
        ),
        (
            "resealed_iv_altered",
            "The IV does not fit.",
            join(&[pieces[0], "", &iv, pieces[3], pieces[4]]),
            SealedWrong,
            "part",
        ),
        (
            "resealed_ciphertext_altered",
            "The ciphertext does not fit.",
            join(&[pieces[0], "", pieces[2], &text, pieces[4]]),
            SealedWrong,
            "part",
        ),
        (
            "resealed_tag_too_short",
            "A tag of 96 bits.",
            join(&[pieces[0], "", pieces[2], pieces[3], &pieces[4][..16]]),
            Malformed,
            "part",
        ),
        (
            "resealed_iv_too_long",
            "An IV of 120 bits.",
            join(&[pieces[0], "", &format!("{}AAAA", pieces[2]), pieces[3], pieces[4]]),
            Malformed,
            "part",
        ),
        (
            "resealed_with_encrypted_key",
            "An encrypted key where there is none.",
            join(&[pieces[0], "AAAA", pieces[2], pieces[3], pieces[4]]),
            Malformed,
            "part",
        ),
        ("resealed_pieces_four", "Four pieces.", join(&pieces[..4]), Malformed, "part"),
        ("resealed_pieces_six", "Six pieces.", format!("{part}.AAAA"), Malformed, "part"),
        (
            "resealed_base64_not_canonical",
            "The tag's last character has bits to spare.",
            format!("{}B", &part[..part.len() - 1]),
            Malformed,
            "part",
        ),
    ]
    .map(|(name, about, part, reason, field)| {
        let bundle = forge::with_part(&made.cast, honest, Role::Carrier, part);
        case(made, name, about, &bundle, Role::Carrier).refused(reason, HOLDER, field)
    })
    .into()
}
