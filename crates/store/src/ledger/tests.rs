//! The engine against the contract, against the model in memory, and with altered rows.

use super::*;
use crate::{MasterKey, schema};
use proptest::prelude::*;
use warifu_ledger::{
    Limit, MAX_TOTAL, MemoryLedger,
    contract::{self, RawTransfer},
};
use warifu_types::{Currency, Money};

/// A database in memory with an open transaction.
fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection, &MasterKey::from_bytes([1; 32])).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[test]
fn sqlite_passes_the_contract() {
    for (name, case) in contract::CASES.iter().copied().flatten() {
        let connection = database();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            contract::run(case, &mut SqliteLedger::new(&connection));
        }));
        assert!(outcome.is_ok(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn sqlite_agrees_with_memory(
        raw in proptest::collection::vec(
            proptest::collection::vec(any::<RawTransfer>(), 1..20), 1..20)
    ) {
        let connection = database();
        let batches = contract::raw_batches(&raw);
        let mut sqlite = SqliteLedger::new(&connection);
        contract::compare(&batches, &mut sqlite, &mut MemoryLedger::new());
    }
}

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

fn two_accounts(connection: &Connection) -> SqliteLedger<'_> {
    let mut ledger = SqliteLedger::new(connection);
    let limited = Account::new(A, Currency::JPY).limited(Limit::DebitsMustNotExceedCredits);
    ledger.create_accounts(&[limited, Account::new(B, Currency::JPY)]).unwrap();
    ledger
}

fn yen(id: u128, minor: u64) -> Transfer {
    Transfer::plain(TransferId(id), B, A, Money::new(minor, Currency::JPY).unwrap())
}

#[test]
fn a_batch_that_cannot_be_written_leaves_nothing_even_if_the_error_is_ignored() {
    let connection = database();
    let mut ledger = two_accounts(&connection);
    connection
        .execute_batch(
            "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON ledger_accounts
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let error = ledger.apply(&[yen(1, 5), yen(2, 5)]).unwrap_err();
    assert_eq!(error, LedgerError::Corrupt { what: "accounts" });
    connection.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(ledger.transfers(None, 9).unwrap(), []);
    assert_eq!(ledger.apply(&[yen(1, 5)]).unwrap(), [TransferResult::Ok]);
}

#[test]
fn nothing_is_written_outside_a_transaction() {
    let connection = database();
    let mut ledger = two_accounts(&connection);
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(ledger.apply(&[yen(1, 5)]), Err(LedgerError::Io));
}

#[test]
fn rows_out_of_shape_are_corrupt() {
    for (sql, what) in [
        ("UPDATE ledger_accounts SET bound = 3", "accounts"),
        ("UPDATE ledger_accounts SET currency = 0", "accounts"),
        ("UPDATE ledger_accounts SET last = x'00'", "accounts"),
        ("UPDATE ledger_transfers SET kind = 2", "transfers"),
        ("UPDATE ledger_transfers SET code = 65536", "transfers"),
        ("UPDATE ledger_transfers SET debit = x''", "transfers"),
    ] {
        let connection = database();
        let mut ledger = two_accounts(&connection);
        ledger.apply(&[yen(1, 5)]).unwrap();
        connection.execute_batch(sql).unwrap();
        let corrupt = LedgerError::Corrupt { what };
        assert_eq!(warifu_ledger::audit(&mut ledger), Err(corrupt.into()), "{sql}");
    }
}

#[test]
fn greatest_sum_is_stored() {
    let connection = database();
    let mut ledger = two_accounts(&connection);
    let most = Transfer { amount: MAX_TOTAL, ..yen(1, 1) };
    assert_eq!(ledger.apply(&[most]).unwrap(), [TransferResult::Ok]);
    assert_eq!(ledger.balance(A).unwrap().unwrap().credits_posted, MAX_TOTAL);
    assert_eq!(ledger.transfer(most.id).unwrap(), Some(most));
}
