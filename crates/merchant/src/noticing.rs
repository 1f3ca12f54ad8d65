//! Telling the further parties of an authorized order (row A15). The order never waits for them.

use crate::{
    merchant::Merchant,
    records::{Notice, OrderRecord},
    rules::verdict::{self, Verdict},
};
use std::collections::HashSet;
use warifu_protocol::{AtFault, ProtocolError, Reason};
use warifu_types::{Identifier, Role};
use warifu_wire::{CallError, DeliverQuestion, Problem, ReceivedAnswer};

impl Merchant {
    /// Sends the notices that are due; whoever cannot be reached stays due, and is added to
    /// `silent`.
    pub(crate) async fn notify_all(
        &self,
        record: &OrderRecord,
        silent: &mut HashSet<Identifier>,
    ) -> Result<(), Problem> {
        for role in record.due_notices() {
            let who = record.parties.get(&role);
            if who.is_some_and(|who| silent.contains(who)) {
                continue;
            }
            let notice = match self.notify(record, role).await {
                Ok(()) => Notice::Received {},
                Err(error) => {
                    if let (CallError::Network(_), Some(who)) = (&error, who) {
                        silent.insert(who.clone());
                    }
                    match verdict::after_asking(&error) {
                        Verdict::No(code) => Notice::Refused { code },
                        Verdict::Wait => continue,
                    }
                }
            };
            self.change(record.id(), record.state(), move |record| {
                record.notices.insert(role, notice);
            })
            .await?;
        }
        Ok(())
    }

    async fn notify(&self, record: &OrderRecord, role: Role) -> Result<(), CallError> {
        let found = self.find(record, role).await?;
        let question = DeliverQuestion {
            sealed: record.sealed.only(role),
            request: self.delivery_request(record, &found.credential.sub)?,
        };
        let answer: ReceivedAnswer = self.ask(record, (role, &found), "notify", &question).await?;
        if answer.order != record.identity {
            let at_fault = AtFault::Role(role);
            return Err(ProtocolError::new(at_fault, Reason::Mismatch, "received.order").into());
        }
        Ok(())
    }
}
