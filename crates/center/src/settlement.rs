//! The settlement center: members, prepaid cards, payments (rows B1 to B10, B13).

use crate::{
    Settings, Terms,
    accounts::{BOOKS, HOLDS},
    joining::records::{TERMS, TermsRecord},
    paying::fresh::Fresh,
    prepaid::turns::Turns,
    telegrams::{enclosures::Enclosures, guard::Guard, keys::Keys, sessions::Sessions},
};
use serde_json::value::RawValue;
use std::{fmt, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_ports::{
    Collection, Store, StoreError, Unit,
    books::AccountBalance,
    holds::{AuditFailure, Audited},
};
use warifu_protocol::{signer::Signer, view::View};
use warifu_types::{OrderId, Role};
use warifu_wire::{Party, Peer, Problem, read_body, write_answer};

/// What the center counts: members, stores, transactions.
const COUNTERS: Collection<u64> = Collection::new("center_counters");

/// The settlement center behind a center's sessions.
pub struct Settlement {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions,
    pub(crate) guard: Guard,
    pub(crate) turns: Turns,
    pub(crate) fresh: Fresh,
    pub(crate) keys: Keys,
    pub(crate) enclosures: Enclosures,
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settlement({})", self.party.id())
    }
}

impl Settlement {
    /// A settlement center that keeps its records in `store`. Terms that are set take effect for
    /// letters from now on.
    pub(crate) async fn new(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        settings: Settings,
    ) -> Result<Arc<Settlement>, StoreError> {
        let guard = Guard::new(settings.rates);
        let terms = settings.terms.clone();
        let center = Arc::new(Settlement {
            party,
            store,
            settings,
            sessions: Sessions::default(),
            guard,
            turns: Turns::default(),
            fresh: Fresh::default(),
            keys: Keys::default(),
            enclosures: Enclosures::default(),
        });
        if let Some(terms) = terms {
            center.set_terms(terms).await?;
        }
        Ok(center)
    }

    /// Sets the terms for the guide and for letters from now on. A letter that is out already
    /// brings the terms of its day, which the guide no longer has: its owner needs another.
    pub async fn set_terms(&self, terms: Terms) -> Result<(), StoreError> {
        let record = TermsRecord { member: terms.member, merchant: terms.merchant };
        self.store.run(move |unit| TERMS.put(unit, "own", &record)).await
    }

    pub(crate) fn signer(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.party.terminal().signer)
    }

    /// Answers what merchants ask about payments.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        if peer.role != Role::Merchant {
            return Err(Problem::forbidden("op"));
        }
        match op {
            "authorize" => write_answer(&self.authorize(peer, read_body(body)?).await?),
            "settle" => write_answer(&self.settle(peer, read_body(body)?).await?),
            "meter" => write_answer(&self.meter(peer, read_body(body)?).await?),
            _ => Err(Problem::not_found("op")),
        }
    }

    /// Takes up once whatever is unfinished: top-ups that wait for an issuer, payment notices that
    /// a merchant has not taken, holds and forms whose time is over.
    pub async fn work(self: &Arc<Self>) -> Result<(), Problem> {
        // One that fails does not hold up the others.
        let expired = self.expire().await;
        let driven = self.drive_all().await;
        expired.and(driven).and(self.send_notices().await)
    }

    /// Works at every interval, until the center is dropped or the task is aborted.
    pub fn spawn_worker(self: &Arc<Self>, interval: Duration) -> JoinHandle<()> {
        let center = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(center) = center.upgrade() {
                if let Err(problem) = center.work().await {
                    tracing::error!(code = problem.code, "the worker failed");
                }
                drop(center);
                tokio::time::sleep(interval).await;
            }
        })
    }

    /// Every account with its balance: for reports and tests. It holds all of them in memory.
    pub async fn balances(&self) -> Result<Vec<AccountBalance>, Problem> {
        Ok(self.store.run(|unit| BOOKS.balances(unit)).await?)
    }

    /// Audits the ledger, and compares every payment's record with its hold.
    pub async fn audit(&self) -> Result<Audited, AuditFailure> {
        self.store.run(|unit| HOLDS.audit(unit)).await
    }

    /// What the center could read of an order, what stayed sealed, and how far it has come.
    pub async fn view(&self, order: &OrderId) -> Result<Option<View>, Problem> {
        let key = order.to_string();
        let get = move |unit: &mut dyn Unit| HOLDS.records.get(unit, &key);
        Ok(self.store.run(get).await?.map(|record| record.view))
    }
}

/// The next number of a count, from 1.
pub(crate) fn count(unit: &mut dyn Unit, what: &str) -> Result<u64, StoreError> {
    let next = COUNTERS.get(unit, what)?.unwrap_or(0) + 1;
    COUNTERS.put(unit, what, &next)?;
    Ok(next)
}
