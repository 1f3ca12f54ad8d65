//! The connection as the store's thread uses it.

use super::{
    checkpoint::Checkpoints, documents::SqliteDocuments, error::store_error, ledger::SqliteRows,
    write,
};
use crate::{
    documents::Documents,
    drafts::Drafts,
    group::{Engine, Log, guarded},
    ledger::{Books, Memo},
    seal::Sealer,
    system::io_error,
    unit::StoreUnit,
};
use rusqlite::Connection;
use std::{fs::File, io::ErrorKind, path::Path, sync::Arc};
use warifu_ports::{Job, StoreError};

const ACTION: &str = "run a transaction";

pub(crate) struct SqliteEngine {
    /// Before the connection, so that a pass has ended when that is closed.
    checkpoints: Checkpoints,
    connection: Connection,
    log: Arc<File>,
    sealer: Arc<Sealer>,
    memo: Memo,
    drafts: Drafts,
    /// SQLite's number for what other connections have committed.
    data_version: Option<i64>,
    /// Whether this transaction sees what another connection has committed, and may not have synced.
    sees_others: bool,
}

impl SqliteEngine {
    pub(crate) fn new(
        mut connection: Connection,
        path: &Path,
        sealer: Arc<Sealer>,
    ) -> Result<SqliteEngine, StoreError> {
        let checkpoints = Checkpoints::of(&mut connection, path)?;
        let log = open_log(path)?;
        // Commits leave it to the log's own thread to sync; checkpoints still sync log and file.
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(|error| store_error("configure the database", &error))?;
        let (memo, drafts) = (Memo::default(), Drafts::default());
        Ok(SqliteEngine {
            checkpoints,
            connection,
            log,
            sealer,
            memo,
            drafts,
            data_version: None,
            sees_others: true,
        })
    }

    fn execute(&self, sql: &'static str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(|_| ())
            .map_err(|error| store_error(ACTION, &error))
    }

    /// Another process may have written since the last transaction: then nothing that is
    /// remembered counts any more.
    fn check_memo(&mut self) -> Result<(), StoreError> {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| store_error(ACTION, &error))?;
        self.sees_others = self.data_version != Some(version);
        if self.sees_others {
            self.memo.forget();
            self.data_version = Some(version);
        }
        Ok(())
    }
}

/// The write-ahead log, which is there, and stays the same file, as long as a connection is open.
fn open_log(path: &Path) -> Result<Arc<File>, StoreError> {
    let mut name = path.as_os_str().to_os_string();
    name.push("-wal");
    // Some systems sync only what may be written.
    let log = File::options().write(true).open(name);
    log.map(Arc::new).map_err(io_error("open the log"))
}

impl Engine for SqliteEngine {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.execute("BEGIN IMMEDIATE")?;
        let checked = self.check_memo();
        if checked.is_err() {
            self.roll_back();
        }
        checked
    }

    /// A job only reads from the database; what it writes is kept in memory until the commit.
    fn run(&mut self, job: Job) -> Result<Result<(), StoreError>, StoreError> {
        self.memo.begin_job();
        self.drafts.begin_job();
        let (sealer, drafts) = (&*self.sealer, &mut self.drafts);
        let documents = Documents { rows: SqliteDocuments(&self.connection), sealer, drafts };
        let ledger = Books::new(SqliteRows::new(&self.connection), &mut self.memo);
        let outcome = guarded(job, &mut StoreUnit { documents, ledger });
        // An error may have made SQLite give up the transaction by itself. What was written after
        // that would be committed statement by statement.
        if self.connection.is_autocommit() {
            let lost = StoreError::Io { action: "keep the transaction", kind: ErrorKind::Other };
            return Err(outcome.err().unwrap_or(lost));
        }
        if outcome.is_err() {
            self.memo.undo_job();
            self.drafts.undo_job();
        }
        Ok(outcome)
    }

    /// SQLite writes the log, and [`Engine::log`] syncs it.
    fn commit(&mut self) -> Result<bool, StoreError> {
        let before = self.connection.total_changes();
        SqliteDocuments(&self.connection).write(&self.drafts)?;
        write::pending(&SqliteRows::new(&self.connection), &self.memo.pending())?;
        self.execute("COMMIT")?;
        self.memo.settle();
        self.drafts.clear();
        self.checkpoints.after_commit(&self.connection);
        Ok(self.sees_others || self.connection.total_changes() != before)
    }

    fn log(&mut self) -> Option<Log> {
        let log = Arc::clone(&self.log);
        Some(Box::new(move || log.sync_data().map_err(io_error("sync the log"))))
    }

    fn roll_back(&mut self) {
        self.memo.forget();
        self.drafts.clear();
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MasterKey, sqlite::connection::open_or_create};
    use warifu_ledger::{Account, AccountId};
    use warifu_types::Currency;

    fn engine(path: &Path) -> SqliteEngine {
        let (connection, sealer) = open_or_create(path, &MasterKey::from_bytes([1; 32])).unwrap();
        SqliteEngine::new(connection, path, Arc::new(sealer)).unwrap()
    }

    #[test]
    fn what_writes_or_sees_what_others_wrote_has_a_log_to_sync() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let syncs = |engine: &mut SqliteEngine, job: Job| {
            engine.begin().unwrap();
            assert!(matches!(engine.run(job), Ok(Ok(()))));
            engine.commit().unwrap()
        };
        let read = || -> Job { Box::new(|unit| unit.get("d", "k").map(drop)) };
        let (mut one, mut other) = (engine(&path), engine(&path));
        assert!(syncs(&mut one, Box::new(|unit| unit.put("d", "k", b"x"))));
        assert!(!syncs(&mut one, read()));
        assert!(syncs(&mut other, read()));
        assert!(!syncs(&mut other, read()));
        assert!(syncs(&mut one, Box::new(|unit| unit.delete("d", "k").map(drop))));
        assert!(syncs(&mut other, read()));
        let yen = Account::new(AccountId(1), Currency::JPY);
        let opens: Job =
            Box::new(move |unit| Ok(unit.ledger().create_accounts(&[yen]).map(drop)?));
        assert!(syncs(&mut one, opens));
        assert_eq!(one.log().unwrap()(), Ok(()));
    }

    #[test]
    fn a_transaction_that_sqlite_gave_up_is_lost_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut engine = engine(&path);
        let put = |key: &'static str| -> Job { Box::new(move |unit| unit.put("d", key, b"x")) };
        engine.begin().unwrap();
        assert_eq!(engine.run(put("before")), Ok(Ok(())));
        // As SQLite does after an error of the disk.
        engine.execute("ROLLBACK").unwrap();
        assert!(engine.run(put("after")).is_err());
        engine.roll_back();
        engine.begin().unwrap();
        let nothing: Job = Box::new(|unit| {
            assert_eq!(unit.scan("d", "", 9)?, []);
            Ok(())
        });
        assert_eq!(engine.run(nothing), Ok(Ok(())));
        engine.commit().unwrap();
    }
}
