//! What the provider's clerk does: list, accept, decline, serve.

use super::{BrokerTrade, NUMBERS};
use crate::{
    handing::wrong_state,
    merchant::{Merchant, put_changed},
    records::{ORDERS, OrderRecord},
    rules::{brokering, steps::Next},
};
use warifu_ports::Unit;
use warifu_protocol::{status::State, trade_number::TradeNumber, view::View};
use warifu_types::{Identifier, OrderId};
use warifu_wire::Problem;

/// A broker's order as the provider's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BrokerOrder {
    /// The order.
    pub order: OrderId,
    /// The broker.
    pub broker: Identifier,
    /// What the merchant could read: who comes, what is ordered, where it goes.
    pub view: View,
    /// What it waits for, and every step with its time.
    pub trade: BrokerTrade,
    /// Why it was refused.
    pub reason: Option<String>,
}

impl Merchant {
    /// At most `limit` of the brokers' orders after the trade number `after`, by number.
    pub async fn broker_orders(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<BrokerOrder>, Problem> {
        let after = after.map(number).transpose()?;
        let after = after.map(|number| number.as_str().to_string()).unwrap_or_default();
        self.store
            .run(move |unit| {
                let mut found = Vec::new();
                for (_, order) in NUMBERS.scan(unit, &after, limit)? {
                    found.extend(ORDERS.get(unit, &order.to_string())?.and_then(listed));
                }
                Ok(found)
            })
            .await
    }

    /// A broker's order by its trade number, as a clerk reads it from the sheet.
    pub async fn broker_order(&self, text: &str) -> Result<BrokerOrder, Problem> {
        let record = self.by_number(text).await?;
        listed(record).ok_or_else(|| Problem::not_found("number"))
    }

    pub(crate) async fn by_number(&self, text: &str) -> Result<OrderRecord, Problem> {
        let key = number(text)?.as_str().to_string();
        let order = self.store.run(move |unit| NUMBERS.get(unit, &key)).await?;
        let not_here = || {
            let title = "no order of this number has come yet; try again";
            Problem::new(503, "order_not_here", title, Some("number"))
        };
        self.load(order.ok_or_else(not_here)?).await?.ok_or_else(not_here)
    }

    /// Accepts a broker's order, in time. Again changes nothing. Returns the state after: the issuer
    /// is asked at once if the card is there.
    pub async fn accept(&self, order: &OrderId) -> Result<State, Problem> {
        let (key, now) = (order.to_string(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let (mut record, mut trade) = known(unit, &key)?;
            if trade.accepted.is_some() {
                return Ok(());
            }
            if record.state() != State::Ordered || now >= trade.until {
                return Err(wrong_state("an order is accepted while it waits, and in its time"));
            }
            trade.accepted = Some(now);
            record.broker = Some(trade);
            Ok(put_changed(unit, State::Ordered, record, now)?)
        };
        self.store.run(work).await?;
        self.go_on(*order).await?;
        Ok(self.known(*order).await?.state())
    }

    /// Declines a broker's order that was not accepted: it is refused with the reason `declined`,
    /// which the broker reads from the signed status. Again changes nothing.
    pub async fn decline(&self, order: &OrderId) -> Result<State, Problem> {
        let (key, now) = (order.to_string(), self.party.now());
        let work = move |unit: &mut dyn Unit| {
            let (mut record, trade) = known(unit, &key)?;
            let reason = Some(brokering::DECLINED);
            if record.state() == State::Refused && record.reason.as_deref() == reason {
                return Ok(State::Refused);
            }
            if record.state() != State::Ordered || trade.accepted.is_some() {
                return Err(wrong_state("an order is declined before it is accepted"));
            }
            record.view.state = State::Refused;
            record.reason = reason.map(str::to_string);
            put_changed(unit, State::Ordered, record, now)?;
            Ok(State::Refused)
        };
        self.store.run(work).await
    }

    /// The provider has served: the issuer is billed. Again changes nothing. Returns the state after,
    /// which is `delivered` while the issuer cannot be reached; the worker then goes on.
    pub async fn serve(&self, order: &OrderId) -> Result<State, Problem> {
        {
            let _turn = self.turns.take(*order).await;
            let record = self.known(*order).await?;
            let trade = record.broker.as_ref().ok_or_else(not_brokered)?;
            if trade.served.is_none() {
                if record.next() != Next::AwaitService {
                    return Err(wrong_state("an order is served once it is authorized"));
                }
                self.mark_served(*order).await?;
            }
        }
        self.go_on(*order).await?;
        Ok(self.known(*order).await?.state())
    }

    pub(crate) async fn mark_served(&self, order: OrderId) -> Result<(), Problem> {
        let now = self.party.now();
        let change = move |record: &mut OrderRecord| {
            // An order that is being given up meanwhile is not served.
            if let (Some(trade), false) = (&mut record.broker, record.cancelling) {
                trade.served.get_or_insert(now);
            }
        };
        self.change(order, State::Authorized, change).await
    }
}

pub(crate) fn not_brokered() -> Problem {
    Problem::bad_value("order", "this is no broker's order")
}

fn known(unit: &mut dyn Unit, key: &str) -> Result<(OrderRecord, BrokerTrade), Problem> {
    let record = ORDERS.get(unit, key)?.ok_or_else(|| Problem::not_found("order"))?;
    let trade = record.broker.clone().ok_or_else(not_brokered)?;
    Ok((record, trade))
}

fn number(text: &str) -> Result<TradeNumber, Problem> {
    let bad = "11 letters and digits, the last of which checks the others";
    text.parse().map_err(|_| Problem::bad_value("number", bad))
}

fn listed(record: OrderRecord) -> Option<BrokerOrder> {
    Some(BrokerOrder {
        order: record.id(),
        broker: record.holder,
        trade: record.broker?,
        reason: record.reason,
        view: record.view,
    })
}
