//! The store of a terminal over its vault: everything lies in the one file, under the passwords.

mod ledger;
mod unit;

use crate::{
    records::{MEMBERSHIP, Membership, OWN},
    telegrams::after_restoring,
};
use std::{
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;
use unit::VaultUnit;
use warifu_ports::{Entropy, Job, Store, StoreError, Submitted};
use warifu_protocol::{ChaCha20Rng, SeedableRng, signer::Signer};
use warifu_types::UnixTime;
use warifu_vault::{BoxA, VaultAB, VaultError};
use warifu_wire::identity;
use zeroize::Zeroizing;

/// The documents of a terminal in its opened vault, behind the port that every role uses.
///
/// Documents lie under B within A. Three collections lie under A alone, since A alone may show
/// them: `history`, whose documents are [`warifu_vault::Entry`] under their reference and stay for
/// ever, `membership`, and `registration`, the registration telegram that waits (row B6).
///
/// Jobs run one after the other, on the newest state of the file and under its lock, so that several
/// programs on one vault lose nothing of each other's. A job that changes something is one durable
/// write of the whole file; a job that fails, or only reads, writes nothing. There is no money here:
/// the ledger refuses.
pub struct VaultStore {
    jobs: Option<mpsc::Sender<Queued>>,
    worker: Option<JoinHandle<()>>,
}

/// A job that waits for its turn.
struct Queued {
    job: Job,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl VaultStore {
    /// The store over an opened vault. The vault stays open until the store is dropped, which first
    /// runs what waits.
    pub fn open(vault: VaultAB, entropy: Arc<dyn Entropy>) -> Result<Arc<VaultStore>, StoreError> {
        let mut engine = Engine { vault, entropy };
        engine.prepare()?;
        VaultStore::start(engine)
    }

    /// The store over a vault that is an older state ([`warifu_vault::Restored`]), with which the
    /// owner goes on: telegrams are numbered above all that may have been signed since, and then the
    /// state counts as the newest.
    pub fn open_restored(
        vault: VaultAB,
        entropy: Arc<dyn Entropy>,
        now: UnixTime,
    ) -> Result<Arc<VaultStore>, StoreError> {
        let mut engine = Engine { vault, entropy };
        engine.prepare()?;
        engine.run(Box::new(move |unit| after_restoring(unit, now)))?;
        let mut rng = engine.generator();
        let accepted = engine.vault.a_mut().accept_restored(&mut rng);
        accepted.map_err(|error| store_error(&error))?;
        VaultStore::start(engine)
    }

    /// The membership of a vault of which only A is open.
    pub fn membership(a: &BoxA) -> Result<Option<Membership>, StoreError> {
        unit::under_a(a, MEMBERSHIP, OWN)
    }

    fn start(mut engine: Engine) -> Result<Arc<VaultStore>, StoreError> {
        let (jobs, queue) = mpsc::channel::<Queued>();
        let worker = thread::Builder::new()
            .name("vault".into())
            .spawn(move || {
                for Queued { job, done } in queue {
                    // Whoever does not wait for the answer asks again.
                    let _ = done.send(engine.run(job));
                }
            })
            .map_err(|error| StoreError::Io { action: "begin a thread", kind: error.kind() })?;
        Ok(Arc::new(VaultStore { jobs: Some(jobs), worker: Some(worker) }))
    }
}

impl Store for VaultStore {
    fn submit(&self, job: Job) -> Submitted {
        let (done, answer) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Queued { job, done }).is_ok());
        Box::pin(async move {
            match answer.await {
                Ok(outcome) if sent => outcome,
                _ => Err(StoreError::Closed),
            }
        })
    }
}

impl Drop for VaultStore {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(worker) = self.worker.take()
            && worker.thread().id() != thread::current().id()
        {
            let _ = worker.join();
        }
    }
}

/// The vault, on the store's own thread.
struct Engine {
    vault: VaultAB,
    entropy: Arc<dyn Entropy>,
}

/// Why nothing is written.
enum Stop {
    /// The job has only read.
    Unchanged,
    /// The job failed.
    Failed(StoreError),
    /// The vault did.
    Vault(VaultError),
}

impl From<VaultError> for Stop {
    fn from(error: VaultError) -> Stop {
        Stop::Vault(error)
    }
}

impl Engine {
    /// Makes what a new vault lacks.
    fn prepare(&mut self) -> Result<(), StoreError> {
        let key = Zeroizing::new(self.entropy.bytes32());
        self.run(Box::new(move |unit| {
            unit.insert(unit::OWN, unit::HASH_KEY, &*key)?;
            Ok(())
        }))?;
        self.follow_identity()
    }

    fn run(&mut self, job: Job) -> Result<(), StoreError> {
        if self.transact(job)? {
            self.follow_identity()?;
        }
        Ok(())
    }

    /// Runs a job; says whether it has changed the terminal's own keys.
    fn transact(&mut self, job: Job) -> Result<bool, StoreError> {
        let mut rng = self.generator();
        let done = self.vault.update_ab(&mut rng, |a, b| {
            let mut unit = VaultUnit::new(a, b);
            let outcome = catch_unwind(AssertUnwindSafe(|| job(&mut unit)));
            outcome.unwrap_or(Err(StoreError::Panicked)).map_err(Stop::Failed)?;
            if unit.changed { Ok(unit.changed_identity) } else { Err(Stop::Unchanged) }
        });
        match done {
            Ok(changed_identity) => Ok(changed_identity),
            Err(Stop::Unchanged) => Ok(false),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Vault(error)) => Err(store_error(&error)),
        }
    }

    /// The vault's signature key is the one of the terminal's identity (row B5). A crash between the
    /// two writes is mended when the vault is opened next.
    fn follow_identity(&mut self) -> Result<(), StoreError> {
        let mut known = None;
        let done = self.vault.update_ab(&mut self.generator(), |a, b| {
            let mut unit = VaultUnit::new(a, b);
            known = identity::signing_key(&mut unit).ok();
            Err::<(), _>(Stop::Unchanged)
        });
        if let Err(Stop::Vault(error)) = done {
            return Err(store_error(&error));
        }
        match known {
            Some(key) if key.verifying_key() != self.vault.verifying_key() => {
                let mut rng = self.generator();
                self.vault.replace_key(key, &mut rng).map_err(|error| store_error(&error))
            }
            _ => Ok(()),
        }
    }

    fn generator(&self) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(*Zeroizing::new(self.entropy.bytes32()))
    }
}

/// A vault's error in the words of the ports.
fn store_error(error: &VaultError) -> StoreError {
    let io = |action, kind| StoreError::Io { action, kind };
    match error {
        VaultError::Busy => StoreError::Busy,
        VaultError::TooLarge => StoreError::Full,
        VaultError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => {
            StoreError::Full
        }
        VaultError::Io { source, .. } => io("use the vault", source.kind()),
        VaultError::PasswordsChanged => {
            io("go on: the vault's passwords were changed elsewhere", ErrorKind::PermissionDenied)
        }
        VaultError::Replaced => {
            io("go on: the vault's file was replaced by an older one", ErrorKind::NotFound)
        }
        VaultError::BadName => StoreError::Unwritable { collection: "the vault".into() },
        _ => StoreError::Corrupt { collection: "the vault".into() },
    }
}
