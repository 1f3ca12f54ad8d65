//! Where a network's keys come from, and how parts are encrypted.

use warifu::demo::network::Setup;
use warifu_protocol::{suite::Suite, terminal::KeyPolicy};

/// How a tapped network has its keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keys {
    /// The one suite; none means the usual ones with their usual floor.
    pub suite: Option<Suite>,
    /// Where the keys of two parties come from.
    pub policy: KeyPolicy,
    /// Whether every key is the sum of two centers'.
    pub second_center: bool,
}

impl Keys {
    /// Predistributed keys, with `kps` alone.
    pub const KPS: Keys = Keys { suite: Some(Suite::Kps), ..Keys::HPKE };
    /// Predistributed keys, with the usual suites.
    pub const HPKE: Keys =
        Keys { suite: None, policy: KeyPolicy::Predistributed, second_center: false };

    /// The suite of every part, as its header says it.
    pub fn word(self) -> &'static str {
        if self.suite == Some(Suite::Kps) { "kps" } else { "kps+hpke" }
    }

    /// These keys with each suite in a long run; otherwise with the one that they have.
    pub fn with_each_suite(self) -> Vec<Keys> {
        match std::env::var_os("WARIFU_LONG") {
            Some(_) => [None, Some(Suite::Kps)].map(|suite| Keys { suite, ..self }).to_vec(),
            None => vec![self],
        }
    }

    /// Sets a network up so.
    pub fn apply_to(self, setup: &mut Setup) {
        (setup.policy, setup.second_center) = (self.policy, self.second_center);
        if let Some(suite) = self.suite {
            setup.minimum = Some(suite);
            setup.suites = vec![suite];
        }
    }
}
