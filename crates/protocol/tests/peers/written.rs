//! What the peers wrote, and Warifu accepts; altered copies it refuses.

use crate::{
    PARTS, Peer,
    common::{Cast, NETWORK, NOW, Net, own_rule, values},
    folder, jwk, pair, source, terminal,
};
use serde_json::{Map, Value, json};
use std::fs;
use warifu_protocol::{
    AtFault,
    authorization::{Authorization, Decision},
    delivery::{Delivery, DeliveryState},
    derive::KeySource,
    encode::b64,
    error::{Reason, Result},
    quote::Quote,
    rule::Rule,
    sealed::{self, SealedOrder},
    settlement::{Action, Settlement},
    status::{State, Status},
    suite::{Suite, SuiteFloor},
};
use warifu_types::{FieldName, Role};

/// What the peers are given to write with: the private keys of three parties, and the pair keys.
fn writer(cast: &Cast, rule: &Rule, suites: &[Suite]) -> Value {
    let roles = [Role::Holder].into_iter().chain(PARTS);
    let mut parties: Map<String, Value> =
        roles.map(|role| (role.to_string(), json!(terminal(cast, role).id()))).collect();
    parties.insert("center".into(), json!(cast.net.anchors.centers[0].center));
    let each = |value: &dyn Fn(Role) -> Value| -> Map<String, Value> {
        PARTS.into_iter().map(|role| (role.to_string(), value(role))).collect()
    };
    let KeySource::Predistributed(route) = source(cast, Role::Merchant) else { unreachable!() };
    json!({
        "network": NETWORK,
        "now": NOW,
        "suites": suites,
        "rule": rule,
        "parties": parties,
        "route": route,
        "private": {
            "center": jwk(Role::Center, true),
            "holder": jwk(Role::Holder, true),
            "merchant": jwk(Role::Merchant, true),
            "issuer": jwk(Role::Issuer, true),
            "carrier": jwk(Role::Carrier, true),
        },
        "pairs": each(&|role| b64(&pair(cast, role)).into()),
        "hpke": each(&|role| json!(terminal(cast, role).credential.hpke[0])),
        "values": values(""),
    })
}

/// The text with one character changed in the middle of its piece number `n`.
fn altered(token: &str, n: usize) -> String {
    let mut pieces: Vec<String> = token.split('.').map(str::to_string).collect();
    let at = pieces[n].len() / 2;
    let other = if pieces[n].as_bytes()[at] == b'A' { "B" } else { "A" };
    pieces[n].replace_range(at..=at, other);
    pieces.join(".")
}

/// Every version of the bundle in which one token has one character changed.
fn altered_bundles(bundle: &SealedOrder, role: Role) -> Vec<(String, SealedOrder)> {
    let mut all = Vec::new();
    for n in 0..3 {
        let mut push = |name: &str, other: SealedOrder| all.push((format!("{name}, {n}"), other));
        push("order", SealedOrder { order: altered(&bundle.order, n), ..bundle.clone() });
        push("form", SealedOrder { form: altered(&bundle.form, n), ..bundle.clone() });
        let credential = altered(&bundle.credential, n);
        push("credential", SealedOrder { credential, ..bundle.clone() });
    }
    for n in [0, 2, 3, 4] {
        let mut other = bundle.clone();
        let part = altered(&bundle.parts[&role], n);
        other.parts.as_mut().insert(role, part);
        all.push((format!("part, {n}"), other));
    }
    all
}

fn accept(cast: &Cast, rule: &Rule, written: &Value, what: &str) {
    let bundle: SealedOrder = serde_json::from_value(written["bundle"].clone()).unwrap();
    let quote = written["quote"].as_str().unwrap();
    let values = values(quote);
    for role in PARTS {
        let own = terminal(cast, role);
        let front = &cast.merchant.credential;
        let opened = sealed::open(own, &bundle, front, role, NOW)
            .unwrap_or_else(|error| panic!("{what}: {role}: {error}"));
        let seen: Vec<_> = opened.fields.iter().collect();
        let mut expected: Vec<_> =
            rule.part(role).iter().map(|field| (field, &values[field])).collect();
        expected.sort_by_key(|(field, _)| *field);
        assert_eq!(json!(seen), json!(expected), "{what}: {role}");
        let merchant = (cast.merchant.id(), &cast.merchant.credential.key);
        let read = Quote::verify(quote, &opened.form.hash, merchant, NOW, AtFault::Sender);
        assert_eq!(read.unwrap().total, values[&FieldName::AMOUNT].as_amount().unwrap());
        for n in 0..3 {
            let other = altered(quote, n);
            let hash = &opened.form.hash;
            assert!(Quote::verify(&other, hash, merchant, NOW, AtFault::Sender).is_err());
        }
        for (name, other) in altered_bundles(&bundle, role) {
            let error = sealed::open(own, &other, front, role, NOW)
                .expect_err(&format!("{what}: {role}: altered {name}"));
            if name.starts_with("part") {
                assert_eq!(error.reason, Reason::AlteredPart, "{what}: {role}: {name}");
            }
        }
    }
}

/// What issuer, carrier and merchant say of the order.
fn accept_answers(cast: &Cast, written: &Value, what: &str) {
    let bundle: SealedOrder = serde_json::from_value(written["bundle"].clone()).unwrap();
    let order = bundle.identity().unwrap();
    let Cast { holder, merchant, issuer, carrier, .. } = cast;
    let [front, issuer, carrier] = [merchant, issuer, carrier].map(|terminal| &terminal.credential);
    let own = merchant.id();
    let at_fault = AtFault::Role(Role::Merchant);
    let authorization = |token: &str| {
        let by = (Role::Issuer, issuer.as_ref());
        let read = Authorization::verify(token, by, own, &order, NOW)?;
        assert_eq!(read.decision, Decision::Authorized);
        Ok(())
    };
    let delivery = |token: &str| {
        let read = Delivery::verify(token, carrier, own, &order)?;
        assert_eq!(read.state, DeliveryState::Accepted);
        Ok(())
    };
    let settlement =
        |token: &str| Settlement::verify(token, issuer, own, &order, Action::Capture).map(|_| ());
    let status = |token: &str| {
        let read = Status::verify(token, front, holder.id(), &order, at_fault)?;
        assert_eq!(read.state, State::Dispatched);
        Ok(())
    };
    type Check<'a> = &'a dyn Fn(&str) -> Result<()>;
    let checks: [(&str, Check<'_>); 4] = [
        ("authorization", &authorization),
        ("delivery", &delivery),
        ("settlement", &settlement),
        ("status", &status),
    ];
    for (name, check) in checks {
        let token = written[name].as_str().unwrap();
        check(token).unwrap_or_else(|error| panic!("{what}: {name}: {error}"));
        for n in 0..3 {
            assert!(check(&altered(token, n)).is_err(), "{what}: altered {name}, {n}");
        }
    }
}

fn warifu_opens(peer: Peer, name: &str, suites: &[Suite]) {
    // The floor is the reader's: here it takes both suites for every field.
    let floor = SuiteFloor::all(Suite::Kps);
    let cast = Cast::new(Net::with(1, &[Suite::KpsHpke, Suite::Kps], floor));
    for rule in [Rule::minimal(), Rule::classic(), own_rule()] {
        let given = json!({ "writer": writer(&cast, &rule, suites) });
        let folder = folder(&format!("{name} {}", rule.name), &given);
        let written = peer.run("write", &folder);
        for suite in suites {
            let what = format!("{name}, {}, {suite}", rule.name);
            accept(&cast, &rule, &written[suite.as_str()], &what);
            accept_answers(&cast, &written[suite.as_str()], &what);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn warifu_opens_what_python_wrote() {
    warifu_opens(Peer::Python, "python writes", &[Suite::Kps, Suite::KpsHpke]);
}

#[test]
fn warifu_opens_what_node_wrote() {
    warifu_opens(Peer::Node, "node writes", &[Suite::Kps, Suite::KpsHpke]);
}
