//! Sealed orders: good ones, and those that are out of time, of another epoch or suite.
use crate::{
    case::Case,
    common::{NETWORK, NOW, forge, own_rule},
    network::{Made, hybrid, kps},
};
use serde_json::{Value, json};
use std::sync::Arc;
use warifu_protocol::{
    AtFault, CLOCK_SKEW, Reason,
    credential::Credential,
    derive::{Context, Purpose},
    encode::unb64,
    hpke::{Binding, decapsulate},
    jwe,
    order::ORDER_LIFETIME,
    part::PartHeader,
    rule::Rule,
    sealed::{self, SealedOrder},
    suite::{Suite, SuiteFloor},
    terminal::Terminal,
};
use warifu_types::Role;

pub const HOLDER: AtFault = AtFault::Role(Role::Holder);

/// The party with this role opens its part of a bundle.
pub fn case(made: &Made, name: &str, about: &str, bundle: &SealedOrder, role: Role) -> Case {
    let input = json!({
        "bundle": bundle,
        "front": made.cast.merchant.credential_token,
        "role": role,
    });
    Case::new("order", name, about, (made.name(), role.as_str()), input)
}

/// The terminals that open parts.
pub fn opener(made: &Made, role: Role) -> &Terminal {
    match role {
        Role::Merchant => &made.cast.merchant,
        Role::Issuer => &made.cast.issuer,
        _ => &made.cast.carrier,
    }
}

pub fn cases() -> Vec<Case> {
    [good(), times(), epochs(), suites()].into_iter().flatten().collect()
}

/// A good order, with every value on the way.
fn accepted(made: &Made, name: &str, bundle: &SealedOrder, role: Role) -> Case {
    let terminal = opener(made, role);
    let front = &made.cast.merchant.credential;
    let opened = sealed::open(terminal, bundle, front, role, NOW).unwrap();
    let about = "Opens; `steps` has the keys, and what is under them.";
    case(made, name, about, bundle, role)
        .accepted(json!({
            "identity": opened.identity,
            "fields": opened.fields,
            "sealed": opened.sealed_fields(),
        }))
        .steps(steps(terminal, &bundle.parts[&role]))
}

/// How the content key of a part comes about, and the plaintext.
fn steps(terminal: &Terminal, part: &str) -> Value {
    let header: PartHeader = serde_json::from_slice(&forge::piece(part, 0)).unwrap();
    let pair = terminal.pair_key(&header.keys, &header.from, Some(&header.order)).unwrap();
    let context = Context {
        network: NETWORK,
        source: &header.keys,
        suite: header.suite,
        sender: (&header.from, Role::Holder),
        recipient: (terminal.id(), header.role),
        about: &header.order.0,
    };
    let info = context.info(Purpose::Part);
    let mut steps = json!({
        "header": String::from_utf8(forge::piece(part, 0)).unwrap(),
        "pair_key": hex::encode(pair.expose()),
        "part_info": hex::encode(&info),
    });
    let key = match &header.ek {
        None => context.key(&pair, Purpose::Part),
        Some(ek) => {
            let psk = context.key(&pair, Purpose::PartPsk);
            steps["psk_info"] = json!(hex::encode(context.info(Purpose::PartPsk)));
            steps["psk"] = json!(hex::encode(*psk));
            let ek = unb64(ek, AtFault::Own, "ek").unwrap();
            let binding = Binding { psk: Some(&psk), info: &info };
            decapsulate(&terminal.hpke[0], &ek, &binding, AtFault::Own, "ek").unwrap()
        }
    };
    steps["content_key"] = json!(hex::encode(*key));
    let pieces = jwe::split(part, AtFault::Own, "part").unwrap();
    let plain = jwe::decrypt(&pieces, &key, AtFault::Own, "part").unwrap();
    assert_eq!(plain.len() % 256, 0);
    steps["plaintext"] = json!(String::from_utf8(plain.to_vec()).unwrap());
    steps
}

fn good() -> Vec<Case> {
    let mut cases = Vec::new();
    for made in [kps(), hybrid()] {
        for (rule, roles) in [
            (Rule::classic(), &[Role::Merchant, Role::Issuer, Role::Carrier][..]),
            (Rule::minimal(), &[Role::Merchant]),
            (Rule::minimal().without_party(Role::Carrier).named("no-carrier"), &[Role::Issuer]),
            (own_rule(), &[Role::Merchant, Role::Issuer, Role::Carrier]),
        ] {
            let sealed = made.cast.order(rule.clone());
            for role in roles {
                let name = format!("{}_{}_{role}", made.name(), rule.name);
                cases.push(accepted(&made, &name, &sealed.bundle.only(*role), *role));
            }
        }
    }
    let made = kps();
    let whole = made.cast.order(Rule::minimal()).bundle;
    cases.push(accepted(&made, "kps_minimal_whole_bundle", &whole, Role::Merchant));
    cases
}

fn times() -> Vec<Case> {
    let made = kps();
    let bundle = made.cast.order(Rule::minimal()).bundle.only(Role::Carrier);
    let case = |name, about| case(&made, name, about, &bundle, Role::Carrier);
    let end = NOW.0 + ORDER_LIFETIME + CLOCK_SKEW;
    let last = Case { now: end - 1, ..accepted(&made, "last_second", &bundle, Role::Carrier) };
    let first = NOW.0 - CLOCK_SKEW;
    let mut cases = vec![
        last,
        case("expired", "Past its end and the clocks' difference.").at(end).refused(
            Reason::Expired,
            HOLDER,
            "order.exp",
        ),
        case("from_the_future", "Dated beyond the clocks' difference.").at(first - 1).refused(
            Reason::NotYetValid,
            HOLDER,
            "order.iat",
        ),
    ];
    for exp in [NOW.0 + ORDER_LIFETIME + 1, u64::MAX] {
        let longer = forge::reordered(&made.cast, &bundle, |order| order["exp"] = json!(exp));
        let name = if exp == u64::MAX { "good_for_ever" } else { "good_for_too_long" };
        let about = "Its end is further from its beginning than an order may last.";
        let case = crate::orders::case(&made, name, about, &longer, Role::Carrier);
        cases.push(case.refused(Reason::BadValue, HOLDER, "order.exp"));
    }
    cases
}

fn epochs() -> Vec<Case> {
    let made = kps();
    let bundle = made.cast.order(Rule::minimal()).bundle.only(Role::Issuer);
    let case = |name, about| case(&made, name, about, &bundle, Role::Issuer);
    let grace = accepted(&made, "old_epoch_during_grace", &bundle, Role::Issuer);
    vec![
        grace.with(json!({"epoch": 2, "grace_until": NOW.0 + 1})),
        case("old_epoch_after_grace", "The recipient's centers are one epoch further.")
            .with(json!({"epoch": 2, "grace_until": NOW.0}))
            .refused(Reason::OldEpoch, HOLDER, "part.keys"),
        case("epoch_two_back", "Two epochs further; there is no grace for that.")
            .with(json!({"epoch": 3, "grace_until": NOW.0 + 1000}))
            .refused(Reason::OldEpoch, HOLDER, "part.keys"),
        case("epoch_not_begun", "Of an epoch that the recipient does not know yet.")
            .with(json!({"epoch": 0}))
            .refused(Reason::OldEpoch, HOLDER, "part.keys"),
    ]
}

fn suites() -> Vec<Case> {
    let mut made = hybrid();
    let mut cases = Vec::new();
    let honest = made.cast.order(Rule::minimal()).bundle.only(Role::Issuer);
    for (name, about, change, reason, field) in [
        (
            "hpke_kid_unknown",
            "Encrypted to a key that the issuer does not have.",
            json!({"kid": "AAAAAAAAAAAA"}),
            Reason::UnknownKey,
            "part.kid",
        ),
        (
            "hpke_ek_too_short",
            "The encapsulated key is cut off.",
            json!({"ek": "AAAA"}),
            Reason::SealedWrong,
            "part.ek",
        ),
        (
            "hpke_ek_not_base64",
            "The encapsulated key is not base64url.",
            json!({"ek": "+/=="}),
            Reason::Malformed,
            "part.ek",
        ),
        ("hpke_ek_null", "No encapsulated key.", json!({"ek": null}), Reason::Malformed, "part.ek"),
        (
            "hpke_header_altered",
            "The header is not what the tag was made over.",
            json!({"typ": "warifu-part+jwe"}),
            Reason::SealedWrong,
            "part",
        ),
    ] {
        let part = &honest.parts[&Role::Issuer];
        let (_, rest) = part.split_once('.').unwrap();
        let mut header: Value = serde_json::from_slice(&forge::piece(part, 0)).unwrap();
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        // The members in another order: JSON as good, and another text under the tag.
        let header = warifu_protocol::encode::b64(&serde_json::to_vec(&header).unwrap());
        let part = format!("{header}.{rest}");
        let bundle = forge::with_part(&made.cast, &honest, Role::Issuer, part);
        let case = case(&made, name, about, &bundle, Role::Issuer);
        cases.push(case.refused(reason, HOLDER, field));
    }
    made.cast.holder.floor = SuiteFloor::all(Suite::Kps);
    let mut recipients = made.cast.recipients();
    let bare = Credential { hpke: vec![], ..(*made.cast.issuer.credential).clone() };
    recipients.insert(Role::Issuer, Arc::new(bare));
    let weak = made.cast.order_on(&made.cast.form(Rule::minimal()), &recipients, 7).unwrap();
    let bundle = weak.bundle.only(Role::Issuer);
    let about = "The card under suite kps, where the issuer demands kps+hpke.";
    let case = case(&made, "suite_below_the_floor", about, &bundle, Role::Issuer);
    cases.push(case.refused(Reason::Downgrade, HOLDER, "part.suite"));
    cases
}
