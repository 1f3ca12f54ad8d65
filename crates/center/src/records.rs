//! The center's documents.

use serde::{Deserialize, Serialize};
use warifu_ports::Collection;
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
    /// What every matrix expands from.
    pub seed: Nonce,
    pub epoch: u32,
    pub grace_until: UnixTime,
    /// The network's other centers.
    pub others: Vec<PinnedCenter>,
    /// How many services were admitted, this center included.
    pub services: u32,
    /// How long a credential is good, in seconds.
    pub lifetime: u64,
}

impl Drop for CenterRecord {
    fn drop(&mut self) {
        self.seed.0.zeroize();
    }
}

/// A party in the register.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub class: Class,
    pub enrolment: Enrolment,
}

/// Says that something is taken, and by whom.
#[derive(Serialize, Deserialize)]
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

/// The one key in [`CENTER`].
pub const OWN: &str = "own";
