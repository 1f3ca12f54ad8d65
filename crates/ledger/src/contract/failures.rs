//! Transfers that make no sense change nothing.

use super::*;
use crate::MAX_TOTAL;
use TransferResult::*;

pub(super) const CASES: &[Case] = &[
    ("account_not_found", account_not_found),
    ("same_account", same_account),
    ("zero_amount", zero_amount),
    ("currency_mismatch", currency_mismatch),
    ("overflow", overflow),
    ("failure_does_not_use_up_the_id", failure_does_not_use_up_the_id),
];

fn account_not_found(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(ledger, &[move_yen(1, NOBODY, B, 1)], &[DebitAccountNotFound]);
    expect(ledger, &[move_yen(1, A, NOBODY, 1)], &[CreditAccountNotFound]);
    expect_balance(ledger, A, [0; 4]);
    expect_balance(ledger, B, [0; 4]);
    assert_eq!(ledger.transfer(TransferId(1)).unwrap(), None);
}

fn same_account(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(ledger, &[move_yen(1, A, A, 1)], &[SameAccount]);
    expect_balance(ledger, A, [0; 4]);
}

fn zero_amount(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(ledger, &[move_yen(1, A, B, 0), hold_yen(2, A, B, 0)], &[ZeroAmount, ZeroAmount]);
    assert_eq!(ledger.transfer(TransferId(1)).unwrap(), None);
}

fn currency_mismatch(ledger: &mut dyn Ledger) {
    open(ledger);
    let euros = Transfer { currency: Currency::EUR, ..move_yen(3, A, B, 1) };
    let batch = [move_yen(1, A, EURO, 1), move_yen(2, EURO, A, 1), euros];
    expect(ledger, &batch, &[CurrencyMismatch; 3]);
    expect_balance(ledger, EURO, [0; 4]);
}

fn overflow(ledger: &mut dyn Ledger) {
    open(ledger);
    let most = Transfer { amount: MAX_TOTAL, ..move_yen(1, A, B, 1) };
    let beyond = Transfer { amount: MAX_TOTAL + 1, ..move_yen(2, A, B, 1) };
    let greatest = Transfer { amount: u64::MAX, ..move_yen(3, A, B, 1) };
    expect(ledger, &[beyond, greatest, most], &[Overflow, Overflow, Ok]);
    // Each side has its own bound, and a hold counts.
    expect(ledger, &[move_yen(4, A, C, 1), move_yen(5, C, B, 1)], &[Overflow, Overflow]);
    expect(ledger, &[hold_yen(6, A, C, 1), hold_yen(7, C, B, 1)], &[Overflow, Overflow]);
    expect(ledger, &[move_yen(8, B, A, 1)], &[Ok]);
    expect_balance(ledger, A, [0, MAX_TOTAL, 0, 1]);
    expect_balance(ledger, C, [0; 4]);
}

fn failure_does_not_use_up_the_id(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(
        ledger,
        &[move_yen(1, A, NOBODY, 1), move_yen(1, A, B, 2)],
        &[CreditAccountNotFound, Ok],
    );
    expect_balance(ledger, B, [0, 0, 0, 2]);
}
