//! Holds: authorize, capture, cancel.

use super::*;
use crate::TransferField;
use TransferResult::*;

pub(super) const CASES: &[Case] = &[
    ("hold_then_post", hold_then_post),
    ("hold_then_post_less", hold_then_post_less),
    ("hold_then_void", hold_then_void),
    ("hold_is_resolved_once", hold_is_resolved_once),
    ("hold_and_post_in_one_batch", hold_and_post_in_one_batch),
    ("posting_needs_a_hold", posting_needs_a_hold),
    ("posting_repeats_its_hold", posting_repeats_its_hold),
    ("replay_of_a_posting", replay_of_a_posting),
    ("resolution_is_found", resolution_is_found),
];

const ID: TransferId = TransferId(50);
const NEXT: TransferId = TransferId(51);

fn hold_then_post(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold], &[Ok]);
    expect_balance(ledger, A, [10, 0, 0, 0]);
    expect_balance(ledger, B, [0, 0, 10, 0]);
    expect(ledger, &[Transfer::post(ID, &hold, 10)], &[Ok]);
    expect_balance(ledger, A, [0, 10, 0, 0]);
    expect_balance(ledger, B, [0, 0, 0, 10]);
}

fn hold_then_post_less(ledger: &mut dyn Ledger) {
    open(ledger);
    let (hold, other) = (hold_yen(1, A, B, 10), hold_yen(2, A, B, 5));
    expect(ledger, &[hold, other], &[Ok, Ok]);
    expect(ledger, &[Transfer::post(ID, &hold, 11)], &[ExceedsPending]);
    expect(ledger, &[Transfer::post(ID, &hold, 0)], &[ZeroAmount]);
    expect(ledger, &[Transfer::post(ID, &hold, 7)], &[Ok]);
    expect_balance(ledger, A, [5, 7, 0, 0]);
    expect_balance(ledger, B, [0, 0, 5, 7]);
}

fn hold_then_void(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold, Transfer::void(ID, &hold)], &[Ok, Ok]);
    expect_balance(ledger, A, [0; 4]);
    expect_balance(ledger, B, [0; 4]);
}

fn hold_is_resolved_once(ledger: &mut dyn Ledger) {
    open(ledger);
    let (posted, voided) = (hold_yen(1, A, B, 10), hold_yen(2, A, B, 10));
    expect(ledger, &[posted, voided], &[Ok, Ok]);
    let resolve = [Transfer::post(ID, &posted, 4), Transfer::void(NEXT, &voided)];
    expect(ledger, &resolve, &[Ok, Ok]);
    let again = [
        Transfer::post(TransferId(60), &posted, 1),
        Transfer::void(TransferId(61), &posted),
        Transfer::post(TransferId(62), &voided, 1),
        Transfer::void(TransferId(63), &voided),
    ];
    let results =
        [PendingAlreadyPosted, PendingAlreadyPosted, PendingAlreadyVoided, PendingAlreadyVoided];
    expect(ledger, &again, &results);
    expect_balance(ledger, A, [0, 4, 0, 0]);
}

fn hold_and_post_in_one_batch(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    let batch = [hold, Transfer::post(ID, &hold, 10), Transfer::void(NEXT, &hold)];
    expect(ledger, &batch, &[Ok, Ok, PendingAlreadyPosted]);
    expect_balance(ledger, A, [0, 10, 0, 0]);
}

fn posting_needs_a_hold(ledger: &mut dyn Ledger) {
    open(ledger);
    let plain = move_yen(1, A, B, 10);
    expect(ledger, &[Transfer::post(ID, &plain, 10)], &[PendingNotFound]);
    expect(ledger, &[Transfer::void(ID, &plain)], &[PendingNotFound]);
    expect(ledger, &[plain, Transfer::post(ID, &plain, 10)], &[Ok, NotPending]);
    expect(ledger, &[Transfer::void(ID, &plain)], &[NotPending]);
}

fn posting_repeats_its_hold(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold], &[Ok]);
    let (post, void) = (Transfer::post(ID, &hold, 10), Transfer::void(ID, &hold));
    let bad = [
        (TransferField::Debit, Transfer { debit: C, ..post }),
        (TransferField::Credit, Transfer { credit: C, ..post }),
        (TransferField::Debit, Transfer { debit: B, credit: A, ..post }),
        (TransferField::Debit, Transfer { debit: C, ..void }),
        (TransferField::Credit, Transfer { credit: C, ..void }),
        (TransferField::Amount, Transfer { amount: 9, ..void }),
    ];
    for (field, transfer) in bad {
        expect(ledger, &[transfer], &[PendingDiffers { field }]);
    }
    expect_balance(ledger, A, [10, 0, 0, 0]);
    expect_balance(ledger, C, [0; 4]);
}

fn replay_of_a_posting(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    let post = Transfer::post(ID, &hold, 7);
    expect(ledger, &[hold, post], &[Ok, Ok]);
    expect(ledger, &[hold, post], &[Exists, Exists]);
    let more = Transfer::post(ID, &hold, 8);
    expect(ledger, &[more], &[ExistsWithDifferent { field: TransferField::Amount }]);
    expect_balance(ledger, A, [0, 7, 0, 0]);
}

fn resolution_is_found(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold], &[Ok]);
    assert_eq!(ledger.resolution(hold.id).unwrap(), None);
    let post = Transfer::post(ID, &hold, 7);
    expect(ledger, &[post], &[Ok]);
    assert_eq!(ledger.resolution(hold.id).unwrap(), Some(post));
    assert_eq!(ledger.resolution(ID).unwrap(), None);
}
