//! Which centers, in which epochs, and which matrix a key comes from.

use crate::{KeyError, Matrix};
use serde::{Deserialize, Serialize};
use warifu_types::Identifier;

/// The most centers that one key may be summed from.
pub const MAX_CENTERS: usize = 16;

/// One center's epoch. As JSON: `{"center": identifier, "epoch": number}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterEpoch {
    /// The center.
    pub center: Identifier,
    /// The number of its epoch; each epoch has matrices and points of its own.
    pub epoch: u32,
}

/// Where a pair key comes from: the centers whose shares are added, in an order that both parties
/// use in their derivations, and the matrix. As JSON: `{"epochs": [...], "matrix": "h3"}`.
///
/// A route may come from a peer and is checked where it is used ([`Route::check`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The centers and their epochs: 1 to [`MAX_CENTERS`], each center once.
    pub epochs: Vec<CenterEpoch>,
    /// The matrix, the same at every center.
    pub matrix: Matrix,
}

impl Route {
    /// Refuses a route with no center, with too many, or with one center twice.
    pub fn check(&self) -> Result<(), KeyError> {
        if self.epochs.is_empty() {
            return Err(KeyError::NoCenters);
        }
        if self.epochs.len() > MAX_CENTERS {
            return Err(KeyError::TooManyCenters);
        }
        for (n, epoch) in self.epochs.iter().enumerate() {
            if self.epochs[..n].iter().any(|earlier| earlier.center == epoch.center) {
                return Err(KeyError::RepeatedCenter { center: epoch.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_documented_one() {
        let text = r#"{"epochs":[{"center":"domain:center.example","epoch":7}],"matrix":"h3"}"#;
        let route: Route = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&route).unwrap(), text);
        assert!(serde_json::from_str::<Route>(&text.replace("h3", "h03")).is_err());
        assert!(serde_json::from_str::<Route>(&text.replace("}],", ",\"x\":1}],")).is_err());
        assert!(
            serde_json::from_str::<Route>(&text.replace("\"h3\"}", "\"h3\",\"x\":1}")).is_err()
        );
    }
}
