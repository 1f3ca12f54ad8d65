//! From a seed to the coefficients of a matrix, and to one party's row or column of it, a tile at
//! a time.

use crate::coefficients::bytes_mut;
use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
};
use polyval::{Block, Key, Polyval, universal_hash::UniversalHash};
use std::slice;
use zeroize::{Zeroize, Zeroizing};

/// Blocks of a column that are read at once: 16 KiB, half of a first-level cache.
const RUN: usize = 1024;

/// Rows that are evaluated side by side: their POLYVAL states, 160 bytes each, stay in the
/// first-level cache too.
const STRIP: usize = 128;

/// One instance of one matrix, as a keystream that can be read anywhere.
pub(crate) struct Expansion {
    stream: ChaCha20,
    rows: usize,
    columns: usize,
}

impl Expansion {
    pub(crate) fn new(key: &Zeroizing<[u8; 32]>, rows: usize, columns: usize) -> Expansion {
        let key: &[u8; 32] = key;
        Expansion { stream: ChaCha20::new(key.into(), &[0; 12].into()), rows, columns }
    }

    /// The share of a party on the rows: each column, at the party's point.
    pub(crate) fn at_row_point(&mut self, point: [u8; 16], share: &mut [Block]) {
        let mut run = Tile::new(RUN);
        for (column, coefficient) in share.iter_mut().enumerate() {
            let mut state = Polyval::new(&Key::from(point));
            self.absorb(column, self.rows, &mut state, &mut run);
            *coefficient = state.finalize();
        }
    }

    /// The share of a party on the columns: each row, at the party's point. Rows are not
    /// contiguous in the stream, so a strip of them goes through all columns together.
    pub(crate) fn at_column_point(&mut self, point: [u8; 16], share: &mut [Block]) {
        let mut tile = Tile::new(STRIP);
        for (n, coefficients) in share.chunks_mut(STRIP).enumerate() {
            let mut states = vec![Polyval::new(&Key::from(point)); coefficients.len()];
            for column in 0..self.columns {
                let strip = &mut tile.blocks[..coefficients.len()];
                self.read(column, n * STRIP, strip);
                absorb_each(&mut states, strip);
            }
            finish(states, coefficients);
        }
    }

    /// The share of a party in a symmetric square, of which the stream's entries on and above the
    /// diagonal (row <= column) are used: column `c` of the square is the stream's column down to
    /// the diagonal, and from there the stream's row `c`.
    pub(crate) fn at_square_point(&mut self, point: [u8; 16], share: &mut [Block]) {
        let (mut run, mut tile) = (Tile::new(RUN), Tile::new(STRIP));
        for (n, coefficients) in share.chunks_mut(STRIP).enumerate() {
            let first = n * STRIP;
            let mut states = vec![Polyval::new(&Key::from(point)); coefficients.len()];
            for (column, state) in (first..).zip(&mut states) {
                self.absorb(column, column + 1, state, &mut run);
            }
            for column in first + 1..self.columns {
                let strip = &mut tile.blocks[..coefficients.len().min(column - first)];
                self.read(column, first, strip);
                absorb_each(&mut states, strip);
            }
            finish(states, coefficients);
        }
    }

    /// Feeds the first `length` entries of a column to one state.
    fn absorb(&mut self, column: usize, length: usize, state: &mut Polyval, run: &mut Tile) {
        for row in (0..length).step_by(RUN) {
            let part = &mut run.blocks[..RUN.min(length - row)];
            self.read(column, row, part);
            state.update(part);
        }
    }

    /// Entries of one column, from `row` on. The bounds of [`crate::Thresholds`] keep every
    /// position within one key's stream.
    fn read(&mut self, column: usize, row: usize, out: &mut [Block]) {
        let position = column as u64 * self.rows as u64 + row as u64;
        self.stream.seek(16 * position);
        self.stream.write_keystream(bytes_mut(out));
    }
}

/// The next entry of each row; rows beyond the strip's end get none.
fn absorb_each(states: &mut [Polyval], strip: &[Block]) {
    for (state, block) in states.iter_mut().zip(strip) {
        state.update(slice::from_ref(block));
    }
}

fn finish(states: Vec<Polyval>, coefficients: &mut [Block]) {
    for (state, coefficient) in states.into_iter().zip(coefficients) {
        *coefficient = state.finalize();
    }
}

/// A piece of the matrix, wiped when dropped.
struct Tile {
    blocks: Vec<Block>,
}

impl Tile {
    fn new(length: usize) -> Tile {
        Tile { blocks: vec![Block::default(); length] }
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        bytes_mut(&mut self.blocks).zeroize();
    }
}
