//! Plain transfers and replays.

use super::*;
use crate::TransferField;
use TransferResult::{Exists, ExistsWithDifferent, Ok};

pub(super) const CASES: &[Case] = &[
    ("transfer_moves_both_sides", transfer_moves_both_sides),
    ("transfer_is_found_as_it_was_sent", transfer_is_found_as_it_was_sent),
    ("replay_moves_nothing", replay_moves_nothing),
    ("same_id_with_another_content_is_named", same_id_with_another_content_is_named),
    ("transfers_are_listed_by_id", transfers_are_listed_by_id),
    ("empty_batch", empty_batch),
];

fn transfer_moves_both_sides(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(ledger, &[move_yen(1, A, B, 100), move_yen(2, B, C, 30)], &[Ok, Ok]);
    expect_balance(ledger, A, [0, 100, 0, 0]);
    expect_balance(ledger, B, [0, 30, 0, 100]);
    expect_balance(ledger, C, [0, 0, 0, 30]);
}

fn transfer_is_found_as_it_was_sent(ledger: &mut dyn Ledger) {
    open(ledger);
    let sent = move_yen(u128::MAX, A, B, 1).with_code(u16::MAX).with_user_data(u128::MAX);
    expect(ledger, &[sent], &[Ok]);
    assert_eq!(ledger.transfer(sent.id).unwrap(), Some(sent));
    assert_eq!(ledger.transfer(TransferId(0)).unwrap(), None);
}

fn replay_moves_nothing(ledger: &mut dyn Ledger) {
    open(ledger);
    let transfer = move_yen(1, A, B, 100);
    expect(ledger, &[transfer, transfer], &[Ok, Exists]);
    expect(ledger, &[transfer], &[Exists]);
    expect_balance(ledger, A, [0, 100, 0, 0]);
}

fn same_id_with_another_content_is_named(ledger: &mut dyn Ledger) {
    open(ledger);
    let first = move_yen(1, A, B, 100);
    expect(ledger, &[first], &[Ok]);
    let others = [
        (TransferField::Debit, Transfer { debit: C, ..first }),
        (TransferField::Credit, Transfer { credit: C, ..first }),
        (TransferField::Amount, Transfer { amount: 101, ..first }),
        (TransferField::Currency, Transfer { currency: Currency::EUR, ..first }),
        (TransferField::Kind, Transfer { kind: crate::Kind::Pending, ..first }),
        (TransferField::Code, first.with_code(1)),
        (TransferField::UserData, first.with_user_data(1)),
    ];
    for (field, other) in others {
        expect(ledger, &[other], &[ExistsWithDifferent { field }]);
    }
    expect(
        ledger,
        &[first.linked(), move_yen(2, A, B, 1)],
        &[ExistsWithDifferent { field: TransferField::Linked }, TransferResult::LinkedFailed],
    );
    expect_balance(ledger, A, [0, 100, 0, 0]);
}

fn transfers_are_listed_by_id(ledger: &mut dyn Ledger) {
    open(ledger);
    let ids = [5, u128::MAX, 1 << 127, 2, 1 << 64];
    let batch: Vec<_> = ids.iter().map(|id| move_yen(*id, A, B, 1)).collect();
    expect(ledger, &batch, &[Ok; 5]);
    let page = ledger.transfers(Some(TransferId(2)), 3).unwrap();
    let listed: Vec<_> = page.iter().map(|transfer| transfer.id.0).collect();
    assert_eq!(listed, [5, 1 << 64, 1 << 127]);
}

fn empty_batch(ledger: &mut dyn Ledger) {
    expect(ledger, &[], &[]);
    assert_eq!(ledger.create_accounts(&[]).unwrap(), []);
}
