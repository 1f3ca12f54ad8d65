//! The issuer itself.

use crate::{Settings, records::HOLDS};
use std::{fmt, sync::Arc};
use warifu_ports::{Store, holds::CardReferences};
use warifu_protocol::view::View;
use warifu_types::OrderId;
use warifu_wire::{Party, Problem};

/// An issuer, or a card manager.
pub struct Issuer {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    /// Who knows the cards of brokers' users, where orders name them by reference.
    pub(crate) references: Option<Arc<dyn CardReferences>>,
}

impl Issuer {
    /// An issuer that keeps its records in `store`.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>, settings: Settings) -> Arc<Issuer> {
        Arc::new(Issuer { party, store, settings, references: None })
    }

    /// As [`Issuer::new`], with the private line to the registry: for orders under the rule
    /// `broker-reference` (row C7).
    pub fn with_references(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        settings: Settings,
        references: Arc<dyn CardReferences>,
    ) -> Arc<Issuer> {
        Arc::new(Issuer { party, store, settings, references: Some(references) })
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
