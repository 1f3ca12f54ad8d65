//! The threshold told honestly: up to N - 1 pooled shares say nothing about anybody else, and N
//! say everything.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{field::*, *};
use warifu_keydist::{Points, Share};
use warifu_types::Identifier;

/// Coefficients on the two sides of `common::matrices`.
const N: usize = 5;
const M: usize = 4;

fn someone(n: usize) -> Identifier {
    id(&format!("name:someone {n}"))
}

/// The points of an instance of pooling parties.
fn points(instance: usize, parties: &[Identifier]) -> Vec<Element> {
    parties.iter().map(|party| point(instance, party)).collect()
}

fn point(instance: usize, party: &Identifier) -> Element {
    Points::of(NETWORK, 1, party).each()[instance]
}

fn half(instance: usize, share: &Share, peer: &Identifier) -> Element {
    share.pair_key(peer).expose().as_chunks::<16>().0[instance]
}

/// A pool of parties on one side, and two outsiders: a party of that side, and one of the other.
struct Pool {
    parties: Vec<Identifier>,
    shares: Vec<Share>,
    outsider: Share,
    peer: Identifier,
}

fn pool(size: usize, share: impl Fn(&Identifier) -> Share) -> Pool {
    let parties: Vec<Identifier> = (0..size).map(someone).collect();
    let shares = parties.iter().map(&share).collect();
    Pool { parties, shares, outsider: share(&someone(100)), peer: someone(200) }
}

fn holders(size: usize) -> Pool {
    let center = matrices(1, first_center());
    pool(size, |who| center.holder_share(3, who))
}

fn services(size: usize) -> Pool {
    let center = matrices(1, first_center());
    pool(size, |who| center.service_share(3, who))
}

fn square(size: usize) -> Pool {
    let center = matrices(1, first_center());
    pool(size, |who| center.services_share(2, 2, who))
}

impl Pool {
    fn secrets(&self, instance: usize) -> Vec<Vec<Element>> {
        self.shares.iter().map(|share| secrets(share)[instance].clone()).collect()
    }

    /// Whether a matrix gives every member of the pool the share that they have.
    fn consistent(&self, instance: usize, matrix: &Table) -> bool {
        let shares = self.secrets(instance);
        let parties = points(instance, &self.parties);
        parties.iter().zip(shares).all(|(x, share)| row_share(matrix, *x) == share)
    }

    /// The outsiders' key in a matrix.
    fn key_in(&self, instance: usize, matrix: &Table) -> Element {
        let share = row_share(matrix, point(instance, self.outsider.owner()));
        evaluate(&share, point(instance, &self.peer))
    }

    fn recover(&self, instance: usize) -> Table {
        interpolate(&points(instance, &self.parties), &self.secrets(instance))
    }
}

#[test]
fn the_arithmetic_of_these_tests_is_right() {
    let a: Element = *b"0123456789abcdef";
    assert_eq!(mul(a, ONE), a);
    assert_eq!(mul(a, inverse(a)), ONE);
    let roots = [a, [7; 16], [9; 16]];
    let polynomial = vanishing(&roots);
    assert_eq!(polynomial.len(), 4);
    for root in roots {
        assert_eq!(evaluate(&polynomial, root), ZERO);
    }
    assert_ne!(evaluate(&polynomial, [8; 16]), ZERO);
    // x^2 at a, and a share's own evaluation against the crate's.
    assert_eq!(evaluate(&[ZERO, ONE], a), mul(a, a));
    let share = matrices(1, first_center()).holder_share(3, &hanako());
    for instance in [0, 1] {
        let expected = half(instance, &share, &shop());
        assert_eq!(evaluate(&secrets(&share)[instance], point(instance, &shop())), expected);
    }
}

/// Any key of the outsiders is possible: for one chosen here there is a matrix that explains
/// everything the pool has.
fn any_key_is_possible(pool: &Pool) {
    for instance in [0, 1] {
        let true_key = half(instance, &pool.outsider, &pool.peer);
        let chosen_key = *b"any key you like";
        let y = point(instance, &pool.peer);
        // Some share of the outsider's that gives the chosen key.
        let mut invented = secrets(&pool.outsider)[instance].clone();
        let change = mul(add(true_key, chosen_key), inverse(y));
        invented[0] = add(invented[0], change);
        let mut parties = points(instance, &pool.parties);
        parties.push(point(instance, pool.outsider.owner()));
        let mut shares = pool.secrets(instance);
        shares.push(invented);
        let second = interpolate(&parties, &shares);
        assert!(pool.consistent(instance, &second));
        assert_eq!(pool.key_in(instance, &second), chosen_key);
        assert_ne!(true_key, chosen_key);
    }
}

/// The pool computes the key of two outsiders.
fn everything_falls(pool: &Pool) {
    for instance in [0, 1] {
        let matrix = pool.recover(instance);
        assert!(pool.consistent(instance, &matrix));
        let x = point(instance, pool.outsider.owner());
        assert_eq!(row_share(&matrix, x), secrets(&pool.outsider)[instance]);
        let key = half(instance, &pool.outsider, &pool.peer);
        assert_eq!(pool.key_in(instance, &matrix), key);
    }
}

#[test]
fn holders_below_the_threshold_learn_nothing() {
    any_key_is_possible(&holders(N - 1));
}

#[test]
fn holders_at_the_threshold_open_the_matrix() {
    everything_falls(&holders(N));
}

#[test]
fn a_full_group_of_services_learns_nothing() {
    let capacity = matrices(1, first_center()).thresholds().capacity();
    any_key_is_possible(&services(capacity));
}

#[test]
fn one_service_beyond_the_capacity_opens_the_matrix() {
    let capacity = matrices(1, first_center()).thresholds().capacity();
    everything_falls(&services(capacity + 1));
}

#[test]
fn services_beyond_the_capacity_open_their_square() {
    everything_falls(&square(M));
}

/// In a square the second matrix must be symmetric too: add u(x) · u(y), where u is zero at the
/// pool's points.
#[test]
fn a_full_group_learns_nothing_about_its_square() {
    let pool = square(M - 1);
    for instance in [0, 1] {
        let truth = square(M).recover(instance);
        assert_eq!(truth, transpose(&truth));
        let u = vanishing(&points(instance, &pool.parties));
        let second = add_product(&truth, &u, &u);
        assert_eq!(second, transpose(&second));
        assert!(pool.consistent(instance, &second));
        assert_ne!(pool.key_in(instance, &second), half(instance, &pool.outsider, &pool.peer));
    }
}

/// Holders and services below their thresholds learn nothing even together.
#[test]
fn both_sides_together_learn_nothing_below_both_thresholds() {
    let (rows, columns) = (holders(N - 1), services(M - 1));
    for instance in [0, 1] {
        let truth = holders(N).recover(instance);
        let u = vanishing(&points(instance, &rows.parties));
        let v = vanishing(&points(instance, &columns.parties));
        let second = add_product(&truth, &u, &v);
        assert!(rows.consistent(instance, &second));
        assert!(columns.consistent(instance, &transpose(&second)));
        assert_ne!(rows.key_in(instance, &second), half(instance, &rows.outsider, &rows.peer));
        // The check itself is sharp: one more member on either side, and it no longer holds.
        assert!(!holders(N).consistent(instance, &second));
        assert!(!services(M).consistent(instance, &transpose(&second)));
    }
}
