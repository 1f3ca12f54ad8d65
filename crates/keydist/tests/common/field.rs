//! Arithmetic in POLYVAL's ring, for the tests that attack a matrix: 16 bytes are an element.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use polyval::{Key, Polyval, universal_hash::UniversalHash};
use warifu_keydist::Share;

pub type Element = [u8; 16];

pub const ZERO: Element = [0; 16];

/// x^128 reduced, which `dot` leaves everything unchanged with.
pub const ONE: Element = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc2];

pub fn add(a: Element, b: Element) -> Element {
    std::array::from_fn(|n| a[n] ^ b[n])
}

pub fn mul(a: Element, b: Element) -> Element {
    let mut hash = Polyval::new(&Key::from(a));
    hash.update(&[b.into()]);
    hash.finalize().into()
}

/// a^(2^128 - 2).
pub fn inverse(a: Element) -> Element {
    let mut result = ONE;
    for _ in 0..127 {
        result = mul(mul(result, result), a);
    }
    mul(result, result)
}

/// Σ c_i · x^i, the first coefficient that of x^1.
pub fn evaluate(coefficients: &[Element], x: Element) -> Element {
    coefficients.iter().rev().fold(ZERO, |sum, c| mul(add(sum, *c), x))
}

/// A matrix as rows: `matrix[i][j]` belongs to x^(i+1) y^(j+1).
pub type Table = Vec<Vec<Element>>;

/// The share of a party on the rows.
pub fn row_share(matrix: &Table, x: Element) -> Vec<Element> {
    transpose(matrix).iter().map(|column| evaluate(column, x)).collect()
}

pub fn transpose(matrix: &Table) -> Table {
    (0..matrix[0].len()).map(|j| matrix.iter().map(|row| row[j]).collect()).collect()
}

/// The only matrix that gives these shares to the parties on the rows with these points; as many
/// shares as the matrix has rows. Gauss and Jordan.
pub fn interpolate(points: &[Element], shares: &[Vec<Element>]) -> Table {
    let size = points.len();
    let mut left: Table = points
        .iter()
        .map(|x| {
            std::iter::successors(Some(*x), |power| Some(mul(*power, *x))).take(size).collect()
        })
        .collect();
    let mut right = shares.to_vec();
    for n in 0..size {
        let pivot = (n..size).find(|row| left[*row][n] != ZERO).unwrap();
        left.swap(n, pivot);
        right.swap(n, pivot);
        let scale = inverse(left[n][n]);
        for side in [&mut left, &mut right] {
            side[n].iter_mut().for_each(|value| *value = mul(*value, scale));
        }
        for row in (0..size).filter(|row| *row != n) {
            let factor = left[row][n];
            for side in [&mut left, &mut right] {
                let pivot = side[n].clone();
                for (value, above) in side[row].iter_mut().zip(pivot) {
                    *value = add(*value, mul(factor, above));
                }
            }
        }
    }
    right
}

/// x · Π (x - root), as coefficients from x^1 on.
pub fn vanishing(roots: &[Element]) -> Vec<Element> {
    let mut coefficients = vec![ONE];
    for root in roots {
        let mut next = vec![ZERO; coefficients.len() + 1];
        for (n, c) in coefficients.iter().enumerate() {
            next[n] = add(next[n], mul(*c, *root));
            next[n + 1] = add(next[n + 1], *c);
        }
        coefficients = next;
    }
    coefficients
}

/// The matrix plus u(x) · v(y).
pub fn add_product(matrix: &Table, u: &[Element], v: &[Element]) -> Table {
    let row = |(row, u): (&Vec<Element>, &Element)| {
        row.iter().zip(v).map(|(a, v)| add(*a, mul(*u, *v))).collect()
    };
    matrix.iter().zip(u).map(row).collect()
}

/// What lies in a share, read from its file: for each instance, the coefficient of the first power
/// first.
pub fn secrets(share: &Share) -> [Vec<Element>; 2] {
    let file: serde_json::Value = serde_json::from_slice(&share.to_file()).unwrap();
    [0, 1].map(|instance| {
        let text = file["coefficients"][instance].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        let (blocks, rest) = bytes.as_chunks::<16>();
        assert!(rest.is_empty());
        blocks.iter().rev().copied().collect()
    })
}
