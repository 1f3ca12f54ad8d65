//! Trades of the card network: held, captured and reversed as orders are, without signed documents
//! (row C8).

use super::{Hold, HoldError, Holds, OrderRecord, Settled, settle::Moved};
use crate::{StoreError, Unit, card_network::TradeReference};
use std::collections::BTreeMap;
use warifu_protocol::{
    authorization::Decision,
    encode::{sha256, to_json},
    settlement::Action,
    status::State,
    value::FieldValue,
    view::View,
};
use warifu_types::{Digest, FieldName, Identifier, Money, Nonce, OrderId, Role, UnixTime};

/// What stands as the rule in the view of a trade that came over the card network.
const RULE: &str = "card-network";

/// A trade that was decided.
pub struct Trade<'a> {
    /// What names it: see [`trade_identity`].
    pub identity: Digest,
    /// The merchant behind the acceptor's code.
    pub front: &'a Identifier,
    /// Random: no signed request ever names it.
    pub authorization: Nonce,
    /// The amount that was asked for; none where a reversal came before any authorization.
    pub amount: Option<Money>,
    /// What is held; none for a refusal.
    pub hold: Option<Hold>,
    /// Now.
    pub now: UnixTime,
    /// How long the hold stands, in seconds.
    pub lifetime: u64,
}

/// The identity of a trade: the same acceptor and reference are the same trade.
pub fn trade_identity(trade: &TradeReference) -> Digest {
    sha256(&to_json(&("warifu-card-network", &trade.acceptor, &trade.reference)))
}

impl Holds {
    /// Records a decision on a trade. The caller has looked that it has no record yet.
    pub fn keep_trade(&self, unit: &mut dyn Unit, trade: Trade<'_>) -> Result<(), StoreError> {
        let held = trade.hold.is_some();
        let (decision, state) = match held {
            true => (Decision::Authorized, State::Authorized),
            false => (Decision::Refused, State::Refused),
        };
        let amount = trade.amount.map(|amount| (FieldName::AMOUNT, FieldValue::Amount(amount)));
        let record = OrderRecord {
            identity: trade.identity,
            front: trade.front.clone(),
            front_role: Role::Merchant,
            authorization: trade.authorization,
            decision,
            answer: None,
            view: View {
                order: OrderId(trade.identity.0),
                rule: RULE.to_string(),
                fields: amount.into_iter().collect::<BTreeMap<_, _>>(),
                sealed: Vec::new(),
                state,
            },
            issued: trade.now,
            expires: trade.now.plus(trade.lifetime),
            hold: trade.hold,
            settled: None,
            released: false,
            transaction: None,
            meter: None,
            telegram: None,
            captured: None,
        };
        self.keep(unit, &record)
    }

    /// Captures or reverses a trade's hold, once; a retry changes nothing. Returns the order if money
    /// was captured just now.
    pub fn settle_trade(
        &self,
        unit: &mut dyn Unit,
        (order, mut record): (OrderId, OrderRecord),
        action: Action,
        amount: Option<Money>,
        now: UnixTime,
    ) -> Result<Option<(OrderId, OrderRecord)>, HoldError> {
        if let Moved::Before = self.turn(unit, &order, &mut record, (action, amount), now)? {
            return Ok(None);
        }
        record.settled = Some(Settled { action, answer: None, at: now, request: String::new() });
        self.records.put(unit, &order.to_string(), &record)?;
        Ok((action == Action::Capture).then_some((order, record)))
    }
}
