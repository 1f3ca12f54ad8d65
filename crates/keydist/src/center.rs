//! The center's side: a seed, and the shares that come from it.

use crate::{
    CenterEpoch, Matrix, Points, Share, Side, Thresholds, coefficients::Coefficients,
    encode::put_part, expansion::Expansion,
};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use warifu_types::Identifier;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What matrix keys are for, and the version of this crate's formats.
const LABEL: &[u8] = b"warifu-keydist/1 matrix";

/// 32 secret bytes from which a center's matrices expand. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CenterSeed([u8; 32]);

impl CenterSeed {
    /// From 256 random bits.
    pub fn from_bytes(bytes: [u8; 32]) -> CenterSeed {
        CenterSeed(bytes)
    }
}

impl fmt::Debug for CenterSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CenterSeed(secret)")
    }
}

/// All matrices of one center in one epoch.
///
/// # The matrices
/// A matrix with R coefficients on its rows and C on its columns is, in each of two instances,
///
/// f(x, y) = Σ a(i, j) · x^i · y^j, i = 1 … R, j = 1 … C
///
/// in the ring of POLYVAL: sums are exclusive or, and products *and powers* are its `dot` (RFC
/// 8452, section 3). No power is 0: POLYVAL has no constant term, so shares and keys are both just
/// POLYVAL over all coefficients. Holders × services: R = holders' threshold, C = services'
/// threshold. Services × services: R = C = services' threshold; in a square a(i, j) = a(j, i).
///
/// # The coefficients
/// The key of an instance of a matrix is HKDF-SHA-256 (no salt, the seed as input, 32 bytes out)
/// with this `info`; numbers are big endian:
///
/// | bytes | |
/// |---|---|
/// | length (4), text | `warifu-keydist/1 matrix` |
/// | length (4), text | the network's name, UTF-8 |
/// | length (4), bytes | the center's identifier ([`Identifier::write_canonical`]) |
/// | 4 | the epoch |
/// | length (4), text | the matrix, as its text |
/// | 4, 4 | R, C |
/// | 1 | the instance, 0 or 1 |
///
/// The coefficients are the ChaCha20 keystream of that key (RFC 8439: nonce zero, from block 0), in
/// blocks of 16 bytes: column after column, and within everything the highest power first. Block
/// number q · R + p is a(R - p, C - q), for p = 0 … R - 1 and q = 0 … C - 1. A square uses the
/// blocks with p <= q only, for both halves.
///
/// # The shares
/// A party on the rows with point x holds Σ a(i, j) · x^i for j = C … 1; a party on the columns
/// with point y holds Σ a(i, j) · y^j for i = R … 1.
pub struct CenterMatrices {
    seed: CenterSeed,
    network: String,
    center: CenterEpoch,
    thresholds: Thresholds,
}

impl CenterMatrices {
    /// The matrices that expand from `seed`. Nothing is computed yet.
    pub fn new(
        seed: CenterSeed,
        network: &str,
        center: CenterEpoch,
        thresholds: Thresholds,
    ) -> CenterMatrices {
        CenterMatrices { seed, network: network.to_string(), center, thresholds }
    }

    /// The center and its epoch.
    pub fn center(&self) -> &CenterEpoch {
        &self.center
    }

    /// The thresholds of every matrix here.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// A holder's share towards the services of a group.
    pub fn holder_share(&self, group: u32, who: &Identifier) -> Share {
        self.share(Matrix::Holders { group }, Side::Rows, who)
    }

    /// The share of a service of a group towards holders.
    pub fn service_share(&self, group: u32, who: &Identifier) -> Share {
        self.share(Matrix::Holders { group }, Side::Columns, who)
    }

    /// The share of a service of `own_group` towards the services of `other_group`, which may be
    /// the same.
    pub fn services_share(&self, own_group: u32, other_group: u32, who: &Identifier) -> Share {
        let side = if own_group <= other_group { Side::Rows } else { Side::Columns };
        self.share(Matrix::between_services(own_group, other_group), side, who)
    }

    fn share(&self, matrix: Matrix, side: Side, who: &Identifier) -> Share {
        let (rows, columns) = match matrix {
            Matrix::Holders { .. } => (self.thresholds.holders(), self.thresholds.services()),
            Matrix::Services { .. } => (self.thresholds.services(), self.thresholds.services()),
        };
        let points = Points::of(&self.network, self.center.epoch, who);
        let length = if side == Side::Rows { columns } else { rows };
        let mut coefficients = Coefficients::zeros(length);
        let instances = coefficients.instances_mut().iter_mut().zip(points.each());
        for (instance, (blocks, point)) in (0..).zip(instances) {
            let key = self.matrix_key(matrix, rows, columns, instance);
            let mut expansion = Expansion::new(&key, rows, columns);
            match side {
                _ if matrix.is_square() => expansion.at_square_point(point, blocks),
                Side::Rows => expansion.at_row_point(point, blocks),
                Side::Columns => expansion.at_column_point(point, blocks),
            }
        }
        Share {
            network: self.network.clone(),
            center: self.center.clone(),
            further: Vec::new(),
            matrix,
            side,
            thresholds: self.thresholds,
            owner: who.clone(),
            coefficients,
        }
    }

    fn matrix_key(
        &self,
        matrix: Matrix,
        rows: usize,
        columns: usize,
        instance: u8,
    ) -> Zeroizing<[u8; 32]> {
        let (mut info, mut center) = (Vec::new(), Vec::new());
        self.center.center.write_canonical(&mut center);
        put_part(&mut info, LABEL);
        put_part(&mut info, self.network.as_bytes());
        put_part(&mut info, &center);
        info.extend_from_slice(&self.center.epoch.to_be_bytes());
        put_part(&mut info, matrix.to_string().as_bytes());
        info.extend_from_slice(&(rows as u32).to_be_bytes());
        info.extend_from_slice(&(columns as u32).to_be_bytes());
        info.push(instance);
        let mut key = Zeroizing::new([0; 32]);
        let done = Hkdf::<Sha256>::new(None, &self.seed.0).expand(&info, &mut *key);
        // HKDF fails for more than 8,160 bytes only. If it ever did here, going on would mean a
        // matrix that everybody knows.
        assert!(done.is_ok(), "HKDF gives 32 bytes");
        key
    }
}

impl fmt::Debug for CenterMatrices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CenterMatrices")
            .field("network", &self.network)
            .field("center", &self.center)
            .field("thresholds", &self.thresholds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn matrices(seed: u8, network: &str, center: &str, epoch: u32) -> CenterMatrices {
        let center = CenterEpoch { center: Identifier::parse(center).unwrap(), epoch };
        let seed = CenterSeed::from_bytes([seed; 32]);
        CenterMatrices::new(seed, network, center, Thresholds::default())
    }

    #[test]
    fn every_input_changes_the_key_of_a_matrix() {
        let (h3, s33) = (Matrix::Holders { group: 3 }, Matrix::between_services(3, 3));
        let base = || matrices(1, "town", "domain:center.example", 1);
        let keys = [
            base().matrix_key(h3, 5, 4, 0),
            base().matrix_key(h3, 5, 4, 1),
            base().matrix_key(h3, 4, 5, 0),
            base().matrix_key(h3, 6, 4, 0),
            base().matrix_key(h3, 5, 3, 0),
            base().matrix_key(Matrix::Holders { group: 4 }, 5, 4, 0),
            base().matrix_key(s33, 5, 4, 0),
            matrices(2, "town", "domain:center.example", 1).matrix_key(h3, 5, 4, 0),
            matrices(1, "city", "domain:center.example", 1).matrix_key(h3, 5, 4, 0),
            matrices(1, "town", "domain:second.example", 1).matrix_key(h3, 5, 4, 0),
            matrices(1, "town", "domain:center.example", 2).matrix_key(h3, 5, 4, 0),
        ];
        let different: HashSet<[u8; 32]> = keys.iter().map(|key| **key).collect();
        assert_eq!(different.len(), keys.len());
    }
}
