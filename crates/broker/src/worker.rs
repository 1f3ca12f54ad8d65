//! Going on with what is open: mails that are due, orders that wait for a peer, times that are over.

use crate::{broker::Broker, records::UNFINISHED};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use warifu_types::OrderId;
use warifu_wire::Problem;

/// What one pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Orders that came to their end.
    pub finished: usize,
    /// Orders that still wait.
    pub waiting: usize,
    /// Mails that were sent.
    pub mails: usize,
}

const PAGE: usize = 500;

impl Broker {
    /// Works once on every order and every mail.
    pub async fn run_pending(&self) -> Result<Pass, Problem> {
        self.follow_changes().await?;
        let mut pass = Pass::default();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| UNFINISHED.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for order in page.iter().filter_map(|(key, _)| key.parse::<OrderId>().ok()) {
                match self.work_on(order).await {
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
        pass.mails = self.send_mails().await?;
        Ok(pass)
    }

    /// Works at every interval, until the broker is dropped or the task is aborted.
    pub fn spawn_worker(self: &Arc<Self>, interval: Duration) -> JoinHandle<()> {
        let broker = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(broker) = broker.upgrade() {
                if let Err(problem) = broker.run_pending().await {
                    tracing::error!(code = problem.code, "the worker failed");
                }
                drop(broker);
                tokio::time::sleep(interval).await;
            }
        })
    }
}
