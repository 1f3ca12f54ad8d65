//! The registry itself.

use crate::{
    CardKeys, KeyError, Settings, keys::CardData, records::CardRecord, rules::claim::Watch,
};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use warifu_ports::{
    Store, Unit,
    fax::{CardSheet, Fax},
};
use warifu_protocol::encode::b64;
use warifu_wire::{
    CallError, Party, Problem,
    private_line::{CardPost, LineClient, LineDone, LineError, LineIdentity},
};

/// Posts a card sheet to a provider's closed line (rows C7 and C9).
#[async_trait]
pub trait ClosedLine: Send + Sync + 'static {
    /// Posts a sheet. The same sheet again is taken as the first one was.
    async fn post(&self, url: &str, sheet: &CardPost) -> Result<(), CallError>;
}

/// The closed line by mutual TLS.
#[derive(Debug)]
pub struct PrivateClosedLine(pub LineIdentity);

/// Where a provider takes sheets on its closed line.
const CARD_PATH: &str = "/v1/line/card";

#[async_trait]
impl ClosedLine for PrivateClosedLine {
    async fn post(&self, url: &str, sheet: &CardPost) -> Result<(), CallError> {
        let unset = |error: LineError| CallError::Network(error.to_string());
        let line = LineClient::new(&self.0, url).map_err(unset)?;
        line.ask::<LineDone>(CARD_PATH, sheet).await.map(|_| ())
    }
}

/// The ways by which card sheets go out.
#[derive(Default)]
pub struct Ways {
    /// The fax server, if there is one.
    pub fax: Option<Arc<dyn Fax>>,
    /// Providers' closed lines, if there are any.
    pub line: Option<Arc<dyn ClosedLine>>,
}

/// A card registry.
pub struct Registry {
    pub(crate) party: Arc<Party>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: CardKeys,
    pub(crate) settings: Settings,
    pub(crate) fax: Option<Arc<dyn Fax>>,
    pub(crate) line: Option<Arc<dyn ClosedLine>>,
    /// What this process is called in its claims.
    pub(crate) process: String,
    /// Other processes' claims.
    pub(crate) watch: Mutex<Watch>,
}

impl Registry {
    /// A registry with its records in `store`. Without a fax server, or without a closed line, a
    /// sheet for such a channel waits. Several processes may have one store.
    pub fn new(
        party: Arc<Party>,
        store: Arc<dyn Store>,
        keys: CardKeys,
        settings: Settings,
        ways: Ways,
    ) -> Arc<Registry> {
        let Ways { fax, line } = ways;
        let (process, watch) = (b64(&party.random32()[..16]), Mutex::default());
        Arc::new(Registry { party, store, keys, settings, fax, line, process, watch })
    }

    pub(crate) fn open(&self, place: &str, record: &CardRecord) -> Result<CardData, Problem> {
        let sealed = (record.key.as_str(), record.wrapped.as_str(), record.sealed.as_str());
        self.keys.open(place, sealed).map_err(own)
    }

    /// The sheet of a card.
    pub(crate) fn sheet(
        &self,
        number: &str,
        sheet: &crate::records::SheetRecord,
        record: &CardRecord,
    ) -> Result<CardSheet, Problem> {
        let card = self.open(&sheet.card, record)?;
        Ok(CardSheet {
            number: number.to_string(),
            provider: sheet.name.clone(),
            holder_name: card.holder_name,
            card_number: card.number,
            card_expiry: card.expiry,
            written: sheet.written,
        })
    }
}

/// A failure of the registry's own keys: for its operator, not for who asks.
pub(crate) fn own(error: KeyError) -> Problem {
    tracing::error!(%error, alarm = "card_keys", "a card cannot be opened");
    Problem::internal()
}

/// The key of a member's record.
pub(crate) fn member_key(unit: &mut dyn Unit, member: &str) -> String {
    unit.keyed_hash("registry member", member.trim().as_bytes())
}

/// The key of a card's record.
pub(crate) fn card_key(unit: &mut dyn Unit, number: &str) -> String {
    unit.keyed_hash("registry card", number.as_bytes())
}

/// The key under which a reference is found.
pub(crate) fn reference_key(unit: &mut dyn Unit, reference: &str) -> String {
    unit.keyed_hash("registry reference", reference.as_bytes())
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry({})", self.party.id())
    }
}
