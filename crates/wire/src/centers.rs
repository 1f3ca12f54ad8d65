//! Asking the centers for keys that are missing: each for its own share, the first for the key of a
//! trade.

use crate::{CallError, Party, Problem, operation};
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use std::{pin::Pin, sync::Arc};
use warifu_keydist::{CenterEpoch, PairKey, Route, Share};
use warifu_protocol::{
    AtFault, ProtocolError, Reason,
    credential::Class,
    enrolment::{self, renewal::Renewal},
};
use warifu_types::{Identifier, OrderId, Role, UnixTime};

/// A question to a center under way. Boxed as a named type, since the meeting may itself look for a
/// key.
type Asking<'a, A> = Pin<Box<dyn Future<Output = Result<A, CallError>> + Send + 'a>>;

/// What a center asks itself instead of over the wire: it is a party that needs keys, too.
#[async_trait]
pub trait OwnCenter: Send + Sync {
    /// The signed notice of its own epoch.
    async fn notice(&self, now: UnixTime) -> Result<String, Problem>;
    /// The answer to a request for renewal.
    async fn renew(
        &self,
        request: String,
        now: UnixTime,
        random: crate::Random,
    ) -> Result<Renewal, Problem>;
    /// Its own share for meeting services of a group, in this epoch.
    async fn share(&self, group: u32, epoch: u32, now: UnixTime) -> Result<Share, Problem>;
    /// Where another center answers, if it has enrolled it.
    async fn address(&self, center: &Identifier) -> Option<String>;
}

impl Party {
    /// Whether this party is that center.
    pub(crate) fn as_center(&self, center: &Identifier) -> Option<&Arc<dyn OwnCenter>> {
        self.own_center.get().filter(|_| *center == self.id())
    }

    /// Where a center answers.
    pub(crate) async fn address_of(
        self: &Arc<Self>,
        center: &Identifier,
    ) -> Result<String, CallError> {
        if let Some(link) = self.center()
            && link.center == *center
        {
            return Ok(link.url.clone());
        }
        if let Some(own) = self.own_center.get()
            && let Some(url) = own.address(center).await
        {
            return Ok(url);
        }
        let found = match self.directory().known(center) {
            Some(found) => found,
            None => self.directory().find(self, center).await?,
        };
        Ok(found.url()?.to_string())
    }

    /// Fetches this party's shares for meeting services of a group from every center of the route
    /// whose share is missing. A center itself is met under shares that came by renewal.
    pub(crate) async fn fetch_shares(
        self: &Arc<Self>,
        group: u32,
        route: &Route,
        to_meet_a_center: bool,
    ) -> Result<(), CallError> {
        let missing = self
            .terminal()
            .ring
            .missing(route)
            .map_err(|_| ProtocolError::own(Reason::Malformed, "keys"))?;
        for CenterEpoch { center, epoch } in missing {
            let shares = match self.as_center(&center) {
                Some(own) => vec![own.share(group, epoch, self.now()).await?],
                None if to_meet_a_center => {
                    self.renew_soon();
                    return Err(self.must_renew("missing_share", "a center's share is missing"));
                }
                None => {
                    let question = operation::ShareQuestion { group, epoch: Some(epoch) };
                    let answer: operation::ShareAnswer =
                        self.ask_center(&center, "share", &question).await?;
                    let terminal = self.terminal();
                    enrolment::decrypt_shares(&answer.shares, terminal.id(), &terminal.hpke)?
                }
            };
            self.insert(shares)?;
        }
        Ok(())
    }

    fn insert(&self, shares: Vec<Share>) -> Result<(), CallError> {
        let mut refused = false;
        self.change(|terminal| {
            for share in shares {
                refused |= terminal.ring.insert(share).is_err();
            }
        });
        if refused {
            let at_fault = AtFault::Role(Role::Center);
            return Err(ProtocolError::new(at_fault, Reason::WrongParty, "shares").into());
        }
        Ok(())
    }

    /// Fetches the key of a trade with a peer from the first center.
    pub(crate) async fn fetch_trade_key(
        self: &Arc<Self>,
        trade: OrderId,
        peer: &Identifier,
    ) -> Result<(), CallError> {
        let missing = || ProtocolError::own(Reason::MissingShare, "center");
        let center = self.center().ok_or_else(missing)?.center.clone();
        let question = operation::TradeKeyQuestion { trade, peer: peer.clone() };
        let answer: operation::TradeKeyAnswer =
            self.ask_center(&center, "trade_key", &question).await?;
        self.change(|terminal| {
            // The ring refuses only a key of zeros, and then the key stays missing.
            let _ = terminal.ring.hand_out(trade, peer.clone(), PairKey::from_bytes(answer.key.0));
        });
        Ok(())
    }

    /// Asks a center within a session.
    fn ask_center<'a, A: DeserializeOwned + Send + 'a>(
        self: &'a Arc<Self>,
        center: &'a Identifier,
        op: &'a str,
        question: &'a (impl Serialize + Sync),
    ) -> Asking<'a, A> {
        Box::pin(async move {
            let url = self.address_of(center).await?;
            let own = self.terminal().credential.roles.first().copied().unwrap_or(Role::Holder);
            let roles = (own, Role::Center);
            self.connections.ask(self, &url, roles, Some(center), (op, question), None).await
        })
    }

    /// A problem that a renewal mends, and the command for it.
    pub(crate) fn must_renew(&self, code: &str, what: &str) -> CallError {
        let terminal = self.terminal();
        let command = match terminal.credential.class {
            Class::Holder {} => "warifu holder renew",
            _ if terminal.credential.has_role(Role::Center) => "warifu center renew",
            Class::Service { .. } => "warifu party renew",
        };
        let title = format!("{what}: renew with `{command}`");
        let field = if code == "old_epoch" { "credential.epochs" } else { "keys" };
        let problem = Problem::new(503, code, &title, Some(field));
        Problem { at_fault: Some(AtFault::Own.to_string()), ..problem }.into()
    }
}
