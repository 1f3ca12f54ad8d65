//! Random histories, made from bytes that a property test supplies.

use crate::{Account, AccountId, Cursor, Kind, Ledger, Limit, Transfer, TransferId, audit};
use warifu_types::Currency;

/// Bytes that stand for a transfer. Small ranges, so that ids, accounts and holds meet often.
pub type RawTransfer = [u8; 7];

const ACCOUNTS: u8 = 6;

/// Creates the accounts that [`raw_batches`] uses: one for each limit and a euro account.
pub fn create_random_accounts(ledger: &mut dyn Ledger) {
    let account = |id: u128| Account::new(AccountId(id), Currency::JPY);
    let accounts = [
        account(0),
        account(1).limited(Limit::DebitsMustNotExceedCredits),
        account(2).limited(Limit::CreditsMustNotExceedDebits),
        account(3).limited(Limit::DebitsMustNotExceedCredits),
        Account::new(AccountId(4), Currency::EUR),
    ];
    ledger.create_accounts(&accounts).unwrap();
}

/// Turns bytes into batches. Most transfers make sense; some repeat an id, name an account that is
/// not there, post a hold with other accounts, or leave a chain open.
pub fn raw_batches(raw: &[Vec<RawTransfer>]) -> Vec<Vec<Transfer>> {
    let mut made: Vec<Transfer> = Vec::new();
    let mut batches = Vec::new();
    for batch in raw {
        let mut transfers = Vec::new();
        for bytes in batch {
            let transfer = transfer_of(bytes, &made);
            made.push(transfer);
            transfers.push(transfer);
        }
        batches.push(transfers);
    }
    batches
}

fn transfer_of(bytes: &RawTransfer, made: &[Transfer]) -> Transfer {
    let [id, debit, credit, amount, kind, which, flags] = *bytes;
    let earlier = made.get(usize::from(which) % made.len().max(1)).copied();
    let fresh = 1000 + made.len() as u128;
    let transfer = Transfer {
        // One in eight takes a small id, which soon repeats.
        id: TransferId(if id % 8 == 0 { u128::from(id) } else { fresh }),
        debit: AccountId(u128::from(debit % ACCOUNTS)),
        credit: AccountId(u128::from(credit % ACCOUNTS)),
        amount: u64::from(amount % 32),
        currency: if flags % 16 == 1 { Currency::EUR } else { Currency::JPY },
        kind: Kind::Plain,
        linked: flags % 4 == 0,
        code: u16::from(flags / 128),
        user_data: 0,
    };
    match (kind % 8, earlier) {
        (0..=1, _) | (_, None) => transfer,
        (2..=3, _) => Transfer { kind: Kind::Pending, ..transfer },
        (4, Some(hold)) => Transfer { kind: Kind::Post { pending: hold.id }, ..transfer },
        (5, Some(hold)) => Transfer {
            linked: transfer.linked,
            ..Transfer::post(transfer.id, &hold, transfer.amount)
        },
        (6, Some(hold)) => {
            Transfer { linked: transfer.linked, ..Transfer::void(transfer.id, &hold) }
        }
        (_, Some(same)) => same,
    }
}

/// Applies the batches to both ledgers and compares every result, balance, transfer and history.
pub fn compare(batches: &[Vec<Transfer>], one: &mut dyn Ledger, other: &mut dyn Ledger) {
    create_random_accounts(one);
    create_random_accounts(other);
    for batch in batches {
        assert_eq!(one.apply(batch), other.apply(batch), "{batch:?}");
    }
    assert_eq!(one.accounts(None, 100), other.accounts(None, 100));
    let all = one.transfers(None, usize::MAX >> 1).unwrap();
    assert_eq!(Ok(&all), other.transfers(None, usize::MAX >> 1).as_ref());
    for transfer in &all {
        assert_eq!(one.transfer(transfer.id), other.transfer(transfer.id));
        assert_eq!(one.resolution(transfer.id), other.resolution(transfer.id));
    }
    for account in (0..=u128::from(ACCOUNTS)).map(AccountId) {
        assert_eq!(one.balance(account), other.balance(account));
        let newest = one.history(account, Cursor::Newest, 1000);
        assert_eq!(newest, other.history(account, Cursor::Newest, 1000));
    }
    assert_eq!(audit(one), audit(other));
    audit(one).expect("the books balance");
}
