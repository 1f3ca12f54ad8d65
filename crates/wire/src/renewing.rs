//! Renewal at the party's side: it asks its centers what is new, keeps all of it in one
//! transaction, and a running service goes on with it.

use crate::{
    CallError, Party, Problem,
    identity::{self, Collected, IdentityError},
    operation::{EpochAnswer, RenewQuestion},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use warifu_keydist::CenterEpoch;
use warifu_ports::Store;
use warifu_protocol::{
    AtFault,
    enrolment::renewal::{self, REQUEST_LIFETIME, Renewal, RenewalRequest},
    trust::Anchors,
};
use warifu_types::{Identifier, Role, UnixTime};

/// How often a running service looks whether its records were changed beside it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a running service asks the centers whether there is something to renew.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// How long it waits at least between two times, when a peer shows that there is something, or a
/// center was away.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// A party's records, and how far they were read.
pub(crate) struct Kept {
    store: Arc<dyn Store>,
    /// The number of the last change that the terminal has.
    seen: AtomicU64,
    /// A peer has shown that there is something to renew.
    soon: AtomicBool,
    followed: AtomicBool,
}

impl Kept {
    pub(crate) fn new(store: Arc<dyn Store>) -> Kept {
        // No change has this number, so the first look reads everything.
        let seen = AtomicU64::new(u64::MAX);
        Kept { store, seen, soon: AtomicBool::new(false), followed: AtomicBool::new(false) }
    }
}

/// What a renewal has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// Whether anything is new.
    pub changed: bool,
    /// The epochs in force, in the network's order.
    pub epochs: Vec<CenterEpoch>,
    /// Until when the credential is good.
    pub expires: UnixTime,
}

impl From<IdentityError> for CallError {
    fn from(error: IdentityError) -> CallError {
        match error {
            IdentityError::Protocol(error) => error.into(),
            IdentityError::Store(error) => Problem::from(error).into(),
            other => Problem::new(503, "not_enrolled", &other.to_string(), None).into(),
        }
    }
}

impl Party {
    /// Asks every center for its epoch, and those that have something new for it: the first for the
    /// credential and its share, the others for their shares. All of it is kept in one transaction,
    /// or nothing; the same again changes nothing.
    pub async fn renew(self: &Arc<Self>) -> Result<Renewed, CallError> {
        self.take_up_changes().await?;
        let kept = self.kept()?;
        let notices = self.notices().await?;
        let now = self.now();
        let known = self.terminal().trust.anchors().clone();
        let anchors = renewal::learn(&known, &notices, now, AtFault::Role(Role::Center))?;
        let mut credential = self.terminal().credential_token.clone();
        let mut renewals = Vec::new();
        for center in self.to_be_asked(&anchors) {
            let answer = self.ask_renewal(&center, &credential, &notices).await?;
            if let Some(new) = &answer.credential {
                credential.clone_from(new);
            }
            renewals.push((center, answer));
        }
        let collected = Collected { notices, renewals };
        let changed = kept.store.run(move |unit| identity::take_up(unit, &collected, now)).await?;
        self.take_up_changes().await?;
        let terminal = self.terminal();
        let epochs = renewal::epochs(terminal.trust.anchors());
        Ok(Renewed { changed, epochs, expires: terminal.credential.exp })
    }

    /// Takes up what was changed in the records beside this party, and forgets the shares of epochs
    /// that are over.
    pub async fn take_up_changes(&self) -> Result<(), CallError> {
        let kept = self.kept()?;
        let now = self.now();
        if !identity::ended(&self.terminal(), now).is_empty() {
            kept.store.run(move |unit| identity::sweep(unit, now)).await?;
            self.change(|terminal| identity::forget_ended(terminal, now));
        }
        let seen = kept.seen.load(Ordering::SeqCst);
        let held = kept.store.run(move |unit| identity::held_since(unit, seen)).await?;
        if let Some(held) = held {
            let changes = held.changes();
            let other_key = held.has_other_key(&self.terminal());
            self.change(|terminal| held.give_to(terminal, now));
            if other_key {
                // Whoever was met before verifies with the key of then.
                self.connections().forget_all();
            }
            kept.seen.store(changes, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Lets a running service renew within a second or so, rather than at its next turn.
    pub(crate) fn renew_soon(&self) {
        if let Some(kept) = self.kept.get() {
            kept.soon.store(true, Ordering::SeqCst);
        }
    }

    /// Begins to follow the records and the centers, as long as the party is there. Once, within a
    /// runtime, for a party with records; otherwise nothing happens.
    pub(crate) fn follow(self: &Arc<Self>) {
        let (Some(kept), Ok(runtime)) = (self.kept.get(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        if kept.followed.swap(true, Ordering::SeqCst) {
            return;
        }
        let party = Arc::downgrade(self);
        runtime.spawn(async move {
            let mut asked = None;
            while let Some(party) = party.upgrade() {
                party.turn(&mut asked).await;
                drop(party);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    /// One look; `asked` is when the centers were asked last.
    async fn turn(self: &Arc<Self>, asked: &mut Option<Instant>) {
        if let Err(error) = self.take_up_changes().await {
            tracing::error!(%error, "the records were not read");
        }
        let Some(kept) = self.kept.get() else { return };
        let pause = if kept.soon.load(Ordering::SeqCst) { ASK_AGAIN } else { ASK_EVERY };
        if asked.is_some_and(|asked| asked.elapsed() < pause) {
            return;
        }
        *asked = Some(Instant::now());
        kept.soon.store(false, Ordering::SeqCst);
        match self.renew().await {
            Ok(renewed) if renewed.changed => tracing::info!("keys renewed"),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "keys not renewed; tried again soon");
                kept.soon.store(error.is_temporary(), Ordering::SeqCst);
            }
        }
    }

    fn kept(&self) -> Result<&Kept, CallError> {
        let none = || Problem::new(503, "no_records", "this party keeps no records", None);
        Ok(self.kept.get().ok_or_else(none)?)
    }

    /// The notice of every center.
    async fn notices(self: &Arc<Self>) -> Result<Vec<String>, CallError> {
        let centers: Vec<Identifier> = {
            let terminal = self.terminal();
            terminal.trust.anchors().centers.iter().map(|c| c.center.clone()).collect()
        };
        let mut notices = Vec::new();
        for center in &centers {
            notices.push(match self.as_center(center) {
                Some(own) => own.notice(self.now()).await?,
                None => {
                    let url = format!("{}/v1/epoch", self.address_of(center).await?);
                    self.connections.get::<EpochAnswer>(&url).await?.epoch
                }
            });
        }
        Ok(notices)
    }

    /// The centers that have something for this party: the first, if the credential is to be
    /// renewed, and each whose share of its epoch is missing. The first comes first: the others
    /// want to see its credential.
    fn to_be_asked(&self, anchors: &Anchors) -> Vec<Identifier> {
        let terminal = self.terminal();
        let credential = &terminal.credential;
        let epochs = renewal::epochs(anchors);
        let due = credential.epochs != epochs || renewal::is_due(credential, self.now());
        let missing = |epoch: &CenterEpoch| {
            !terminal.ring.shares().any(|share| share.epochs().contains(epoch))
        };
        let asked = epochs.iter().enumerate();
        let asked = asked.filter(|(place, epoch)| (*place == 0 && due) || missing(epoch));
        asked.map(|(_, epoch)| epoch.center.clone()).collect()
    }

    async fn ask_renewal(
        self: &Arc<Self>,
        center: &Identifier,
        credential: &str,
        notices: &[String],
    ) -> Result<Renewal, CallError> {
        let now = self.now();
        let request = {
            let terminal = self.terminal();
            let request = RenewalRequest {
                iss: terminal.id().clone(),
                aud: center.clone(),
                network: terminal.trust.network().to_string(),
                credential: credential.to_string(),
                notices: notices.to_vec(),
                iat: now,
                exp: now.plus(REQUEST_LIFETIME),
            };
            request.sign(terminal.signer.as_ref())
        };
        if let Some(own) = self.as_center(center) {
            return Ok(own.renew(request, now, self.random()).await?);
        }
        let url = format!("{}/v1/renew", self.address_of(center).await?);
        self.connections.post(&url, &RenewQuestion { request }).await
    }
}
