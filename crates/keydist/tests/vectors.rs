//! Golden bytes, made by a separate program (`tests/vectors/keydist.py`) from the documentation.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::id;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use warifu_keydist::{
    CenterEpoch, CenterMatrices, CenterSeed, Matrix, PairKey, Points, Share, Side, Thresholds,
};
use warifu_types::Identifier;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    format: String,
    points: Vec<PointCase>,
    shares: Vec<ShareCase>,
    sum: SumCase,
}

#[derive(Deserialize)]
struct PointCase {
    network: String,
    epoch: u32,
    identifier: Identifier,
    points: [String; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareCase {
    name: String,
    seed: String,
    network: String,
    center: CenterEpoch,
    thresholds: Thresholds,
    matrix: Matrix,
    side: Side,
    owner: Identifier,
    file: Option<String>,
    file_sha256: String,
    keys: Vec<KeyCase>,
}

#[derive(Deserialize)]
struct KeyCase {
    peer: Identifier,
    key: String,
}

#[derive(Deserialize)]
struct SumCase {
    cases: [String; 2],
    peer: Identifier,
    key: String,
}

fn vectors() -> Vectors {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/keydist.json")).unwrap();
    assert_eq!(vectors.format, "warifu-keydist-vectors/1");
    vectors
}

impl ShareCase {
    fn share(&self) -> Share {
        let seed = CenterSeed::from_bytes(hex::decode(&self.seed).unwrap().try_into().unwrap());
        let center = CenterMatrices::new(seed, &self.network, self.center.clone(), self.thresholds);
        match (self.matrix, self.side) {
            (Matrix::Holders { group }, Side::Rows) => center.holder_share(group, &self.owner),
            (Matrix::Holders { group }, Side::Columns) => center.service_share(group, &self.owner),
            (Matrix::Services { low, high }, Side::Rows) => {
                center.services_share(low, high, &self.owner)
            }
            (Matrix::Services { low, high }, Side::Columns) => {
                center.services_share(high, low, &self.owner)
            }
        }
    }
}

fn hex_of(key: &PairKey) -> String {
    hex::encode(key.expose())
}

#[test]
fn points_match() {
    let cases = vectors().points;
    assert!(cases.len() >= 5);
    for case in cases {
        let points = Points::of(&case.network, case.epoch, &case.identifier);
        assert_eq!(points.each().map(hex::encode), case.points, "{}", case.identifier);
        assert_eq!(hex::encode(points.as_bytes()), case.points.concat());
    }
}

#[test]
fn shares_and_keys_match() {
    let cases = vectors().shares;
    assert!(cases.len() >= 14);
    for case in cases {
        let share = case.share();
        let file = share.to_file();
        if let Some(expected) = &case.file {
            assert_eq!(std::str::from_utf8(&file).unwrap(), expected, "{}", case.name);
        }
        assert_eq!(hex::encode(Sha256::digest(&*file)), case.file_sha256, "{}", case.name);
        for expected in &case.keys {
            assert_eq!(hex_of(&share.pair_key(&expected.peer)), expected.key, "{}", case.name);
        }
    }
}

#[test]
fn shares_read_from_files_give_the_same_keys() {
    let cases: Vec<ShareCase> =
        vectors().shares.into_iter().filter(|case| case.file.is_some()).collect();
    assert!(cases.len() >= 10);
    for case in cases {
        let file = case.file.as_ref().unwrap();
        let share = Share::from_file(file.as_bytes()).unwrap();
        assert_eq!(share.network(), case.network);
        assert_eq!(share.epochs(), [case.center]);
        assert_eq!((share.matrix(), share.side()), (case.matrix, case.side));
        assert_eq!(share.thresholds(), case.thresholds);
        assert_eq!(*share.owner(), case.owner);
        for expected in &case.keys {
            assert_eq!(hex_of(&share.pair_key(&expected.peer)), expected.key, "{}", case.name);
        }
    }
}

#[test]
fn both_sides_of_the_vectors_agree() {
    let cases = vectors().shares;
    let keys: HashMap<(String, &Identifier, &Identifier), &String> = cases
        .iter()
        .flat_map(|case| {
            let place = format!("{} {} {}", case.network, case.center.center, case.matrix);
            case.keys.iter().map(move |key| ((place.clone(), &case.owner, &key.peer), &key.key))
        })
        .collect();
    let both = keys
        .iter()
        .filter(|((place, owner, peer), _)| {
            owner < peer && keys.contains_key(&(place.clone(), *peer, *owner))
        })
        .inspect(|((place, owner, peer), key)| {
            assert_eq!(keys[&(place.clone(), *peer, *owner)], **key, "{owner} {peer}");
        })
        .count();
    // Four pairs of holder and service, one across groups, one in the square, one in the long one.
    assert_eq!(both, 7);
}

#[test]
fn the_sum_of_two_centers_matches() {
    let Vectors { shares, sum, .. } = vectors();
    let share = |name: &String| shares.iter().find(|case| case.name == *name).unwrap().share();
    let both = share(&sum.cases[0]).add(&share(&sum.cases[1])).unwrap();
    assert_eq!(hex_of(&both.pair_key(&sum.peer)), sum.key);
    assert_eq!(sum.peer, id("domain:shop.example"));
}
