//! What the tests have in common. Each test file uses its part of it.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, each of which uses a part")]

pub mod field;

use warifu_keydist::{
    CenterEpoch, CenterMatrices, CenterSeed, KeyRing, Matrix, Route, Share, Thresholds,
};
use warifu_types::Identifier;

pub const NETWORK: &str = "town";

pub fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub fn hanako() -> Identifier {
    id("mail:hanako@example.jp")
}

pub fn taro() -> Identifier {
    id("name:山田 太郎|address:東京都港区芝1-2-3")
}

pub fn shop() -> Identifier {
    id("domain:shop.example")
}

pub fn card_company() -> Identifier {
    id("name:割符カード|domain:card.example")
}

pub fn center(name: &str, epoch: u32) -> CenterEpoch {
    CenterEpoch { center: id(name), epoch }
}

pub fn first_center() -> CenterEpoch {
    center("domain:center.example", 1)
}

pub fn second_center() -> CenterEpoch {
    center("name:第二センター", 1)
}

/// A center whose seed is `seed` throughout; 5 coefficients for holders, 4 for services.
pub fn matrices(seed: u8, center: CenterEpoch) -> CenterMatrices {
    let thresholds = Thresholds::new(5, 4).unwrap();
    CenterMatrices::new(CenterSeed::from_bytes([seed; 32]), NETWORK, center, thresholds)
}

pub fn h(group: u32) -> Matrix {
    Matrix::Holders { group }
}

pub fn route(epochs: &[CenterEpoch], matrix: Matrix) -> Route {
    Route { epochs: epochs.to_vec(), matrix }
}

pub fn ring(shares: impl IntoIterator<Item = Share>, owner: Identifier) -> KeyRing {
    let mut ring = KeyRing::new(NETWORK, owner);
    for share in shares {
        ring.insert(share).unwrap();
    }
    ring
}
