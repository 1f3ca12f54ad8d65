//! The suite that every engine passes: named cases against an empty ledger.
//!
//! An engine's tests call [`run_all`]; through [`Stepped`] where a ledger only lives inside a unit
//! of work. [`raw_batches`] turns bytes into histories, for property tests against
//! [`crate::MemoryLedger`].
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a case fails by panicking; no program links these functions"
)]

mod accounts;
mod chains;
mod failures;
mod histories;
mod holds;
mod limits;
mod random;
mod stepped;
mod transfers;

use crate::{
    Account, AccountId, Balance, Ledger, Limit, Transfer, TransferId, TransferResult, audit,
};
use warifu_types::{Currency, Money};

pub use random::{RawTransfer, compare, create_random_accounts, raw_batches};
pub use stepped::{Step, Stepped};

/// A named case. It panics if the engine fails it.
pub type Case = (&'static str, fn(&mut dyn Ledger));

/// Every case.
pub const CASES: &[&[Case]] = &[
    accounts::CASES,
    transfers::CASES,
    failures::CASES,
    limits::CASES,
    holds::CASES,
    chains::CASES,
    histories::CASES,
];

/// Runs every case on a ledger of its own, and audits it afterwards.
pub fn run_all<L: Ledger>(make: impl Fn() -> L) {
    for (_, case) in CASES.iter().copied().flatten() {
        run(case, &mut make());
    }
}

/// Runs one case on an empty ledger, and audits it afterwards.
pub fn run(case: &fn(&mut dyn Ledger), ledger: &mut dyn Ledger) {
    case(ledger);
    audit(ledger).expect("the books balance after the case");
}

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(u128::MAX);
const C: AccountId = AccountId(1 << 100);
const EURO: AccountId = AccountId(7);
const NOBODY: AccountId = AccountId(99);

/// Accounts without a limit: A, B and C in yen, EURO in euros.
fn open(ledger: &mut dyn Ledger) {
    let accounts = [
        Account::new(A, Currency::JPY),
        Account::new(B, Currency::JPY),
        Account::new(C, Currency::JPY),
        Account::new(EURO, Currency::EUR),
    ];
    let results = ledger.create_accounts(&accounts).unwrap();
    assert!(results.iter().all(|result| result.is_there()), "{results:?}");
}

/// As [`open`], but A has a limit.
fn open_limited(ledger: &mut dyn Ledger, limit: Limit) {
    ledger.create_accounts(&[Account::new(A, Currency::JPY).limited(limit)]).unwrap();
    let others = [Account::new(B, Currency::JPY), Account::new(C, Currency::JPY)];
    ledger.create_accounts(&others).unwrap();
}

fn yen(minor: u64) -> Money {
    Money::new(minor, Currency::JPY).unwrap()
}

fn move_yen(id: u128, debit: AccountId, credit: AccountId, minor: u64) -> Transfer {
    Transfer::plain(TransferId(id), debit, credit, yen(minor))
}

fn hold_yen(id: u128, debit: AccountId, credit: AccountId, minor: u64) -> Transfer {
    Transfer::pending(TransferId(id), debit, credit, yen(minor))
}

#[track_caller]
fn expect(ledger: &mut dyn Ledger, batch: &[Transfer], results: &[TransferResult]) {
    assert_eq!(ledger.apply(batch).unwrap(), results);
}

#[track_caller]
fn expect_balance(ledger: &mut dyn Ledger, account: AccountId, sums: [u64; 4]) {
    let [debits_pending, debits_posted, credits_pending, credits_posted] = sums;
    let expected = Balance { debits_pending, debits_posted, credits_pending, credits_posted };
    assert_eq!(ledger.balance(account).unwrap(), Some(expected));
}
