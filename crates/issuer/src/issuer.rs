//! The issuer itself.

use crate::{Settings, records::HOLDS};
use std::{fmt, sync::Arc};
use warifu_ports::Store;
use warifu_protocol::view::View;
use warifu_types::OrderId;
use warifu_wire::{Party, Problem};

/// An issuer, or a card manager.
pub struct Issuer {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
}

impl Issuer {
    /// An issuer that keeps its records in `store`.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>, settings: Settings) -> Arc<Issuer> {
        Arc::new(Issuer { party, store, settings })
    }

    /// What the issuer could read of an order, what stayed sealed, and how far it has come:
    /// authorized, refused, settled once captured, cancelled once the hold is released.
    pub async fn view(&self, order: &OrderId) -> Result<Option<View>, Problem> {
        let key = order.to_string();
        let get = move |unit: &mut dyn warifu_ports::Unit| HOLDS.records.get(unit, &key);
        Ok(self.store.run(get).await?.map(|record| record.view))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({}, {:?})", self.party.id(), self.settings)
    }
}
