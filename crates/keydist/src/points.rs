//! From a public identifier to its points in the field.

use crate::encode::put_part;
use sha2::{Digest, Sha256};
use std::fmt;
use warifu_types::Identifier;

/// What point hashes are for, and the version of this crate's formats.
const LABEL: &[u8] = b"warifu-keydist/1 point";

/// Where one party stands in one network and epoch: a point of GF(2^128) for each of the two
/// instances. Points are public, and the same for every center, so that shares of several centers
/// add.
///
/// The point of an instance is the first 16 bytes of SHA-256 over:
///
/// | bytes | |
/// |---|---|
/// | length (4), text | `warifu-keydist/1 point` |
/// | length (4), text | the network's name, UTF-8 |
/// | 4 | the epoch |
/// | 1 | the instance, 0 or 1 |
/// | 4 | a counter, 0 |
/// | rest | the identifier ([`Identifier::write_canonical`]) |
///
/// Numbers are big endian. If the 16 bytes are all zero, where every polynomial is zero, the
/// counter goes up by one until they are not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points {
    bytes: [u8; 32],
}

impl Points {
    /// The points of `who` in an epoch of a network.
    pub fn of(network: &str, epoch: u32, who: &Identifier) -> Points {
        let mut head = Vec::with_capacity(64 + network.len());
        put_part(&mut head, LABEL);
        put_part(&mut head, network.as_bytes());
        head.extend_from_slice(&epoch.to_be_bytes());
        let common = Sha256::new_with_prefix(&head);
        head.clear();
        who.write_canonical(&mut head);
        let hash = |instance: u8, counter: u32| {
            let mut hash = common.clone();
            let [a, b, c, d] = counter.to_be_bytes();
            hash.update([instance, a, b, c, d]);
            hash.update(&head);
            hash.finalize().into()
        };
        Points::from_halves(not_zero(|counter| hash(0, counter)), not_zero(|n| hash(1, n)))
    }

    /// The point of instance 0, then that of instance 1. A center stores them with what it issues.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The point in each instance. A center refuses an identifier if *either* is taken already:
    /// two parties with one point in an instance have the same key there.
    pub fn each(&self) -> [[u8; 16]; 2] {
        let (mut first, mut second) = ([0; 16], [0; 16]);
        first.copy_from_slice(&self.bytes[..16]);
        second.copy_from_slice(&self.bytes[16..]);
        [first, second]
    }

    /// Whether two parties would stand on the same point in one instance or both.
    pub fn collides(&self, other: &Points) -> bool {
        let (ours, theirs) = (self.each(), other.each());
        ours[0] == theirs[0] || ours[1] == theirs[1]
    }

    pub(crate) fn from_halves(first: [u8; 16], second: [u8; 16]) -> Points {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&first);
        bytes[16..].copy_from_slice(&second);
        Points { bytes }
    }
}

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Points(")?;
        for byte in self.bytes {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The first half of the first hash whose first half is not zero.
fn not_zero(hash: impl Fn(u32) -> [u8; 32]) -> [u8; 16] {
    let mut point = [0; 16];
    let mut counter = 0;
    while point == [0; 16] {
        point.copy_from_slice(&hash(counter)[..16]);
        counter += 1;
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_point_is_hashed_again() {
        let hash = |counter: u32| {
            let mut out = [0; 32];
            // The second half must not count: only the first becomes the point.
            out[31] = 1;
            out[15] = if counter < 3 { 0 } else { counter as u8 };
            out
        };
        let mut third = [0; 16];
        third[15] = 3;
        assert_eq!(not_zero(hash), third);
    }

    #[test]
    fn one_equal_instance_is_a_collision() {
        let points = Points::from_halves([1; 16], [2; 16]);
        assert!(points.collides(&points));
        assert!(points.collides(&Points::from_halves([1; 16], [3; 16])));
        assert!(points.collides(&Points::from_halves([3; 16], [2; 16])));
        // The instances have matrices of their own, so the same bytes in the other one are fine.
        assert!(!points.collides(&Points::from_halves([2; 16], [1; 16])));
        assert_eq!(points.each(), [[1; 16], [2; 16]]);
    }
}
