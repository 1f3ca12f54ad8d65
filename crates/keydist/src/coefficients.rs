//! The secret coefficients of a share, and the evaluation at a point.

use crate::{PairKey, Points};
use polyval::{
    Block, Key, Polyval,
    universal_hash::{UniversalHash, common::array::Array},
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The coefficients of both instances, in the order in which POLYVAL takes them: the highest power
/// first, the first power last. Wiped when dropped.
pub(crate) struct Coefficients {
    instances: [Vec<Block>; 2],
}

impl Coefficients {
    /// As many zeros as asked for, in each instance, to be filled in place: growing a vector would
    /// leave copies behind.
    pub(crate) fn zeros(length: usize) -> Coefficients {
        Coefficients { instances: [vec![Block::default(); length], vec![Block::default(); length]] }
    }

    pub(crate) fn instances(&self) -> &[Vec<Block>; 2] {
        &self.instances
    }

    pub(crate) fn instances_mut(&mut self) -> &mut [Vec<Block>; 2] {
        &mut self.instances
    }

    /// The key at a peer's points: one POLYVAL an instance.
    pub(crate) fn evaluate(&self, at: &Points) -> PairKey {
        let mut bytes = [0; 32];
        for (n, point) in at.each().into_iter().enumerate() {
            let mut hash = Polyval::new(&Key::from(point));
            hash.update(&self.instances[n]);
            let mut tag = hash.finalize();
            bytes[16 * n..16 * (n + 1)].copy_from_slice(&tag);
            tag.as_mut_slice().zeroize();
        }
        let key = PairKey::from_bytes(bytes);
        bytes.zeroize();
        key
    }

    /// The sum of two shares. Both have the same length.
    pub(crate) fn sum(&self, other: &Coefficients) -> Coefficients {
        let mut sum = Coefficients::zeros(self.instances[0].len());
        for (n, blocks) in sum.instances.iter_mut().enumerate() {
            let pairs = bytes(&self.instances[n]).iter().zip(bytes(&other.instances[n]));
            for (byte, (a, b)) in bytes_mut(blocks).iter_mut().zip(pairs) {
                *byte = a ^ b;
            }
        }
        sum
    }

    pub(crate) fn same(&self, other: &Coefficients) -> bool {
        let first = bytes(&self.instances[0]).ct_eq(bytes(&other.instances[0]));
        let second = bytes(&self.instances[1]).ct_eq(bytes(&other.instances[1]));
        (first & second).into()
    }
}

impl Zeroize for Coefficients {
    fn zeroize(&mut self) {
        for blocks in &mut self.instances {
            bytes_mut(blocks).zeroize();
        }
    }
}

impl Drop for Coefficients {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Coefficients {}

/// The same memory as bytes.
pub(crate) fn bytes(blocks: &[Block]) -> &[u8] {
    Array::slice_as_flattened(blocks)
}

/// The same memory as bytes.
pub(crate) fn bytes_mut(blocks: &mut [Block]) -> &mut [u8] {
    Array::slice_as_flattened_mut(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> [u8; 16] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn of(first: &[&str], second: &[&str]) -> Coefficients {
        let blocks = |texts: &[&str]| texts.iter().map(|text| block(text).into()).collect();
        Coefficients { instances: [blocks(first), blocks(second)] }
    }

    /// RFC 8452, appendix A, both of its examples at once: one in each instance.
    #[test]
    fn evaluation_is_polyval() {
        let share = of(
            &["4f4f95668c83dfb6401762bb2d01a262", "d1a24ddd2721d006bbe45f20d3c9f362"],
            &["66e94bd4ef8a2c3b884cfa59ca342b2e"],
        );
        let points = Points::from_halves(
            block("25629347589242761d31f826ba4b757b"),
            block("ff000000000000000000000000000000"),
        );
        let key = share.evaluate(&points);
        assert_eq!(hex::encode(&key.expose()[..16]), "f7a3b47b846119fae5b7866cf5e5b77e");
        assert_eq!(hex::encode(&key.expose()[16..]), "ebe563401e7e91ea3ad6426b8140c394");
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut share =
            of(&["01000000000000000000000000000000"], &["00000000000000000000000000000002"]);
        assert!(!share.same(&Coefficients::zeros(1)));
        share.zeroize();
        assert!(share.same(&Coefficients::zeros(1)));
    }

    #[test]
    fn same_sees_both_instances() {
        let (a, b) = ("01000000000000000000000000000000", "02000000000000000000000000000000");
        assert!(of(&[a, b], &[b, a]).same(&of(&[a, b], &[b, a])));
        assert!(!of(&[a, b], &[b, a]).same(&of(&[a, b], &[b, b])));
        assert!(!of(&[a, b], &[b, a]).same(&of(&[b, b], &[b, a])));
    }
}
