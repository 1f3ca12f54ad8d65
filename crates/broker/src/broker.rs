//! The broker itself.

use crate::{
    members::Guard,
    records::{COUNTS, ORDERS, OrderRecord, UNFINISHED},
    registry_line::RegistryLine,
    rules::{
        steps::{Next, next},
        token,
    },
    settings::Settings,
    stock,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OwnedMutexGuard;
use warifu_ports::{Store, StoreError, Unit, mail::MailOut, search::SearchIndex};
use warifu_types::{OrderId, UnixTime};
use warifu_wire::{Party, Problem};
use zeroize::Zeroizing;

/// A broker.
pub struct Broker {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) registry: Arc<dyn RegistryLine>,
    pub(crate) mail: Arc<dyn MailOut>,
    pub(crate) index: Arc<dyn SearchIndex>,
    pub(crate) guard: Guard,
    /// How many changes of the services the index has followed.
    pub(crate) indexed: tokio::sync::Mutex<u64>,
    turns: Mutex<HashMap<OrderId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Broker {
    /// A broker with its records in `store`. The index is filled from them: it may be empty.
    pub async fn new(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        settings: Settings,
        registry: Arc<dyn RegistryLine>,
        (mail, index): (Arc<dyn MailOut>, Arc<dyn SearchIndex>),
    ) -> Result<Arc<Broker>, Problem> {
        settings.check()?;
        let guard = Guard::new(settings.password_cost);
        let (turns, indexed) = (Mutex::default(), tokio::sync::Mutex::default());
        let broker =
            Broker { party, store, settings, registry, mail, index, guard, indexed, turns };
        broker.follow_changes().await?;
        Ok(Arc::new(broker))
    }

    /// The party that this broker is.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    pub(crate) async fn load(&self, order: OrderId) -> Result<Option<OrderRecord>, Problem> {
        let key = order.to_string();
        Ok(self.store.run(move |unit| ORDERS.get(unit, &key)).await?)
    }

    /// Waits until nobody else works on the order.
    pub(crate) async fn turn(&self, order: OrderId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(order).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// Changes an order whose next step is still `step`; one that has moved on stays as it is.
    pub(crate) async fn change(
        &self,
        order: OrderId,
        step: Next,
        change: impl FnOnce(&mut dyn Unit, &mut OrderRecord, UnixTime) -> Result<(), StoreError>
        + Send
        + 'static,
    ) -> Result<(), Problem> {
        let now = self.party.now();
        let work = move |unit: &mut dyn Unit| {
            let Some(mut record) = ORDERS.get(unit, &order.to_string())? else { return Ok(()) };
            if next(record.facts(), now) != step {
                return Ok(());
            }
            change(unit, &mut record, now)?;
            put(unit, &mut record)
        };
        Ok(self.store.run::<(), StoreError>(work).await?)
    }

    /// A fresh token for a cookie or an API: 160 random bits.
    pub(crate) fn fresh_token(&self) -> Zeroizing<String> {
        token::of_random(&Zeroizing::new(self.party.random32()))
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Broker({})", self.party.id())
    }
}

/// Writes an order, and whether it is at its end.
pub(crate) fn put(unit: &mut dyn Unit, record: &mut OrderRecord) -> Result<(), StoreError> {
    stock::settle(unit, record)?;
    let key = record.id.to_string();
    let waits = record.reference.is_some() && !record.released;
    let over =
        record.state.is_final() && (record.state == crate::rules::steps::State::Closed || !waits);
    match over {
        true => drop(UNFINISHED.delete(unit, &key)?),
        false => UNFINISHED.put(unit, &key, &true)?,
    }
    tracing::info!(order = key, state = record.state.as_str(), "order");
    ORDERS.put(unit, &key, record)
}

/// The next number of a kind: `B-000001`.
pub(crate) fn count(unit: &mut dyn Unit, letter: char) -> Result<String, StoreError> {
    let key = letter.to_string();
    let count = COUNTS.get(unit, &key)?.unwrap_or(0) + 1;
    COUNTS.put(unit, &key, &count)?;
    Ok(format!("{letter}-{count:06}"))
}
