//! Payment notices to merchants (row B9): an outbox, emptied at once and again by the worker.

use crate::{accounts::HOLDS, settlement::Settlement};
use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, Unit};
use warifu_protocol::{AtFault, ProtocolError, Reason};
use warifu_types::{Digest, Identifier, Role, UnixTime};
use warifu_wire::{CallError, PaymentNoticeQuestion, Problem, ReceivedAnswer};

/// Notices that no merchant has taken yet, by order id.
pub(crate) const NOTICES: Collection<Notice> = Collection::new("center_notices");

/// So many notices are read at once.
const PAGE: usize = 100;
/// The longest time between two tries, in seconds.
const MOST_WAIT: u64 = 600;

/// A notice on its way.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    pub merchant: Identifier,
    /// The merchant's credential, as the payer had it.
    pub shown: String,
    pub identity: Digest,
    pub authorization: String,
    pub tries: u32,
    /// When to try again.
    pub next: UnixTime,
}

impl Settlement {
    /// Sends every notice that is due.
    pub(crate) async fn send_notices(&self) -> Result<(), Problem> {
        let now = self.party.now();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| NOTICES.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (order, _) in page.into_iter().filter(|(_, notice)| notice.next <= now) {
                if let Err(problem) = self.send_notice(order).await {
                    tracing::info!(code = problem.code, "a payment notice waits");
                }
            }
        }
    }

    /// Sends one notice, if it is still to be sent; a failure puts it off.
    pub(crate) async fn send_notice(&self, order: String) -> Result<(), Problem> {
        let key = order.clone();
        let load = move |unit: &mut dyn Unit| NOTICES.get(unit, &key);
        let Some(notice) = self.store.run(load).await? else { return Ok(()) };
        let sent = self.send(&notice).await;
        let (failed, now) = (sent.is_err(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let Some(mut notice) = NOTICES.get(unit, &order)? else { return Ok(()) };
            let open = HOLDS.records.get(unit, &order)?;
            let open = open.is_some_and(|record| record.settled.is_none() && !record.released);
            // Whoever has captured, or has let the time go by, needs no notice.
            if !failed || !open {
                NOTICES.delete(unit, &order)?;
                return Ok(());
            }
            notice.tries = notice.tries.saturating_add(1);
            notice.next = now.plus((1u64 << notice.tries.min(20)).min(MOST_WAIT));
            NOTICES.put(unit, &order, &notice)
        };
        self.store.run(work).await?;
        sent.map_err(Problem::from)
    }

    async fn send(&self, notice: &Notice) -> Result<(), CallError> {
        let (merchant, url) = self.find(&notice.merchant, Some(&notice.shown)).await?;
        let question = PaymentNoticeQuestion { authorization: notice.authorization.clone() };
        let answer: ReceivedAnswer =
            self.ask(&merchant, &url, Role::Merchant, ("payment_notice", &question)).await?;
        if answer.order != notice.identity {
            let at_fault = AtFault::Role(Role::Merchant);
            return Err(ProtocolError::new(at_fault, Reason::Mismatch, "received.order").into());
        }
        Ok(())
    }
}
