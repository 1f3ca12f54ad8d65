//! A party's ring of keys: what it takes, what it refuses, what it says is missing.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use warifu_keydist::{CenterEpoch, KeyError, KeyRing, MAX_CENTERS, Matrix, PairKey};
use warifu_types::OrderId;

fn key(byte: u8) -> PairKey {
    PairKey::from_bytes([byte; 32])
}

#[test]
fn shares_of_others_are_refused() {
    let mut ring = KeyRing::new(NETWORK, hanako());
    let foreign = matrices(1, first_center()).holder_share(3, &taro());
    assert_eq!(ring.insert(foreign), Err(KeyError::WrongOwner));
    let mut city = KeyRing::new("city", hanako());
    let foreign = matrices(1, first_center()).holder_share(3, &hanako());
    assert_eq!(city.insert(foreign), Err(KeyError::WrongNetwork));
    assert_eq!((ring.shares().count(), city.shares().count()), (0, 0));
}

#[test]
fn the_same_share_again_changes_nothing_and_a_different_one_is_refused() {
    let share = || matrices(1, first_center()).holder_share(3, &hanako());
    let mut ring = ring([share(), share()], hanako());
    assert_eq!(ring.shares().count(), 1);
    let other = matrices(2, first_center()).holder_share(3, &hanako());
    assert_eq!(ring.insert(other), Err(KeyError::DifferentShare { matrix: h(3) }));
    let key = ring.pair_key(&shop(), &route(&[first_center()], h(3))).unwrap();
    assert_eq!(key, share().pair_key(&shop()));
}

#[test]
fn one_party_does_not_stand_on_both_sides_of_a_matrix() {
    let center = matrices(1, first_center());
    let mut ring = ring([center.holder_share(3, &shop())], shop());
    let error = ring.insert(center.service_share(3, &shop()));
    assert_eq!(error, Err(KeyError::OtherSide { matrix: h(3) }));
    assert_eq!(ring.insert(center.service_share(4, &shop())), Ok(()));
}

#[test]
fn a_missing_share_is_named() {
    let ring = ring([matrices(1, first_center()).holder_share(3, &hanako())], hanako());
    let later = center("domain:center.example", 2);
    for (route, matrix, missing) in [
        (route(&[first_center()], h(4)), h(4), vec![first_center()]),
        (route(std::slice::from_ref(&later), h(3)), h(3), vec![later.clone()]),
        (route(&[first_center(), second_center()], h(3)), h(3), vec![second_center()]),
        (
            route(&[second_center(), first_center()], Matrix::between_services(0, 0)),
            Matrix::between_services(0, 0),
            vec![second_center(), first_center()],
        ),
    ] {
        assert!(!ring.has(&route));
        assert_eq!(ring.missing(&route), Ok(missing.clone()));
        let error = KeyError::MissingShare { matrix, center: missing[0].clone() };
        assert_eq!(ring.pair_key(&shop(), &route), Err(error));
    }
    let here = route(&[first_center()], h(3));
    assert!(ring.has(&here));
    assert_eq!(ring.missing(&here), Ok(vec![]));
    assert!(ring.pair_key(&shop(), &here).is_ok());
}

#[test]
fn a_route_without_centers_gives_no_key() {
    let ring = ring([matrices(1, first_center()).holder_share(3, &hanako())], hanako());
    let nowhere = route(&[], h(3));
    assert_eq!(ring.pair_key(&shop(), &nowhere), Err(KeyError::NoCenters));
    assert_eq!(ring.missing(&nowhere), Err(KeyError::NoCenters));
    assert!(!ring.has(&nowhere));
}

#[test]
fn a_center_counts_once() {
    // Twice the same share would cancel itself out and give a key of zeros.
    let ring = ring([matrices(1, first_center()).holder_share(3, &hanako())], hanako());
    for second in [first_center(), center("domain:center.example", 2)] {
        let twice = route(&[first_center(), second.clone()], h(3));
        let error = KeyError::RepeatedCenter { center: second };
        assert_eq!(ring.pair_key(&shop(), &twice), Err(error.clone()));
        assert_eq!(ring.missing(&twice), Err(error));
        assert!(!ring.has(&twice));
    }
}

#[test]
fn a_route_has_so_many_centers_and_no_more() {
    let centers: Vec<_> =
        (0..=MAX_CENTERS).map(|n| center(&format!("domain:c{n}.example"), 1)).collect();
    let shares = |count: usize| {
        centers
            .iter()
            .take(count)
            .map(|center| matrices(1, center.clone()).holder_share(3, &taro()))
    };
    let ring = ring(shares(MAX_CENTERS + 1), taro());
    assert!(ring.pair_key(&shop(), &route(&centers[..MAX_CENTERS], h(3))).is_ok());
    let all = route(&centers, h(3));
    assert_eq!(ring.pair_key(&shop(), &all), Err(KeyError::TooManyCenters));
    let sum = shares(MAX_CENTERS).reduce(|a, b| a.add(&b).unwrap()).unwrap();
    assert_eq!(sum.epochs().len(), MAX_CENTERS);
    let last = shares(MAX_CENTERS + 1).next_back().unwrap();
    assert_eq!(sum.add(&last).unwrap_err(), KeyError::TooManyCenters);
}

#[test]
fn a_sum_serves_exactly_its_centers() {
    let (a, b) = (matrices(1, first_center()), matrices(2, second_center()));
    let (a, b) = (a.holder_share(3, &hanako()), b.holder_share(3, &hanako()));
    let sum = a.add(&b).unwrap();
    let singles = ring([a, b], hanako());
    let summed = ring([sum], hanako());
    for centers in [[first_center(), second_center()], [second_center(), first_center()]] {
        let both = route(&centers, h(3));
        assert!(summed.has(&both));
        assert_eq!(summed.missing(&both), Ok(vec![]));
        let key = summed.pair_key(&shop(), &both).unwrap();
        assert_eq!(key, singles.pair_key(&shop(), &both).unwrap());
    }
    let third = center("domain:third.example", 1);
    let later = center("name:第二センター", 2);
    for centers in [
        vec![first_center()],
        vec![second_center()],
        vec![first_center(), third.clone()],
        vec![third.clone(), second_center()],
        vec![first_center(), later],
        vec![first_center(), second_center(), third],
    ] {
        assert!(!summed.has(&route(&centers, h(3))), "{centers:?}");
        assert!(summed.pair_key(&shop(), &route(&centers, h(3))).is_err());
    }
    assert!(!summed.has(&route(&[first_center(), second_center()], h(4))));
}

#[test]
fn a_dropped_epoch_is_gone() {
    let (old, new) = (first_center(), center("domain:center.example", 2));
    let share =
        |epoch: &CenterEpoch| matrices(1, CenterEpoch::clone(epoch)).holder_share(3, &hanako());
    let other = matrices(2, second_center()).holder_share(3, &hanako());
    let sum = share(&old).add(&other).unwrap();
    let mut ring = ring([share(&old), share(&new), sum], hanako());
    assert!(ring.has(&route(&[old.clone(), second_center()], h(3))));
    ring.drop_epoch(&old);
    assert_eq!(ring.shares().count(), 1);
    assert!(!ring.has(&route(std::slice::from_ref(&old), h(3))));
    assert!(!ring.has(&route(&[old, second_center()], h(3))));
    assert!(ring.has(&route(&[new], h(3))));
}

#[test]
fn a_key_of_zeros_is_refused() {
    let mut ring = KeyRing::new(NETWORK, hanako());
    assert_eq!(ring.agree(shop(), key(0)), Err(KeyError::ZeroKey));
    assert_eq!(ring.hand_out(OrderId([1; 32]), shop(), key(0)), Err(KeyError::ZeroKey));
    assert_eq!(ring.agreed_key(&shop()), None);
    assert_eq!(ring.trade_key(&OrderId([1; 32]), &shop()), None);
}

#[test]
fn an_agreed_key_is_for_one_peer_and_can_be_renewed() {
    let mut ring = KeyRing::new(NETWORK, hanako());
    ring.agree(shop(), key(1)).unwrap();
    assert_eq!(ring.agreed_key(&taro()), None);
    ring.agree(shop(), key(2)).unwrap();
    assert_eq!(ring.agreed_key(&shop()), Some(key(2)));
    ring.forget_agreed(&shop());
    assert_eq!(ring.agreed_key(&shop()), None);
}

#[test]
fn a_handed_out_key_is_for_one_trade_and_peer_and_stays() {
    let (first, second) = (OrderId([1; 32]), OrderId([2; 32]));
    let mut ring = KeyRing::new(NETWORK, hanako());
    ring.hand_out(first, shop(), key(1)).unwrap();
    ring.hand_out(first, shop(), key(1)).unwrap();
    let error = KeyError::DifferentTradeKey { trade: first };
    assert_eq!(ring.hand_out(first, shop(), key(2)), Err(error));
    assert_eq!(ring.trade_key(&first, &shop()), Some(key(1)));
    assert_eq!(ring.trade_key(&first, &taro()), None);
    assert_eq!(ring.trade_key(&second, &shop()), None);
    ring.hand_out(second, shop(), key(2)).unwrap();
    ring.forget_trade(&first);
    assert_eq!(ring.trade_key(&first, &shop()), None);
    assert_eq!(ring.trade_key(&second, &shop()), Some(key(2)));
}

#[test]
fn the_sources_do_not_stand_in_for_one_another() {
    let mut ring = KeyRing::new(NETWORK, hanako());
    ring.agree(shop(), key(1)).unwrap();
    assert_eq!(ring.trade_key(&OrderId([1; 32]), &shop()), None);
    assert!(ring.pair_key(&shop(), &route(&[first_center()], h(3))).is_err());
}
