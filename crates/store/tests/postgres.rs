//! The PostgreSQL store: all that the SQLite store does, on a server of its own, and what becomes
//! of it when the server dies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code, also outside of test functions")]

mod common;

use common::{Place, cases, key, run};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use warifu_ledger::{Account, AccountId, Transfer, TransferId, audit};
use warifu_ports::{StoreError, Unit};
use warifu_store::{MasterKey, PostgresStore, rekey_postgres};
use warifu_testkit::Postgres;
use warifu_types::{Currency, Money};

const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);

macro_rules! on_postgres {
    ($($case:ident,)*) => {
        /// One server for all cases, each with a database of its own.
        #[tokio::test(flavor = "multi_thread")]
        async fn postgres_does_what_sqlite_does() {
            let server = Arc::new(Postgres::start());
            let mut failed = Vec::new();
            $(
                let place = Place::postgres(&server);
                if tokio::spawn(cases::$case(place)).await.is_err() {
                    failed.push(stringify!($case));
                }
            )*
            assert_eq!(failed, [""; 0]);
        }
    };
}

every_case!(on_postgres);

const SECRET: &[u8] = b"4111 1111 1111 1111";

fn wrong_key() -> MasterKey {
    MasterKey::from_bytes([2; 32])
}

/// Everything that the database has, as text.
fn everything(server: &Postgres, database: &str) -> String {
    let tables = ["store_keys", "documents", "ledger_accounts", "ledger_transfers"];
    tables.map(|table| server.sql(database, &format!("SELECT * FROM warifu.{table}"))).concat()
}

#[tokio::test]
async fn what_lies_in_the_database() {
    let server = Arc::new(Postgres::start());
    values_are_encrypted_and_open_with_their_key_alone(&server).await;
    a_value_moved_to_another_place_is_corrupt(&server).await;
    other_databases_are_left_alone(&server).await;
    balances_can_be_read_with_sql(&server).await;
    names_that_no_index_takes_are_refused(&server).await;
    a_lost_connection_is_made_again(&server).await;
}

async fn values_are_encrypted_and_open_with_their_key_alone(server: &Arc<Postgres>) {
    server.create_database("sealed");
    let address = server.address("sealed");
    let store = Arc::new(PostgresStore::open(&address, &key()).unwrap());
    run(&store, |unit| unit.put("cards", "holder", SECRET)).await.unwrap();
    let hash = run(&store, |unit| Ok(unit.keyed_hash("card", SECRET))).await.unwrap();
    let found = everything(server, "sealed");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(found.contains(&hex(b"cards")), "{found}");
    assert!(!found.contains(&hex(SECRET)));

    assert_eq!(PostgresStore::open(&address, &wrong_key()).unwrap_err(), StoreError::WrongKey);
    assert_eq!(rekey_postgres(&address, &wrong_key(), &key()), Err(StoreError::WrongKey));
    assert_eq!(everything(server, "sealed"), found);

    rekey_postgres(&address, &key(), &wrong_key()).unwrap();
    assert_eq!(PostgresStore::open(&address, &key()).unwrap_err(), StoreError::WrongKey);
    let store = Arc::new(PostgresStore::open(&address, &wrong_key()).unwrap());
    let (kept, now) =
        run(&store, |unit| Ok((unit.get("cards", "holder")?, unit.keyed_hash("card", SECRET))))
            .await
            .unwrap();
    assert_eq!((kept.unwrap().as_slice(), now), (SECRET, hash));
    assert!(!format!("{store:?}").contains("postgres dbname"), "{store:?}");
}

async fn a_value_moved_to_another_place_is_corrupt(server: &Arc<Postgres>) {
    server.create_database("moved");
    let store = Arc::new(PostgresStore::open(&server.address("moved"), &key()).unwrap());
    run(&store, |unit| {
        unit.put("limits", "poor", b"1")?;
        unit.put("limits", "rich", b"9")
    })
    .await
    .unwrap();
    let swap = "UPDATE warifu.documents SET value =
        (SELECT value FROM warifu.documents WHERE key = 'rich') WHERE key = 'poor'";
    server.sql("moved", swap);
    let corrupt = StoreError::Corrupt { collection: "limits".into() };
    assert_eq!(run(&store, |unit| unit.get("limits", "poor")).await, Err(corrupt.clone()));
    assert_eq!(store.dump().unwrap_err(), corrupt);
    assert!(run(&store, |unit| unit.get("limits", "rich")).await.unwrap().is_some());
}

async fn other_databases_are_left_alone(server: &Arc<Postgres>) {
    server.create_database("theirs");
    server.sql("theirs", "CREATE SCHEMA warifu");
    let address = server.address("theirs");
    assert_eq!(PostgresStore::open(&address, &key()).unwrap_err(), StoreError::NotAStore);
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'warifu'";
    assert_eq!(server.sql("theirs", count), "0");

    server.create_database("newer");
    let address = server.address("newer");
    drop(PostgresStore::open(&address, &key()).unwrap());
    server.sql("newer", "UPDATE warifu.store_format SET version = 1000");
    let error = PostgresStore::open(&address, &key()).unwrap_err();
    assert_eq!(error, StoreError::NewerFormat { found: 1000, known: 1 });

    let error = PostgresStore::open(&server.address("nowhere"), &key()).unwrap_err();
    assert!(matches!(error, StoreError::Io { action: "connect to the database", .. }), "{error}");
    let error = PostgresStore::open("host=x password=hunter2 port=none", &key()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

async fn balances_can_be_read_with_sql(server: &Arc<Postgres>) {
    server.create_database("books");
    let store = Arc::new(PostgresStore::open(&server.address("books"), &key()).unwrap());
    run(&store, accounts).await.unwrap();
    run(&store, |unit| pay(unit, 9)).await.unwrap();
    let sql = "SELECT number, debits_posted, credits_posted, encode(last, 'hex')
        FROM warifu.ledger_balances ORDER BY number";
    let last = format!("{:032x}", 9);
    assert_eq!(server.sql("books", sql), format!("1|1|0|{last}\n2|0|1|{last}"));
    // Altered by somebody else: noticed, not used.
    for alter in ["set_byte(balances, 49, 255)", "'\\x00'::bytea"] {
        server.sql("books", &format!("UPDATE warifu.ledger_pages SET balances = {alter}"));
        let store = Arc::new(PostgresStore::open(&server.address("books"), &key()).unwrap());
        let corrupt = StoreError::Corrupt { collection: "accounts".into() };
        assert_eq!(run(&store, |unit| pay(unit, 10)).await, Err(corrupt), "{alter}");
    }
}

async fn names_that_no_index_takes_are_refused(server: &Arc<Postgres>) {
    let store = Place::postgres(server).open();
    // Random, or the server would compress it.
    let long = |length: usize| -> String {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(33 + ((state >> 33) % 90) as u8)
        };
        (0..length).map(|_| next()).collect()
    };
    let (fits, too_long) = (long(2_595), long(2_596));
    run(&store, move |unit| unit.put("notes", &fits, b"")).await.unwrap();
    let refused = run(&store, move |unit| unit.put("notes", &too_long, b"")).await;
    assert_eq!(refused, Err(StoreError::Unwritable { collection: "notes".into() }));
    // A byte that PostgreSQL's text does not take.
    run(&store, |unit| unit.put("notes\0", "a\0b", b"zero")).await.unwrap();
    let found = run(&store, |unit| unit.scan("notes\0", "a", 9)).await.unwrap();
    assert_eq!(found[0].0, "a\0b");
}

async fn a_lost_connection_is_made_again(server: &Arc<Postgres>) {
    server.create_database("cut");
    let store = Arc::new(PostgresStore::open(&server.address("cut"), &key()).unwrap());
    run(&store, accounts).await.unwrap();
    run(&store, |unit| pay(unit, 1)).await.unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'cut'
        AND pid <> pg_backend_pid()";
    // Between two transactions: nobody notices.
    assert_eq!(server.sql("cut", cut), "1");
    run(&store, |unit| pay(unit, 2)).await.unwrap();
    // Within one: the job gets an error, and nothing of it is left.
    let other = Arc::clone(server);
    let outcome = run(&store, move |unit| {
        pay(unit, 3)?;
        unit.put("notes", "a", b"")?;
        other.sql("cut", cut);
        Ok(())
    })
    .await;
    assert!(matches!(outcome, Err(StoreError::Io { .. })), "{outcome:?}");
    let found =
        run(&store, |unit| Ok((unit.get("notes", "a")?, unit.ledger().transfers(None, 9)?.len())));
    assert_eq!(found.await.unwrap(), (None, 2));
    run(&store, |unit| pay(unit, 3)).await.unwrap();
}

fn accounts(unit: &mut dyn Unit) -> Result<(), StoreError> {
    let accounts = [Account::new(A, Currency::JPY), Account::new(B, Currency::JPY)];
    unit.ledger().create_accounts(&accounts)?;
    Ok(())
}

/// Moves one yen, unless that has been done.
fn pay(unit: &mut dyn Unit, id: u128) -> Result<(), StoreError> {
    let yen = Money::new(1, Currency::JPY).map_err(|_| StoreError::RolledBack)?;
    let results = unit.ledger().apply(&[Transfer::plain(TransferId(id), A, B, yen)])?;
    assert!(results[0].is_applied(), "{results:?}");
    Ok(())
}

/// An order and its money, in one unit of work, which may be a retry.
fn take_order(unit: &mut dyn Unit, id: u128) -> Result<(), StoreError> {
    unit.insert("orders", &id.to_string(), b"taken")?;
    pay(unit, id)
}

/// Workers on two stores, which ask again until they have an answer, while the server is killed
/// and started again.
#[tokio::test(flavor = "multi_thread")]
async fn server_killed_while_two_processes_work() {
    const WORKERS: u128 = 8;
    let server = Arc::new(Mutex::new(Postgres::start()));
    let address = {
        let server = server.lock().unwrap();
        server.create_database("crash");
        server.address("crash")
    };
    let open = || Arc::new(PostgresStore::open(&address, &key()).unwrap());
    let stores = [open(), open()];
    run(&stores[0], accounts).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let done = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let store = Arc::clone(&stores[(worker % 2) as usize]);
            let (acknowledged, done) = (Arc::clone(&acknowledged), Arc::clone(&done));
            tokio::spawn(async move {
                let mut retries = 0;
                for n in 0u128.. {
                    let id = worker << 64 | n;
                    while run(&store, move |unit| take_order(unit, id)).await.is_err() {
                        retries += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    acknowledged.lock().unwrap().insert(id);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
                retries
            })
        })
        .collect();
    let count = || acknowledged.lock().unwrap().len();
    for kills in 1..=3 {
        while count() < kills * 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let server = Arc::clone(&server);
        let restart = move || {
            let mut server = server.lock().unwrap();
            server.kill();
            server.start_again();
        };
        tokio::task::spawn_blocking(restart).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let mut retries = 0;
    for worker in workers {
        retries += worker.await.unwrap();
    }
    assert!(retries > 0, "the server died without anybody noticing");

    let store = open();
    let orders: BTreeSet<u128> =
        store.dump().unwrap().into_iter().map(|document| document.key.parse().unwrap()).collect();
    assert_eq!(orders, *acknowledged.lock().unwrap(), "lost, or never acknowledged");
    let (books, balance) =
        run(&store, |unit| Ok((audit(unit.ledger()), unit.ledger().balance(A)?))).await.unwrap();
    assert_eq!(books.unwrap().transfers, orders.len() as u64);
    assert_eq!(balance.unwrap().debits_posted, orders.len() as u64, "nothing twice");
}
