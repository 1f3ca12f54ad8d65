//! Each fault is planted in sound books, and found.

use super::*;
use crate::{Account, MemoryLedger};
use warifu_types::{Currency, Money};

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

/// A hold of 9, of which 5 are posted, and a transfer of 7 back.
fn sound() -> MemoryLedger {
    let mut ledger = MemoryLedger::new();
    let accounts = [Account::new(A, Currency::JPY), Account::new(B, Currency::JPY)];
    ledger.create_accounts(&accounts).unwrap();
    let yen = |minor| Money::new(minor, Currency::JPY).unwrap();
    let hold = Transfer::pending(TransferId(1), A, B, yen(9));
    let batch = [
        hold,
        Transfer::post(TransferId(2), &hold, 5),
        Transfer::plain(TransferId(3), B, A, yen(7)),
    ];
    assert!(ledger.apply(&batch).unwrap().iter().all(|result| result.is_applied()));
    ledger
}

fn fault(tamper: impl FnOnce(&mut MemoryLedger)) -> AuditError {
    let mut ledger = sound();
    tamper(&mut ledger);
    audit(&mut ledger).unwrap_err()
}

#[test]
fn sound_books_are_summed() {
    let audit = audit(&mut sound()).unwrap();
    assert_eq!((audit.accounts, audit.transfers), (2, 3));
    let totals =
        Totals { debits_posted: 12, credits_posted: 12, debits_pending: 0, credits_pending: 0 };
    assert_eq!(audit.totals["JPY"], totals);
}

#[test]
fn altered_balance_is_found() {
    let found = fault(|ledger| {
        ledger.accounts.get_mut(&A).unwrap().balance.credits_posted += 1;
    });
    assert_eq!(found, Fault::Balance { account: A }.into());
}

#[test]
fn altered_amount_is_found() {
    let found = fault(|ledger| {
        ledger.transfers.get_mut(&TransferId(3)).unwrap().transfer.amount = 8;
    });
    assert_eq!(found, Fault::Balance { account: A }.into());
}

#[test]
fn lost_transfer_is_found() {
    let found = fault(|ledger| {
        ledger.transfers.remove(&TransferId(3));
    });
    assert_eq!(found, Fault::Balance { account: A }.into());
}

#[test]
fn lost_account_is_found() {
    let found = fault(|ledger| {
        ledger.accounts.remove(&B);
    });
    assert_eq!(found, Fault::Dangling { transfer: TransferId(1) }.into());
}

#[test]
fn lost_hold_is_found() {
    let found = fault(|ledger| {
        ledger.transfers.remove(&TransferId(1));
    });
    assert_eq!(found, Fault::Dangling { transfer: TransferId(2) }.into());
}

#[test]
fn hold_that_looks_open_is_found() {
    let found = fault(|ledger| ledger.resolutions.clear());
    assert_eq!(found, Fault::Dangling { transfer: TransferId(2) }.into());
}

#[test]
fn hold_that_was_posted_twice_is_found() {
    let found = fault(|ledger| {
        let mut second = ledger.transfers[&TransferId(2)];
        second.transfer.id = TransferId(4);
        ledger.transfers.insert(TransferId(4), second);
    });
    assert_eq!(found, Fault::Dangling { transfer: TransferId(4) }.into());
}

#[test]
fn broken_limit_is_found() {
    let found = fault(|ledger| {
        ledger.accounts.get_mut(&B).unwrap().account.limit = Limit::DebitsMustNotExceedCredits;
    });
    assert_eq!(found, Fault::Limit { account: B }.into());
}

#[test]
fn history_that_leaves_out_a_transfer_is_found() {
    let found = fault(|ledger| {
        ledger.transfers.get_mut(&TransferId(3)).unwrap().previous_credit = Some(TransferId(1));
    });
    assert_eq!(found, Fault::History { account: A }.into());
}

#[test]
fn history_that_runs_in_a_circle_is_found() {
    let found = fault(|ledger| {
        ledger.transfers.get_mut(&TransferId(1)).unwrap().previous_debit = Some(TransferId(3));
    });
    assert_eq!(found, Fault::History { account: A }.into());
}
