//! Who works on a sheet, where several processes of a registry share one database.
//!
//! A process claims a sheet before each step, and while a step takes long it says again and again that
//! it lives. A claim that stays as it is for a whole lease is a dead process's. Every process measures
//! that by its own clock alone, so that clocks need not agree.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use warifu_types::UnixTime;

/// A process's claim to a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The process: a random name that it has for as long as it lives.
    pub by: String,
    /// Since when.
    pub since: UnixTime,
    /// How often it has said that it lives.
    pub beats: u64,
}

impl Claim {
    /// A new one.
    pub fn new(by: &str, since: UnixTime) -> Claim {
        Claim { by: by.to_string(), since, beats: 0 }
    }
}

/// Whether the process `by` may take a sheet with this claim; `dead` is a claim whose process it has
/// found dead.
pub fn may_take(claim: Option<&Claim>, by: &str, dead: Option<&Claim>) -> bool {
    claim.is_none_or(|claim| claim.by == by || dead == Some(claim))
}

/// The claims of others, and since when each is as it is.
#[derive(Debug, Default)]
pub struct Watch(BTreeMap<String, (Claim, UnixTime)>);

impl Watch {
    /// Whether a sheet's claim has not changed for `lease` seconds of this process's own clock. It is
    /// watched from the first time on.
    pub fn is_dead(&mut self, number: &str, claim: &Claim, (now, lease): (UnixTime, u64)) -> bool {
        match self.0.get(number) {
            Some((known, since)) if known == claim => now >= since.plus(lease),
            _ => {
                // Sheets that another has brought to their end are never asked about again.
                self.0.retain(|_, (_, since)| now < since.plus(lease.saturating_mul(100)));
                self.0.insert(number.to_string(), (claim.clone(), now));
                false
            }
        }
    }

    /// The sheet need not be watched any more.
    pub fn forget(&mut self, number: &str) {
        self.0.remove(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_taken_that_is_free_or_own_or_a_dead_processs() {
        let claim = Claim::new("a", UnixTime(5));
        let later = Claim { beats: 1, ..claim.clone() };
        assert!(may_take(None, "b", None));
        assert!(may_take(Some(&claim), "a", None));
        assert!(!may_take(Some(&claim), "b", None));
        assert!(may_take(Some(&claim), "b", Some(&claim)));
        // It has said since that it lives.
        assert!(!may_take(Some(&later), "b", Some(&claim)));
    }

    #[test]
    fn a_claim_is_dead_that_stays_as_it_is_for_a_lease() {
        // What the other's clock says does not count.
        let claim = Claim::new("a", UnixTime(1_000_000));
        let mut watch = Watch::default();
        let mut at = |claim: &Claim, now| watch.is_dead("N-1", claim, (UnixTime(now), 20));
        assert!(!at(&claim, 100) && !at(&claim, 119) && at(&claim, 120));
        let later = Claim { beats: 1, ..claim };
        assert!(!at(&later, 120) && !at(&later, 139) && at(&later, 140));
        watch.forget("N-1");
        assert!(!watch.is_dead("N-1", &later, (UnixTime(200), 20)));
    }
}
