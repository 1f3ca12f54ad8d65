//! The parties' secrets: seeds, shares and keys, as canaries.

use crate::canary::Canary;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};
use warifu::{demo::network::Network, serve::Service};
use warifu_protocol::{AtFault, credential::Credential, encode::unb64};
use warifu_wire::{Party, Service as _};

/// One coefficient in so many is looked for: whoever writes out a share writes out all of it.
const EVERY: usize = 8;

/// Every secret of the network's parties.
pub fn secrets(network: &Network) -> Vec<Canary> {
    let mut secrets = Vec::new();
    for (party, opened) in &network.stores {
        for document in opened.store.dump().unwrap() {
            let read = || serde_json::from_slice::<Value>(&document.value).unwrap();
            match document.collection.as_str() {
                "identity" => seeds(party, &read(), &mut secrets),
                "identity_shares" => share(party, &document.key, &read(), &mut secrets),
                "center" => secrets.push(held(party, "matrix seed", &read()["seed"])),
                _ => {}
            }
        }
        let key = std::fs::read(&network.places[party].key_file).unwrap();
        secrets.push(nobodys(format!("{party}: key file"), key));
    }
    pair_keys(network, &mut secrets);
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
            let name = format!("share {key}, instance {instance}, coefficient {place}");
            secrets.push(own(party, &name, value.to_vec()));
        }
    }
}

/// The keys of each pair that meets. They are derived when needed, and nobody keeps them.
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
        secrets.push(nobodys(name, pair_key(&one, &credential).to_vec()));
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

fn pair_key(party: &Party, peer: &Credential) -> [u8; 32] {
    let terminal = party.terminal();
    let source = terminal.source_for(peer, party.now()).unwrap();
    *terminal.pair_key(&source, &peer.sub, None).unwrap().expose()
}

fn held(party: &'static str, what: &str, text: &Value) -> Canary {
    own(party, what, bytes(text))
}

fn own(party: &'static str, what: &str, value: Vec<u8>) -> Canary {
    let owner: BTreeSet<_> = [party].into();
    Canary { name: format!("{party}: {what}"), value, may: owner.clone(), must: owner }
}

fn nobodys(name: String, value: Vec<u8>) -> Canary {
    Canary { name, value, may: BTreeSet::new(), must: BTreeSet::new() }
}

fn bytes(text: &Value) -> Vec<u8> {
    unb64(text.as_str().unwrap(), AtFault::Own, "secret").unwrap()
}
