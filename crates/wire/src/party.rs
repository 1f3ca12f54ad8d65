//! A party: its terminal, with the clock and the entropy that the protocol takes as arguments.

use crate::{CallError, Connections, Directory, centers::OwnCenter, renewing::Kept};
use std::{
    sync::{Arc, OnceLock, RwLock, RwLockReadGuard},
    time::{SystemTime, UNIX_EPOCH},
};
use warifu_keydist::{CenterEpoch, Matrix};
use warifu_ports::{Clock, Entropy, Store};
use warifu_protocol::{
    AtFault, ChaCha20Rng, ProtocolError, Reason, SeedableRng,
    credential::{Class, Credential},
    derive::KeySource,
    enrolment::renewal,
    jws::Unsigned,
    meeting,
    sealed::{self, Draft, OpenedOrder, Sealed, SealedOrder},
    terminal::{KeyPolicy, Terminal},
};
use warifu_types::{Identifier, OrderId, Role, UnixTime};

/// A generator seeded from the machine's entropy.
pub type Random = ChaCha20Rng;

/// How a party reaches the network's first center: for its directory, renewal, and keys that are
/// missing. The others are found in the directory.
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
    pub(crate) connections: Connections,
    directory: Directory,
    pub(crate) center: OnceLock<CenterLink>,
    /// Where a center finds what it makes itself; nobody else can.
    pub(crate) own_center: OnceLock<Arc<dyn OwnCenter>>,
    /// Where credential and shares are kept; none for a party without records.
    pub(crate) kept: OnceLock<Kept>,
}

impl Party {
    /// A party that reaches the center at `center`, if it can at all.
    pub fn new(
        terminal: Terminal,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        center: Option<(Identifier, String)>,
    ) -> Arc<Party> {
        let party = Party {
            terminal: RwLock::new(terminal),
            clock,
            entropy,
            connections: Connections::default(),
            directory: Directory::default(),
            center: OnceLock::new(),
            own_center: OnceLock::new(),
            kept: OnceLock::new(),
        };
        if let Some((center, url)) = center {
            party.reach_center(center, url);
        }
        Arc::new(party)
    }

    /// Says how the first center is reached, if that is not known yet.
    pub fn reach_center(&self, center: Identifier, url: String) {
        let _ = self.center.set(CenterLink { center, url });
    }

    /// Says where the party's records are, so that it can renew them and take up what others beside
    /// it have changed there. The first call counts.
    pub fn keep_in(&self, store: Arc<dyn Store>) {
        let _ = self.kept.set(Kept::new(store));
    }

    /// For a center: it makes what others ask it for. The first call counts.
    pub fn be_center(&self, own: Arc<dyn OwnCenter>) {
        let _ = self.own_center.set(own);
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

    /// A token, with this party's signature: made when what it says is on the disk, and not by the
    /// store's thread.
    pub fn signed(&self, token: Unsigned) -> String {
        let signer = Arc::clone(&self.terminal().signer);
        token.sign(signer.as_ref())
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

    /// A name for an order or a telegram that nobody has had: the time in seconds (4 bytes), what
    /// has passed of this second in parts of 256 (1 byte), then 27 random bytes. Those of one time
    /// lie together in whatever index a party keeps.
    pub fn new_name(&self) -> [u8; 32] {
        let mut name = self.random32();
        let [.., a, b, c, d] = self.now().0.to_be_bytes();
        name[..4].copy_from_slice(&[a, b, c, d]);
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        name[4] = (passed.subsec_nanos() / 3_906_250) as u8;
        name
    }

    /// How the first center is reached.
    pub fn center(&self) -> Option<&CenterLink> {
        self.center.get()
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
        Ok(sealed::open_checked(&self.terminal(), bundle, checked, role, self.now())?)
    }

    /// Makes sure that there is a common key with a peer: fetches the share of a further matrix, or
    /// the key of this trade, from the center.
    pub async fn ensure_key(
        self: &Arc<Self>,
        peer: &Credential,
        trade: Option<OrderId>,
    ) -> Result<(), CallError> {
        let source = self.terminal().source_for(peer, self.now());
        let source = match source {
            Err(error) if error.reason == Reason::OldEpoch => return Err(self.apart(peer, error)),
            other => other?,
        };
        match source {
            KeySource::Agreed => Ok(()),
            KeySource::Predistributed(route) => {
                if self.terminal().ring.has(&route) {
                    return Ok(());
                }
                let wish = own_wish(&route.matrix, &self.terminal().credential, peer);
                self.fetch_shares(wish, &route, peer.has_role(Role::Center)).await
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

    /// Why there is no key with a peer of another epoch: whose keys are old, and what to do.
    fn apart(&self, peer: &Credential, error: ProtocolError) -> CallError {
        let terminal = self.terminal();
        let own = &terminal.credential;
        let Ok(route) = own.route_to(peer) else { return error.into() };
        let known = terminal.trust.current_epochs();
        let later =
            |named: &CenterEpoch| known.get(&named.center).is_some_and(|e| named.epoch > *e);
        if route.epochs.iter().any(later) || route.epochs == own.epochs {
            self.renew_soon();
            return self.must_renew("old_epoch", "this party's keys are of an earlier epoch");
        }
        let title = "the other party's keys are of an epoch that is over: it has to renew them";
        crate::Problem::new(503, "old_epoch", title, Some("credential.epochs")).into()
    }

    /// Whether a key from this source is still accepted: a session under it may go on.
    pub(crate) fn is_in_force(&self, source: &KeySource) -> bool {
        let KeySource::Predistributed(route) = source else { return true };
        let terminal = self.terminal();
        terminal.trust.check_route(route, self.now(), AtFault::Own, "keys").is_ok()
    }

    /// Whether these are the epochs in force, not those of a grace time.
    pub(crate) fn is_current(&self, epochs: &[CenterEpoch]) -> bool {
        renewal::epochs(self.terminal().trust.anchors()) == epochs
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
