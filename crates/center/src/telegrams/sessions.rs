//! The sessions that telegrams travel in. They live in memory: a terminal whose session is gone
//! opens another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use warifu_protocol::session::{Session, session_of};
use warifu_types::{Nonce, UnixTime};
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// An idle session is forgotten after this many seconds.
const IDLE: u64 = 900;
/// No more sessions than this are kept; the idle ones go first.
const MOST: usize = 20_000;

/// The open sessions.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Nonce, Arc<Open>>>);

/// An open session.
pub(crate) struct Open {
    session: Mutex<Session>,
    used: Mutex<UnixTime>,
}

impl Sessions {
    pub fn insert(&self, session: Session, now: UnixTime) -> Result<(), Problem> {
        let mut open = lock(&self.0);
        if open.len() >= MOST {
            open.retain(|_, open| lock(&open.used).plus(IDLE) >= now);
            if open.len() >= MOST {
                return Err(Problem::new(429, "busy", "too many sessions at once", None));
            }
        }
        let (session_id, session) = (session.id(), Mutex::new(session));
        open.insert(session_id, Arc::new(Open { session, used: Mutex::new(now) }));
        Ok(())
    }

    /// The session that a message belongs to.
    pub fn find(&self, message: &str, now: UnixTime) -> Result<Arc<Open>, Problem> {
        let id = session_of(message)?;
        let open = lock(&self.0).get(&id).cloned().ok_or_else(Problem::unknown_session)?;
        if lock(&open.used).plus(IDLE) < now {
            lock(&self.0).remove(&id);
            return Err(Problem::unknown_session());
        }
        *lock(&open.used) = now;
        Ok(open)
    }
}

impl Open {
    pub fn id(&self) -> Nonce {
        lock(&self.session).id()
    }

    pub fn hear(&self, message: &str) -> Result<(u64, Zeroizing<Vec<u8>>), Problem> {
        Ok(lock(&self.session).hear(message)?)
    }

    pub fn answer(&self, seq: u64, plain: Zeroizing<Vec<u8>>) -> String {
        lock(&self.session).answer(seq, plain)
    }
}

/// A poisoned lock guards sessions only, so they are used as they stand.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
