//! What time undoes: holds that nobody captured, parts that nobody asked for.

use crate::{
    Issuer,
    records::{HOLDS, WAITING},
};
use warifu_ports::Unit;
use warifu_types::UnixTime;
use warifu_wire::Problem;

/// So many at a time, so that other work is not kept waiting.
const BATCH: usize = 100;

impl Issuer {
    /// Releases every hold whose time is over at `now`, and forgets parts of orders that are over.
    /// Returns how many holds it released. Each batch is a job of its own: after a crash the next
    /// call goes on.
    pub async fn expire(&self, now: UnixTime) -> Result<u64, Problem> {
        let mut released = 0;
        loop {
            let batch = self.store.run(move |unit| HOLDS.expire(unit, now, BATCH)).await?.len();
            released += batch as u64;
            if batch < BATCH {
                break;
            }
        }
        let mut after = String::new();
        while let Some(last) = self.store.run(move |unit| forget_batch(unit, &after, now)).await? {
            after = last;
        }
        Ok(released)
    }
}

/// The last key looked at, or none at the end.
fn forget_batch(
    unit: &mut dyn Unit,
    after: &str,
    now: UnixTime,
) -> Result<Option<String>, Problem> {
    let page = WAITING.scan(unit, after, BATCH)?;
    let last = page.last().map(|(key, _)| key.clone());
    for (key, waiting) in page {
        if waiting.until <= now {
            WAITING.delete(unit, &key)?;
        }
    }
    Ok(last)
}
