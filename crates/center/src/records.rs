//! The center's documents.

use crate::CenterError;
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{credential::Class, enrolment::Enrolment, trust::PinnedCenter};
use warifu_types::{Identifier, Nonce, UnixTime};
use zeroize::Zeroize;

/// The center itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterRecord {
    pub network: String,
    pub identifier: Identifier,
    /// Coefficients on the holders' side and on the services'.
    pub thresholds: (usize, usize),
    /// What every matrix of the epoch in force expands from.
    pub seed: Nonce,
    pub epoch: u32,
    pub grace_until: UnixTime,
    /// When the epoch began; zero for the first.
    #[serde(default = "long_ago")]
    pub begun: UnixTime,
    /// The epoch before, while its grace time runs.
    #[serde(default)]
    pub previous: Option<PreviousEpoch>,
    /// The network's centers before this one in its order. The first of all enrols the parties.
    #[serde(default)]
    pub before: Vec<PinnedCenter>,
    /// The network's centers after this one.
    pub others: Vec<PinnedCenter>,
    /// Where the network's first center answers; unset at the first itself.
    #[serde(default)]
    pub first_url: Option<String>,
    /// How many services were admitted, this center included.
    pub services: u32,
    /// How long a credential is good, in seconds.
    pub lifetime: u64,
}

/// An epoch that is over but for its grace time.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviousEpoch {
    pub epoch: u32,
    pub seed: Nonce,
}

impl Drop for PreviousEpoch {
    fn drop(&mut self) {
        self.seed.0.zeroize();
    }
}

impl Drop for CenterRecord {
    fn drop(&mut self) {
        self.seed.0.zeroize();
    }
}

/// A party in the register.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub class: Class,
    /// What the party was given last. At a further center the credential is the one that it showed.
    pub enrolment: Enrolment,
    /// The epoch of the shares.
    #[serde(default = "first_epoch")]
    pub epoch: u32,
    /// Gets nothing more from this center.
    #[serde(default)]
    pub revoked: bool,
}

fn long_ago() -> UnixTime {
    UnixTime(0)
}

fn first_epoch() -> u32 {
    1
}

/// Says that something is taken, and by whom.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    pub by: Identifier,
}

/// A key that the center handed out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeKey {
    pub key: Nonce,
}

impl Drop for TradeKey {
    fn drop(&mut self) {
        self.key.0.zeroize();
    }
}

pub const CENTER: Collection<CenterRecord> = Collection::new("center");
pub const MEMBERS: Collection<Member> = Collection::new("members");
pub const SKELETONS: Collection<Taken> = Collection::new("skeletons");
pub const POINTS: Collection<Taken> = Collection::new("points");
pub const NAMES: Collection<Taken> = Collection::new("names");
pub const TRADE_KEYS: Collection<TradeKey> = Collection::new("trade_keys");
/// At a further center: how many services of each group it knows.
pub const GROUPS: Collection<u32> = Collection::new("groups");

/// The encrypted shares that each party was given last: long, and read by few, so apart from
/// [`MEMBERS`], where they are empty.
const SHARES: Collection<String> = Collection::new("member_shares");

/// The one key in [`CENTER`].
pub const OWN: &str = "own";

/// The center's record.
pub fn own(unit: &mut dyn Unit) -> Result<CenterRecord, CenterError> {
    CENTER.get(unit, OWN)?.ok_or(CenterError::Absent)
}

/// A party that is in the register and was not revoked.
pub fn member(unit: &mut dyn Unit, who: &Identifier) -> Result<Member, CenterError> {
    match MEMBERS.get(unit, who.as_str())? {
        None => Err(CenterError::Unknown),
        Some(member) if member.revoked => Err(CenterError::Revoked),
        Some(member) => Ok(member),
    }
}

/// Keeps a party in the register. Empty shares leave those that are kept.
pub fn keep(unit: &mut dyn Unit, who: &Identifier, member: &Member) -> Result<(), StoreError> {
    let mut light = member.clone();
    let shares = std::mem::take(&mut light.enrolment.shares);
    if !shares.is_empty() {
        SHARES.put(unit, who.as_str(), &shares)?;
    }
    MEMBERS.put(unit, who.as_str(), &light)
}

/// What a party was given last, with the shares.
pub fn with_shares(
    unit: &mut dyn Unit,
    who: &Identifier,
    member: Member,
) -> Result<Enrolment, StoreError> {
    let lost = || StoreError::Corrupt { collection: SHARES.name().to_string() };
    let shares = SHARES.get(unit, who.as_str())?.ok_or_else(lost)?;
    Ok(Enrolment { shares, ..member.enrolment })
}
