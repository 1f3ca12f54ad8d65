//! Pair keys and working keys.
use crate::{
    common::NETWORK,
    network::{Network, hybrid, kps},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use warifu_keydist::{PairKey, Route};
use warifu_protocol::{
    derive::{Context, KeySource, Purpose},
    suite::Suite,
    terminal::Terminal,
};
use warifu_types::{Identifier, Role};

const PURPOSES: [(&str, Purpose); 6] = [
    ("part", Purpose::Part),
    ("part_psk", Purpose::PartPsk),
    ("meeting_responder", Purpose::MeetingResponder),
    ("meeting_initiator", Purpose::MeetingInitiator),
    ("session", Purpose::Session),
    ("session_psk", Purpose::SessionPsk),
];

pub fn files() -> Vec<(&'static str, Value)> {
    vec![("pair_keys", pair_keys()), ("working_keys", working_keys())]
}

fn route(own: &Terminal, peer: &Terminal) -> Route {
    own.credential.route_to(&peer.credential).unwrap()
}

/// The key of every two terminals that have one.
fn pair_keys() -> Value {
    let mut keys = Vec::new();
    for network in [kps(), hybrid()] {
        for (a, b) in [
            ("holder", "merchant"),
            ("holder", "issuer"),
            ("holder", "carrier"),
            ("merchant", "issuer"),
            ("merchant", "carrier"),
            ("other_holder", "merchant"),
        ] {
            let (own, peer) = (network.terminal(a), network.terminal(b));
            let route = route(&own, &peer);
            let key = own.ring.pair_key(peer.id(), &route).unwrap();
            keys.push(json!({
                "network": network.name(),
                "a": a,
                "b": b,
                "route": route,
                "key": hex::encode(key.expose()),
            }));
        }
    }
    Value::Array(keys)
}

/// Both sides arrive at each key, from the shares in the network's file.
pub fn check_pair_keys(files: &BTreeMap<String, String>, keys: &Value) {
    for case in keys.as_array().unwrap() {
        let word = |field: &str| case[field].as_str().unwrap();
        let file = &files[&format!("networks/{}.json", word("network"))];
        let network = Network::read(&serde_json::from_str(file).unwrap());
        let ends = ["a", "b"].map(|end| network.terminal(word(end), &Value::Null));
        let route: Route = serde_json::from_value(case["route"].clone()).unwrap();
        for (own, peer) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
            let key = own.ring.pair_key(peer.id(), &route).unwrap();
            assert_eq!(hex::encode(key.expose()), word("key"));
        }
    }
}

fn working_keys() -> Value {
    let network = kps();
    let (holder, merchant) = (network.terminal("holder"), network.terminal("merchant"));
    let route = route(&holder, &merchant);
    let pair = holder.ring.pair_key(merchant.id(), &route).unwrap();
    let predistributed = KeySource::Predistributed(route);
    let mut keys = Vec::new();
    for (source, suite, purposes) in [
        (&predistributed, Suite::Kps, &PURPOSES[..]),
        (&predistributed, Suite::KpsHpke, &PURPOSES[..]),
        (&KeySource::Agreed, Suite::Kps, &PURPOSES[..1]),
        (&KeySource::HandedOut, Suite::Kps, &PURPOSES[..1]),
    ] {
        for (name, purpose) in purposes {
            let context = Context {
                network: NETWORK,
                source,
                suite,
                sender: (holder.id(), Role::Holder),
                recipient: (merchant.id(), Role::Merchant),
                about: &[7; 32],
            };
            keys.push(json!({
                "pair_key": hex::encode(pair.expose()),
                "network": NETWORK,
                "keys": source,
                "suite": suite,
                "sender": {"identifier": holder.id(), "role": Role::Holder},
                "recipient": {"identifier": merchant.id(), "role": Role::Merchant},
                "about": hex::encode([7; 32]),
                "purpose": name,
                "purpose_number": *purpose as u8,
                "info": hex::encode(context.info(*purpose)),
                "key": hex::encode(*context.key(&pair, *purpose)),
            }));
        }
    }
    Value::Array(keys)
}

pub fn check_working_keys(keys: &Value) {
    for case in keys.as_array().unwrap() {
        let word = |value: &Value| value.as_str().unwrap().to_string();
        let bytes = |field: &str| -> [u8; 32] {
            hex::decode(word(&case[field])).unwrap().try_into().unwrap()
        };
        let party = |name: &str| -> (Identifier, Role) {
            let party = &case[name];
            let role = serde_json::from_value(party["role"].clone()).unwrap();
            (Identifier::parse_canonical(&word(&party["identifier"])).unwrap(), role)
        };
        let (sender, recipient, about) = (party("sender"), party("recipient"), bytes("about"));
        let source: KeySource = serde_json::from_value(case["keys"].clone()).unwrap();
        let context = Context {
            network: &word(&case["network"]),
            source: &source,
            suite: serde_json::from_value(case["suite"].clone()).unwrap(),
            sender: (&sender.0, sender.1),
            recipient: (&recipient.0, recipient.1),
            about: &about,
        };
        let name = word(&case["purpose"]);
        let purpose = PURPOSES.iter().find(|(other, _)| *other == name).unwrap().1;
        assert_eq!(hex::encode(context.info(purpose)), word(&case["info"]));
        let pair = PairKey::from_bytes(bytes("pair_key"));
        assert_eq!(hex::encode(*context.key(&pair, purpose)), word(&case["key"]));
    }
}
