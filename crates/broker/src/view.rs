//! What the broker can read of an order: for reports, and for whoever wants to compare.

use crate::{broker::Broker, rules::steps::State};
use std::collections::BTreeMap;
use warifu_protocol::{
    rule, status,
    value::{FieldValue, OrderLine},
    view::View,
};
use warifu_types::{FieldName, OrderId};
use warifu_wire::Problem;

impl Broker {
    /// What the broker's own records hold of an order, what stayed sealed to it, and how far it has
    /// come; none if there is no such order.
    pub async fn view(&self, order: OrderId) -> Result<Option<View>, Problem> {
        let Some(record) = self.load(order).await? else { return Ok(None) };
        let member = self.member(&record.member).await?;
        let provider = self.provider(&record.provider).await?;
        let name = record.service.name.in_language(&member.language).to_string();
        let line = OrderLine { name, quantity: record.quantity };
        let fields = BTreeMap::from([
            (FieldName::HOLDER_NAME, FieldValue::text(member.name)),
            (FieldName::HOLDER_TELEPHONE, FieldValue::text(member.telephone)),
            (FieldName::ITEM_NUMBERS, FieldValue::Numbers(vec![record.service.number.clone()])),
            (FieldName::ITEMS, FieldValue::Lines(vec![line])),
            (FieldName::AMOUNT, FieldValue::Amount(record.total)),
            (FieldName::PAYMENT_TYPE, FieldValue::text(record.payment_type)),
            (FieldName::DESTINATION, FieldValue::text(record.destination)),
        ]);
        let rule = if provider.by_reference { rule::BROKER_REFERENCE } else { rule::BROKER };
        Ok(Some(View {
            order,
            rule: rule.to_string(),
            fields,
            sealed: vec![FieldName::CARD_EXPIRY, FieldName::CARD_NUMBER],
            state: told(record.state),
        }))
    }
}

/// In the words of the network.
fn told(state: State) -> status::State {
    match state {
        State::Placed | State::Held | State::Confirming | State::Approved | State::Passed => {
            status::State::Ordered
        }
        State::Accepted => status::State::Authorized,
        State::Served => status::State::Delivered,
        State::Closed => status::State::Settled,
        State::Refused | State::Declined => status::State::Refused,
        State::Cancelled | State::Expired => status::State::Cancelled,
    }
}
