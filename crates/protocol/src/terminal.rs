//! What a party needs to take part: its credential, keys, trust and floor.

use crate::{
    credential::{Class, Credential},
    derive::KeySource,
    error::{AtFault, ProtocolError, Reason, Result},
    hpke::HpkeSecret,
    signer::Signer,
    suite::SuiteFloor,
    trust::Trust,
};
use std::sync::Arc;
use warifu_keydist::{KeyCache, KeyError, KeyRing, PairKey};
use warifu_types::{Identifier, OrderId, Role, UnixTime};

/// How the network's parties come to their common keys (rows A2 to A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPolicy {
    /// Key predistribution.
    #[default]
    Predistributed,
    /// Agreed beforehand between each two.
    Agreed,
    /// Handed out by the center for each trade.
    HandedOut,
}

/// A party's side of the protocol.
pub struct Terminal {
    /// Its credential, checked.
    pub credential: Arc<Credential>,
    /// The credential as it is shown to peers.
    pub credential_token: String,
    /// Its signature key.
    pub signer: Arc<dyn Signer>,
    /// Its HPKE private keys: the current one and those still in their grace time.
    pub hpke: Vec<HpkeSecret>,
    /// Its shares and other keys.
    pub ring: KeyRing,
    /// Pair keys derived before.
    pub cache: KeyCache,
    /// Whom it believes.
    pub trust: Trust,
    /// The weakest suites that it uses or accepts.
    pub floor: SuiteFloor,
    /// How keys come about in this network.
    pub policy: KeyPolicy,
}

impl Terminal {
    /// Its identifier.
    pub fn id(&self) -> &Identifier {
        &self.credential.sub
    }

    /// The policy between this party and `peer`. With the center keys are always predistributed:
    /// it is what hands out the others.
    fn policy_with(&self, peer: &Credential) -> KeyPolicy {
        if peer.has_role(Role::Center) || self.credential.has_role(Role::Center) {
            KeyPolicy::Predistributed
        } else {
            self.policy
        }
    }

    /// The source of the key with `peer`, as this side would choose it when it sends.
    pub fn source_for(&self, peer: &Credential, now: UnixTime) -> Result<KeySource> {
        match self.policy_with(peer) {
            KeyPolicy::Agreed => Ok(KeySource::Agreed),
            KeyPolicy::HandedOut => Ok(KeySource::HandedOut),
            KeyPolicy::Predistributed => {
                let route = self.credential.route_to(peer)?;
                self.trust.check_route(&route, now, AtFault::Own, "credential.epochs")?;
                Ok(KeySource::Predistributed(route))
            }
        }
    }

    /// Refuses a source that a sender chose against the network's policy, or that does not lead
    /// from `peer` to here.
    pub fn check_source(
        &self,
        source: &KeySource,
        peer: &Credential,
        now: UnixTime,
        at_fault: AtFault,
        field: &'static str,
    ) -> Result<()> {
        let wrong = |reason| Err(ProtocolError::new(at_fault, reason, field));
        match (source, self.policy_with(peer)) {
            (KeySource::Agreed, KeyPolicy::Agreed) => Ok(()),
            (KeySource::HandedOut, KeyPolicy::HandedOut) => Ok(()),
            (KeySource::Predistributed(route), KeyPolicy::Predistributed) => {
                if peer.route_to(&self.credential)?.matrix != route.matrix {
                    return wrong(Reason::WrongParty);
                }
                self.trust.check_route(route, now, at_fault, field)
            }
            _ => wrong(Reason::Downgrade),
        }
    }

    /// The pair key, derived anew or from the cache.
    pub fn pair_key(
        &self,
        source: &KeySource,
        peer: &Identifier,
        trade: Option<&OrderId>,
    ) -> Result<PairKey> {
        let missing = || ProtocolError::own(Reason::MissingShare, "keys");
        match source {
            KeySource::Agreed => self.ring.agreed_key(peer).ok_or_else(missing),
            KeySource::HandedOut => {
                trade.and_then(|trade| self.ring.trade_key(trade, peer)).ok_or_else(missing)
            }
            KeySource::Predistributed(route) => {
                // A holder's share is short: deriving costs no more than remembering would.
                let key = match self.credential.class {
                    Class::Holder {} => self.ring.pair_key(peer, route),
                    Class::Service { .. } => self.cache.key(&self.ring, peer, route),
                };
                key.map_err(|error| key_error(&error))
            }
        }
    }

    /// The private HPKE key of this id.
    pub fn hpke_secret(&self, kid: &str) -> Option<&HpkeSecret> {
        self.hpke.iter().find(|secret| secret.kid() == kid)
    }
}

fn key_error(error: &KeyError) -> ProtocolError {
    match error {
        KeyError::MissingShare { .. } => ProtocolError::own(Reason::MissingShare, "keys"),
        _ => ProtocolError::own(Reason::Malformed, "keys"),
    }
}
