//! A party: its terminal, with the clock and the entropy that the protocol takes as arguments.

use crate::{CallError, Connection, Connections, Directory, operation};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock, RwLock, RwLockReadGuard},
};
use warifu_keydist::{Matrix, PairKey, Share};
use warifu_ports::{Clock, Entropy};
use warifu_protocol::{
    AtFault, ChaCha20Rng, ProtocolError, Reason, SeedableRng,
    credential::{Class, Credential},
    derive::KeySource,
    enrolment, meeting,
    sealed::{self, Draft, OpenedOrder, Sealed, SealedOrder},
    terminal::{KeyPolicy, Terminal},
};
use warifu_types::{Identifier, OrderId, Role, UnixTime};

/// A generator seeded from the machine's entropy.
pub type Random = ChaCha20Rng;

/// A meeting with the center under way.
type MeetingTheCenter<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<Connection>, CallError>> + Send + 'a>>;

/// How a party reaches the center when a share or a trade's key is missing.
#[derive(Debug, Clone)]
pub struct CenterLink {
    /// The center's identifier.
    pub center: Identifier,
    /// Where it answers.
    pub url: String,
}

/// A party of the network.
pub struct Party {
    terminal: RwLock<Terminal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    connections: Connections,
    directory: Directory,
    center: Option<CenterLink>,
    /// How the center makes its own shares; nobody else can.
    maker: OnceLock<ShareMaker>,
}

/// Makes the party's own share for meeting a service of a group.
type ShareMaker = Box<dyn Fn(u32) -> Share + Send + Sync>;

impl Party {
    /// A party that reaches the center at `center`, if it can at all.
    pub fn new(
        terminal: Terminal,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        center: Option<(Identifier, String)>,
    ) -> Arc<Party> {
        Arc::new(Party {
            terminal: RwLock::new(terminal),
            clock,
            entropy,
            connections: Connections::default(),
            directory: Directory::default(),
            center: center.map(|(center, url)| CenterLink { center, url }),
            maker: OnceLock::new(),
        })
    }

    /// The terminal, to read.
    pub fn terminal(&self) -> RwLockReadGuard<'_, Terminal> {
        self.terminal.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the terminal: new shares, a new epoch.
    pub fn change(&self, change: impl FnOnce(&mut Terminal)) {
        change(&mut self.terminal.write().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    /// The party's identifier.
    pub fn id(&self) -> Identifier {
        self.terminal().id().clone()
    }

    /// Now.
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Fresh randomness.
    pub fn random(&self) -> Random {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        self.entropy.fill(seed.as_mut());
        ChaCha20Rng::from_seed(*seed)
    }

    /// 32 random bytes.
    pub fn random32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// For the center itself: it makes the shares that others ask it for. The first call counts.
    pub fn make_own_shares(&self, make: impl Fn(u32) -> Share + Send + Sync + 'static) {
        let _ = self.maker.set(Box::new(make));
    }

    /// How the center is reached.
    pub fn center(&self) -> Option<&CenterLink> {
        self.center.as_ref()
    }

    /// Sessions with other parties.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Parties looked up at the center.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Checks a credential token against the network's centers.
    pub fn credential(
        &self,
        token: &str,
        at_fault: AtFault,
    ) -> Result<Arc<Credential>, ProtocolError> {
        self.terminal().trust.credential(token, self.now(), at_fault)
    }

    /// Seals an order; fetches what keys are missing from the center first.
    pub async fn seal(
        self: &Arc<Self>,
        draft: &Draft<'_>,
        id: OrderId,
    ) -> Result<Sealed, CallError> {
        for credential in draft.recipients.values() {
            self.ensure_key(credential, Some(id)).await?;
        }
        let mut random = self.random();
        Ok(sealed::seal(&self.terminal(), draft, id, self.now(), &mut random)?)
    }

    /// Opens this party's part of a bundle; fetches what keys are missing from the center first.
    pub async fn open(
        self: &Arc<Self>,
        bundle: &SealedOrder,
        front: &Credential,
        role: Role,
    ) -> Result<OpenedOrder, CallError> {
        let checked = sealed::check(&self.terminal(), bundle, front, self.now())?;
        self.ensure_key(&checked.holder, Some(checked.claims.jti)).await?;
        Ok(sealed::open(&self.terminal(), bundle, front, role, self.now())?)
    }

    /// Makes sure that there is a common key with a peer: fetches the share of a further matrix, or
    /// the key of this trade, from the center.
    pub async fn ensure_key(
        self: &Arc<Self>,
        peer: &Credential,
        trade: Option<OrderId>,
    ) -> Result<(), CallError> {
        let source = self.terminal().source_for(peer, self.now())?;
        match source {
            KeySource::Agreed => Ok(()),
            KeySource::Predistributed(route) => {
                if self.terminal().ring.has(&route) {
                    return Ok(());
                }
                let wish = own_wish(&route.matrix, &self.terminal().credential, peer);
                self.fetch_share(wish).await
            }
            KeySource::HandedOut => {
                let missing =
                    || CallError::Protocol(ProtocolError::own(Reason::MissingShare, "trade"));
                let trade = trade.ok_or_else(missing)?;
                if self.terminal().ring.trade_key(&trade, &peer.sub).is_some() {
                    return Ok(());
                }
                self.fetch_trade_key(trade, &peer.sub).await
            }
        }
    }

    async fn fetch_share(self: &Arc<Self>, group: u32) -> Result<(), CallError> {
        let shares = match self.maker.get() {
            Some(make) => vec![make(group)],
            None => {
                let question = operation::ShareQuestion { group };
                let answer: operation::ShareAnswer = self.ask_center("share", &question).await?;
                let terminal = self.terminal();
                enrolment::decrypt_shares(&answer.shares, terminal.id(), &terminal.hpke)?
            }
        };
        let mut refused = None;
        self.change(|terminal| {
            for share in shares {
                if terminal.ring.insert(share).is_err() {
                    refused = Some(());
                }
            }
        });
        match refused {
            None => Ok(()),
            Some(()) => Err(CallError::Protocol(ProtocolError::new(
                AtFault::Role(Role::Center),
                Reason::WrongParty,
                "shares",
            ))),
        }
    }

    async fn fetch_trade_key(
        self: &Arc<Self>,
        trade: OrderId,
        peer: &Identifier,
    ) -> Result<(), CallError> {
        let question = operation::TradeKeyQuestion { trade, peer: peer.clone() };
        let answer: operation::TradeKeyAnswer = self.ask_center("trade_key", &question).await?;
        self.change(|terminal| {
            // The ring refuses only a key of zeros, and then the key stays missing.
            let _ = terminal.ring.hand_out(trade, peer.clone(), PairKey::from_bytes(answer.key.0));
        });
        Ok(())
    }

    /// Asks the center within a session.
    async fn ask_center<A: serde::de::DeserializeOwned + Send>(
        self: &Arc<Self>,
        op: &str,
        question: &(impl serde::Serialize + Sync),
    ) -> Result<A, CallError> {
        self.meet_center().await?.call(op, question).await
    }

    /// Meets the center. Boxed as a named type, since the meeting may itself look for a key.
    fn meet_center<'a>(self: &'a Arc<Self>) -> MeetingTheCenter<'a> {
        Box::pin(async move {
            let missing = || ProtocolError::own(Reason::MissingShare, "center");
            let link = self.center.as_ref().ok_or_else(missing)?;
            let own = self.terminal().credential.roles.first().copied().unwrap_or(Role::Holder);
            let roles = (own, Role::Center);
            self.connections.to(self, &link.url, roles, Some(&link.center), None).await
        })
    }

    /// Begins a meeting as the initiator.
    pub(crate) fn begin(
        &self,
        roles: (Role, Role),
        form: Option<warifu_types::Digest>,
        trade: Option<OrderId>,
    ) -> (meeting::ExpectChallenge, meeting::Hello) {
        let mut random = self.random();
        meeting::begin(&self.terminal(), roles.0, roles.1, form, trade, &mut random)
    }

    /// Whether the network's keys are handed out by the center for each trade.
    pub fn hands_out(&self) -> bool {
        self.terminal().policy == KeyPolicy::HandedOut
    }
}

/// Which group's share to ask for: the peer's, or for a service that meets a holder, its own.
fn own_wish(matrix: &Matrix, own: &Credential, peer: &Credential) -> u32 {
    match (matrix, own.class, peer.class) {
        (Matrix::Holders { group }, _, _) => *group,
        (_, _, Class::Service { group }) => group,
        _ => 0,
    }
}
