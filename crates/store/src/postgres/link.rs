//! One connection, used from a thread that is not asynchronous.

use super::error::store_error;
use crate::system::io_error;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::Future,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement, types::ToSql};
use warifu_ports::StoreError;

/// How long to wait for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A lock that another process holds longer than this is `Busy`. A session that dies inside a
/// transaction must not hold the lock for ever. What is acknowledged is on the disk, whatever the
/// server's default; a stronger default stays.
const SETTINGS: &str = "
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '60s';
    SET default_transaction_isolation = 'read committed';
    SET client_min_messages = 'warning';
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";

/// A statement's parameters.
pub(super) type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

/// A connection, its statements, and whether its transaction can still be trusted.
pub(super) struct Link {
    runtime: Runtime,
    client: Client,
    statements: RefCell<HashMap<&'static str, Statement>>,
    failed: Cell<bool>,
}

impl Link {
    /// Connects. Must not be called from a thread that runs asynchronous code.
    pub(super) fn connect(config: &Config) -> Result<Link, StoreError> {
        let action = "connect to the database";
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(io_error(action))?;
        let mut config = config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let client = runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(async move {
                // What goes wrong reaches whoever waits for an answer.
                let _ = connection.await;
            });
            client.batch_execute(SETTINGS).await.map(|()| client)
        });
        let client = client.map_err(|error| store_error(action, &error))?;
        Ok(Link { runtime, client, statements: RefCell::default(), failed: Cell::new(false) })
    }

    /// Waits for `work`. After an error PostgreSQL ignores the rest of a transaction: then
    /// [`Link::has_failed`].
    pub(super) fn wait<T>(
        &self,
        action: &'static str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(work).map_err(|error| {
            self.failed.set(true);
            store_error(action, &error)
        })
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.get() || self.client.is_closed()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The prepared statement of a text.
    pub(super) async fn statement(&self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) fn query(
        &self,
        action: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.wait(action, async {
            let statement = self.statement(sql).await?;
            self.client.query(&statement, params).await
        })
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&self, action: &'static str, sql: &str) -> Result<(), StoreError> {
        self.wait(action, self.client.batch_execute(sql))
    }
}

/// Runs `work` on a thread of its own, where it may wait for a connection.
pub(super) fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let thread = std::thread::Builder::new().spawn(work).map_err(io_error("start a thread"))?;
    thread.join().unwrap_or(Err(StoreError::Panicked))
}
