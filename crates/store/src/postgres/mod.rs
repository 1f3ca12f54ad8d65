//! The store in a PostgreSQL database, which several processes use as one.
//!
//! See docs/adr/0007-postgresql.md for how they take turns.

mod documents;
mod engine;
mod error;
mod ledger;
mod link;
mod pages;
mod schema;
mod write;

use crate::{Document, MasterKey, document::dumped, group::Desk, seal::Sealer};
use documents::PostgresDocuments;
use engine::PostgresEngine;
use link::{Link, aside};
use std::{fmt, io::ErrorKind, sync::Arc};
use tokio_postgres::Config;
use warifu_ports::{Job, Store, StoreError, Submitted};

const SNAPSHOT: &str =
    "SET search_path TO warifu; BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A store in one PostgreSQL database, in the schema `warifu`. Dropping it runs what waits, then
/// closes the connection.
///
/// Any number of processes may have the same database open: their units of work take turns, and
/// each sees what those before it committed. A connection that is lost is made again; the jobs
/// under way then get an error, and whoever asked asks again, for the commit may have been done.
pub struct PostgresStore {
    config: Config,
    sealer: Arc<Sealer>,
    desk: Desk,
}

impl PostgresStore {
    /// Opens the store at `address`, and makes it in a database that has none. The address is a
    /// URL (`postgres://…`) or words (`host=… user=… dbname=…`) as PostgreSQL's own programs take
    /// them; it may name several hosts of a cluster, with `target_session_attrs=read-write`.
    ///
    /// The connection is not encrypted: a socket on this machine, or a network that is. A wrong
    /// key is [`StoreError::WrongKey`], and changes nothing. Blocks while it opens.
    pub fn open(address: &str, key: &MasterKey) -> Result<PostgresStore, StoreError> {
        let config = parse(address)?;
        let (to, key) = (config.clone(), key.clone());
        let (desk, sealer) = Desk::open(move || {
            let link = Link::connect(&to)?;
            let sealer = Arc::new(schema::migrate(&link, &key)?);
            Ok((PostgresEngine::new(to, link, Arc::clone(&sealer)), sealer))
        })?;
        Ok(PostgresStore { config, sealer, desk })
    }

    /// Every document, decrypted, by collection and key: for the operator's audit of what a role
    /// really keeps, and for tests that do the same. It reads what is committed, through a
    /// connection of its own, and holds all of it in memory. Blocks.
    pub fn dump(&self) -> Result<Vec<Document>, StoreError> {
        let (config, sealer) = (self.config.clone(), Arc::clone(&self.sealer));
        aside(move || dump(&Link::connect(&config)?, &sealer))
    }
}

fn parse(address: &str) -> Result<Config, StoreError> {
    // The message of the driver could quote a password.
    let action = "read the address of the database";
    address.parse().map_err(|_| StoreError::Io { action, kind: ErrorKind::InvalidInput })
}

fn dump(link: &Link, sealer: &Sealer) -> Result<Vec<Document>, StoreError> {
    link.batch("list the documents", SNAPSHOT)?;
    let documents = PostgresDocuments(link);
    dumped(sealer, documents.collections()?, &documents)
}

/// Makes `new` the key of the store at `address`; `old` no longer opens it. Documents are not
/// written again: the data key that they are under is. Blocks.
///
/// The old record stays in the server's own files and backups for a while, under the old key.
pub fn rekey_postgres(address: &str, old: &MasterKey, new: &MasterKey) -> Result<(), StoreError> {
    let (config, old, new) = (parse(address)?, old.clone(), new.clone());
    aside(move || {
        let action = "change the key";
        let link = Link::connect(&config)?;
        schema::migrate(&link, &old)?;
        link.batch(action, "BEGIN")?;
        // Read again: another process may have changed the key since. An error leaves the
        // connection, and with it the transaction.
        let data = schema::data_key(&link, &old)?;
        schema::write_data_key(&link, &data, &new)?;
        link.batch(action, "COMMIT")
    })
}

impl Store for PostgresStore {
    fn submit(&self, job: Job) -> Submitted {
        self.desk.submit(job)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.config.get_dbname().unwrap_or("?"))
    }
}
