//! The merchant itself, and what it answers within sessions.

use crate::{
    brokering::{Brokering, forget_card},
    catalogue::Catalogue,
    records::{ORDERS, OrderRecord, UNFINISHED},
    rules::steps,
    settings::Settings,
    stock,
    turns::Turns,
    waits::Waits,
};
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use warifu_ports::{Store, StoreError, Unit};
use warifu_protocol::{status::State, view::View};
use warifu_types::{Identifier, OrderId, Role, UnixTime};
use warifu_wire::{Party, Peer, Problem, Service, read_body, write_answer};

/// A merchant, or a door.
pub struct Merchant {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) catalogue: Catalogue,
    pub(crate) turns: Turns,
    pub(crate) waits: Waits,
    /// How long after the last byte of its files an order is claimed without a receipt, in seconds.
    pub(crate) receipt_patience: u64,
    /// How it works with brokers.
    pub(crate) brokering: Brokering,
    /// Whom a designated name has found before, for when the directory is silent.
    pub(crate) names: Mutex<HashMap<String, Identifier>>,
}

/// How long the merchant usually waits for the receipt of files, in seconds: a day.
pub const RECEIPT_PATIENCE: u64 = 86_400;

impl Merchant {
    /// A merchant with its records in `store`.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>, settings: Settings) -> Arc<Merchant> {
        Merchant::with_patience(party, store, settings, RECEIPT_PATIENCE)
    }

    /// As [`Merchant::new`]; files of which no receipt came are claimed so many seconds after their
    /// last byte was handed out.
    pub fn with_patience(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        settings: Settings,
        receipt_patience: u64,
    ) -> Arc<Merchant> {
        let brokering = Brokering::default();
        Merchant::with_brokering(party, store, settings, receipt_patience, brokering)
    }

    /// As [`Merchant::with_patience`], for a provider of brokers' users.
    pub fn with_brokering(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        settings: Settings,
        receipt_patience: u64,
        brokering: Brokering,
    ) -> Arc<Merchant> {
        Arc::new(Merchant {
            party,
            store,
            settings,
            catalogue: Catalogue::default(),
            turns: Turns::default(),
            waits: Waits::default(),
            receipt_patience,
            brokering,
            names: Mutex::default(),
        })
    }

    /// The party that this merchant is.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// What the merchant could read of an order, and how far it has come; none if it has no such
    /// order.
    pub async fn view(&self, order: &OrderId) -> Result<Option<View>, Problem> {
        Ok(self.load(*order).await?.map(|record| record.view))
    }

    pub(crate) async fn load(&self, order: OrderId) -> Result<Option<OrderRecord>, Problem> {
        let key = order.to_string();
        Ok(self.store.run(move |unit| ORDERS.get(unit, &key)).await?)
    }

    /// Changes an order that is still in state `from`; one that has moved on stays as it is. What
    /// it took from the stock goes back in the same job where it ends without a sale.
    pub(crate) async fn change(
        &self,
        order: OrderId,
        from: State,
        change: impl FnOnce(&mut OrderRecord) + Send + 'static,
    ) -> Result<(), Problem> {
        let now = self.party.now();
        let key = order.to_string();
        let work = move |unit: &mut dyn Unit| {
            let Some(mut record) = ORDERS.get(unit, &key)? else { return Ok(()) };
            if record.state() != from {
                return Ok(());
            }
            change(&mut record);
            put_changed(unit, from, record, now)
        };
        Ok(self.store.run(work).await?)
    }
}

/// Writes an order that was changed, and what follows from its new state.
pub(crate) fn put_changed(
    unit: &mut dyn Unit,
    from: State,
    mut record: OrderRecord,
    now: UnixTime,
) -> Result<(), StoreError> {
    let key = record.id().to_string();
    if record.state() != from {
        record.changed = now;
        record.trouble = None;
        let state = record.state();
        if let Some(trade) = &mut record.broker {
            trade.steps.push((state, now));
        }
        tracing::info!(order = %record.id(), state = %record.state(), "order");
    }
    if steps::gives_back(record.state()) && !steps::gives_back(from) {
        stock::give_back(unit, &record.taken)?;
    }
    forget_card(unit, &record)?;
    if record.is_finished() {
        UNFINISHED.delete(unit, &key)?;
    }
    ORDERS.put(unit, &key, &record)
}

#[async_trait]
impl Service for Merchant {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        match (peer.role, op) {
            (Role::Holder, "quote") => write_answer(&self.quote(read_body(body)?).await?),
            (Role::Holder, "order") => write_answer(&self.order(peer, read_body(body)?).await?),
            (Role::Holder, "status") => write_answer(&self.status(peer, read_body(body)?).await?),
            (Role::Holder, "goods") => write_answer(&self.goods(peer, read_body(body)?).await?),
            (Role::Holder, "goods_receipt") => {
                write_answer(&self.goods_receipt(peer, read_body(body)?).await?)
            }
            (Role::Holder, "play") => write_answer(&self.play(peer, read_body(body)?).await?),
            (Role::Holder, "stop") => write_answer(&self.stop(peer, read_body(body)?).await?),
            (Role::Center, "payment_notices") => {
                write_answer(&self.payment_notices(peer, read_body(body)?).await?)
            }
            (Role::Holder | Role::Center, _) => Err(Problem::not_found("op")),
            _ => Err(Problem::forbidden("role")),
        }
    }
}
