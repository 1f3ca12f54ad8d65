//! Asking merchants and issuers, as a center.

use crate::{CenterError, records::MEMBERS, settlement::Settlement};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use warifu_ports::Unit;
use warifu_protocol::{AtFault, ProtocolError, Reason, credential::Credential};
use warifu_types::{Identifier, Role};
use warifu_wire::{CallError, Problem};

impl Settlement {
    /// A party and where it answers: from the own register; or else from the network's directory,
    /// or as it was shown.
    pub(crate) async fn find(
        &self,
        who: &Identifier,
        shown: Option<&str>,
    ) -> Result<(Arc<Credential>, String), CallError> {
        let party = who.clone();
        let look = move |unit: &mut dyn Unit| {
            let known = MEMBERS.get(unit, party.as_str())?;
            match known {
                Some(known) if known.revoked => Err(CenterError::Revoked),
                known => Ok(known.map(|known| known.enrolment.credential)),
            }
        };
        let known = self.store.run(look).await.map_err(Problem::from)?;
        let credential = match (known.as_deref().or(shown), self.party.center()) {
            (Some(token), _) => self.party.credential(token, AtFault::Sender)?,
            (None, Some(_)) => self.party.directory().find(&self.party, who).await?.credential,
            (None, None) => return Err(Problem::not_found("identifier").into()),
        };
        if credential.sub != *who {
            return Err(ProtocolError::sender(Reason::WrongParty, "credential.sub").into());
        }
        let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
        let url = credential.url.clone().ok_or_else(missing)?;
        Ok((credential, url))
    }

    /// Asks a party within a session.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &self,
        peer: &Credential,
        url: &str,
        role: Role,
        question: (&str, &(impl Serialize + Sync)),
    ) -> Result<A, CallError> {
        let roles = (Role::Center, role);
        let connections = self.party.connections();
        connections.ask(&self.party, url, roles, Some(&peer.sub), question, None).await
    }
}
