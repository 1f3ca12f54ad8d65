//! The cache of derived keys.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use warifu_keydist::{KeyCache, KeyError, KeyRing, Route};
use warifu_types::Identifier;

fn service() -> KeyRing {
    ring([matrices(1, first_center()).service_share(3, &shop())], shop())
}

fn holder(n: usize) -> Identifier {
    id(&format!("mail:holder{n}@example.jp"))
}

fn here() -> Route {
    route(&[first_center()], h(3))
}

/// Whether the cache knows the key by itself: asked with a ring that could not derive it.
fn cached(cache: &KeyCache, peer: &Identifier) -> bool {
    cache.key(&KeyRing::new(NETWORK, shop()), peer, &here()).is_ok()
}

#[test]
fn a_key_is_derived_once_and_then_remembered() {
    let (cache, ring) = (KeyCache::new(8), service());
    assert!(!cached(&cache, &holder(1)));
    let key = cache.key(&ring, &holder(1), &here()).unwrap();
    assert_eq!(key, ring.pair_key(&holder(1), &here()).unwrap());
    assert!(cached(&cache, &holder(1)));
    assert_eq!(cache.key(&ring, &holder(1), &here()).unwrap(), key);
    assert_eq!(cache.len(), 1);
}

#[test]
fn peers_and_routes_are_kept_apart() {
    let center = matrices(1, first_center());
    let shares = [center.service_share(3, &shop()), center.services_share(3, 3, &shop())];
    let (cache, ring) = (KeyCache::new(16), ring(shares, shop()));
    let square = route(&[first_center()], "s3-3".parse().unwrap());
    for _ in 0..2 {
        for peer in [holder(1), holder(2)] {
            for route in [here(), square.clone()] {
                let expected = ring.pair_key(&peer, &route).unwrap();
                assert_eq!(cache.key(&ring, &peer, &route).unwrap(), expected);
            }
        }
    }
    assert_eq!(cache.len(), 4);
}

#[test]
fn it_holds_so_many_and_no_more() {
    let ring = service();
    for capacity in [2, 3, 10] {
        let cache = KeyCache::new(capacity);
        for n in 0..40 {
            cache.key(&ring, &holder(n), &here()).unwrap();
            cache.key(&ring, &holder(n / 2), &here()).unwrap();
            assert!(cache.len() <= capacity, "{} of {capacity}", cache.len());
        }
        // At least the younger half is full of use.
        assert!(cache.len() >= capacity / 2);
        assert!(cached(&cache, &holder(39)));
        assert!(!cached(&cache, &holder(0)));
    }
}

#[test]
fn what_is_used_stays() {
    let (cache, ring) = (KeyCache::new(8), service());
    for n in 0..40 {
        cache.key(&ring, &holder(n), &here()).unwrap();
        assert!(n < 1 || cached(&cache, &holder(0)), "{n}");
    }
    assert!(!cached(&cache, &holder(1)));
}

#[test]
fn clearing_forgets_everything() {
    let (cache, ring) = (KeyCache::new(4), service());
    for n in 0..4 {
        cache.key(&ring, &holder(n), &here()).unwrap();
    }
    assert!(!cache.is_empty());
    cache.clear();
    assert!(cache.is_empty());
    assert!((0..4).all(|n| !cached(&cache, &holder(n))));
}

#[test]
fn a_dropped_epoch_is_not_served_from_the_cache() {
    let (cache, mut ring) = (KeyCache::new(4), service());
    let old = cache.key(&ring, &holder(1), &here()).unwrap();
    ring.drop_epoch(&first_center());
    let error = KeyError::MissingShare { matrix: h(3), center: first_center() };
    assert_eq!(cache.key(&ring, &holder(1), &here()), Err(error));
    ring.insert(matrices(2, first_center()).service_share(3, &shop())).unwrap();
    let new = cache.key(&ring, &holder(1), &here()).unwrap();
    assert_ne!(new, old);
    assert_eq!(new, ring.pair_key(&holder(1), &here()).unwrap());
}

#[test]
fn errors_are_passed_on_and_not_kept() {
    let (cache, ring) = (KeyCache::new(4), service());
    let nowhere = route(&[], h(3));
    assert_eq!(cache.key(&ring, &holder(1), &nowhere), Err(KeyError::NoCenters));
    assert!(cache.is_empty());
}

#[test]
fn several_threads_get_the_right_keys() {
    let (cache, ring) = (KeyCache::new(6), service());
    std::thread::scope(|scope| {
        for start in 0..4 {
            let (cache, ring) = (&cache, &ring);
            scope.spawn(move || {
                for n in 0..200 {
                    let peer = holder((start + n) % 9);
                    let expected = ring.pair_key(&peer, &here()).unwrap();
                    assert_eq!(cache.key(ring, &peer, &here()).unwrap(), expected);
                }
            });
        }
    });
    assert!(cache.len() <= 6);
}
