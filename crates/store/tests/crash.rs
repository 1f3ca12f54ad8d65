//! A process that is killed while it works: what it acknowledged is there.
//!
//! The test starts itself as a child, which takes orders and moves money until it is killed.

mod common;

use common::{key, path, run};
use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use warifu_ledger::{Account, AccountId, Transfer, TransferId, audit};
use warifu_ports::{StoreError, Unit};
use warifu_store::SqliteStore;
use warifu_types::{Currency, Money};

const FOLDER: &str = "WARIFU_CRASH_FOLDER";
const WORKERS: u32 = 16;
const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

/// An order and its money, in one unit of work.
fn take_order(unit: &mut dyn Unit, name: &str, id: u128) -> Result<(), StoreError> {
    let yen = Money::new(1, Currency::JPY).map_err(|_| StoreError::RolledBack)?;
    assert!(unit.insert("orders", name, name.as_bytes())?);
    let applied = unit.ledger().apply(&[Transfer::plain(TransferId(id), A, B, yen)])?;
    assert!(applied[0].is_applied());
    Ok(())
}

/// Does nothing unless [`killed_while_working`] starts it.
#[test]
fn child() {
    let Ok(file) = env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Arc::new(SqliteStore::open(Path::new(&file), &key()).unwrap());
    runtime.block_on(async {
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let store = Arc::clone(&store);
            workers.push(tokio::spawn(async move {
                for n in 0u32.. {
                    let name = format!("{worker}-{n}");
                    let id = u128::from(worker) << 64 | u128::from(n);
                    let sent = name.clone();
                    run(&store, move |unit| take_order(unit, &sent, id)).await.unwrap();
                    let line = format!("ack {name}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            }));
        }
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

#[tokio::test]
async fn killed_while_working() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = common::open(&folder);
        let accounts = [Account::new(A, Currency::JPY), Account::new(B, Currency::JPY)];
        run(&store, move |unit| Ok(unit.ledger().create_accounts(&accounts)?)).await.unwrap();
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, path(&folder))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let note = |line: &str, acknowledged: &mut BTreeSet<String>| {
        acknowledged.extend(line.strip_prefix("ack ").map(str::to_string));
    };
    while acknowledged.len() < 2000 {
        note(&lines.next().expect("the child works on").unwrap(), &mut acknowledged);
    }
    child.kill().unwrap();
    // What it said before it died counts too, but for a line that was cut off.
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    for line in &rest[..rest.len().saturating_sub(1)] {
        note(line, &mut acknowledged);
    }
    child.wait().unwrap();

    let store = common::open(&folder);
    let orders: BTreeSet<String> =
        store.dump().unwrap().into_iter().map(|document| document.key).collect();
    let lost: Vec<_> = acknowledged.difference(&orders).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // At most the job of each worker that was under way is there without an acknowledgement.
    assert!(orders.len() <= acknowledged.len() + 2 * WORKERS as usize);
    let books = run(&store, |unit| Ok(audit(unit.ledger()))).await.unwrap().unwrap();
    assert_eq!(books.transfers, orders.len() as u64, "an order has its money, and the other way");
}
