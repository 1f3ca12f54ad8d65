//! A party's secret share of a matrix.

use crate::{
    CenterEpoch, KeyError, MAX_CENTERS, Matrix, PairKey, Points, Side, Thresholds,
    coefficients::Coefficients,
};
use std::fmt;
use warifu_types::Identifier;

/// What one party holds of one matrix: the polynomial with its own point put in. Secret; wiped
/// when dropped.
///
/// [`Share::add`] makes one share of the shares of several centers.
pub struct Share {
    pub(crate) network: String,
    /// The center, or of several the first in the order of identifiers.
    pub(crate) center: CenterEpoch,
    /// The other centers of a sum, in that order, in the same epoch number.
    pub(crate) further: Vec<Identifier>,
    pub(crate) matrix: Matrix,
    pub(crate) side: Side,
    pub(crate) thresholds: Thresholds,
    pub(crate) owner: Identifier,
    pub(crate) coefficients: Coefficients,
}

impl Share {
    /// The network's name.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The center that issued the share and its epoch; of a sum, the first.
    pub fn center(&self) -> &CenterEpoch {
        &self.center
    }

    /// All centers whose shares this is the sum of, in the order of their identifiers; mostly one.
    pub fn epochs(&self) -> Vec<CenterEpoch> {
        let epoch = self.center.epoch;
        let further =
            self.further.iter().map(|center| CenterEpoch { center: center.clone(), epoch });
        std::iter::once(self.center.clone()).chain(further).collect()
    }

    /// Whether this is the sum of shares of several centers.
    pub fn is_sum(&self) -> bool {
        !self.further.is_empty()
    }

    /// The matrix.
    pub fn matrix(&self) -> Matrix {
        self.matrix
    }

    /// Where the owner stands.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The thresholds of the matrix.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Whose share this is.
    pub fn owner(&self) -> &Identifier {
        &self.owner
    }

    /// The key with a peer on the other side of the matrix (in a square: any peer).
    pub fn pair_key(&self, peer: &Identifier) -> PairKey {
        self.pair_key_at(&Points::of(&self.network, self.center.epoch, peer))
    }

    /// As [`Share::pair_key`], from points that the caller has hashed, in the share's network and
    /// epoch.
    pub fn pair_key_at(&self, peer: &Points) -> PairKey {
        self.coefficients.evaluate(peer)
    }

    /// One share of two: its keys are the keys of both added. The shares are of one network, epoch
    /// number, matrix, side, thresholds and owner, and of different centers.
    pub fn add(&self, other: &Share) -> Result<Share, KeyError> {
        let differs = |field| Err(KeyError::CannotAdd { field });
        if self.network != other.network {
            return differs("network");
        }
        if self.center.epoch != other.center.epoch {
            return differs("epochs");
        }
        if self.matrix != other.matrix {
            return differs("matrix");
        }
        if self.side != other.side {
            return differs("side");
        }
        if self.thresholds != other.thresholds {
            return differs("thresholds");
        }
        if self.owner != other.owner {
            return differs("owner");
        }
        let (center, further) = self.centers_with(other)?;
        Ok(Share {
            network: self.network.clone(),
            center,
            further,
            matrix: self.matrix,
            side: self.side,
            thresholds: self.thresholds,
            owner: self.owner.clone(),
            coefficients: self.coefficients.sum(&other.coefficients),
        })
    }

    /// The centers of both shares in order, first and further ones. A center in both would cancel
    /// itself out.
    fn centers_with(&self, other: &Share) -> Result<(CenterEpoch, Vec<Identifier>), KeyError> {
        let mut all = self.epochs();
        for center in other.epochs() {
            if all.contains(&center) {
                return Err(KeyError::RepeatedCenter { center });
            }
            all.push(center);
        }
        if all.len() > MAX_CENTERS {
            return Err(KeyError::TooManyCenters);
        }
        all.sort();
        let mut all = all.into_iter();
        let first = all.next().ok_or(KeyError::NoCenters)?;
        Ok((first, all.map(|epoch| epoch.center).collect()))
    }

    /// How many coefficients an instance has: what the other side's threshold says.
    pub(crate) fn length(matrix: Matrix, side: Side, thresholds: Thresholds) -> usize {
        match (matrix, side) {
            (Matrix::Holders { .. }, Side::Columns) => thresholds.holders(),
            _ => thresholds.services(),
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("network", &self.network)
            .field("epochs", &self.epochs())
            .field("matrix", &self.matrix)
            .field("side", &self.side)
            .field("thresholds", &self.thresholds)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
