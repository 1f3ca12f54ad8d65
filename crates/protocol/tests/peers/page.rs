//! The examples of `docs/protocol.md`, computed anew. That the page is complete,
//! `crates/warifu/tests/protocol_page.rs` shows.

use crate::{PARTS, common::id, root};
use std::fs;
use warifu_keydist::{CenterEpoch, CenterMatrices, CenterSeed, Matrix, Points, Route, Thresholds};
use warifu_protocol::{
    derive::{Context, KeySource, Purpose},
    enrolment::fingerprint,
    error::Reason,
    order::Disclosure,
    rule::Rule,
    signer::VerifyingKey,
    suite::Suite,
    trust::{Anchors, PinnedCenter},
    value::FieldValue,
};
use warifu_types::{Currency, Money, Role, UnixTime};

#[test]
fn the_specification_has_the_right_examples() {
    let text = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    // Long hexadecimal stands there in lines.
    let joined: String = text.lines().collect();
    let has = |what: &str| assert!(joined.contains(what), "docs/protocol.md lacks {what}");

    let center = CenterEpoch { center: id("domain:center.example"), epoch: 1 };
    let seed = CenterSeed::from_bytes(std::array::from_fn(|n| n as u8));
    let thresholds = Thresholds::new(5, 4).unwrap();
    let matrices = CenterMatrices::new(seed, "town", center.clone(), thresholds);
    let (hanako, shop) = (id("mail:hanako@example.jp"), id("domain:shop.example"));
    for point in Points::of("town", 1, &hanako).each() {
        has(&hex::encode(point));
    }
    let share = matrices.holder_share(3, &hanako);
    has(std::str::from_utf8(&share.to_file()).unwrap());
    let pair = share.pair_key(&shop);
    has(&hex::encode(pair.expose()));

    let route = Route { epochs: vec![center.clone()], matrix: Matrix::Holders { group: 3 } };
    let source = KeySource::Predistributed(route);
    let context = Context {
        network: "town",
        source: &source,
        suite: Suite::Kps,
        sender: (&hanako, Role::Holder),
        recipient: (&shop, Role::Merchant),
        about: &[7; 32],
    };
    has(&hex::encode(context.info(Purpose::Part)));
    has(&hex::encode(*context.key(&pair, Purpose::Part)));

    let amount = FieldValue::Amount(Money::new(1980, Currency::JPY).unwrap());
    let disclosure = Disclosure::new(&std::array::from_fn(|n| n as u8), &amount);
    has(&disclosure.text);
    has(&disclosure.digest.to_string());

    // RFC 8032, section 7.1, test 1.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let key = VerifyingKey::from_bytes(&hex::decode(key).unwrap().try_into().unwrap()).unwrap();
    let centers =
        vec![PinnedCenter { center: center.center, key, epoch: 1, grace_until: UnixTime(0) }];
    has(&fingerprint(&Anchors { network: "town".into(), centers }));

    for reason in Reason::ALL {
        has(&format!("| `{}` | {} |", reason.code(), reason.text()));
    }
    let broker = &[Role::Merchant, Role::Issuer];
    for (rule, roles) in [
        (Rule::classic(), &PARTS[..]),
        (Rule::badge(), &[Role::Door, Role::CardManager]),
        (Rule::prepaid(), &[Role::Center]),
        (Rule::top_up(), &[Role::Center]),
        (Rule::broker(), broker),
    ] {
        for role in roles {
            let fields: Vec<_> = rule.part(*role).iter().map(|field| field.as_str()).collect();
            has(&format!("| {role} | `{}` |", fields.join(" ")));
        }
    }
}
