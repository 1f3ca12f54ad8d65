//! Accounts.

use super::*;
use crate::{AccountField, AccountResult};

pub(super) const CASES: &[Case] = &[
    ("accounts_begin_at_zero", accounts_begin_at_zero),
    ("accounts_are_never_changed", accounts_are_never_changed),
    ("accounts_are_listed_by_id", accounts_are_listed_by_id),
];

fn accounts_begin_at_zero(ledger: &mut dyn Ledger) {
    open(ledger);
    expect_balance(ledger, A, [0; 4]);
    assert_eq!(ledger.balance(NOBODY).unwrap(), None);
    assert_eq!(ledger.account(NOBODY).unwrap(), None);
    assert_eq!(ledger.account(B).unwrap(), Some(Account::new(B, Currency::JPY)));
}

fn accounts_are_never_changed(ledger: &mut dyn Ledger) {
    let account = Account::new(A, Currency::JPY);
    let limited = account.limited(Limit::DebitsMustNotExceedCredits);
    let results = ledger
        .create_accounts(&[account, account, limited, Account::new(A, Currency::EUR)])
        .unwrap();
    assert_eq!(
        results,
        [
            AccountResult::Ok,
            AccountResult::Exists,
            AccountResult::ExistsWithDifferent { field: AccountField::Limit },
            AccountResult::ExistsWithDifferent { field: AccountField::Currency },
        ]
    );
    assert_eq!(ledger.account(A).unwrap(), Some(account));

    // Creating an account again leaves its balance alone.
    ledger.create_accounts(&[Account::new(B, Currency::JPY)]).unwrap();
    expect(ledger, &[move_yen(1, A, B, 5)], &[TransferResult::Ok]);
    assert_eq!(ledger.create_accounts(&[account]).unwrap(), [AccountResult::Exists]);
    expect_balance(ledger, A, [0, 5, 0, 0]);
}

fn accounts_are_listed_by_id(ledger: &mut dyn Ledger) {
    open(ledger);
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = ledger.accounts(after, 3).unwrap();
        assert!(page.len() <= 3);
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        ids.extend(page.iter().map(|(account, _)| account.id));
    }
    assert_eq!(ids, [A, EURO, C, B]);
}
