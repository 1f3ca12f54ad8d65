//! The carrier itself, and what it answers within sessions.

use async_trait::async_trait;
use axum::Router;
use serde_json::value::RawValue;
use std::sync::Arc;
use warifu_ports::Store;
use warifu_protocol::delivery::{Delivery, DeliveryState};
use warifu_types::{Digest, Identifier, Role, UnixTime};
use warifu_wire::{Party, Peer, Problem, Service, read_body, serve_routes, write_answer};

/// How a carrier is set up.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether a parcel counts as delivered as soon as it is taken on, as in a demonstration.
    pub auto_deliver: bool,
}

/// A carrier.
pub struct Carrier {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
}

/// Every route of a carrier.
pub fn routes(carrier: Arc<Carrier>) -> Router {
    serve_routes(carrier)
}

impl Carrier {
    /// A carrier with its records in `store`.
    pub fn new(party: Arc<Party>, store: Arc<dyn Store>, settings: Settings) -> Arc<Carrier> {
        Arc::new(Carrier { party, store, settings })
    }

    /// The party that this carrier is.
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// Signs how far a delivery has come.
    pub(crate) fn sign(
        &self,
        merchant: &Identifier,
        order: Digest,
        state: DeliveryState,
        now: UnixTime,
    ) -> String {
        let delivery =
            Delivery { iss: self.party.id(), aud: merchant.clone(), order, state, iat: now };
        delivery.sign(self.party.terminal().signer.as_ref())
    }
}

#[async_trait]
impl Service for Carrier {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        if peer.role != Role::Merchant {
            return Err(Problem::forbidden("role"));
        }
        match op {
            "deliver" => write_answer(&self.deliver(peer, read_body(body)?).await?),
            "delivery_status" => write_answer(&self.delivery_status(peer, read_body(body)?).await?),
            _ => Err(Problem::not_found("op")),
        }
    }
}
