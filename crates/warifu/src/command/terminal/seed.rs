//! What a signature key is made from (row B4).

use super::place::machine_bytes;
use crate::{
    Failure,
    setup::{read_secret_line, read_text},
};
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;
use warifu_vault::{Entered, Point, signature_key};
use zeroize::Zeroizing;

/// What the signature key is made from, beside the machine's randomness.
#[derive(Debug, Args)]
pub struct Seed {
    /// The file with a text of yours, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    seed_from: Option<PathBuf>,
    /// Strokes of a pointer: a JSON list of `{"x", "y", "milliseconds"}`.
    #[arg(long, value_name = "FILE", conflicts_with = "seed_from")]
    strokes: Option<PathBuf>,
}

/// A point of a stroke, as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPoint {
    x: i32,
    y: i32,
    milliseconds: u32,
}

impl Seed {
    /// The seed from which the terminal's keys are made.
    pub fn read(&self) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let machine = machine_bytes();
        let key = match (&self.seed_from, &self.strokes) {
            (Some(file), _) => signature_key(Entered::Text(&read_secret_line(file)?), &machine),
            (None, Some(file)) => {
                let text = Zeroizing::new(read_text(file)?);
                let points: Vec<WrittenPoint> = serde_json::from_str(&text)
                    .map_err(|error| Failure::input("strokes", error.to_string()))?;
                let points: Vec<Point> = points
                    .iter()
                    .map(|p| Point { x: p.x, y: p.y, milliseconds: p.milliseconds })
                    .collect();
                signature_key(Entered::Strokes(&points), &machine)
            }
            (None, None) => signature_key(Entered::Nothing, &machine),
        };
        Ok(key.seed())
    }
}
