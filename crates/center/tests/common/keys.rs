//! A party's keys, its request, and its terminal once it is enrolled.

use super::net::id;
use std::sync::Arc;
use warifu_keydist::{KeyCache, KeyRing};
use warifu_ports::FixedClock;
use warifu_protocol::{
    AtFault,
    credential::CREDENTIAL,
    enrolment::{Enrolment, EnrolmentRequest, decrypt_shares},
    hpke::HpkeSecret,
    jws,
    signer::{Signer, SigningKey},
    suite::{Suite, SuiteFloor},
    terminal::{KeyPolicy, Terminal},
    trust::Trust,
};
use warifu_store::OsEntropy;
use warifu_types::{Identifier, Role, UnixTime};
use warifu_wire::Party;

#[derive(Clone)]
pub struct Keys {
    pub sub: Identifier,
    pub roles: Vec<Role>,
    pub url: Option<String>,
    seed: [u8; 32],
}

impl Keys {
    pub fn new(sub: &str, role: Role, url: Option<String>, number: u8) -> Keys {
        Keys { sub: id(sub), roles: vec![role], url, seed: [number; 32] }
    }

    /// Keys of which there are more than numbers.
    pub fn seeded(sub: &str, role: Role, seed: [u8; 32]) -> Keys {
        Keys { sub: id(sub), roles: vec![role], url: None, seed }
    }

    /// What the signature key is made of, which the terminal alone has.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub fn signer(&self) -> SigningKey {
        SigningKey::from_seed(&self.seed)
    }

    fn hpke(&self) -> HpkeSecret {
        let mut seed = self.seed;
        seed[31] ^= 0xff;
        HpkeSecret::from_seed(seed)
    }

    pub fn request(&self, now: UnixTime) -> String {
        let request = EnrolmentRequest {
            sub: self.sub.clone(),
            roles: self.roles.clone(),
            key: self.signer().verifying_key(),
            hpke: vec![self.hpke().public()],
            suites: vec![Suite::KpsHpke, Suite::Kps],
            url: self.url.clone(),
            iat: now,
        };
        request.sign(&self.signer())
    }

    pub fn terminal(&self, enrolment: &Enrolment) -> Terminal {
        let credential = jws::peek(CREDENTIAL, &enrolment.credential, AtFault::Own).unwrap();
        let mut ring = KeyRing::new(&enrolment.anchors.network, self.sub.clone());
        for share in decrypt_shares(&enrolment.shares, &self.sub, &[self.hpke()]).unwrap() {
            ring.insert(share).unwrap();
        }
        Terminal {
            credential: Arc::new(credential),
            credential_token: enrolment.credential.clone(),
            signer: Arc::new(self.signer()),
            hpke: vec![self.hpke()],
            ring,
            cache: KeyCache::new(100),
            trust: Trust::new(enrolment.anchors.clone(), 100),
            floor: SuiteFloor::default(),
            policy: KeyPolicy::Predistributed,
        }
    }

    pub fn party(
        &self,
        enrolment: &Enrolment,
        clock: &Arc<FixedClock>,
        center: &(Identifier, String),
    ) -> Arc<Party> {
        let terminal = self.terminal(enrolment);
        Party::new(terminal, clock.clone(), Arc::new(OsEntropy), Some(center.clone()))
    }
}
