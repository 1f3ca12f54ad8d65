//! Whatever differs, the key differs, in both instances.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::collections::HashSet;
use warifu_keydist::{CenterEpoch, CenterMatrices, CenterSeed, Points, Thresholds};

fn town(seed: u8, network: &str, center: CenterEpoch, holders: usize) -> CenterMatrices {
    let thresholds = Thresholds::new(holders, 4).unwrap();
    CenterMatrices::new(CenterSeed::from_bytes([seed; 32]), network, center, thresholds)
}

#[test]
fn different_circumstances_give_different_keys() {
    let base = || town(1, NETWORK, first_center(), 5);
    let keys = [
        base().holder_share(3, &hanako()).pair_key(&shop()),
        base().holder_share(3, &hanako()).pair_key(&card_company()),
        base().holder_share(3, &taro()).pair_key(&shop()),
        base().holder_share(4, &hanako()).pair_key(&shop()),
        base().service_share(3, &hanako()).pair_key(&shop()),
        base().services_share(3, 3, &hanako()).pair_key(&shop()),
        base().services_share(3, 4, &hanako()).pair_key(&shop()),
        base().services_share(4, 3, &hanako()).pair_key(&shop()),
        town(2, NETWORK, first_center(), 5).holder_share(3, &hanako()).pair_key(&shop()),
        town(1, "city", first_center(), 5).holder_share(3, &hanako()).pair_key(&shop()),
        town(1, NETWORK, second_center(), 5).holder_share(3, &hanako()).pair_key(&shop()),
        town(1, NETWORK, center("domain:center.example", 2), 5)
            .holder_share(3, &hanako())
            .pair_key(&shop()),
        town(1, NETWORK, first_center(), 6).holder_share(3, &hanako()).pair_key(&shop()),
    ];
    // All halves differ: from key to key, and the two instances of each key.
    let halves: HashSet<&[u8]> = keys.iter().flat_map(|key| key.expose().chunks(16)).collect();
    assert_eq!(halves.len(), 2 * keys.len());
}

#[test]
fn different_circumstances_give_different_points() {
    let points = [
        Points::of(NETWORK, 1, &hanako()),
        Points::of(NETWORK, 1, &taro()),
        Points::of(NETWORK, 2, &hanako()),
        Points::of("city", 1, &hanako()),
        // Parts of an identifier, and the network's name, cannot run into each other.
        Points::of(NETWORK, 1, &id("name:ab|address:c")),
        Points::of(NETWORK, 1, &id("name:a|address:bc")),
        Points::of(NETWORK, 1, &id("name:a")),
        Points::of(NETWORK, 1, &id("address:a")),
        Points::of("", 1, &hanako()),
    ];
    let halves: HashSet<[u8; 16]> = points.iter().flat_map(Points::each).collect();
    assert_eq!(halves.len(), 2 * points.len());
    assert_eq!(points[0], Points::of(NETWORK, 1, &hanako()));
}

#[test]
fn one_identifier_spelt_in_two_ways_is_one_party() {
    let full_width = id("name:山田\u{3000}太郎|address:東京都港区芝１－２－３");
    let share = matrices(1, first_center()).service_share(3, &shop());
    assert_eq!(share.pair_key(&full_width), share.pair_key(&taro()));
}

#[test]
fn points_hashed_before_give_the_same_key() {
    let share = matrices(1, first_center()).service_share(3, &shop());
    assert_eq!(share.pair_key_at(&Points::of(NETWORK, 1, &taro())), share.pair_key(&taro()));
    assert_ne!(share.pair_key_at(&Points::of(NETWORK, 2, &taro())), share.pair_key(&taro()));
}
