//! The engine against the contract, against the model in memory, and with altered rows.

use super::*;
use crate::{
    MasterKey,
    ledger::{Books, Memo},
    sqlite::{schema, write},
};
use proptest::prelude::*;
use warifu_ledger::{
    Ledger, Limit, MAX_TOTAL, MemoryLedger, TransferResult,
    contract::{self, RawTransfer, Step, Stepped},
};
use warifu_types::Money;

/// A database in memory with an open transaction.
fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection, &MasterKey::from_bytes([1; 32])).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// What becomes of the memo after a call.
#[derive(Debug, Clone, Copy)]
enum After {
    /// Another job of the same transaction.
    NextJob,
    /// Written, and the memo stays.
    Written,
    /// Written, and another process wrote too.
    Forgotten,
}

/// The engine, with one call a job.
struct Jobs<'c> {
    connection: &'c Connection,
    memo: Memo,
    after: After,
}

impl<'c> Jobs<'c> {
    fn new(connection: &'c Connection, after: After) -> Stepped<Jobs<'c>> {
        Stepped(Jobs { connection, memo: Memo::default(), after })
    }

    fn write(&mut self) -> Result<(), LedgerError> {
        write::pending(&SqliteRows::new(self.connection), &self.memo.pending())?;
        self.memo.settle();
        Ok(())
    }
}

impl Step for Jobs<'_> {
    fn step<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.memo.begin_job();
        let result = call(&mut Books::new(SqliteRows::new(self.connection), &mut self.memo))?;
        if !matches!(self.after, After::NextJob) {
            self.write()?;
        }
        if matches!(self.after, After::Forgotten) {
            self.memo.forget();
        }
        Ok(result)
    }
}

const EVERY: [After; 3] = [After::NextJob, After::Written, After::Forgotten];

#[test]
fn sqlite_passes_the_contract() {
    for after in EVERY {
        for (name, case) in contract::CASES.iter().copied().flatten() {
            let connection = database();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                contract::run(case, &mut Jobs::new(&connection, after));
            }));
            assert!(outcome.is_ok(), "{name}, {after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn sqlite_agrees_with_memory(
        raw in proptest::collection::vec(
            proptest::collection::vec(any::<RawTransfer>(), 1..20), 1..20)
    ) {
        for after in EVERY {
            let connection = database();
            let batches = contract::raw_batches(&raw);
            let mut sqlite = Jobs::new(&connection, after);
            contract::compare(&batches, &mut sqlite, &mut MemoryLedger::new());
        }
    }

    /// Jobs that are taken back leave no trace, whatever the jobs around them did.
    #[test]
    fn jobs_that_are_taken_back_leave_nothing(
        raw in proptest::collection::vec(
            (proptest::collection::vec(any::<RawTransfer>(), 1..12), 0..4u8), 1..20)
    ) {
        let connection = database();
        let mut jobs = Jobs::new(&connection, After::NextJob);
        let mut model = MemoryLedger::new();
        let (transfers, ends): (Vec<_>, Vec<_>) = raw.into_iter().unzip();
        contract::create_random_accounts(&mut jobs);
        contract::create_random_accounts(&mut model);
        for (batch, end) in contract::raw_batches(&transfers).into_iter().zip(ends) {
            let mut draft = model.clone();
            prop_assert_eq!(jobs.apply(&batch), draft.apply(&batch));
            match end {
                0 | 1 => jobs.0.memo.undo_job(),
                2 => model = draft,
                _ => {
                    model = draft;
                    jobs.0.write().unwrap();
                }
            }
        }
        jobs.0.write().unwrap();
        jobs.0.memo.forget();
        contract::compare(&[], &mut jobs, &mut model);
    }
}

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

fn two_accounts(connection: &Connection) -> Stepped<Jobs<'_>> {
    let mut ledger = Jobs::new(connection, After::Forgotten);
    let limited = Account::new(A, Currency::JPY).limited(Limit::DebitsMustNotExceedCredits);
    ledger.create_accounts(&[limited, Account::new(B, Currency::JPY)]).unwrap();
    ledger
}

fn yen(id: u128, minor: u64) -> Transfer {
    Transfer::plain(TransferId(id), B, A, Money::new(minor, Currency::JPY).unwrap())
}

#[test]
fn account_of_a_job_that_was_taken_back_can_be_created_again() {
    let connection = database();
    let mut jobs = Jobs::new(&connection, After::NextJob);
    let (one, other) = (Account::new(A, Currency::JPY), Account::new(A, Currency::EUR));
    jobs.create_accounts(&[one]).unwrap();
    jobs.0.memo.undo_job();
    assert_eq!(jobs.account(A).unwrap(), None);
    jobs.create_accounts(&[other, Account::new(B, Currency::EUR)]).unwrap();
    jobs.0.write().unwrap();
    jobs.0.memo.forget();
    assert_eq!(jobs.account(A).unwrap(), Some(other));
    assert_eq!(jobs.accounts(None, 9).unwrap().len(), 2);
}

#[test]
fn more_rows_than_one_statement_takes() {
    for count in [99, 100, 101, 250] {
        let connection = database();
        let mut ledger = two_accounts(&connection);
        let batch: Vec<_> = (1..=count).rev().map(|id| yen(id, 1)).collect();
        ledger.apply(&batch).unwrap();
        assert_eq!(warifu_ledger::audit(&mut ledger).unwrap().transfers, count as u64);
    }
}

#[test]
fn nothing_is_read_or_written_outside_a_transaction() {
    let connection = database();
    let mut ledger = two_accounts(&connection);
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(ledger.apply(&[yen(1, 5)]), Err(LedgerError::Io));
    let pending =
        Pending { resolutions: vec![(TransferId(1), TransferId(2))], ..Pending::default() };
    assert_eq!(write::pending(&SqliteRows::new(&connection), &pending), Err(LedgerError::Io));
}

#[test]
fn rows_out_of_shape_are_corrupt() {
    for (sql, what) in [
        ("UPDATE ledger_accounts SET bound = 3", "accounts"),
        ("UPDATE ledger_accounts SET currency = 0", "accounts"),
        ("UPDATE ledger_balances SET last = x'00'", "accounts"),
        ("DELETE FROM ledger_balances", "accounts"),
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
