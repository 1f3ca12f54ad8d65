//! The store through its port.

mod common;

use common::{open, run};
use std::sync::{Arc, mpsc};
use warifu_ledger::{Account, AccountId, Limit, Transfer, TransferId, TransferResult};
use warifu_ports::{Collection, Store, StoreError, Unit};
use warifu_store::SqliteStore;
use warifu_types::{Currency, Money};

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

#[tokio::test]
async fn documents_are_kept_and_found_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let notes: Collection<String> = Collection::new("notes");
    {
        let store = open(&folder);
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
    let store = open(&folder);
    let found = run(&store, move |unit| notes.scan(unit, "", 9)).await.unwrap();
    assert_eq!(found, [("a".into(), "one".into()), ("b".into(), "four".into())]);
    let none = run(&store, move |unit| notes.get(unit, "c")).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn scan_goes_through_one_collection_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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

#[tokio::test]
async fn an_error_rolls_back_documents_and_money() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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

#[tokio::test]
async fn a_panic_breaks_off_its_job_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_inserts_one_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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

#[tokio::test]
async fn two_connections_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let (service, operator) = (open(&folder), open(&folder));
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

#[tokio::test]
async fn empty_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let key = run(&store, |unit| unit.put("notes", "", b"")).await;
    let collection = run(&store, |unit| unit.insert("", "a", b"")).await;
    assert_eq!((key, collection), (Err(StoreError::EmptyName), Err(StoreError::EmptyName)));
}

#[tokio::test]
async fn dropping_the_store_runs_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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
    assert_eq!(open(&folder).dump().unwrap().len(), 100);
}

#[tokio::test]
async fn dump_lists_everything_decrypted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
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

#[tokio::test]
async fn keyed_hash_is_the_stores_own() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hash = |store: &Arc<SqliteStore>| {
        run(store, |unit| Ok(unit.keyed_hash("card", b"4111111111111111")))
    };
    let first = hash(&open(&one)).await.unwrap();
    assert_eq!(hash(&open(&one)).await.unwrap(), first);
    // The same key file, but another store.
    assert_ne!(hash(&open(&other)).await.unwrap(), first);
}
