//! A party's own secrets at rest: its keys, its credential and its shares, as documents of its
//! store, which encrypts them.

use crate::Random;
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use warifu_keydist::{KeyCache, KeyRing, PairKey, Share};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::CREDENTIAL,
    enrolment::{self, Enrolment, EnrolmentRequest},
    hpke::HpkeSecret,
    jws,
    signer::{Signer, SigningKey},
    suite::{Suite, SuiteFloor},
    terminal::{KeyPolicy, Terminal},
    trust::{Anchors, Trust},
};
use warifu_types::{Identifier, Nonce, Role, UnixTime};
use zeroize::{Zeroize, Zeroizing};

mod installed;
mod renewed;

pub use installed::{Whole, install, whole};
pub use renewed::{Collected, Held, ended, forget_ended, held_since, sweep, take_up};

const IDENTITY: Collection<Identity> = Collection::new("identity");
const SHARES: Collection<StoredShare> = Collection::new("identity_shares");
const AGREED: Collection<AgreedKey> = Collection::new("identity_agreed_keys");
const KEY: &str = "own";

/// How many credentials, forms and pair keys a terminal remembers.
const REMEMBERED: usize = 10_000;

/// A party's keys and credential. Its seeds are zeroized on drop and never shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The identifier that was asked for.
    sub: Identifier,
    roles: Vec<Role>,
    suites: Vec<Suite>,
    url: Option<String>,
    signing_seed: Nonce,
    hpke_seeds: Vec<Nonce>,
    /// None until the center's answer is accepted.
    enrolled: Option<Enrolled>,
    /// Goes up with every change of credential, anchors or shares, so that a running service sees
    /// what a command beside it has changed.
    #[serde(default)]
    changes: u64,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolled {
    anchors: Anchors,
    credential: String,
}

/// A share file within its document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredShare {
    file: String,
}

/// A key that was agreed beforehand with one peer (row A4).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreedKey {
    key: Nonce,
}

impl Drop for AgreedKey {
    fn drop(&mut self) {
        self.key.0.zeroize();
    }
}

impl Drop for StoredShare {
    fn drop(&mut self) {
        self.file.zeroize();
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.signing_seed.0.zeroize();
        self.hpke_seeds.iter_mut().for_each(|seed| seed.0.zeroize());
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, secret)", self.sub)
    }
}

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is none yet.
    #[error("this party has no keys yet: make a request for enrolment first")]
    Absent,
    /// There is one already, for another identifier.
    #[error("this party has keys already")]
    Exists,
    /// The center's answer was not accepted yet.
    #[error("this party is not enrolled yet: import the center's answer first")]
    NotEnrolled,
    /// The answer is refused.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a party asks the center for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The identifier.
    pub sub: Identifier,
    /// The roles.
    pub roles: Vec<Role>,
    /// The suites that it will accept.
    pub suites: Vec<Suite>,
    /// Where its service answers.
    pub url: Option<String>,
}

/// Makes a party's keys, once; a second call with the same wish keeps them. Returns the request.
pub fn request(
    unit: &mut dyn Unit,
    wish: &Wish,
    now: UnixTime,
    random: &mut Random,
) -> Result<String, IdentityError> {
    let identity = match IDENTITY.get(unit, KEY)? {
        Some(known) if known.sub == wish.sub && known.roles == wish.roles => known,
        Some(_) => return Err(IdentityError::Exists),
        None => {
            let mut seeds = [[0; 32]; 2];
            seeds.iter_mut().for_each(|seed| random.fill_bytes(seed));
            let identity = Identity {
                sub: wish.sub.clone(),
                roles: wish.roles.clone(),
                suites: wish.suites.clone(),
                url: wish.url.clone(),
                signing_seed: Nonce(seeds[0]),
                hpke_seeds: vec![Nonce(seeds[1])],
                enrolled: None,
                changes: 0,
            };
            seeds.zeroize();
            IDENTITY.put(unit, KEY, &identity)?;
            identity
        }
    };
    let key = SigningKey::from_seed(&identity.signing_seed.0);
    let request = EnrolmentRequest {
        sub: identity.sub.clone(),
        roles: identity.roles.clone(),
        key: key.verifying_key(),
        hpke: secrets(&identity).iter().map(HpkeSecret::public).collect(),
        suites: identity.suites.clone(),
        url: identity.url.clone(),
        iat: now,
    };
    Ok(request.sign(&key))
}

/// Accepts the center's answer: checks it, decrypts the shares, keeps both.
pub fn accept(
    unit: &mut dyn Unit,
    enrolment: &Enrolment,
    now: UnixTime,
) -> Result<(), IdentityError> {
    let mut identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    let at_fault = AtFault::Role(Role::Center);
    let trust = Trust::new(enrolment.anchors.clone(), 4);
    let credential = trust.credential(&enrolment.credential, now, at_fault)?;
    let key = SigningKey::from_seed(&identity.signing_seed.0);
    if credential.sub != identity.sub || credential.key != key.verifying_key() {
        return Err(ProtocolError::new(at_fault, Reason::WrongParty, CREDENTIAL.word).into());
    }
    let shares = enrolment::decrypt_shares(&enrolment.shares, &identity.sub, &secrets(&identity))?;
    keep_shares(unit, shares.iter())?;
    identity.enrolled = Some(Enrolled {
        anchors: enrolment.anchors.clone(),
        credential: enrolment.credential.clone(),
    });
    identity.changes += 1;
    IDENTITY.put(unit, KEY, &identity)?;
    Ok(())
}

/// Keeps shares, so that they need not be fetched again.
pub fn keep_shares<'a>(
    unit: &mut dyn Unit,
    shares: impl IntoIterator<Item = &'a Share>,
) -> Result<(), StoreError> {
    for share in shares {
        let key = share_key(share);
        let file = String::from_utf8_lossy(&share.to_file()).into_owned();
        SHARES.put(unit, &key, &StoredShare { file })?;
    }
    Ok(())
}

/// Where a share lies.
fn share_key(share: &Share) -> String {
    let center = share.center();
    format!("{}/{}/{}", center.center, center.epoch, share.matrix())
}

/// Keeps a key that was agreed beforehand with `peer`: 256 random bits, the same at both. It takes
/// the place of one that was agreed before.
pub fn agree(
    unit: &mut dyn Unit,
    peer: &Identifier,
    key: Zeroizing<[u8; 32]>,
) -> Result<(), IdentityError> {
    if *key == [0; 32] {
        return Err(ProtocolError::own(Reason::BadValue, "key").into());
    }
    Ok(AGREED.put(unit, peer.as_str(), &AgreedKey { key: Nonce(*key) })?)
}

/// What the party asked its center for.
pub fn wish(unit: &mut dyn Unit) -> Result<Wish, IdentityError> {
    let identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    Ok(Wish {
        sub: identity.sub.clone(),
        roles: identity.roles.clone(),
        suites: identity.suites.clone(),
        url: identity.url.clone(),
    })
}

/// The party's signature key, for what it signs before it is enrolled.
pub fn signing_key(unit: &mut dyn Unit) -> Result<SigningKey, IdentityError> {
    let identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    Ok(SigningKey::from_seed(&identity.signing_seed.0))
}

/// The party's terminal, from its records.
pub fn load(
    unit: &mut dyn Unit,
    floor: SuiteFloor,
    policy: KeyPolicy,
) -> Result<Terminal, IdentityError> {
    let identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    let enrolled = identity.enrolled.clone().ok_or(IdentityError::NotEnrolled)?;
    let own = |_| ProtocolError::own(Reason::Malformed, "shares");
    let mut ring = KeyRing::new(&enrolled.anchors.network, identity.sub.clone());
    for share in stored_shares(unit)? {
        ring.insert(share).map_err(own)?;
    }
    let mut after = String::new();
    loop {
        let page = AGREED.scan(unit, &after, 100)?;
        let Some((last, _)) = page.last() else { break };
        after = last.clone();
        for (peer, agreed) in &page {
            let peer = Identifier::parse_canonical(peer)
                .map_err(|_| ProtocolError::own(Reason::Malformed, "agreed_keys"))?;
            ring.agree(peer, PairKey::from_bytes(agreed.key.0)).map_err(own)?;
        }
    }
    // The credential is the party's own and was checked when it was accepted; its expiry is the
    // peers' business.
    let claims = jws::peek(CREDENTIAL, &enrolled.credential, AtFault::Own)?;
    Ok(Terminal {
        credential: Arc::new(claims),
        credential_token: enrolled.credential,
        signer: Arc::new(SigningKey::from_seed(&identity.signing_seed.0)),
        hpke: secrets(&identity),
        ring,
        cache: KeyCache::new(REMEMBERED),
        trust: Trust::new(enrolled.anchors, REMEMBERED),
        floor,
        policy,
    })
}

/// Every share that is kept.
fn stored_shares(unit: &mut dyn Unit) -> Result<Vec<Share>, IdentityError> {
    let own = |_| ProtocolError::own(Reason::Malformed, "shares");
    let (mut shares, mut after) = (Vec::new(), String::new());
    loop {
        let page = SHARES.scan(unit, &after, 100)?;
        let Some((last, _)) = page.last() else { break };
        after = last.clone();
        for (_, stored) in &page {
            shares.push(Share::from_file(stored.file.as_bytes()).map_err(own)?);
        }
    }
    Ok(shares)
}

fn secrets(identity: &Identity) -> Vec<HpkeSecret> {
    identity.hpke_seeds.iter().map(|seed| HpkeSecret::from_seed(seed.0)).collect()
}
