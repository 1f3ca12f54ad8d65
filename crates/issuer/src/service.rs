//! What the issuer answers in the network.

use crate::Issuer;
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::sync::Arc;
use warifu_types::Role;
use warifu_wire::{Party, Peer, Problem, Service, read_body, write_answer};

#[async_trait]
impl Service for Issuer {
    fn party(&self) -> &Arc<Party> {
        &self.party
    }

    async fn answer(
        &self,
        peer: &Peer,
        op: &str,
        body: &RawValue,
    ) -> Result<Box<RawValue>, Problem> {
        match op {
            "part" => {
                require(peer, &[Role::Holder])?;
                write_answer(&self.receive_part(peer, read_body(body)?).await?)
            }
            "withdraw" => {
                require(peer, &[Role::Holder])?;
                write_answer(&self.withdraw(peer, read_body(body)?).await?)
            }
            "authorize" => {
                require(peer, FRONTS)?;
                write_answer(&self.authorize(peer, read_body(body)?).await?)
            }
            "settle" => {
                require(peer, FRONTS)?;
                write_answer(&self.settle(peer, read_body(body)?).await?)
            }
            _ => Err(Problem::not_found("op")),
        }
    }
}

/// Who has orders authorized: also a center that sells prepaid value (row B7, way 1).
const FRONTS: &[Role] = &[Role::Merchant, Role::Door, Role::Center];

fn require(peer: &Peer, roles: &[Role]) -> Result<(), Problem> {
    if roles.contains(&peer.role) { Ok(()) } else { Err(Problem::forbidden("op")) }
}
