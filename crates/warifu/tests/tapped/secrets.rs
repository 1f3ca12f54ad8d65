//! The parties' secrets: seeds, shares and keys, as canaries.

use crate::canary::Canary;
use serde_json::Value;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};
use warifu::{demo::network::Network, serve::Service};
use warifu_protocol::{AtFault, credential::Credential, encode::unb64};
use warifu_store::Document;
use warifu_wire::{Party, Service as _};

/// One coefficient in so many is looked for: whoever writes out a share writes out all of it.
const EVERY: usize = 8;

/// Every secret of the network's parties, whose decrypted documents these are.
pub fn secrets(
    network: &Network,
    documents: &BTreeMap<&'static str, Vec<Document>>,
) -> Vec<Canary> {
    let mut secrets: Vec<Canary> =
        documents.iter().flat_map(|(party, all)| kept(party, all)).collect();
    let brokering = network.broker_if_started().map(|side| &side.places);
    for (party, place) in network.places.iter().chain(brokering.into_iter().flatten()) {
        let key = std::fs::read(&place.key_file).unwrap();
        secrets.push(Canary::nobodys(&format!("{party}: key file"), key));
    }
    pair_keys(network, &mut secrets);
    merged(secrets)
}

/// A key that two have is one canary, which both keep.
fn merged(secrets: Vec<Canary>) -> Vec<Canary> {
    let mut by_value: BTreeMap<Vec<u8>, Canary> = BTreeMap::new();
    for secret in secrets {
        match by_value.entry(secret.value.clone()) {
            Entry::Vacant(free) => drop(free.insert(secret)),
            Entry::Occupied(mut known) => {
                known.get_mut().may.extend(secret.may);
                known.get_mut().must.extend(secret.must);
            }
        }
    }
    by_value.into_values().collect()
}

/// The secrets among a party's documents.
pub fn kept(party: &'static str, documents: &[Document]) -> Vec<Canary> {
    let mut secrets = Vec::new();
    for document in documents {
        let read = || serde_json::from_slice::<Value>(&document.value).unwrap();
        let key = &document.key;
        match document.collection.as_str() {
            "identity" => seeds(party, &read(), &mut secrets),
            "identity_shares" => share(party, key, &read(), &mut secrets),
            "identity_agreed_keys" => {
                secrets.push(held(party, &format!("agreed key with {key}"), &read()["key"]));
            }
            "trade_keys" => secrets.push(held(party, &format!("trade key {key}"), &read()["key"])),
            "center" => secrets.push(held(party, "matrix seed", &read()["seed"])),
            _ => {}
        }
    }
    secrets
}

fn seeds(party: &'static str, identity: &Value, secrets: &mut Vec<Canary>) {
    secrets.push(held(party, "signing seed", &identity["signing_seed"]));
    for seed in identity["hpke_seeds"].as_array().unwrap() {
        secrets.push(held(party, "HPKE seed", seed));
    }
}

fn share(party: &'static str, key: &str, stored: &Value, secrets: &mut Vec<Canary>) {
    let file: Value = serde_json::from_str(stored["file"].as_str().unwrap()).unwrap();
    for (instance, text) in file["coefficients"].as_array().unwrap().iter().enumerate() {
        for (place, value) in bytes(text).chunks(16).enumerate().step_by(EVERY) {
            let name = format!("{party}: share {key}, instance {instance}, coefficient {place}");
            secrets.push(Canary::of(&name, value, &[party]));
        }
    }
}

/// The keys of each pair that meets under predistributed keys: they are derived when needed, and
/// nobody keeps them.
fn pair_keys(network: &Network, secrets: &mut Vec<Canary>) {
    let party = |name: &str| party_of(&network.services[name]);
    let holder = network.holder.party().clone();
    let mut pairs = Vec::new();
    for (name, service) in &network.services {
        pairs.push((format!("pair key of holder and {name}"), holder.clone(), party_of(service)));
    }
    for (one, other) in [
        ("merchant", "issuer"),
        ("merchant", "carrier"),
        ("merchant", "gateway"),
        ("merchant", "certifier"),
        ("door", "card_manager"),
    ] {
        pairs.push((format!("pair key of {one} and {other}"), party(one), party(other)));
    }
    for (name, one, other) in pairs {
        let credential = other.terminal().credential.clone();
        secrets.push(Canary::nobodys(&name, pair_key(&one, &credential)));
    }
}

fn party_of(service: &Service) -> Arc<Party> {
    match service {
        Service::Center(_) | Service::Registry(_) | Service::Broker(_) => {
            panic!("no service of this table")
        }
        Service::Issuer(issuer) => issuer.party().clone(),
        Service::Merchant(merchant) => merchant.party().clone(),
        Service::Carrier(carrier) => carrier.party().clone(),
        Service::Observer(observer) => observer.party().clone(),
    }
}

/// What the shares give, also in a network that uses other keys.
fn pair_key(party: &Party, peer: &Credential) -> [u8; 32] {
    let terminal = party.terminal();
    let route = terminal.credential.route_to(peer).unwrap();
    *terminal.ring.pair_key(&peer.sub, &route).unwrap().expose()
}

/// A secret that a party keeps.
fn held(party: &'static str, what: &str, text: &Value) -> Canary {
    Canary::of(&format!("{party}: {what}"), bytes(text), &[party])
}

fn bytes(text: &Value) -> Vec<u8> {
    unb64(text.as_str().unwrap(), AtFault::Own, "secret").unwrap()
}
