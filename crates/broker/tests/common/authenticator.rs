//! An authenticator with one passkey, and the browser in front of it. What it writes can be bent.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use ciborium::{Value, into_writer};
use serde_json::json;
use warifu_protocol::encode::sha256;

enum Pair {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// An authenticator. Flags: 1 present, 4 verified, 8 may be backed up, 16 backed up.
pub struct Authenticator {
    pub origin: String,
    pub site: String,
    pub id: Vec<u8>,
    pub flags: u8,
    pub counter: u32,
    pair: Pair,
}

impl Authenticator {
    pub fn es256(origin: &str, site: &str) -> Authenticator {
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).unwrap();
        Authenticator::with(Pair::Es256(pair), origin, site)
    }

    pub fn ed25519(origin: &str, site: &str) -> Authenticator {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        Authenticator::with(Pair::Ed25519(pair), origin, site)
    }

    fn with(pair: Pair, origin: &str, site: &str) -> Authenticator {
        let mut authenticator = Authenticator {
            origin: origin.into(),
            site: site.into(),
            id: Vec::new(),
            flags: 5,
            counter: 0,
            pair,
        };
        authenticator.id = sha256(&authenticator.cose()).0.to_vec();
        authenticator
    }

    pub fn client_data(&self, kind: &str, challenge: &str) -> String {
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        data.to_string()
    }

    /// The authenticator's data, with the passkey or without.
    pub fn data(&self, with_passkey: bool) -> Vec<u8> {
        let flags = self.flags | if with_passkey { 0x40 } else { 0 };
        let mut data = sha256(self.site.as_bytes()).0.to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        if with_passkey {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(self.cose());
        }
        data
    }

    /// The public key.
    pub fn cose(&self) -> Vec<u8> {
        let members: Vec<(i64, Value)> = match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (point[1..33].to_vec(), point[33..].to_vec());
                vec![
                    (1, 2.into()),
                    (3, (-7).into()),
                    (-1, 1.into()),
                    (-2, x.into()),
                    (-3, y.into()),
                ]
            }
            Pair::Ed25519(pair) => {
                let x = pair.public_key().as_ref().to_vec();
                vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, x.into())]
            }
        };
        map(members)
    }

    pub fn sign(&self, data: &[u8], client_data: &str) -> Vec<u8> {
        let signed = [data, &sha256(client_data.as_bytes()).0].concat();
        match &self.pair {
            Pair::Es256(pair) => {
                pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(&signed).as_ref().to_vec(),
        }
    }
}

/// A CBOR map.
pub fn map<K: Into<Value>>(members: Vec<(K, Value)>) -> Vec<u8> {
    let members = members.into_iter().map(|(key, value)| (key.into(), value)).collect();
    let mut bytes = Vec::new();
    into_writer(&Value::Map(members), &mut bytes).unwrap();
    bytes
}

/// An attestation object without attestation.
pub fn attestation(data: Vec<u8>) -> Vec<u8> {
    let statement = Value::Map(Vec::new());
    map(vec![("fmt", "none".into()), ("attStmt", statement), ("authData", data.into())])
}
