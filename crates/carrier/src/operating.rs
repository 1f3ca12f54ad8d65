//! What the carrier's operator sees and does.

use crate::{carrier::Carrier, records::DELIVERIES, rules::deliveries as rules};
use warifu_ports::Unit;
use warifu_protocol::{delivery::DeliveryState, view::View};
use warifu_types::{Identifier, OrderId, UnixTime};
use warifu_wire::Problem;

/// A delivery as the operator's list shows it; name and destination are in its view.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeliverySummary {
    /// The order.
    pub order: OrderId,
    /// The merchant.
    pub merchant: Identifier,
    /// The merchant's instructions.
    pub instructions: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// When it was taken on.
    pub accepted: UnixTime,
    /// When its state last changed.
    pub changed: UnixTime,
}

impl Carrier {
    /// What the carrier could read of an order, and how far it has come; none if it has no such
    /// order.
    pub async fn view(&self, order: &OrderId) -> Result<Option<View>, Problem> {
        let key = order.to_string();
        let known = self.store.run(move |unit| DELIVERIES.get(unit, &key)).await?;
        Ok(known.map(|record| record.view))
    }

    /// At most `limit` deliveries after the id `after`, by id.
    pub async fn deliveries(
        &self,
        after: Option<&OrderId>,
        limit: usize,
    ) -> Result<Vec<DeliverySummary>, Problem> {
        let after = after.map(OrderId::to_string).unwrap_or_default();
        let page = self.store.run(move |unit| DELIVERIES.scan(unit, &after, limit)).await?;
        let summary = |record: crate::records::DeliveryRecord| DeliverySummary {
            order: record.view.order,
            merchant: record.merchant,
            instructions: record.instructions,
            state: record.state,
            accepted: record.accepted,
            changed: record.changed,
        };
        Ok(page.into_iter().map(|(_, record)| summary(record)).collect())
    }

    /// Records that a parcel was handed over. Again, it changes nothing.
    pub async fn mark_delivered(&self, order: &OrderId) -> Result<(), Problem> {
        let key = order.to_string();
        let read = key.clone();
        let known = self.store.run(move |unit| DELIVERIES.get(unit, &read)).await?;
        let known = known.ok_or_else(|| Problem::not_found("order"))?;
        let (state, now) = (DeliveryState::Delivered, self.party.now());
        let answer = self.sign(&known.merchant, known.identity, state, now);
        let mark = move |unit: &mut dyn Unit| {
            let Some(mut record) = DELIVERIES.get(unit, &key)? else { return Ok(()) };
            if record.state == state {
                return Ok(());
            }
            record.state = state;
            record.view.state = rules::shown(state);
            record.answer = answer;
            record.changed = now;
            tracing::info!(order = %record.view.order, state = %record.view.state, "delivery");
            DELIVERIES.put(unit, &key, &record)
        };
        Ok(self.store.run(mark).await?)
    }
}
