//! The center's public directory: credentials by identifier, or by a name that finds one (row A5).

use crate::{CallError, Party, Problem};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use warifu_protocol::{AtFault, ProtocolError, Reason, credential::Credential};
use warifu_types::Identifier;

/// A party found in the directory.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its checked credential.
    pub credential: Arc<Credential>,
    /// The credential as the center signed it.
    pub token: String,
}

impl Found {
    /// Where the party answers.
    pub fn url(&self) -> Result<&str, CallError> {
        let missing = || ProtocolError::sender(Reason::Mismatch, "credential.url");
        Ok(self.credential.url.as_deref().ok_or_else(missing)?)
    }
}

/// The answer to `GET /v1/directory?identifier=…` and `?name=…`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryAnswer {
    /// The credential.
    pub credential: String,
}

/// What was looked up before. Credentials that have expired since, and those of an epoch that is no
/// longer in force, are looked up again.
#[derive(Default)]
pub struct Directory {
    known: Mutex<HashMap<Identifier, Found>>,
}

impl Directory {
    /// A party by its identifier.
    pub async fn find(&self, party: &Arc<Party>, who: &Identifier) -> Result<Found, CallError> {
        if let Some(found) = self.lock().get(who).cloned()
            && found.credential.check_time(party.now(), AtFault::Sender).is_ok()
            && party.is_current(&found.credential.epochs)
        {
            return Ok(found);
        }
        let found = self.ask(party, "identifier", who.as_str()).await?;
        if found.credential.sub != *who {
            return Err(ProtocolError::sender(Reason::WrongParty, "credential.sub").into());
        }
        self.remember(found.clone());
        Ok(found)
    }

    /// What is known of a party without asking, whether it is still good or not.
    pub fn known(&self, who: &Identifier) -> Option<Found> {
        self.lock().get(who).cloned()
    }

    /// A service by a name that is part of its identifier.
    pub async fn find_name(&self, party: &Arc<Party>, name: &str) -> Result<Found, CallError> {
        let found = self.ask(party, "name", name).await?;
        self.remember(found.clone());
        Ok(found)
    }

    /// Remembers a party met by other means.
    pub fn remember(&self, found: Found) {
        self.lock().insert(found.credential.sub.clone(), found);
    }

    async fn ask(&self, party: &Arc<Party>, key: &str, value: &str) -> Result<Found, CallError> {
        let center = party.center().ok_or_else(|| {
            CallError::Problem(Problem::new(503, "no_center", "no center is configured", None))
        })?;
        let url = reqwest::Url::parse_with_params(
            &format!("{}/v1/directory", center.url),
            &[(key, value)],
        )
        .map_err(|_| ProtocolError::own(Reason::Malformed, "center.url"))?;
        let answer: DirectoryAnswer = party.connections().get(url.as_str()).await?;
        let credential = party.credential(&answer.credential, AtFault::Sender)?;
        Ok(Found { credential, token: answer.credential })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Identifier, Found>> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
