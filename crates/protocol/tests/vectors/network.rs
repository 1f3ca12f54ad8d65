//! The two networks of the vectors, with everything that their terminals hold.
use crate::common::{Cast, NETWORK, NOW, Net};
use hpke::{Kem, Serializable, kem::XWing};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use warifu_keydist::{KeyCache, KeyRing, Share};
use warifu_protocol::{
    AtFault,
    credential::Credential,
    encode::b64,
    hpke::HpkeSecret,
    signer::{Signer, SigningKey},
    suite::{Suite, SuiteFloor},
    terminal::{KeyPolicy, Terminal},
    trust::{Anchors, Trust},
};
use warifu_types::{Role, UnixTime};

/// A network as the generator makes it.
pub struct Made {
    name: &'static str,
    pub cast: Cast,
}

pub fn kps() -> Made {
    Made { name: "kps", cast: Cast::new(Net::kps()) }
}

pub fn hybrid() -> Made {
    Made { name: "hybrid", cast: Cast::new(Net::new()) }
}

/// Every terminal: its name, who it is, its role, and the number that its keys are made of.
const TERMINALS: [(&str, &str, Role, u8); 10] = [
    ("holder", "mail:hanako@example.jp", Role::Holder, 1),
    ("merchant", "domain:shop.example", Role::Merchant, 2),
    ("issuer", "domain:card.example", Role::Issuer, 3),
    ("carrier", "name:黒猫運輸|domain:carrier.example", Role::Carrier, 4),
    ("other_holder", "mail:mallory@example.net", Role::Holder, 66),
    ("other_merchant", "domain:other-shop.example", Role::Merchant, 67),
    ("other_issuer", "domain:other-card.example", Role::Issuer, 68),
    ("other_carrier", "domain:other-carrier.example", Role::Carrier, 69),
    // The network's first center, with the key that everyone has pinned.
    ("center", "domain:center1.example", Role::Center, 101),
    // A holder with a second role.
    ("broker", "domain:broker.example", Role::Holder, 5),
];

impl Made {
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A terminal of this network, made anew.
    pub fn terminal(&self, name: &str) -> Terminal {
        let (_, who, role, number) =
            TERMINALS.into_iter().find(|(other, ..)| *other == name).unwrap();
        let net = &self.cast.net;
        let terminal = net.terminal(who, role, number);
        if name != "broker" {
            return terminal;
        }
        let roles = vec![Role::Holder, Role::Broker];
        let credential = Credential { roles, ..(*terminal.credential).clone() };
        let credential_token = credential.sign(&net.centers[0].1);
        Terminal { credential: Arc::new(credential), credential_token, ..terminal }
    }

    /// Every terminal's credential, by the terminal's name.
    pub fn credentials(&self) -> BTreeMap<String, String> {
        TERMINALS
            .into_iter()
            .map(|(name, ..)| (name.to_string(), self.terminal(name).credential_token))
            .collect()
    }

    pub fn json(&self) -> Value {
        let net = &self.cast.net;
        let centers: Vec<Value> = net
            .centers
            .iter()
            .zip(1u8..)
            .map(|((matrices, key), number)| {
                json!({
                    "center": matrices.center().center,
                    "epoch": matrices.center().epoch,
                    "seed": hex::encode([number ^ 1; 32]),
                    "thresholds": matrices.thresholds(),
                    "signing_seed": hex::encode(*key.seed()),
                })
            })
            .collect();
        let terminals: BTreeMap<&str, Value> = TERMINALS
            .into_iter()
            .map(|(name, who, role, number)| {
                let terminal = self.terminal(name);
                let hpke = &terminal.hpke[0];
                let private = XWing::derive_keypair(hpke.seed()).0;
                let shares: Vec<String> = terminal
                    .ring
                    .shares()
                    .map(|share| String::from_utf8(share.to_file().to_vec()).unwrap())
                    .collect();
                let json = json!({
                    "identifier": who,
                    "role": role,
                    "signing_seed": hex::encode([number; 32]),
                    "verifying_key": b64(terminal.signer.verifying_key().as_bytes()),
                    "hpke_seed": hex::encode(hpke.seed()),
                    "hpke_private_key": hex::encode(private.to_bytes()),
                    "hpke_kid": hpke.kid(),
                    "credential": terminal.credential_token,
                    "shares": shares,
                });
                (name, json)
            })
            .collect();
        json!({
            "network": NETWORK,
            "floor": net.floor,
            "suites": net.suites,
            "anchors": net.anchors,
            "centers": centers,
            "terminals": terminals,
        })
    }
}

/// A network as it is read from its file, as a second implementation would.
pub struct Network {
    anchors: Anchors,
    floor: SuiteFloor,
    terminals: BTreeMap<String, Value>,
}

impl Network {
    pub fn read(json: &Value) -> Network {
        Network {
            anchors: serde_json::from_value(json["anchors"].clone()).unwrap(),
            floor: serde_json::from_value(json["floor"].clone()).unwrap(),
            terminals: serde_json::from_value(json["terminals"].clone()).unwrap(),
        }
    }

    /// As [`Made::credentials`].
    pub fn credentials(&self) -> BTreeMap<String, String> {
        let credential = |terminal: &Value| terminal["credential"].as_str().unwrap().to_string();
        self.terminals.iter().map(|(name, json)| (name.clone(), credential(json))).collect()
    }

    /// A terminal, with what its case has otherwise.
    pub fn terminal(&self, name: &str, with: &Value) -> Terminal {
        let json = &self.terminals[name];
        let seed = |field: &str| -> [u8; 32] {
            hex::decode(json[field].as_str().unwrap()).unwrap().try_into().unwrap()
        };
        let own = Trust::new(self.anchors.clone(), 10);
        let token = json["credential"].as_str().unwrap();
        let credential = own.credential(token, NOW, AtFault::Own).unwrap();
        let mut ring = KeyRing::new(NETWORK, credential.sub.clone());
        for share in json["shares"].as_array().unwrap() {
            ring.insert(Share::from_file(share.as_str().unwrap().as_bytes()).unwrap()).unwrap();
        }
        let mut anchors = self.anchors.clone();
        for center in &mut anchors.centers {
            if let Some(epoch) = with["epoch"].as_u64() {
                center.epoch = u32::try_from(epoch).unwrap();
            }
            if let Some(until) = with["grace_until"].as_u64() {
                center.grace_until = UnixTime(until);
            }
        }
        let floor = match with["floor"].as_str() {
            Some("kps+hpke") => SuiteFloor::all(Suite::KpsHpke),
            _ => self.floor.clone(),
        };
        let signer = SigningKey::from_seed(&seed("signing_seed"));
        assert_eq!(signer.verifying_key(), credential.key);
        Terminal {
            credential,
            credential_token: token.to_string(),
            signer: Arc::new(signer),
            hpke: vec![HpkeSecret::from_seed(seed("hpke_seed"))],
            ring,
            cache: KeyCache::new(10),
            trust: Trust::new(anchors, 10),
            floor,
            policy: KeyPolicy::Predistributed,
        }
    }
}
