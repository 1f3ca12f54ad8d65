//! The in-memory engine against the contract suite, and against a naive model.

mod naive;

use naive::NaiveLedger;
use proptest::prelude::*;
use warifu_ledger::{
    Ledger, MemoryLedger, TransferResult,
    contract::{self, RawTransfer},
};

#[test]
fn memory_passes_the_contract() {
    contract::run_all(MemoryLedger::new);
}

#[test]
fn case_names_are_distinct() {
    let names: Vec<_> = contract::CASES.iter().copied().flatten().map(|(name, _)| name).collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.len() > 40, "{}", names.len());
}

fn histories() -> impl Strategy<Value = Vec<Vec<RawTransfer>>> {
    let batch = proptest::collection::vec(any::<RawTransfer>(), 1..20);
    proptest::collection::vec(batch, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn memory_agrees_with_the_naive_model(raw in histories()) {
        let mut memory = MemoryLedger::new();
        let mut naive = NaiveLedger::default();
        contract::create_random_accounts(&mut memory);
        naive.create_random_accounts();
        for batch in contract::raw_batches(&raw) {
            prop_assert_eq!(memory.apply(&batch).unwrap(), naive.apply(&batch), "{:?}", batch);
        }
        for (account, balance) in memory.accounts(None, 100).unwrap() {
            prop_assert_eq!(balance, naive.balance(account.id));
        }
        prop_assert!(warifu_ledger::audit(&mut memory).is_ok());
    }
}

/// The generator is worth nothing if its transfers all fail alike.
#[test]
fn random_histories_reach_every_result() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut reached = std::collections::HashMap::new();
    for _ in 0..500 {
        let raw = histories().new_tree(&mut runner).unwrap().current();
        let mut ledger = MemoryLedger::new();
        contract::create_random_accounts(&mut ledger);
        for batch in contract::raw_batches(&raw) {
            for result in ledger.apply(&batch).unwrap() {
                *reached.entry(std::mem::discriminant(&result)).or_insert((0, result)) =
                    (1, result);
            }
        }
    }
    // All but `Overflow`: small amounts do not reach it, a case of the contract does.
    assert_eq!(reached.len(), 19, "{:?}", reached.values().map(|(_, r)| r).collect::<Vec<_>>());
    assert!(!reached.contains_key(&std::mem::discriminant(&TransferResult::Overflow)));
}
