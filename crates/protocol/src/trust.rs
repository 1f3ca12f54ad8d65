//! Whom a party believes: the network's centers, their keys, and the epochs still accepted.

use crate::{
    credential::{CREDENTIAL, Credential},
    encode::sha256,
    error::{AtFault, ProtocolError, Reason, Result},
    form::{CheckedFormRef, FORM, Form},
    jws,
    signer::VerifyingKey,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use warifu_keydist::{CenterEpoch, Route};
use warifu_types::{Digest, Identifier, UnixTime};

/// One center of the network, as a party has pinned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedCenter {
    /// The center's identifier.
    pub center: Identifier,
    /// Its verification key.
    pub key: VerifyingKey,
    /// The epoch in force.
    pub epoch: u32,
    /// Until when orders under the epoch before are still accepted.
    pub grace_until: UnixTime,
}

/// What a party has pinned of its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchors {
    /// The network's name.
    pub network: String,
    /// Every center whose share is part of every key, in the network's order.
    #[serde(deserialize_with = "crate::encode::objects")]
    pub centers: Vec<PinnedCenter>,
}

/// A form that was checked, with the hash that orders name it by.
#[derive(Debug)]
pub struct CheckedForm {
    /// The claims.
    pub form: Form,
    /// SHA-256 of the token.
    pub hash: Digest,
}

impl CheckedForm {
    /// Borrowed.
    pub fn borrowed(&self) -> CheckedFormRef<'_> {
        CheckedFormRef { form: &self.form, hash: &self.hash }
    }
}

/// The anchors, with a memory of the credentials and forms that were checked before.
pub struct Trust {
    anchors: Anchors,
    capacity: usize,
    credentials: Memory<Digest, Credential>,
    /// By the form's hash and the key that verified it.
    forms: Memory<(Digest, [u8; 32]), CheckedForm>,
}

type Memory<K, V> = Mutex<HashMap<K, Arc<V>>>;

impl Trust {
    /// Remembers up to `capacity` credentials and as many forms; forgets all when full.
    pub fn new(anchors: Anchors, capacity: usize) -> Trust {
        Trust { anchors, capacity, credentials: Mutex::default(), forms: Mutex::default() }
    }

    /// The anchors.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The network's name.
    pub fn network(&self) -> &str {
        &self.anchors.network
    }

    /// Checks a credential: signed by a center of this network, for it, and in time.
    pub fn credential(
        &self,
        token: &str,
        now: UnixTime,
        at_fault: AtFault,
    ) -> Result<Arc<Credential>> {
        let hash = sha256(token.as_bytes());
        if let Some(known) = remembered(&self.credentials, &hash) {
            known.check_time(now, at_fault)?;
            return Ok(known);
        }
        // Read once: what is read before its signature is verified leaves only after it was.
        let credential: Credential = jws::peek(CREDENTIAL, token, at_fault)?;
        let untrusted = || ProtocolError::new(at_fault, Reason::Untrusted, "credential.iss");
        let center = self.anchors.centers.iter().find(|c| c.center == credential.iss);
        let center = center.ok_or_else(untrusted)?;
        jws::verify_signature(CREDENTIAL, token, &center.key, at_fault)?;
        self.check_network(&credential.network, at_fault, "credential.network")?;
        credential.check_time(now, at_fault)?;
        Ok(remember(&self.credentials, self.capacity, hash, Arc::new(credential)))
    }

    /// Checks a form against its merchant's credential.
    pub fn form(
        &self,
        token: &str,
        merchant: &Credential,
        now: UnixTime,
        at_fault: AtFault,
    ) -> Result<Arc<CheckedForm>> {
        let hash = sha256(token.as_bytes());
        let key = (hash, *merchant.key.as_bytes());
        if let Some(known) = remembered(&self.forms, &key) {
            known.form.check(self.network(), merchant, now, at_fault)?;
            return Ok(known);
        }
        let form: Form = jws::verify(FORM, token, &merchant.key, at_fault)?;
        form.check(self.network(), merchant, now, at_fault)?;
        Ok(remember(&self.forms, self.capacity, key, Arc::new(CheckedForm { form, hash })))
    }

    /// Refuses another network's message.
    pub fn check_network(
        &self,
        network: &str,
        at_fault: AtFault,
        field: &'static str,
    ) -> Result<()> {
        if network == self.anchors.network {
            Ok(())
        } else {
            Err(ProtocolError::new(at_fault, Reason::WrongNetwork, field))
        }
    }

    /// Refuses a route that leaves a center out, adds one, or names an epoch that is over.
    pub fn check_route(
        &self,
        route: &Route,
        now: UnixTime,
        at_fault: AtFault,
        field: &'static str,
    ) -> Result<()> {
        let wrong = |reason| Err(ProtocolError::new(at_fault, reason, field));
        if route.epochs.len() != self.anchors.centers.len() {
            return wrong(Reason::Untrusted);
        }
        for (CenterEpoch { center, epoch }, pinned) in
            route.epochs.iter().zip(&self.anchors.centers)
        {
            if *center != pinned.center {
                return wrong(Reason::Untrusted);
            }
            let current = *epoch == pinned.epoch;
            let grace = epoch.checked_add(1) == Some(pinned.epoch) && now < pinned.grace_until;
            if !current && !grace {
                return wrong(Reason::OldEpoch);
            }
        }
        Ok(())
    }

    /// How many centers there are, by identifier, with their current epochs.
    pub fn current_epochs(&self) -> BTreeMap<Identifier, u32> {
        self.anchors.centers.iter().map(|c| (c.center.clone(), c.epoch)).collect()
    }
}

/// A poisoned lock holds only a memory, so it is used as it stands.
fn remembered<K: std::hash::Hash + Eq, V>(memory: &Memory<K, V>, key: &K) -> Option<Arc<V>> {
    memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(key).cloned()
}

fn remember<K: std::hash::Hash + Eq, V>(
    memory: &Memory<K, V>,
    capacity: usize,
    key: K,
    value: Arc<V>,
) -> Arc<V> {
    let mut memory = memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if memory.len() >= capacity {
        memory.clear();
    }
    memory.insert(key, value.clone());
    value
}
