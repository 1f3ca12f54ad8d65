//! How many pooled shares a matrix withstands.

use crate::KeyError;
use serde::{Deserialize, Serialize};

/// The number of coefficients on each side of a matrix. A side falls to as many pooled shares as
/// it has coefficients, and to no fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Thresholds {
    holders: usize,
    services: usize,
}

/// As it stands in a file, before the bounds are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    holders: usize,
    services: usize,
}

impl Thresholds {
    /// The most coefficients on the holders' side.
    pub const MAX_HOLDERS: usize = 1 << 20;
    /// The most coefficients on the services' side. With the bound above, the keystream of a
    /// matrix stays within the 256 GiB of one ChaCha20 key.
    pub const MAX_SERVICES: usize = 1 << 12;

    /// `holders` coefficients on the holders' side (2 to [`Self::MAX_HOLDERS`]), `services` on the
    /// services' side (2 to [`Self::MAX_SERVICES`]).
    pub fn new(holders: usize, services: usize) -> Result<Thresholds, KeyError> {
        if !(2..=Self::MAX_HOLDERS).contains(&holders) {
            return Err(KeyError::BadThreshold { field: "holders" });
        }
        if !(2..=Self::MAX_SERVICES).contains(&services) {
            return Err(KeyError::BadThreshold { field: "services" });
        }
        Ok(Thresholds { holders, services })
    }

    /// Coefficients on the holders' side: the length of a service's share.
    pub fn holders(&self) -> usize {
        self.holders
    }

    /// Coefficients on the services' side: the length of a holder's share.
    pub fn services(&self) -> usize {
        self.services
    }

    /// How many services one group admits, so that all of them together learn nothing.
    pub fn capacity(&self) -> usize {
        self.services - 1
    }
}

impl Default for Thresholds {
    /// 16,385 × 256: withstands 16,384 pooled holders, and admits 255 services to a group.
    fn default() -> Self {
        Thresholds { holders: 16_385, services: 256 }
    }
}

impl TryFrom<Unchecked> for Thresholds {
    type Error = KeyError;
    fn try_from(unchecked: Unchecked) -> Result<Self, KeyError> {
        Thresholds::new(unchecked.holders, unchecked.services)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept() {
        let holders = Err(KeyError::BadThreshold { field: "holders" });
        let services = Err(KeyError::BadThreshold { field: "services" });
        assert_eq!(Thresholds::new(1, 2), holders);
        assert_eq!(Thresholds::new(Thresholds::MAX_HOLDERS + 1, 2), holders);
        assert_eq!(Thresholds::new(2, 1), services);
        assert_eq!(Thresholds::new(2, Thresholds::MAX_SERVICES + 1), services);
        assert!(Thresholds::new(2, 2).is_ok());
        assert!(Thresholds::new(Thresholds::MAX_HOLDERS, Thresholds::MAX_SERVICES).is_ok());
        let keystream = 16 * (Thresholds::MAX_HOLDERS as u64) * (Thresholds::MAX_SERVICES as u64);
        assert!(keystream < 64 << 32, "one ChaCha20 key has 2^32 blocks of 64 bytes");
    }

    #[test]
    fn the_default_is_the_documented_one() {
        let default = Thresholds::default();
        assert_eq!(Thresholds::new(default.holders(), default.services()), Ok(default));
        assert_eq!((default.holders(), default.services(), default.capacity()), (16_385, 256, 255));
    }

    #[test]
    fn files_are_checked_too() {
        let read = serde_json::from_str::<Thresholds>;
        assert_eq!(read(r#"{"holders":5,"services":4}"#).ok(), Thresholds::new(5, 4).ok());
        assert!(read(r#"{"holders":1,"services":4}"#).is_err());
        assert!(read(r#"{"holders":5,"services":4,"brokers":1}"#).is_err());
    }
}
