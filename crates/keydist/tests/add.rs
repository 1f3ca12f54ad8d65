//! Which shares can be added.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use warifu_keydist::{CenterMatrices, CenterSeed, KeyError, Share, Thresholds};

fn first() -> Share {
    matrices(1, first_center()).holder_share(3, &hanako())
}

fn second() -> CenterMatrices {
    matrices(2, second_center())
}

fn differs(other: &Share) -> KeyError {
    let (one, two) = (first().add(other).unwrap_err(), other.add(&first()).unwrap_err());
    assert_eq!(one, two);
    one
}

#[test]
fn shares_of_two_centers_add() {
    let sum = first().add(&second().holder_share(3, &hanako())).unwrap();
    assert_eq!(sum.epochs(), [first_center(), second_center()]);
    assert_eq!(*sum.center(), first_center());
    assert!(sum.is_sum() && !first().is_sum());
}

#[test]
fn the_order_does_not_matter() {
    let (one, two) = (first(), second().holder_share(3, &hanako()));
    assert_eq!(*one.add(&two).unwrap().to_file(), *two.add(&one).unwrap().to_file());
}

#[test]
fn a_center_is_not_added_twice() {
    let error = KeyError::RepeatedCenter { center: first_center() };
    assert_eq!(differs(&first()), error);
    let sum = first().add(&second().holder_share(3, &hanako())).unwrap();
    assert_eq!(differs(&sum), error);
}

#[test]
fn another_network_is_refused() {
    let thresholds = Thresholds::new(5, 4).unwrap();
    let seed = CenterSeed::from_bytes([2; 32]);
    let city = CenterMatrices::new(seed, "city", second_center(), thresholds);
    let error = KeyError::CannotAdd { field: "network" };
    assert_eq!(differs(&city.holder_share(3, &hanako())), error);
}

#[test]
fn another_epoch_is_refused() {
    let later = matrices(2, center("name:第二センター", 2)).holder_share(3, &hanako());
    assert_eq!(differs(&later), KeyError::CannotAdd { field: "epochs" });
}

#[test]
fn another_matrix_is_refused() {
    let other = second().holder_share(4, &hanako());
    assert_eq!(differs(&other), KeyError::CannotAdd { field: "matrix" });
}

#[test]
fn the_other_side_is_refused() {
    let other = second().service_share(3, &hanako());
    assert_eq!(differs(&other), KeyError::CannotAdd { field: "side" });
}

#[test]
fn other_thresholds_are_refused() {
    let thresholds = Thresholds::new(5, 3).unwrap();
    let seed = CenterSeed::from_bytes([2; 32]);
    let other = CenterMatrices::new(seed, NETWORK, second_center(), thresholds);
    let error = KeyError::CannotAdd { field: "thresholds" };
    assert_eq!(differs(&other.holder_share(3, &hanako())), error);
}

#[test]
fn another_owner_is_refused() {
    let other = second().holder_share(3, &taro());
    assert_eq!(differs(&other), KeyError::CannotAdd { field: "owner" });
}
