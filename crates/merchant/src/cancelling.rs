//! Giving an order up between authorization and dispatch.

use crate::{
    handing::wrong_state,
    merchant::Merchant,
    records::OrderRecord,
    rules::{
        steps::{self, Next},
        verdict,
    },
};
use warifu_protocol::status::State;
use warifu_types::OrderId;
use warifu_wire::Problem;

impl Merchant {
    /// Gives up an authorized order: the hold is released and the stock goes back. Returns the
    /// state after, which is still `authorized` if the authorizer cannot be reached; the worker
    /// then goes on. Where the carrier was asked and may have the order, it is asked first.
    pub async fn cancel(&self, order: &OrderId) -> Result<State, Problem> {
        let _turn = self.turns.take(*order).await;
        let mut record = self.known(*order).await?;
        if record.carrier_asked && record.state() == State::Authorized && !record.cancelling {
            record = self.ask_whether_dispatched(record).await?;
        }
        if record.state() == State::Cancelled {
            return Ok(State::Cancelled);
        }
        if steps::may_cancel(record.state()) {
            // Goods in use cannot be taken back.
            let cancelling = |record: &mut OrderRecord| record.cancelling = record.used.is_none();
            self.change(*order, State::Authorized, cancelling).await?;
            // A receipt may have come first.
            record = self.known(*order).await?;
        }
        if !steps::may_cancel(record.state()) || !record.cancelling {
            let title = "an order can be given up only between authorization and dispatch";
            return Err(wrong_state(title));
        }
        self.make(&record, Next::Void).await?;
        Ok(self.known(*order).await?.state())
    }

    /// The carrier's word on an order that it may have: if it has it, the order is dispatched.
    async fn ask_whether_dispatched(&self, record: OrderRecord) -> Result<OrderRecord, Problem> {
        match self.ask_delivery(&record).await {
            Ok(()) => self.known(record.id()).await,
            Err(crate::drive::Halt::Own(problem)) => Err(problem),
            Err(crate::drive::Halt::Peer(_, error)) => {
                match verdict::definite(&error).is_some_and(|problem| problem.status == 404) {
                    true => Ok(record),
                    false => Err(error.into()),
                }
            }
        }
    }
}
