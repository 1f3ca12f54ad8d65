//! Limits; holds count.

use super::*;
use TransferResult::{ExceedsCredits, ExceedsDebits, Ok};

pub(super) const CASES: &[Case] = &[
    ("debits_must_not_exceed_credits", debits_must_not_exceed_credits),
    ("credits_must_not_exceed_debits", credits_must_not_exceed_debits),
    ("hold_counts_against_the_limit", hold_counts_against_the_limit),
    ("credit_that_is_only_held_cannot_be_spent", credit_that_is_only_held_cannot_be_spent),
    ("debit_that_is_only_held_cannot_be_settled", debit_that_is_only_held_cannot_be_settled),
    ("credit_of_the_same_batch_can_be_spent", credit_of_the_same_batch_can_be_spent),
    ("partial_capture_frees_the_rest", partial_capture_frees_the_rest),
];

const PREPAID: Limit = Limit::DebitsMustNotExceedCredits;
const CLAIM: Limit = Limit::CreditsMustNotExceedDebits;

fn debits_must_not_exceed_credits(ledger: &mut dyn Ledger) {
    open_limited(ledger, PREPAID);
    expect(ledger, &[move_yen(1, A, B, 1)], &[ExceedsCredits]);
    expect(ledger, &[move_yen(2, B, A, 10)], &[Ok]);
    expect(ledger, &[move_yen(3, A, B, 11), move_yen(4, A, B, 10)], &[ExceedsCredits, Ok]);
    expect(ledger, &[move_yen(5, A, B, 1)], &[ExceedsCredits]);
    expect_balance(ledger, A, [0, 10, 0, 10]);
}

fn credits_must_not_exceed_debits(ledger: &mut dyn Ledger) {
    open_limited(ledger, CLAIM);
    expect(ledger, &[move_yen(1, B, A, 1)], &[ExceedsDebits]);
    expect(ledger, &[move_yen(2, A, B, 10)], &[Ok]);
    expect(ledger, &[hold_yen(3, B, A, 4)], &[Ok]);
    expect(ledger, &[move_yen(4, B, A, 7), move_yen(5, B, A, 6)], &[ExceedsDebits, Ok]);
    expect_balance(ledger, A, [0, 10, 4, 6]);
}

fn hold_counts_against_the_limit(ledger: &mut dyn Ledger) {
    open_limited(ledger, PREPAID);
    let hold = hold_yen(2, A, B, 6);
    expect(ledger, &[move_yen(1, B, A, 10), hold], &[Ok, Ok]);
    expect(ledger, &[hold_yen(3, A, C, 5), move_yen(4, A, C, 5)], &[ExceedsCredits; 2]);
    expect(ledger, &[move_yen(5, A, C, 4)], &[Ok]);
    assert_eq!(ledger.balance(A).unwrap().unwrap().available(), 0);
    expect(ledger, &[Transfer::void(TransferId(6), &hold), move_yen(7, A, C, 6)], &[Ok, Ok]);
}

fn credit_that_is_only_held_cannot_be_spent(ledger: &mut dyn Ledger) {
    open_limited(ledger, PREPAID);
    let hold = hold_yen(1, B, A, 10);
    expect(ledger, &[hold, move_yen(2, A, C, 1)], &[Ok, ExceedsCredits]);
    expect(ledger, &[Transfer::post(TransferId(3), &hold, 10), move_yen(2, A, C, 1)], &[Ok, Ok]);
}

fn debit_that_is_only_held_cannot_be_settled(ledger: &mut dyn Ledger) {
    open_limited(ledger, CLAIM);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold, move_yen(2, C, A, 1)], &[Ok, ExceedsDebits]);
    expect(ledger, &[Transfer::post(TransferId(3), &hold, 10), move_yen(2, C, A, 1)], &[Ok, Ok]);
}

fn credit_of_the_same_batch_can_be_spent(ledger: &mut dyn Ledger) {
    open_limited(ledger, PREPAID);
    let batch = [move_yen(1, A, C, 5), move_yen(2, B, A, 5), move_yen(3, A, C, 5)];
    expect(ledger, &batch, &[ExceedsCredits, Ok, Ok]);
    expect_balance(ledger, A, [0, 5, 0, 5]);
}

fn partial_capture_frees_the_rest(ledger: &mut dyn Ledger) {
    open_limited(ledger, PREPAID);
    let hold = hold_yen(2, A, B, 10);
    expect(ledger, &[move_yen(1, B, A, 10), hold], &[Ok, Ok]);
    expect(ledger, &[Transfer::post(TransferId(3), &hold, 7)], &[Ok]);
    expect(ledger, &[move_yen(4, A, C, 4), move_yen(5, A, C, 3)], &[ExceedsCredits, Ok]);
}
