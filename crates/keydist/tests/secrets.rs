//! Nothing secret in `Debug` or in errors.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use std::fmt::Debug;
use warifu_keydist::{CenterSeed, KeyCache, PairKey};
use warifu_types::OrderId;
use zeroize::ZeroizeOnDrop;

/// Every spelling in which bytes come out of Rust's formatting.
fn shows(value: &dyn Debug, secret: &[u8]) -> bool {
    let texts = [format!("{value:?}"), format!("{value:#?}"), format!("{value:x?}")];
    let flat = |text: &str| text.split_whitespace().collect::<String>();
    let start = &secret[..4];
    let spellings = [hex::encode(start), flat(&format!("{start:?}")), flat(&format!("{start:x?}"))];
    texts.iter().any(|text| {
        let text = flat(text);
        spellings.iter().any(|spelling| text.contains(spelling.trim_matches(['[', ']'])))
    })
}

#[test]
fn the_search_finds_what_is_shown() {
    let secret = [0xe1, 0x02, 0xf3, 0x04, 0x05];
    assert!(shows(&secret, &secret));
    assert!(shows(&vec![secret], &secret));
    assert!(shows(&hex::encode(secret), &secret));
    assert!(!shows(&[1, 2, 3], &secret));
}

#[test]
fn debug_shows_no_secret() {
    let seed: [u8; 32] = std::array::from_fn(|n| 200 + n as u8);
    let matrices = matrices(200, first_center());
    assert!(!shows(&CenterSeed::from_bytes(seed), &seed));
    assert!(!shows(&matrices, &[200; 32]));
    let key = PairKey::from_bytes(seed);
    assert!(!shows(&key, &seed));
    let share = matrices.holder_share(3, &hanako());
    let pair_key = share.pair_key(&shop());
    let coefficients = field::secrets(&share).concat();
    let mut ring = ring([share], hanako());
    ring.agree(shop(), key.clone()).unwrap();
    ring.hand_out(OrderId([1; 32]), shop(), key).unwrap();
    let cache = KeyCache::new(4);
    cache.key(&ring, &shop(), &route(&[first_center()], h(3))).unwrap();
    for value in [&ring as &dyn Debug, &cache, &ring.shares().next().unwrap()] {
        assert!(!shows(value, &seed));
        assert!(!shows(value, pair_key.expose()));
        for coefficient in &coefficients {
            assert!(!shows(value, coefficient));
        }
    }
    assert!(format!("{ring:?}").contains("domain:shop.example"));
}

#[test]
fn secrets_are_wiped_when_dropped() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<PairKey>();
    wiped::<CenterSeed>();
}
