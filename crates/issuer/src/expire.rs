//! What time undoes: holds that nobody captured, parts that nobody asked for.

use crate::{
    Issuer,
    records::{OPEN_HOLDS, WAITING},
    settle::release,
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
            let batch = self.store.run(move |unit| release_batch(unit, now)).await?;
            released += batch;
            if batch < BATCH as u64 {
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

fn release_batch(unit: &mut dyn Unit, now: UnixTime) -> Result<u64, Problem> {
    // Above every key of `now`, below every key of the second after.
    let end = format!("{:020}", now.plus(1).0);
    let mut released = 0;
    for (key, order) in OPEN_HOLDS.scan(unit, "", BATCH)? {
        if key >= end {
            break;
        }
        release(unit, &order)?;
        released += 1;
    }
    Ok(released)
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
