//! An account's history.

use super::*;
use crate::{Cursor, LedgerError};
use TransferResult::Ok;

pub(super) const CASES: &[Case] = &[
    ("history_is_newest_first", history_is_newest_first),
    ("history_comes_in_pages", history_comes_in_pages),
    ("history_has_every_kind", history_has_every_kind),
    ("history_of_nobody_is_empty", history_of_nobody_is_empty),
    ("history_refuses_a_foreign_cursor", history_refuses_a_foreign_cursor),
];

fn history_is_newest_first(ledger: &mut dyn Ledger) {
    open(ledger);
    // Ids fall while time goes on: the order is that of application.
    let batch = [move_yen(9, A, B, 1), move_yen(5, B, C, 1), move_yen(1, C, A, 1)];
    expect(ledger, &batch, &[Ok; 3]);
    assert_eq!(ledger.history(A, Cursor::Newest, 9).unwrap(), [batch[2], batch[0]]);
    assert_eq!(ledger.history(B, Cursor::Newest, 9).unwrap(), [batch[1], batch[0]]);
    assert_eq!(ledger.history(C, Cursor::Newest, 9).unwrap(), [batch[2], batch[1]]);
}

fn history_comes_in_pages(ledger: &mut dyn Ledger) {
    open(ledger);
    let mut sent = Vec::new();
    for id in 1..=10 {
        let transfer = if id % 2 == 0 { move_yen(id, A, B, 1) } else { move_yen(id, B, A, 1) };
        expect(ledger, &[transfer], &[Ok]);
        sent.insert(0, transfer);
    }
    let mut read = Vec::new();
    let mut cursor = Cursor::Newest;
    loop {
        let page = ledger.history(A, cursor, 3).unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        cursor = Cursor::Before(last.id);
        read.extend(page);
    }
    assert_eq!(read, sent);
    assert_eq!(ledger.history(A, Cursor::Newest, 0).unwrap(), []);
    // A page begun earlier goes on where it was, whatever has come since.
    expect(ledger, &[move_yen(99, A, B, 1)], &[Ok]);
    let page = ledger.history(A, Cursor::Before(TransferId(8)), 2).unwrap();
    assert_eq!(page, [sent[3], sent[4]]);
}

fn history_has_every_kind(ledger: &mut dyn Ledger) {
    open(ledger);
    let (posted, voided) = (hold_yen(1, A, B, 5), hold_yen(2, A, B, 5));
    let post = Transfer::post(TransferId(3), &posted, 4);
    let void = Transfer::void(TransferId(4), &voided);
    expect(ledger, &[posted, voided, post, void], &[Ok; 4]);
    assert_eq!(ledger.history(B, Cursor::Newest, 9).unwrap(), [void, post, voided, posted]);
}

fn history_of_nobody_is_empty(ledger: &mut dyn Ledger) {
    open(ledger);
    assert_eq!(ledger.history(NOBODY, Cursor::Newest, 9).unwrap(), []);
    assert_eq!(ledger.history(A, Cursor::Newest, 9).unwrap(), []);
}

fn history_refuses_a_foreign_cursor(ledger: &mut dyn Ledger) {
    open(ledger);
    expect(ledger, &[move_yen(1, A, B, 1)], &[Ok]);
    let unknown = Err(LedgerError::UnknownCursor);
    assert_eq!(ledger.history(C, Cursor::Before(TransferId(1)), 9), unknown);
    assert_eq!(ledger.history(A, Cursor::Before(TransferId(2)), 9), unknown);
}
