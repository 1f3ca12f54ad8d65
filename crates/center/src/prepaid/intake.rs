//! What came in at a bank or post office is taken up (row B7, ways 2 to 4), one entry after the
//! other. An entry is booked in one job with the cursor behind which the center reads on, so a crash
//! between reading and booking loses nothing; and an entry that comes again is known by the bank's
//! id.

use super::money::{MOST_REFERENCE, MoneyOutcome, MoneyReceived, MoneyRecord, book, check};
use crate::settlement::Settlement;
use std::{fmt, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_ports::{
    Collection, Unit,
    bank::{Bank, BankEntry, BankError, Cursor},
};
use warifu_wire::Problem;

/// The last entry of each source that was taken up.
const REACHED: Collection<Cursor> = Collection::new("center_bank_cursors");
/// Entries that cannot be booked, by source and cursor.
pub(super) const SET_ASIDE: Collection<MoneyRecord> = Collection::new("center_money_set_aside");
/// So many entries are read at once.
const PAGE: usize = 100;

/// An account of the center's, where money for cards comes in.
#[derive(Clone)]
pub struct Source {
    name: String,
    bank: Arc<dyn Bank>,
}

impl Source {
    /// An account under a name of 1 to 24 bytes that it keeps for ever: what came in there is booked
    /// under the name, a slash, and the bank's id.
    ///
    /// # Errors
    /// The name, if it is none.
    pub fn new(name: &str, bank: Arc<dyn Bank>) -> Result<Source, Problem> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match (1..=24).contains(&name.len()) && name.bytes().all(plain) {
            true => Ok(Source { name: name.to_string(), bank }),
            false => Err(Problem::bad_value("source", "1 to 24 small letters, digits and hyphens")),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

impl Settlement {
    /// Takes up everything that came in at a source since it was last read.
    pub async fn take_in(&self, source: &Source) -> Result<(), Problem> {
        loop {
            let name = source.name.clone();
            let reached = self.store.run(move |unit| REACHED.get(unit, &name)).await?;
            let mut reached = reached.unwrap_or_default();
            let page = source.bank.incoming(&reached, PAGE).await.map_err(unread)?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                let next = entry.cursor.clone();
                if next == reached {
                    return Err(unread(BankError::BadAnswer("cursor")));
                }
                if !self.take_entry(&source.name, reached, entry).await? {
                    // Another process of this center is ahead: where it stands is read again.
                    break;
                }
                reached = next;
            }
        }
    }

    /// Books an entry, if it is still the one behind `reached`; whether it is.
    async fn take_entry(
        &self,
        source: &str,
        reached: Cursor,
        entry: BankEntry,
    ) -> Result<bool, Problem> {
        let (source, press) = (source.to_string(), self.press());
        let work = move |unit: &mut dyn Unit| {
            if REACHED.get(unit, &source)?.unwrap_or_default() != reached {
                return Ok(false);
            }
            let cursor = entry.cursor.clone();
            let received = received(&source, entry);
            let booked = check(&received).and_then(|()| book(unit, received.clone(), &press));
            if let Err(problem) = booked {
                if problem.is_temporary() {
                    return Err(problem);
                }
                // It must not hold up what comes after it.
                tracing::error!(code = problem.code, source, "a bank's entry is set aside");
                let key = format!("{source}/{}", cursor.0);
                let outcome = MoneyOutcome::SetAside { reason: problem.code };
                let at = press.now;
                SET_ASIDE.put(unit, &key, &MoneyRecord { received, at, outcome })?;
            }
            REACHED.put(unit, &source, &cursor)?;
            Ok(true)
        };
        self.store.run(work).await
    }

    /// Takes in at every interval, until the center is dropped or the task is aborted.
    pub fn spawn_intake(self: &Arc<Self>, source: Source, interval: Duration) -> JoinHandle<()> {
        let center = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(center) = center.upgrade() {
                if let Err(problem) = center.take_in(&source).await {
                    tracing::error!(code = problem.code, ?source, "nothing was taken in");
                }
                drop(center);
                tokio::time::sleep(interval).await;
            }
        })
    }
}

/// An entry as money that came in. What nobody could have meant by a reference is cut off.
fn received(source: &str, entry: BankEntry) -> MoneyReceived {
    let BankEntry { id, mut reference, amount, arrival, .. } = entry;
    reference.truncate(reference.floor_char_boundary(MOST_REFERENCE));
    MoneyReceived { id: format!("{source}/{id}"), reference, amount, way: arrival.into() }
}

/// A bank that does not say what came in: it is asked again.
fn unread(error: BankError) -> Problem {
    Problem::new(502, "bank", &error.to_string(), None)
}
