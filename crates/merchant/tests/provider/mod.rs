//! A merchant that is a broker's provider, with a card network that fails as it is told.
#![allow(clippy::unwrap_used, dead_code, reason = "helpers of tests")]

use crate::common::{HOLDER, World, offered, party, terminal, who};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use warifu_merchant::{Billing, Brokering, CardWay, Merchant, RECEIPT_PATIENCE};
use warifu_ports::{
    Store, StoreError,
    card_network::{
        CardAnswer, CardAuthorization, CardNetwork, CardNetworkError, PresentedCard, TradeReference,
    },
};
use warifu_protocol::{rule::Rule, sealed::Sealed, value::FieldValue};
use warifu_types::{FieldName, Money, OrderId, Role};
use warifu_wire::{OrderQuestion, Party};

pub const CARD: &str = "4111111111111111";

pub struct Provider {
    pub world: World,
    pub line: Arc<Line>,
}

/// A card network's answer that does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    None,
    Silent,
    LostAnswer,
    Later,
    BadAnswer,
}

/// A card network that answers the same twice.
#[derive(Default)]
pub struct Line {
    effects: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<LineFault>>,
    declines: Mutex<Option<&'static str>>,
}

impl Line {
    pub fn fail(&self, faults: &[LineFault]) {
        self.faults.lock().unwrap().extend(faults);
    }

    pub fn decline(&self, code: &'static str) {
        *self.declines.lock().unwrap() = Some(code);
    }

    pub fn effects(&self) -> Vec<String> {
        self.effects.lock().unwrap().clone()
    }

    fn answer(&self, effect: String) -> Result<CardAnswer, CardNetworkError> {
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(LineFault::None);
        let unreachable = || CardNetworkError::Unreachable("time-out".to_string());
        if fault == LineFault::Silent {
            return Err(unreachable());
        }
        let declined = *self.declines.lock().unwrap();
        let mut effects = self.effects.lock().unwrap();
        if declined.is_none() && !effects.contains(&effect) {
            effects.push(effect);
        }
        match (fault, declined) {
            (LineFault::LostAnswer, _) => Err(unreachable()),
            (LineFault::Later, _) => Err(CardNetworkError::Later),
            (LineFault::BadAnswer, _) => Err(CardNetworkError::BadAnswer(39)),
            (_, Some(code)) => Ok(CardAnswer::Declined { code: code.to_string() }),
            (_, None) => Ok(CardAnswer::Approved { approval: "A1B2C3".to_string() }),
        }
    }
}

#[async_trait]
impl CardNetwork for Line {
    async fn authorize(&self, asked: &CardAuthorization) -> Result<CardAnswer, CardNetworkError> {
        assert_eq!(asked.trade.acceptor, "SHOP1");
        assert_eq!((asked.card.number.as_str(), asked.card.expiry.as_str()), (CARD, "2030-12"));
        let (reference, amount) = (&asked.trade.reference, asked.amount.minor());
        self.answer(format!("authorize {reference} {amount} {}", asked.payments))
    }

    async fn capture(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        self.answer(format!("capture {} {}", trade.reference, amount.minor()))
    }

    async fn reverse(
        &self,
        trade: &TradeReference,
        amount: Money,
    ) -> Result<CardAnswer, CardNetworkError> {
        self.answer(format!("reverse {} {}", trade.reference, amount.minor()))
    }
}

/// The world's holder, as a broker.
pub fn broker(world: &World) -> Arc<Party> {
    let mut broker = terminal(&world.net, HOLDER, Role::Holder, 1, None);
    let mut credential = (*broker.credential).clone();
    credential.roles = vec![Role::Holder, Role::Broker];
    broker.credential_token = credential.sign(&world.net.centers[0].1);
    broker.credential = Arc::new(credential);
    party(broker, &world.clock, &world.directory)
}

/// A provider whose orders come from a broker.
pub async fn provider(way: CardWay, brokering: Brokering) -> Provider {
    let rule = match way {
        CardWay::SecondChannel => Rule::broker(),
        CardWay::Reference => Rule::broker_reference(),
    };
    let mut world = World::with(vec![offered(rule)], &[]).await;
    world.holder = broker(&world);
    let merchant = build(&world, world.store.clone(), brokering);
    world.serve(merchant).await;
    Provider { world, line: Arc::default() }
}

fn build(world: &World, store: Arc<dyn Store>, brokering: Brokering) -> Arc<Merchant> {
    let url = Some("http://front.example".into());
    let own = terminal(&world.net, who(Role::Merchant).as_str(), Role::Merchant, 2, url);
    let own = party(own, &world.clock, &world.directory);
    Merchant::with_brokering(own, store, world.settings.clone(), RECEIPT_PATIENCE, brokering)
}

/// The same merchant after a crash.
pub fn rebuilt(
    world: &World,
    store: Arc<dyn Store>,
    line: &Arc<Line>,
    by_line: bool,
) -> Arc<Merchant> {
    let billing = if by_line { billing(line) } else { Billing::Network };
    build(world, store, by_itself(billing))
}

fn billing(line: &Arc<Line>) -> Billing {
    Billing::CardNetwork { line: line.clone(), acceptor: "SHOP1".to_string() }
}

/// A provider that accepts and serves without a clerk.
pub fn by_itself(billing: Billing) -> Brokering {
    Brokering { accepts_by_itself: true, serves_by_itself: true, billing, ..Brokering::default() }
}

/// A provider that bills by ISO 8583.
pub async fn on_line(brokering: Brokering) -> Provider {
    let line: Arc<Line> = Arc::default();
    let brokering = Brokering { billing: billing(&line), ..brokering };
    Provider { line, ..provider(CardWay::SecondChannel, brokering).await }
}

/// As [`on_line`], without a clerk.
pub async fn by_card_network() -> Provider {
    on_line(by_itself(Billing::Network)).await
}

/// Two teas, with a reference where the rule wants one.
pub async fn order(world: &World, seed: u8) -> (Sealed, OrderQuestion) {
    let form = world.form(&world.settings.rules[0].rule.name).await;
    let quote = world.quote(&form, &[("T-100", 2)]).await.unwrap();
    let mut values = crate::common::net::values(&quote);
    values.insert(FieldName::CARD_REFERENCE, FieldValue::text("ref-0001"));
    world.seal(&form, Some(quote), values, seed).await
}

pub fn card(number: &str) -> PresentedCard {
    expiring(number, "2030-12")
}

pub fn expiring(number: &str, expiry: &str) -> PresentedCard {
    let (number, expiry) = (number.to_string().into(), expiry.to_string().into());
    PresentedCard { number, expiry }
}

/// Whether the merchant's store has no card, under the order or anywhere in its records.
pub async fn keeps_no_card(world: &World, order: &OrderId) -> bool {
    let store: Arc<dyn Store> = world.store.clone();
    let key = order.to_string();
    store
        .run(move |unit| {
            let kept = unit.get("merchant_broker_cards", &key)?.is_some();
            for collection in ["merchant_orders", "merchant_broker_cards"] {
                for (_, value) in unit.scan(collection, "", 100)? {
                    let text = String::from_utf8_lossy(&value).to_string();
                    if collection == "merchant_orders" {
                        assert!(!text.contains(CARD), "an order's record never has the card");
                    }
                }
            }
            Ok::<_, StoreError>(!kept)
        })
        .await
        .unwrap()
}
