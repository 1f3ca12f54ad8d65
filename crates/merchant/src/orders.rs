//! What the merchant says of its orders: to the holder, signed, and to the operator.

use crate::{
    merchant::Merchant,
    records::{ORDERS, OrderRecord, Trouble},
};
use warifu_protocol::status::{State, Status};
use warifu_types::{OrderId, Role, UnixTime};
use warifu_wire::{Peer, Problem, StatusAnswer, StatusQuestion};

/// An order as the operator's list shows it. It has no field of the order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OrderSummary {
    /// The order.
    pub order: OrderId,
    /// The disclosure rule's name.
    pub rule: String,
    /// How far it has come.
    pub state: State,
    /// Whether it is being given up.
    pub cancelling: bool,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The center's transaction number, where it has paid from a prepaid card.
    pub transaction: Option<String>,
    /// Why it stands still.
    pub trouble: Option<Trouble>,
    /// The further parties that were not told yet.
    pub to_notify: Vec<Role>,
    /// When it came.
    pub placed: UnixTime,
    /// When its state last changed.
    pub changed: UnixTime,
}

impl Merchant {
    /// At most `limit` orders after the id `after`, by id.
    pub async fn orders(
        &self,
        after: Option<&OrderId>,
        limit: usize,
    ) -> Result<Vec<OrderSummary>, Problem> {
        let after = after.map(OrderId::to_string).unwrap_or_default();
        let page = self.store.run(move |unit| ORDERS.scan(unit, &after, limit)).await?;
        Ok(page.into_iter().map(|(_, record)| summary(record)).collect())
    }

    pub(crate) async fn status(
        &self,
        peer: &Peer,
        question: StatusQuestion,
    ) -> Result<StatusAnswer, Problem> {
        let known = self.load(question.order).await?;
        match known.filter(|record| record.holder == peer.credential.sub) {
            Some(record) => Ok(self.sign_status(record)),
            None => Err(Problem::not_found("order")),
        }
    }

    pub(crate) async fn signed_status(&self, order: OrderId) -> Result<StatusAnswer, Problem> {
        let record = self.load(order).await?.ok_or_else(|| Problem::not_found("order"))?;
        Ok(self.sign_status(record))
    }

    /// The same state gives the same bytes: it is dated by the last change.
    fn sign_status(&self, record: OrderRecord) -> StatusAnswer {
        let status = Status {
            iss: self.party.id(),
            aud: record.holder.clone(),
            order: record.identity,
            state: record.state(),
            reason: record.reason,
            authorization: record.authorization.map(|granted| granted.token),
            iat: record.changed,
        };
        StatusAnswer { status: status.sign(self.party.terminal().signer.as_ref()) }
    }
}

fn summary(record: OrderRecord) -> OrderSummary {
    OrderSummary {
        order: record.id(),
        rule: record.view.rule.clone(),
        state: record.state(),
        cancelling: record.cancelling,
        to_notify: record.due_notices(),
        reason: record.reason,
        transaction: record.authorization.and_then(|granted| granted.transaction),
        trouble: record.trouble,
        placed: record.placed,
        changed: record.changed,
    }
}
