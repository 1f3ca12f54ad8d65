//! A terminal's store over its vault, through the port that SQLite serves too.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a fault of the harness ends the test")]

use proptest::prelude::*;
use std::{
    path::Path,
    sync::{Arc, mpsc},
};
use warifu_holder::{HISTORY, VaultStore};
use warifu_ledger::AccountId;
use warifu_ports::{Collection, Entropy, Store, StoreError, Unit};
use warifu_protocol::{
    ChaCha20Rng, SeedableRng,
    signer::{Signer, SigningKey},
    suite::Suite,
};
use warifu_store::{MasterKey, OsEntropy, SqliteStore};
use warifu_types::{Currency, Identifier, Money, Role, UnixTime};
use warifu_vault::{Change, Cost, Entry, EntryKind, Password, Passwords, Vault, VaultAB};
use warifu_wire::identity::{self, Wish};

const NOW: UnixTime = UnixTime(1_795_000_000);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed(OsEntropy.bytes32())
}

fn cheap() -> Cost {
    Cost::new(8, 1, 1).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

/// Makes a vault of two passwords in a folder.
fn create(folder: &Path) -> VaultAB {
    let passwords = Passwords::two(password("password A"), password("password B")).unwrap();
    let key = SigningKey::from_seed(&[7; 32]);
    Vault::at(&folder.join("vault")).create(&passwords, cheap(), key, &mut rng()).unwrap()
}

fn open(folder: &Path) -> VaultAB {
    let vault = Vault::at(&folder.join("vault"));
    vault.open_ab(&password("password A"), &password("password B"), NOW).unwrap()
}

fn store(vault: VaultAB) -> Arc<VaultStore> {
    VaultStore::open(vault, Arc::new(OsEntropy)).unwrap()
}

async fn run<R: Send + 'static>(
    store: &Arc<VaultStore>,
    work: impl FnOnce(&mut dyn Unit) -> Result<R, StoreError> + Send + 'static,
) -> Result<R, StoreError> {
    let port: Arc<dyn Store> = store.clone();
    port.run(work).await
}

fn entry(reference: &str, goods: &str) -> Entry {
    Entry {
        at: NOW,
        kind: EntryKind::Purchase,
        party: "domain:shop.example".into(),
        goods: goods.into(),
        amount: Some(Money::new(1980, Currency::JPY).unwrap()),
        reference: Some(reference.into()),
    }
}

/// What a random job does, one after the other.
#[derive(Debug, Clone)]
enum Act {
    Get(u8, u8),
    Put(u8, u8, Vec<u8>),
    Insert(u8, u8, Vec<u8>),
    Delete(u8, u8),
    Scan(u8, u8, usize),
}

/// Some acts, and whether the job fails in the end.
type Work = (Vec<Act>, bool);

fn act() -> impl Strategy<Value = Act> {
    let value = || prop::collection::vec(any::<u8>(), 0..6);
    prop_oneof![
        (0..4u8, 0..6u8).prop_map(|(c, k)| Act::Get(c, k)),
        (0..4u8, 0..6u8, value()).prop_map(|(c, k, v)| Act::Put(c, k, v)),
        (0..4u8, 0..6u8, value()).prop_map(|(c, k, v)| Act::Insert(c, k, v)),
        (0..4u8, 0..6u8).prop_map(|(c, k)| Act::Delete(c, k)),
        (0..4u8, 0..6u8, 0..4usize).prop_map(|(c, k, l)| Act::Scan(c, k, l)),
    ]
}

/// Names that begin alike, one under A, one without any.
const COLLECTIONS: [&str; 4] = ["words", "words/a", "membership", ""];

fn key(number: u8) -> String {
    match number {
        0 => String::new(),
        5 => "あ".repeat(300),
        other => "ab/".repeat(usize::from(other)),
    }
}

/// Does one act and writes down what came of it.
fn perform(unit: &mut dyn Unit, act: &Act) -> Result<String, StoreError> {
    let collection = |number: &u8| COLLECTIONS[usize::from(*number)];
    Ok(match act {
        Act::Get(c, k) => format!("{:?}", unit.get(collection(c), &key(*k))?),
        Act::Put(c, k, value) => format!("{:?}", unit.put(collection(c), &key(*k), value)?),
        Act::Insert(c, k, value) => format!("{:?}", unit.insert(collection(c), &key(*k), value)?),
        Act::Delete(c, k) => format!("{:?}", unit.delete(collection(c), &key(*k))?),
        Act::Scan(c, k, limit) => format!("{:?}", unit.scan(collection(c), &key(*k), *limit)?),
    })
}

/// What came of every act of every job.
async fn told(store: &Arc<dyn Store>, jobs: &[Work]) -> Vec<Result<Vec<String>, StoreError>> {
    let mut all = Vec::new();
    for (acts, fails) in jobs.iter().cloned() {
        let work = move |unit: &mut dyn Unit| {
            let done = acts.iter().map(|act| perform(unit, act)).collect::<Result<Vec<_>, _>>()?;
            if fails { Err(StoreError::Full) } else { Ok(done) }
        };
        all.push(store.run(work).await);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_jobs_do_what_they_do_in_sqlite(
        jobs in prop::collection::vec((prop::collection::vec(act(), 1..6), any::<bool>()), 1..14),
        reopened in 0..14usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let sqlite: Arc<dyn Store> = Arc::new(
                SqliteStore::open(&folder.path().join("db"), &MasterKey::from_bytes([1; 32])).unwrap(),
            );
            let (before, after) = jobs.split_at(reopened.min(jobs.len()));
            let first: Arc<dyn Store> = store(create(folder.path()));
            let mut here = told(&first, before).await;
            drop(first);
            let second: Arc<dyn Store> = store(open(folder.path()));
            here.extend(told(&second, after).await);
            assert_eq!(here, told(&sqlite, &jobs).await);
        });
    }
}

#[tokio::test]
async fn a_job_that_only_reads_or_fails_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    run(&store, |unit| unit.put("orders", "1", b"one")).await.unwrap();
    let before = std::fs::read(folder.path().join("vault")).unwrap();
    let kept = run(&store, |unit| unit.get("orders", "1")).await.unwrap().unwrap();
    assert_eq!(kept.as_slice(), b"one");
    assert!(!run(&store, |unit| unit.insert("orders", "1", b"two")).await.unwrap());
    assert!(!run(&store, |unit| unit.delete("orders", "2")).await.unwrap());
    let failed = run(&store, |unit| {
        unit.put("orders", "1", b"three")?;
        HISTORY.insert(unit, "1", &entry("1", "tea"))?;
        Err::<(), _>(StoreError::Full)
    });
    assert_eq!(failed.await, Err(StoreError::Full));
    assert!(std::fs::read(folder.path().join("vault")).unwrap() == before, "it was written");
}

#[tokio::test]
async fn a_write_that_fails_in_the_middle_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    run(&store, |unit| unit.put("orders", "1", b"one")).await.unwrap();
    let before = std::fs::read(folder.path().join("vault")).unwrap();
    // The new file cannot be written where a folder lies.
    let blocking = folder.path().join("vault.new");
    std::fs::create_dir_all(blocking.join("x")).unwrap();
    let refused = run(&store, |unit| unit.put("orders", "1", b"two")).await;
    assert!(matches!(refused, Err(StoreError::Io { .. })), "{refused:?}");
    assert!(std::fs::read(folder.path().join("vault")).unwrap() == before, "it was written");
    let kept = run(&store, |unit| unit.get("orders", "1")).await.unwrap().unwrap();
    assert_eq!(kept.as_slice(), b"one");
    std::fs::remove_dir_all(blocking).unwrap();
    run(&store, |unit| unit.put("orders", "1", b"two")).await.unwrap();
    drop(store);
    let again = self::store(open(folder.path()));
    assert_eq!(
        run(&again, |unit| unit.get("orders", "1")).await.unwrap().unwrap().as_slice(),
        b"two"
    );
}

#[tokio::test]
async fn history_opens_with_a_alone_and_only_grows() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    run(&store, |unit| {
        assert!(HISTORY.insert(unit, "z", &entry("z", "tea"))?);
        assert!(HISTORY.insert(unit, "a", &entry("a", "cake"))?);
        // The same again, after a crash, say.
        assert!(!HISTORY.insert(unit, "z", &entry("z", "another"))?);
        unit.put("membership", "own", b"public")?;
        unit.put("cards", "1", b"9000000000000001")
    })
    .await
    .unwrap();
    assert!(run(&store, |unit| HISTORY.delete(unit, "z")).await.is_err());
    assert!(run(&store, |unit| HISTORY.put(unit, "z", &entry("z", "no"))).await.is_err());
    assert!(run(&store, |unit| HISTORY.insert(unit, "b", &entry("c", "no"))).await.is_err());
    let found = run(&store, |unit| HISTORY.scan(unit, "", 9)).await.unwrap();
    assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "z"]);

    let a = Vault::at(&folder.path().join("vault")).open_a(&password("password A"), NOW).unwrap();
    let goods: Vec<&str> = a.history().iter().map(|entry| entry.goods.as_str()).collect();
    assert_eq!(goods, ["tea", "cake"], "in the order in which it happened");
    assert_eq!(a.contents().documents().under("store/membership/").count(), 1);
    assert_eq!(a.contents().documents().len(), 1, "cards are not under A");
}

#[tokio::test]
async fn two_terminals_on_one_vault_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (store(create(folder.path())), store(open(folder.path())));
    let add = |unit: &mut dyn Unit| {
        let count = unit.get("counts", "n")?.map_or(0, |value| value[0]);
        unit.put("counts", "n", &[count + 1])
    };
    for _ in 0..25 {
        let (first, second) = tokio::join!(run(&one, add), run(&other, add));
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(run(&one, |unit| unit.get("counts", "n")).await.unwrap().unwrap().as_slice(), [50]);
}

#[tokio::test]
async fn keyed_hashes_are_the_vaults_own_and_stay() {
    let (folder, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    async fn hash(
        store: &Arc<VaultStore>,
        purpose: &'static str,
        value: &'static [u8],
    ) -> Result<String, StoreError> {
        run(store, move |unit| Ok(unit.keyed_hash(purpose, value))).await
    }
    let first = store(create(folder.path()));
    let card = hash(&first, "card", b"4111").await.unwrap();
    assert_ne!(hash(&first, "car", b"d4111").await.unwrap(), card);
    drop(first);
    let mut vault = open(folder.path());
    vault.change(&Change::A(password("another A")), cheap(), &mut rng()).unwrap();
    assert_eq!(hash(&store(vault), "card", b"4111").await.unwrap(), card);
    let other = store(create(strange.path()));
    assert_ne!(hash(&other, "card", b"4111").await.unwrap(), card);
}

#[tokio::test]
async fn passwords_that_were_changed_elsewhere_stop_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (here, mut elsewhere) = (store(create(folder.path())), open(folder.path()));
    elsewhere.change(&Change::B(password("another B")), cheap(), &mut rng()).unwrap();
    let refused = run(&here, |unit| unit.put("orders", "1", b"")).await.unwrap_err();
    assert!(refused.to_string().contains("passwords were changed"), "{refused}");
}

#[tokio::test]
async fn a_panic_breaks_off_its_job_alone_and_dropping_runs_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    let (go, wait) = mpsc::channel::<()>();
    let first = store.submit(Box::new(move |unit| {
        wait.recv().unwrap();
        unit.put("jobs", "first", b"")
    }));
    let panicking = store.submit(Box::new(|unit| {
        unit.put("jobs", "panicking", b"")?;
        panic!("this job breaks off; the test wants it");
    }));
    let last = store.submit(Box::new(|unit| unit.put("jobs", "last", b"")));
    go.send(()).unwrap();
    drop(store);
    assert_eq!(tokio::join!(first, panicking, last), (Ok(()), Err(StoreError::Panicked), Ok(())));
    let again = self::store(open(folder.path()));
    let left = run(&again, |unit| unit.scan("jobs", "", 9)).await.unwrap();
    assert_eq!(left.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["first", "last"]);
}

#[tokio::test]
async fn the_ledger_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    let refused = run(&store, |unit| Ok(unit.ledger().balance(AccountId(1))?)).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn the_vaults_signature_key_is_the_identitys() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    let key = run(&store, |unit| {
        let wish = Wish {
            sub: Identifier::parse("name:M-000001").unwrap(),
            roles: vec![Role::Holder],
            suites: vec![Suite::KpsHpke],
            url: None,
        };
        identity::request(unit, &wish, NOW, &mut rng()).unwrap();
        Ok(identity::signing_key(unit).unwrap().verifying_key())
    })
    .await
    .unwrap();
    drop(store);
    assert_eq!(open(folder.path()).verifying_key(), key);
}

#[tokio::test]
async fn long_collections_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(create(folder.path()));
    let long: Collection<u8> = Collection::new("a collection");
    run(&store, move |unit| long.put(unit, &"k".repeat(70_000), &1)).await.unwrap();
    let name = "x".repeat(201);
    let refused = run(&store, move |unit| unit.put(&name, "k", b"")).await;
    assert!(matches!(refused, Err(StoreError::Unwritable { .. })));
}
