//! The connection as the store's thread uses it.
//!
//! A transaction takes three journeys to the server beside what its jobs read: begin, lock and
//! version; all writes; commit. See docs/adr/0007-postgresql.md for the lock.

use super::{documents::PostgresDocuments, ledger::PostgresRows, link::Link, pages::Pages, write};
use crate::{
    documents::Documents,
    drafts::Drafts,
    group::{Engine, Log, guarded},
    ledger::{Books, Memo},
    seal::Sealer,
    unit::StoreUnit,
};
use std::{io::ErrorKind, sync::Arc};
use tokio_postgres::{Config, SimpleQueryMessage};
use warifu_ports::{Job, StoreError};

/// One transaction at a time among all processes on the database; it ends with the lock. What is
/// read after the lock is what the one before has committed.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1463898697, 1);
    SELECT version FROM ledger_version";

const ACTION: &str = "run a transaction";

pub(super) struct PostgresEngine {
    config: Config,
    sealer: Arc<Sealer>,
    /// `None` after a connection was lost.
    link: Option<Link>,
    memo: Memo,
    pages: Pages,
    drafts: Drafts,
    /// What `memo` and `pages` are of: it counts the transactions that changed the ledger.
    version: Option<i64>,
}

impl PostgresEngine {
    /// `link` has the store's tables in its path.
    pub(super) fn new(config: Config, link: Link, sealer: Arc<Sealer>) -> PostgresEngine {
        PostgresEngine {
            config,
            sealer,
            link: Some(link),
            memo: Memo::default(),
            pages: Pages::default(),
            drafts: Drafts::default(),
            version: None,
        }
    }

    /// Begins on the connection that is there.
    fn begin_on(&mut self, link: Link) -> Result<(), StoreError> {
        let answer = link.wait(ACTION, link.client().simple_query(BEGIN));
        let version = answer?.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(|text| text.parse().ok()),
            _ => None,
        });
        let version = version
            .ok_or_else(|| StoreError::Corrupt { collection: "the database".to_string() })?;
        if self.version != Some(version) {
            self.memo.forget();
            self.pages.forget();
            self.version = Some(version);
        }
        self.link = Some(link);
        Ok(())
    }

    /// A new connection. What is remembered was of the old one, perhaps of another server.
    fn reconnect(&mut self) -> Result<Link, StoreError> {
        self.version = None;
        let link = Link::connect(&self.config)?;
        link.batch(ACTION, "SET search_path TO warifu")?;
        Ok(link)
    }
}

impl Engine for PostgresEngine {
    fn begin(&mut self) -> Result<(), StoreError> {
        if let Some(link) = self.link.take() {
            match self.begin_on(link) {
                Err(StoreError::Io { .. }) => {}
                // The link is gone with the error; the next transaction makes a new one.
                begun => return begun,
            }
        }
        // Nothing has happened yet, so it can be tried again.
        let link = self.reconnect()?;
        self.begin_on(link)
    }

    fn run(&mut self, job: Job) -> Result<Result<(), StoreError>, StoreError> {
        let lost = || StoreError::Io { action: "keep the transaction", kind: ErrorKind::Other };
        let link = self.link.as_ref().ok_or_else(lost)?;
        self.memo.begin_job();
        self.drafts.begin_job();
        let (sealer, drafts) = (&*self.sealer, &mut self.drafts);
        let documents = Documents { rows: PostgresDocuments(link), sealer, drafts };
        let ledger = Books::new(PostgresRows::new(link), &mut self.memo);
        let outcome = guarded(job, &mut StoreUnit { documents, ledger });
        if link.has_failed() {
            return Err(outcome.err().unwrap_or_else(lost));
        }
        if outcome.is_err() {
            self.memo.undo_job();
            self.drafts.undo_job();
        }
        Ok(outcome)
    }

    fn commit(&mut self) -> Result<bool, StoreError> {
        let link = self.link.as_ref().ok_or(StoreError::Closed)?;
        let changed = write::all(link, &self.memo.pending(), &mut self.pages, &self.drafts)?;
        // If no answer comes, nobody can tell whether it is done: whoever asked asks again.
        link.batch("learn whether the transaction was committed", "COMMIT")?;
        if changed {
            self.version = self.version.map(|version| version + 1);
        }
        self.memo.settle();
        self.pages.settle();
        self.drafts.clear();
        Ok(changed)
    }

    fn log(&mut self) -> Option<Log> {
        None
    }

    /// Leaves the connection: the server rolls back what is open on it, and so nothing of it can
    /// be left when the next transaction begins.
    fn roll_back(&mut self) {
        self.memo.forget();
        self.pages.forget();
        self.drafts.clear();
        self.version = None;
        self.link = None;
    }
}
