//! What the broker's operator sees of the orders: which stand still, and why.

use crate::{
    broker::Broker,
    records::{ORDERS, OrderRecord},
};
use serde::Serialize;
use warifu_types::{Money, OrderId, UnixTime};
use warifu_wire::Problem;

/// An order as the operator's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderSummary {
    /// Its id.
    pub id: OrderId,
    /// Its number, which stands on the card sheet too.
    pub number: String,
    /// The member's number.
    pub member: String,
    /// The provider's number.
    pub provider: String,
    /// The provider's item number.
    pub service: String,
    /// What it costs in all.
    pub total: Money,
    /// How far it has come.
    pub state: &'static str,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// Why it stands still, or what is left to be looked at.
    pub trouble: Option<String>,
    /// Until when a reply approves, or the provider has to answer.
    pub until: UnixTime,
    /// When it was placed.
    pub placed: UnixTime,
}

/// Orders read in one job.
const PAGE: usize = 500;

impl Broker {
    /// All orders, the latest last; or those alone that are in trouble.
    pub async fn all_orders(&self, in_trouble: bool) -> Result<Vec<OrderSummary>, Problem> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let from = after.clone();
            let page = self.store.run(move |unit| ORDERS.scan(unit, &from, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            let wanted = |order: &OrderRecord| !in_trouble || order.trouble.is_some();
            found.extend(page.into_iter().map(|(_, order)| order).filter(wanted).map(summary));
        }
        found.sort_by_key(|order| (order.placed, order.id));
        Ok(found)
    }
}

fn summary(order: OrderRecord) -> OrderSummary {
    OrderSummary {
        id: order.id,
        number: order.number(),
        member: order.member,
        provider: order.provider,
        service: order.service.number,
        total: order.total,
        state: order.state.as_str(),
        reason: order.reason,
        trouble: order.trouble,
        until: order.until,
        placed: order.placed,
    }
}
