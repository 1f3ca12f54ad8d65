//! What lies on the disk: keys, ciphertexts, formats.
#![allow(clippy::unwrap_used, reason = "test code, also outside of test functions")]

mod common;

use common::{key, open, path, run};
use rusqlite::{Connection, params};
use std::{collections::BTreeMap, fs};
use tempfile::TempDir;
use warifu_ports::StoreError;
use warifu_store::{MasterKey, SqliteStore, rekey};

const SECRET: &[u8] = b"4111 1111 1111 1111";

fn other_key() -> MasterKey {
    MasterKey::from_bytes([2; 32])
}

async fn keep_the_secret(folder: &TempDir) {
    run(&open(folder), |unit| unit.put("cards", "holder", SECRET)).await.unwrap();
}

/// Every file of the store, by name.
fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn values_are_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    run(&store, |unit| unit.put("cards", "holder", SECRET)).await.unwrap();
    // With the write-ahead log still there, and after it is gone.
    assert!(files(&folder).len() > 1);
    assert!(files(&folder).values().all(|bytes| !contains(bytes, SECRET)));
    drop(store);
    assert_eq!(files(&folder).len(), 1);
    assert!(files(&folder).values().all(|bytes| !contains(bytes, SECRET)));
    // The search would find it: the collection's name is in clear.
    assert!(files(&folder).values().any(|bytes| contains(bytes, b"cards")));
}

#[tokio::test]
async fn a_wrong_key_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    keep_the_secret(&folder).await;
    let before = files(&folder);
    let error = SqliteStore::open(&path(&folder), &other_key()).unwrap_err();
    assert_eq!(error, StoreError::WrongKey);
    assert_eq!(rekey(&path(&folder), &other_key(), &key()), Err(StoreError::WrongKey));
    assert!(files(&folder) == before);
    let kept = run(&open(&folder), |unit| unit.get("cards", "holder")).await.unwrap().unwrap();
    assert_eq!(kept.as_slice(), SECRET);
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old() {
    let folder = tempfile::tempdir().unwrap();
    keep_the_secret(&folder).await;
    let hash = run(&open(&folder), |unit| Ok(unit.keyed_hash("card", SECRET))).await.unwrap();
    rekey(&path(&folder), &key(), &other_key()).unwrap();
    let error = SqliteStore::open(&path(&folder), &key()).unwrap_err();
    assert_eq!(error, StoreError::WrongKey);
    let store = std::sync::Arc::new(SqliteStore::open(&path(&folder), &other_key()).unwrap());
    let (kept, hash_now) =
        run(&store, |unit| Ok((unit.get("cards", "holder")?, unit.keyed_hash("card", SECRET))))
            .await
            .unwrap();
    assert_eq!(kept.unwrap().as_slice(), SECRET);
    assert_eq!(hash_now, hash);
}

#[tokio::test]
async fn rekey_leaves_no_copy_of_the_old_record() {
    let folder = tempfile::tempdir().unwrap();
    keep_the_secret(&folder).await;
    let wrapped = || -> Vec<u8> {
        let connection = Connection::open(path(&folder)).unwrap();
        connection.query_row("SELECT wrapped FROM store_keys", [], |row| row.get(0)).unwrap()
    };
    let old = wrapped();
    assert!(files(&folder).values().any(|bytes| contains(bytes, &old[32..])));
    rekey(&path(&folder), &key(), &other_key()).unwrap();
    assert_ne!(wrapped(), old);
    assert!(files(&folder).values().all(|bytes| !contains(bytes, &old[32..])));
}

#[tokio::test]
async fn a_value_moved_to_another_place_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(&folder);
        run(&store, |unit| {
            unit.put("limits", "poor", b"1")?;
            unit.put("limits", "rich", b"9")
        })
        .await
        .unwrap();
    }
    let connection = Connection::open(path(&folder)).unwrap();
    let sql = "UPDATE documents SET value = (SELECT value FROM documents WHERE key = ?1)
               WHERE key = ?2";
    assert_eq!(connection.execute(sql, params!["rich", "poor"]).unwrap(), 1);
    drop(connection);
    let store = open(&folder);
    let corrupt = StoreError::Corrupt { collection: "limits".into() };
    let found = run(&store, |unit| unit.get("limits", "poor")).await;
    assert_eq!(found, Err(corrupt.clone()));
    assert_eq!(store.dump().unwrap_err(), corrupt);
    assert!(run(&store, |unit| unit.get("limits", "rich")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    keep_the_secret(&folder).await;
    let connection = Connection::open(path(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    drop(connection);
    let error = SqliteStore::open(&path(&folder), &key()).unwrap_err();
    assert_eq!(error, StoreError::NewerFormat { found: 1000, known: 1 });
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(path(&folder), "Dear diary, this is a text and no database. ".repeat(40)).unwrap();
    let before = files(&folder);
    assert_eq!(SqliteStore::open(&path(&folder), &key()).unwrap_err(), StoreError::NotAStore);
    assert!(files(&folder) == before);

    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(path(&folder)).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(connection);
    let before = files(&folder);
    assert_eq!(SqliteStore::open(&path(&folder), &key()).unwrap_err(), StoreError::NotAStore);
    assert!(files(&folder) == before);
}

#[test]
fn a_missing_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(&folder.path().join("no/such"), &key()).unwrap_err();
    let kind = std::io::ErrorKind::NotFound;
    assert_eq!(error, StoreError::Io { action: "create the database", kind });
}
