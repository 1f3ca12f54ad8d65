//! Opening the database file.

use super::{
    error::store_error,
    schema::{self, Found},
};
use crate::{MasterKey, master_key::sync_folder, seal::Sealer, system::io_error};
use rusqlite::{Connection, OpenFlags};
use std::{fs::OpenOptions, path::Path, time::Duration};
use warifu_ports::StoreError;

/// How long to wait while another process, such as an operator's command, writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a store, and makes it where there is none or an empty file. Nothing is written before the
/// key has proved right.
pub(crate) fn open_or_create(
    path: &Path,
    master: &MasterKey,
) -> Result<(Connection, Sealer), StoreError> {
    create_file(path)?;
    let opened = open_existing(path, master)?;
    sync_folder(path).map_err(io_error("sync the folder"))?;
    Ok(opened)
}

/// Opens a store that is there.
pub(crate) fn open_existing(
    path: &Path,
    master: &MasterKey,
) -> Result<(Connection, Sealer), StoreError> {
    let connection = connect(path)?;
    if schema::inspect(&connection)? == Found::Store {
        schema::data_key(&connection, master)?;
    }
    configure(&connection)?;
    let sealer = schema::migrate(&connection, master)?;
    Ok((connection, sealer))
}

/// A further connection that cannot write.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| store_error("open the database", &error))?;
    Ok(connection)
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let fail = |error| store_error("open the database", &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The file is made here rather than by SQLite, for the owner alone; SQLite gives its write-ahead
/// log the same mode.
fn create_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(io_error("create the database"))
}

/// `synchronous=FULL` in WAL mode syncs the log at each commit: what was acknowledged outlives a
/// power cut. A store's own thread takes that over (docs/adr/0015). `secure_delete` overwrites what is removed. Checkpoints are made elsewhere.
fn configure(connection: &Connection) -> Result<(), StoreError> {
    let fail = |error| store_error("configure the database", &error);
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(fail)?;
    if mode != "wal" {
        let kind = std::io::ErrorKind::Unsupported;
        return Err(StoreError::Io { action: "use a write-ahead log", kind });
    }
    let settings: [(&str, i64); 8] = [
        ("synchronous", 2),
        ("fullfsync", 1),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("trusted_schema", 0),
        ("temp_store", 2),
        ("cache_size", -16_384),
        ("wal_autocheckpoint", 0),
    ];
    for (name, value) in settings {
        // Some of these answer with a row, others with none.
        connection.pragma(None, name, value, |_| Ok(())).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn durable_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (connection, _) = open_or_create(&path, &MasterKey::from_bytes([1; 32])).unwrap();
        let read = |name: &str| -> i64 {
            connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        assert_eq!(read("synchronous"), 2);
        assert_eq!(read("secure_delete"), 1);
        assert_eq!(read("foreign_keys"), 1);
        assert_eq!(read("busy_timeout"), 5_000);
        for name in ["db", "db-wal", "db-shm"] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn opening_what_is_not_there_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let error = open_existing(&path, &MasterKey::from_bytes([1; 32])).err().unwrap();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
        assert!(!path.exists());
    }
}
