//! Cipher suites and the floor below which a terminal never goes (row D5).

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use warifu_types::FieldName;

/// How the key of a part is made. The order is by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Suite {
    /// From the pair key alone: nothing but identifiers is needed, no forward secrecy.
    #[serde(rename = "kps")]
    Kps,
    /// HPKE (RFC 9180) in PSK mode with X-Wing, the pair key as PSK: forward secrecy as far as the
    /// recipient rotates its key, and resistance to a quantum adversary.
    #[serde(rename = "kps+hpke")]
    KpsHpke,
}

impl Suite {
    /// The name in formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Suite::Kps => "kps",
            Suite::KpsHpke => "kps+hpke",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The weakest suite that a terminal uses or accepts, by field. Fixed when the terminal starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteFloor {
    /// For every field that is not named.
    pub general: Suite,
    /// For single fields.
    #[serde(default)]
    pub fields: BTreeMap<FieldName, Suite>,
}

impl Default for SuiteFloor {
    /// `kps`, but `kps+hpke` for the card and the destination.
    fn default() -> Self {
        let fields = [FieldName::CARD_NUMBER, FieldName::CARD_EXPIRY, FieldName::DESTINATION]
            .map(|field| (field, Suite::KpsHpke));
        SuiteFloor { general: Suite::Kps, fields: fields.into() }
    }
}

impl SuiteFloor {
    /// One floor for everything.
    pub fn all(suite: Suite) -> SuiteFloor {
        SuiteFloor { general: suite, fields: BTreeMap::new() }
    }

    /// The weakest suite for a part with these fields.
    pub fn for_fields<'a>(&self, fields: impl IntoIterator<Item = &'a FieldName>) -> Suite {
        fields
            .into_iter()
            .map(|field| self.fields.get(field).copied().unwrap_or(self.general))
            .fold(self.general, Suite::max)
    }
}
