//! What every store must do, written once and run on each engine.

use super::{AnyStore, Place, run};
use std::sync::{Arc, mpsc};
use warifu_ledger::{
    Account, AccountId, Cursor, Ledger, LedgerError, Limit, MemoryLedger, Transfer, TransferId,
    TransferResult,
    contract::{self, RawTransfer, Step, Stepped},
};
use warifu_ports::{Collection, Store, StoreError, Unit};
use warifu_types::{Currency, Money};

/// Calls a macro with the name of every case.
#[macro_export]
macro_rules! every_case {
    ($with:ident) => {
        $with! {
            documents_are_kept_and_found_after_reopening,
            scan_goes_through_one_collection_in_pages,
            an_error_rolls_back_documents_and_money,
            a_panic_breaks_off_its_job_alone,
            of_a_hundred_inserts_one_is_first,
            two_connections_take_turns,
            empty_names_are_refused,
            dropping_the_store_runs_what_waits,
            dump_lists_everything_decrypted,
            keyed_hash_is_the_stores_own,
            a_job_sees_what_it_has_written,
            a_failed_job_takes_nothing_of_its_neighbours,
            two_stores_race_for_a_balance,
            the_same_transfer_a_hundred_times_moves_money_once,
            many_accounts_keep_their_balances,
            a_commit_that_fails_leaves_nothing,
            the_ledger_passes_the_contract,
            two_stores_pass_the_contract_as_one,
        }
    };
}

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

fn accounts(unit: &mut dyn Unit) -> Result<(), StoreError> {
    let limited = Account::new(A, Currency::JPY).limited(Limit::DebitsMustNotExceedCredits);
    unit.ledger().create_accounts(&[limited, Account::new(B, Currency::JPY)])?;
    Ok(())
}

fn pay_in(id: u128, minor: u64) -> Transfer {
    Transfer::plain(
        TransferId(id),
        B,
        A,
        Money::new(minor, Currency::JPY).unwrap_or_else(|_| unreachable!()),
    )
}

pub async fn documents_are_kept_and_found_after_reopening(place: Place) {
    let notes: Collection<String> = Collection::new("notes");
    {
        let store = place.open();
        run(&store, move |unit| {
            assert!(notes.insert(unit, "a", &"one".into())?);
            assert!(!notes.insert(unit, "a", &"two".into())?);
            notes.put(unit, "b", &"three".into())?;
            notes.put(unit, "b", &"four".into())?;
            assert!(notes.insert(unit, "c", &"five".into())?);
            assert!(notes.delete(unit, "c")?);
            assert!(!notes.delete(unit, "c")?);
            Ok(())
        })
        .await
        .unwrap();
    }
    let store = place.open();
    let found = run(&store, move |unit| notes.scan(unit, "", 9)).await.unwrap();
    assert_eq!(found, [("a".into(), "one".into()), ("b".into(), "four".into())]);
    let none = run(&store, move |unit| notes.get(unit, "c")).await.unwrap();
    assert_eq!(none, None);
}

pub async fn scan_goes_through_one_collection_in_pages(place: Place) {
    let store = place.open();
    run(&store, |unit| {
        for key in ["b", "a", "あ", "ab", "z"] {
            unit.put("words", key, key.as_bytes())?;
        }
        unit.put("word", "x", b"")?;
        unit.put("wordsa", "y", b"")
    })
    .await
    .unwrap();
    let keys = |after: &'static str, limit| {
        run(&store, move |unit| {
            let page = unit.scan("words", after, limit)?;
            assert!(page.iter().all(|(key, value)| key.as_bytes() == value.as_slice()));
            Ok(page.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
        })
    };
    assert_eq!(keys("", 3).await.unwrap(), ["a", "ab", "b"]);
    assert_eq!(keys("b", 3).await.unwrap(), ["z", "あ"]);
    assert_eq!(keys("aa", 1).await.unwrap(), ["ab"]);
    assert_eq!(keys("", 0).await.unwrap(), Vec::<String>::new());
}

pub async fn an_error_rolls_back_documents_and_money(place: Place) {
    let store = place.open();
    run(&store, accounts).await.unwrap();
    #[derive(Debug, PartialEq)]
    enum Refused {
        ByRule,
        Store(StoreError),
    }
    impl From<StoreError> for Refused {
        fn from(error: StoreError) -> Refused {
            Refused::Store(error)
        }
    }
    let shared: Arc<dyn Store> = store.clone();
    let outcome = shared
        .run(|unit| {
            unit.put("orders", "1", b"paid")?;
            let applied = unit.ledger().apply(&[pay_in(1, 5)]).map_err(StoreError::from)?;
            assert_eq!(applied, [TransferResult::Ok]);
            Err::<(), _>(Refused::ByRule)
        })
        .await;
    assert_eq!(outcome, Err(Refused::ByRule));
    run(&store, |unit| {
        assert_eq!(unit.get("orders", "1")?, None);
        assert_eq!(unit.ledger().transfer(TransferId(1))?, None);
        assert_eq!(unit.ledger().balance(A)?.map(|balance| balance.net()), Some(0));
        Ok(())
    })
    .await
    .unwrap();
}

pub async fn a_panic_breaks_off_its_job_alone(place: Place) {
    let store = place.open();
    // The first job holds the thread until the others wait, so that all share a commit.
    let (go, wait) = mpsc::channel::<()>();
    let first = run(&store, move |unit| {
        wait.recv().unwrap();
        unit.put("jobs", "first", b"")
    });
    let panicking = run(&store, |unit| -> Result<(), StoreError> {
        unit.put("jobs", "panicking", b"")?;
        panic!("this job breaks off; the test wants it");
    });
    let last = run(&store, |unit| unit.put("jobs", "last", b""));
    let all = tokio::spawn(async move { tokio::join!(first, panicking, last) });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    assert_eq!(all.await.unwrap(), (Ok(()), Err(StoreError::Panicked), Ok(())));
    let left = run(&store, |unit| unit.scan("jobs", "", 9)).await.unwrap();
    let keys: Vec<_> = left.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["first", "last"]);
}

pub async fn of_a_hundred_inserts_one_is_first(place: Place) {
    let store = place.open();
    let tasks: Vec<_> = (0..100u8)
        .map(|number| tokio::spawn(run(&store, move |unit| unit.insert("orders", "1", &[number]))))
        .collect();
    let mut winners = Vec::new();
    for (number, task) in (0..100u8).zip(tasks) {
        if task.await.unwrap().unwrap() {
            winners.push(number);
        }
    }
    assert_eq!(winners.len(), 1);
    let kept = run(&store, |unit| unit.get("orders", "1")).await.unwrap().unwrap();
    assert_eq!(kept.as_slice(), winners);
}

pub async fn two_connections_take_turns(place: Place) {
    let (service, operator) = (place.open(), place.open());
    let add = |unit: &mut dyn Unit| {
        let count = unit.get("counts", "n")?.map_or(0, |value| value[0]);
        unit.put("counts", "n", &[count + 1])
    };
    for _ in 0..50 {
        let (one, other) = tokio::join!(run(&service, add), run(&operator, add));
        one.unwrap();
        other.unwrap();
    }
    let count = run(&service, |unit| unit.get("counts", "n")).await.unwrap().unwrap();
    assert_eq!(count.as_slice(), [100]);
}

pub async fn empty_names_are_refused(place: Place) {
    let store = place.open();
    let key = run(&store, |unit| unit.put("notes", "", b"")).await;
    let collection = run(&store, |unit| unit.insert("", "a", b"")).await;
    assert_eq!((key, collection), (Err(StoreError::EmptyName), Err(StoreError::EmptyName)));
}

pub async fn dropping_the_store_runs_what_waits(place: Place) {
    let store = place.open();
    let (go, wait) = mpsc::channel::<()>();
    let mut waiting = vec![store.submit(Box::new(move |unit| {
        wait.recv().unwrap();
        unit.put("jobs", "first", b"")
    }))];
    for n in 1..100u32 {
        waiting.push(store.submit(Box::new(move |unit| unit.put("jobs", &n.to_string(), b""))));
    }
    go.send(()).unwrap();
    drop(store);
    for job in waiting {
        job.await.unwrap();
    }
    assert_eq!(place.open().dump().unwrap().len(), 100);
}

pub async fn dump_lists_everything_decrypted(place: Place) {
    let store = place.open();
    run(&store, |unit| {
        for n in 0..2500u32 {
            unit.put("many", &format!("{n:05}"), &n.to_be_bytes())?;
        }
        unit.put("a", "k", b"v")
    })
    .await
    .unwrap();
    let all = store.dump().unwrap();
    assert_eq!(all.len(), 2501);
    assert_eq!((all[0].collection.as_str(), all[0].key.as_str()), ("a", "k"));
    assert_eq!(all[0].value.as_slice(), b"v");
    assert_eq!(all[2500].value.as_slice(), 2499u32.to_be_bytes());
}

pub async fn keyed_hash_is_the_stores_own(place: Place) {
    let other = place.other();
    let hash =
        |store: &Arc<AnyStore>| run(store, |unit| Ok(unit.keyed_hash("card", b"4111111111111111")));
    let first = hash(&place.open()).await.unwrap();
    assert_eq!(hash(&place.open()).await.unwrap(), first);
    // The same key file, but another store.
    assert_ne!(hash(&other.open()).await.unwrap(), first);
}

/// Of a job's own writes it sees each at once, among what was there before.
pub async fn a_job_sees_what_it_has_written(place: Place) {
    let store = place.open();
    run(&store, |unit| {
        for key in ["a", "b", "c", "d"] {
            unit.put("words", key, b"old")?;
        }
        Ok(())
    })
    .await
    .unwrap();
    run(&store, |unit| {
        assert!(unit.delete("words", "a")?);
        assert!(!unit.delete("words", "a")?);
        unit.put("words", "bb", b"new")?;
        unit.put("words", "c", b"new")?;
        assert!(unit.delete("words", "d")?);
        assert!(unit.insert("words", "d", b"new")?);
        assert_eq!(unit.get("words", "a")?, None);
        let page = unit.scan("words", "", 3)?;
        let page: Vec<_> =
            page.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        assert_eq!(page, [("b", b"old"), ("bb", b"new"), ("c", b"new")].map(|(k, v)| (k, &v[..])));
        assert_eq!(unit.scan("words", "c", 3)?.len(), 1);
        Ok(())
    })
    .await
    .unwrap();
    let keys = run(&store, |unit| unit.scan("words", "", 9)).await.unwrap();
    assert_eq!(keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["b", "bb", "c", "d"]);
}

/// A job that fails between two others of one commit takes nothing of theirs with it.
pub async fn a_failed_job_takes_nothing_of_its_neighbours(place: Place) {
    let store = place.open();
    run(&store, accounts).await.unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let first = store.submit(Box::new(move |unit| {
        wait.recv().unwrap();
        unit.put("jobs", "shared", b"first")?;
        unit.ledger().apply(&[pay_in(1, 5)])?;
        Ok(())
    }));
    let failing = store.submit(Box::new(|unit| {
        unit.put("jobs", "shared", b"failed")?;
        unit.delete("jobs", "shared")?;
        let batch: Vec<_> = (1..200).map(|id| pay_in(id, 5)).collect();
        assert_eq!(unit.ledger().apply(&batch)?[..2], [TransferResult::Exists, TransferResult::Ok]);
        unit.ledger().create_accounts(&[Account::new(AccountId(3), Currency::JPY)])?;
        Err(StoreError::RolledBack)
    }));
    let last = store.submit(Box::new(|unit| {
        assert_eq!(unit.get("jobs", "shared")?.unwrap().as_slice(), b"first");
        assert_eq!(unit.ledger().account(AccountId(3))?, None);
        unit.ledger().apply(&[pay_in(2, 7)])?;
        Ok(())
    }));
    go.send(()).unwrap();
    assert_eq!((first.await, failing.await), (Ok(()), Err(StoreError::RolledBack)));
    last.await.unwrap();
    for store in [store, place.open()] {
        run(&store, |unit| {
            assert_eq!(unit.ledger().balance(A)?.unwrap().credits_posted, 12);
            let history = unit.ledger().history(A, Cursor::Newest, 9)?;
            assert_eq!(history, [pay_in(2, 7), pay_in(1, 5)]);
            assert_eq!(unit.ledger().transfers(None, 9)?.len(), 2);
            assert_eq!(unit.get("jobs", "shared")?.unwrap().as_slice(), b"first");
            Ok(())
        })
        .await
        .unwrap();
    }
}

/// Two processes spend the same money: one of them gets it.
pub async fn two_stores_race_for_a_balance(place: Place) {
    let (one, other) = (place.open(), place.open());
    run(&one, accounts).await.unwrap();
    for round in 0..30u128 {
        let id = 10 * round;
        run(&one, move |unit| Ok(unit.ledger().apply(&[pay_in(id + 1, 5)])?)).await.unwrap();
        let spend = |id| Transfer { debit: A, credit: B, ..pay_in(id, 5) };
        let spend = |store, id| run(store, move |unit| Ok(unit.ledger().apply(&[spend(id)])?[0]));
        let (here, there) = tokio::join!(spend(&one, id + 2), spend(&other, id + 3));
        let mut results = [here.unwrap(), there.unwrap()];
        results.sort_by_key(|result| !result.is_applied());
        assert_eq!(results, [TransferResult::Ok, TransferResult::ExceedsCredits]);
    }
}

/// A retry is harmless, through whichever process it comes.
pub async fn the_same_transfer_a_hundred_times_moves_money_once(place: Place) {
    let stores = [place.open(), place.open()];
    run(&stores[0], accounts).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let work = |unit: &mut dyn Unit| Ok(unit.ledger().apply(&[pay_in(1, 5)])?[0]);
            tokio::spawn(run(&stores[n % 2], work))
        })
        .collect();
    let mut applied = 0;
    for task in tasks {
        match task.await.unwrap().unwrap() {
            TransferResult::Ok => applied += 1,
            other => assert_eq!(other, TransferResult::Exists),
        }
    }
    assert_eq!(applied, 1);
    let balance = run(&stores[1], |unit| Ok(unit.ledger().balance(A)?)).await.unwrap().unwrap();
    assert_eq!(balance.credits_posted, 5);
}

/// More accounts than a page of balances or a statement of rows takes, and holes in the numbers.
pub async fn many_accounts_keep_their_balances(place: Place) {
    let account = |n: u128| Account::new(AccountId(n * 7919 % 100_000), Currency::JPY);
    let (one, other) = (place.open(), place.open());
    let lost = run(&one, move |unit| {
        unit.ledger().create_accounts(&[account(5_000)])?;
        Err::<(), _>(StoreError::RolledBack)
    });
    assert_eq!(lost.await, Err(StoreError::RolledBack));
    let accounts: Vec<_> = (0..300).map(account).collect();
    for (store, part) in [&one, &other].into_iter().cycle().zip(accounts.chunks(70)) {
        let part = part.to_vec();
        run(store, move |unit| Ok(unit.ledger().create_accounts(&part)?)).await.unwrap();
    }
    let mut batches = Vec::new();
    for round in 1..=4u64 {
        let pay = |n: u128| Transfer {
            debit: account(n).id,
            credit: account((n + 1) % 300).id,
            ..pay_in(u128::from(round) << 64 | n, round * 100 + n as u64)
        };
        batches.push((0..300).map(pay).collect::<Vec<_>>());
    }
    for (store, batch) in [&one, &other].into_iter().cycle().zip(batches) {
        let results = run(store, move |unit| Ok(unit.ledger().apply(&batch)?)).await.unwrap();
        assert!(results.iter().all(|result| *result == TransferResult::Ok));
    }
    for store in [one, other, place.open()] {
        let books = run(&store, |unit| Ok(warifu_ledger::audit(unit.ledger()))).await.unwrap();
        assert_eq!(books.map(|books| (books.accounts, books.transfers)), Ok((300, 1200)));
    }
}

/// What was decided and could not be written is not remembered either.
pub async fn a_commit_that_fails_leaves_nothing(place: Place) {
    let store = place.open();
    run(&store, accounts).await.unwrap();
    place.refuse_code(666);
    run(&store, |unit| Ok(unit.ledger().apply(&[pay_in(1, 5)])?)).await.unwrap();
    let refused = run(&store, |unit| {
        unit.put("orders", "2", b"paid")?;
        unit.ledger().create_accounts(&[Account::new(AccountId(3), Currency::JPY)])?;
        Ok(unit.ledger().apply(&[pay_in(2, 7).with_code(666), pay_in(3, 7)])?)
    });
    assert!(refused.await.is_err());
    run(&store, |unit| {
        assert_eq!(unit.get("orders", "2")?, None);
        assert_eq!(unit.ledger().account(AccountId(3))?, None);
        assert_eq!(unit.ledger().balance(A)?.unwrap().credits_posted, 5);
        let again = unit.ledger().apply(&[pay_in(2, 9), pay_in(3, 9)])?;
        assert_eq!(again, [TransferResult::Ok; 2]);
        Ok(())
    })
    .await
    .unwrap();
    let books = run(&place.open(), |unit| Ok(warifu_ledger::audit(unit.ledger()))).await.unwrap();
    assert_eq!(books.map(|books| books.transfers), Ok(3));
}

/// The contract, with every call a unit of work.
pub async fn the_ledger_passes_the_contract(place: Place) {
    contract_in_turns(place, 1).await;
}

/// The contract, with every call through the other of two processes.
pub async fn two_stores_pass_the_contract_as_one(place: Place) {
    contract_in_turns(place, 2).await;
}

async fn contract_in_turns(place: Place, processes: usize) {
    let all = move || {
        for (name, case) in contract::CASES.iter().copied().flatten() {
            let place = place.other();
            let mut ledger = Stepped(Turns::new(&place, processes));
            let run = std::panic::AssertUnwindSafe(|| contract::run(case, &mut ledger));
            assert!(std::panic::catch_unwind(run).is_ok(), "{name}");
        }
        for seed in 0..6u8 {
            let byte =
                |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed.wrapping_mul(n as u8);
            let raw = |t: u32| std::array::from_fn(|at| byte(t * 7 + at as u32 + 1));
            let raw: Vec<Vec<RawTransfer>> =
                (0..12).map(|b| (b * 16..b * 16 + 16).map(raw).collect()).collect();
            let place = place.other();
            let mut ledger = Stepped(Turns::new(&place, processes));
            let batches = contract::raw_batches(&raw);
            contract::compare(&batches, &mut ledger, &mut MemoryLedger::new());
        }
    };
    tokio::task::spawn_blocking(all).await.unwrap();
}

/// Stores of one place, each taking the next call.
struct Turns {
    runtime: tokio::runtime::Runtime,
    stores: Vec<Arc<AnyStore>>,
}

impl Turns {
    fn new(place: &Place, processes: usize) -> Turns {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Turns { runtime, stores: (0..processes).map(|_| place.open()).collect() }
    }
}

impl Step for Turns {
    fn step<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.stores.rotate_left(1);
        let work = move |unit: &mut dyn Unit| Ok(call(unit.ledger()));
        self.runtime.block_on(run(&self.stores[0], work)).unwrap()
    }
}
