//! The merchant as a broker's provider (rows C6 to C8): an order waits until it is accepted and the
//! card has come, the provider serves, and the issuer is billed in the network or by ISO 8583.

mod billing;
mod card;
mod http;
mod operator;

pub use http::card_routes;
pub use operator::BrokerOrder;

use crate::{
    merchant::Merchant,
    records::OrderRecord,
    rules::brokering::{CardWay, Channel, Waiting, refusal},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use warifu_ports::{Collection, card_network::CardNetwork};
use warifu_protocol::{status::State, trade_number::TradeNumber};
use warifu_types::{OrderId, UnixTime};
use warifu_wire::Problem;
use zeroize::Zeroizing;

use crate::drive::Halt;
pub(crate) use card::forget_card;

/// How a merchant works with brokers.
#[derive(Clone)]
pub struct Brokering {
    /// Whether orders are accepted as they come, without the operator.
    pub accepts_by_itself: bool,
    /// Whether goods are handed over as soon as they are authorized, without the operator.
    pub serves_by_itself: bool,
    /// How long the provider may take to accept, and the card to come, in seconds.
    pub patience: u64,
    /// How the issuer is billed for orders whose card comes by the second channel.
    pub billing: Billing,
}

/// How the issuer is billed.
#[derive(Clone)]
pub enum Billing {
    /// By signed requests in the network.
    Network,
    /// By ISO 8583, as this card acceptor: the code of field 42, which the issuer has admitted.
    CardNetwork {
        /// The line.
        line: Arc<dyn CardNetwork>,
        /// 1 to 15 letters and digits.
        acceptor: String,
    },
}

/// How long a provider usually has to accept, in seconds: a day.
pub const PROVIDER_PATIENCE: u64 = 86_400;
/// A provider has at most as long, in seconds: two days, so that the order's own time is not over.
const MOST_PATIENCE: u64 = 2 * 86_400;

impl Default for Brokering {
    fn default() -> Brokering {
        Brokering {
            accepts_by_itself: false,
            serves_by_itself: false,
            patience: PROVIDER_PATIENCE,
            billing: Billing::Network,
        }
    }
}

impl fmt::Debug for Brokering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Brokering({:?}, {} s)", self.channel(), self.patience)
    }
}

impl Brokering {
    /// Refuses settings that no order could live with; the problem names the setting. For the program
    /// to call when it reads its configuration.
    pub fn check(&self) -> Result<(), Problem> {
        if !(1..=MOST_PATIENCE).contains(&self.patience) {
            return Err(Problem::bad_value("patience", "1 second to two days"));
        }
        let Billing::CardNetwork { acceptor, .. } = &self.billing else { return Ok(()) };
        let plain = acceptor.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(1..=15).contains(&acceptor.len()) || !plain {
            return Err(Problem::bad_value("acceptor", "1 to 15 letters and digits"));
        }
        Ok(())
    }

    /// How the issuer is billed.
    pub fn channel(&self) -> Channel {
        match self.billing {
            Billing::Network => Channel::Network,
            Billing::CardNetwork { .. } => Channel::CardNetwork,
        }
    }

    /// The record of a new order; none if its rule is not for brokers.
    pub(crate) fn trade(&self, rule: &str, order: &OrderId, now: UnixTime) -> Option<BrokerTrade> {
        let card_way = CardWay::of_rule(rule)?;
        let channel = match card_way {
            CardWay::SecondChannel => self.channel(),
            // The provider has no card that it could show.
            CardWay::Reference => Channel::Network,
        };
        Some(BrokerTrade {
            number: TradeNumber::of(order).as_str().to_string(),
            card_way,
            channel,
            until: now.plus(self.patience),
            accepted: self.accepts_by_itself.then_some(now),
            card_came: None,
            served: None,
            approval: None,
            answer: None,
            steps: vec![(State::Ordered, now)],
        })
    }
}

/// What the merchant keeps of a broker's order beside the usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerTrade {
    /// The number that stands on the sheet with the card too.
    pub number: String,
    /// How the issuer comes to the card.
    pub card_way: CardWay,
    /// How the issuer is billed.
    pub channel: Channel,
    /// Until when it must be accepted and have its card.
    pub until: UnixTime,
    /// When it was accepted.
    pub accepted: Option<UnixTime>,
    /// When the card came by the second channel.
    pub card_came: Option<UnixTime>,
    /// When the provider has said that it has served.
    pub served: Option<UnixTime>,
    /// The approval code of the card network, where it is billed so.
    pub approval: Option<String>,
    /// The card network's last answer: field 39.
    pub answer: Option<String>,
    /// Every state with the time at which the order came to it.
    pub steps: Vec<(State, UnixTime)>,
}

impl BrokerTrade {
    /// What it has and waits for.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            accepted: self.accepted.is_some(),
            card: self.card_way == CardWay::Reference || self.card_came.is_some(),
            served: self.served.is_some(),
            until: self.until,
        }
    }
}

/// The ids of brokers' orders, by trade number. Kept for good: a number means one order.
pub(crate) const NUMBERS: Collection<OrderId> = Collection::new("merchant_trade_numbers");
/// Cards that came by the second channel, by order id, until the issuer has answered.
pub(crate) const CARDS: Collection<KeptCard> = Collection::new("merchant_broker_cards");

/// A card that waits for the issuer's answer. The store encrypts it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptCard {
    pub number: Zeroizing<String>,
    pub expiry: Zeroizing<String>,
    /// The salts of its two digests: the same in every retry.
    pub salts: [[u8; 16]; 2],
}

impl Merchant {
    /// Ordered → refused, once the time to accept or for the card is over.
    pub(crate) async fn await_provider(&self, record: &OrderRecord) -> Result<(), Halt> {
        let now = self.party.now();
        let waiting = record.broker.as_ref().map(BrokerTrade::waiting);
        if waiting.and_then(|waiting| refusal(waiting, now)).is_none() {
            return Ok(());
        }
        let change = move |record: &mut OrderRecord| {
            // What came meanwhile counts.
            let waiting = record.broker.as_ref().map(BrokerTrade::waiting);
            if let Some(reason) = waiting.and_then(|waiting| refusal(waiting, now)) {
                record.view.state = State::Refused;
                record.reason = Some(reason.to_string());
            }
        };
        Ok(self.change(record.id(), State::Ordered, change).await?)
    }

    /// Authorized, and the provider serves by itself: it has.
    pub(crate) async fn await_service(&self, record: &OrderRecord) -> Result<(), Halt> {
        if !self.brokering.serves_by_itself {
            return Ok(());
        }
        self.mark_served(record.id()).await?;
        self.hand_over(record).await
    }
}
