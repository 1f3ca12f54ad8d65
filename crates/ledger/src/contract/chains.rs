//! Chains: all or none.

use super::*;
use TransferResult::*;

pub(super) const CASES: &[Case] = &[
    ("chain_is_applied_whole", chain_is_applied_whole),
    ("chain_fails_whole", chain_fails_whole),
    ("failed_chain_leaves_its_neighbours", failed_chain_leaves_its_neighbours),
    ("failed_chain_frees_its_holds", failed_chain_frees_its_holds),
    ("chain_that_ends_the_batch_open", chain_that_ends_the_batch_open),
    ("replay_of_a_chain", replay_of_a_chain),
    ("chain_of_old_and_new", chain_of_old_and_new),
    ("chain_that_names_an_id_twice", chain_that_names_an_id_twice),
];

fn chain_is_applied_whole(ledger: &mut dyn Ledger) {
    open_limited(ledger, Limit::DebitsMustNotExceedCredits);
    // The second lives on what the first brings.
    let batch = [move_yen(1, B, A, 5).linked(), move_yen(2, A, C, 5)];
    expect(ledger, &batch, &[Ok, Ok]);
    expect_balance(ledger, A, [0, 5, 0, 5]);
}

fn chain_fails_whole(ledger: &mut dyn Ledger) {
    open_limited(ledger, Limit::DebitsMustNotExceedCredits);
    let batch = [
        move_yen(1, B, A, 5).linked(),
        move_yen(2, B, C, 5).linked(),
        move_yen(3, A, C, 6).linked(),
        move_yen(4, B, C, 1),
    ];
    expect(ledger, &batch, &[LinkedFailed, LinkedFailed, ExceedsCredits, LinkedFailed]);
    for account in [A, B, C] {
        expect_balance(ledger, account, [0; 4]);
        assert_eq!(ledger.history(account, crate::Cursor::Newest, 9).unwrap(), []);
    }
    for id in 1..=4 {
        assert_eq!(ledger.transfer(TransferId(id)).unwrap(), None);
    }
}

fn failed_chain_leaves_its_neighbours(ledger: &mut dyn Ledger) {
    open(ledger);
    let batch = [
        move_yen(1, A, B, 1),
        move_yen(2, A, B, 10).linked(),
        move_yen(3, A, NOBODY, 10),
        move_yen(4, A, B, 100),
    ];
    expect(ledger, &batch, &[Ok, LinkedFailed, CreditAccountNotFound, Ok]);
    expect_balance(ledger, A, [0, 101, 0, 0]);
    let history = ledger.history(A, crate::Cursor::Newest, 9).unwrap();
    assert_eq!(history, [batch[3], batch[0]]);
}

fn failed_chain_frees_its_holds(ledger: &mut dyn Ledger) {
    open(ledger);
    let hold = hold_yen(1, A, B, 10);
    expect(ledger, &[hold], &[Ok]);
    let post = Transfer::post(TransferId(2), &hold, 10);
    let batch = [post.linked(), move_yen(3, A, NOBODY, 1), post];
    expect(ledger, &batch, &[LinkedFailed, CreditAccountNotFound, Ok]);
    expect_balance(ledger, A, [0, 10, 0, 0]);
}

fn chain_that_ends_the_batch_open(ledger: &mut dyn Ledger) {
    open(ledger);
    let batch =
        [move_yen(1, A, B, 1), move_yen(2, A, B, 1).linked(), move_yen(3, A, B, 1).linked()];
    expect(ledger, &batch, &[Ok, LinkedFailed, LinkedChainOpen]);
    expect(ledger, &[move_yen(4, A, B, 1).linked()], &[LinkedChainOpen]);
    expect_balance(ledger, A, [0, 1, 0, 0]);
}

fn replay_of_a_chain(ledger: &mut dyn Ledger) {
    open(ledger);
    let chain = [move_yen(1, A, B, 1).linked(), move_yen(2, A, B, 2)];
    expect(ledger, &chain, &[Ok, Ok]);
    expect(ledger, &chain, &[Exists, Exists]);
    expect_balance(ledger, A, [0, 3, 0, 0]);
}

fn chain_of_old_and_new(ledger: &mut dyn Ledger) {
    open(ledger);
    let old = move_yen(1, A, B, 1);
    let old_linked = move_yen(2, A, B, 1).linked();
    expect(ledger, &[old, old_linked, move_yen(3, A, B, 1)], &[Ok, Ok, Ok]);
    let new = move_yen(4, A, B, 1);
    expect(ledger, &[old_linked, new], &[LinkedFailed, ChainPartlyExists]);
    expect(ledger, &[new.linked(), old], &[LinkedFailed, ChainPartlyExists]);
    expect_balance(ledger, A, [0, 3, 0, 0]);
    assert_eq!(ledger.transfer(new.id).unwrap(), None);
}

fn chain_that_names_an_id_twice(ledger: &mut dyn Ledger) {
    open(ledger);
    let transfer = move_yen(1, A, B, 1).linked();
    let batch = [transfer, transfer, move_yen(2, A, B, 1)];
    expect(ledger, &batch, &[LinkedFailed, ChainPartlyExists, LinkedFailed]);
    expect_balance(ledger, A, [0; 4]);
}
