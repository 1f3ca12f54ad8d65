//! Going on with what was left open: after a crash, or when a peer was not there.

use crate::{merchant::Merchant, records::UNFINISHED};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_types::OrderId;
use warifu_wire::Problem;

/// What one pass over the unfinished orders came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Orders that came to their end.
    pub finished: usize,
    /// Orders that still wait.
    pub waiting: usize,
}

const PAGE: usize = 500;

impl Merchant {
    /// Works once on every unfinished order. A party that cannot be reached is asked for one order
    /// only.
    pub async fn run_pending(&self) -> Result<Pass, Problem> {
        let mut pass = Pass::default();
        let mut silent = HashSet::new();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| UNFINISHED.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(pass) };
            after.clone_from(last);
            for order in page.iter().filter_map(|(key, _)| key.parse::<OrderId>().ok()) {
                match self.work_on(order, &mut silent).await {
                    Ok(true) => pass.finished += 1,
                    Ok(false) => pass.waiting += 1,
                    // One order that cannot be worked on does not hold up the others.
                    Err(problem) => {
                        tracing::error!(%order, code = problem.code, "the order cannot go on");
                        pass.waiting += 1;
                    }
                }
            }
        }
    }

    /// Works on unfinished orders at every interval, until the merchant is dropped or the task is
    /// aborted.
    pub fn spawn_worker(self: &Arc<Self>, interval: Duration) -> JoinHandle<()> {
        let merchant = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(merchant) = merchant.upgrade() {
                if let Err(problem) = merchant.run_pending().await {
                    tracing::error!(code = problem.code, "the worker failed");
                }
                drop(merchant);
                tokio::time::sleep(interval).await;
            }
        })
    }
}
