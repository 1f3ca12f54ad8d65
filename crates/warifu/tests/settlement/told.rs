//! What Hanako and Taro know: what they have ordered, and what their commands have shown them.

use crate::{chance::Chance, network::Network, rounds::text};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    process::Output,
};

/// What can be bought, by the town's catalogue.
#[derive(Debug, Clone, Copy)]
pub enum Goods {
    /// So many, which are delivered.
    Teas(u64),
    /// A file.
    Guide,
    /// Three minutes at most.
    Game,
}

impl Goods {
    /// Anything.
    pub fn any(chance: &mut Chance) -> Goods {
        match chance.below(4) {
            0 => Goods::Guide,
            1 => Goods::Game,
            _ => Goods::Teas(1 + chance.below(3)),
        }
    }

    /// The least and the most that it may cost, in yen: a game as much as it was played.
    pub fn price(self) -> RangeInclusive<u64> {
        match self {
            Goods::Teas(teas) => 1980 * teas..=1980 * teas,
            Goods::Guide => 300..=300,
            Goods::Game => 20..=60,
        }
    }

    /// How much is held for it, in yen.
    pub fn hold(self) -> u64 {
        *self.price().end()
    }

    /// Whether a carrier delivers it.
    pub fn is_delivered(self) -> bool {
        matches!(self, Goods::Teas(_))
    }
}

/// Who orders what of whom.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The place among the network's buyers and merchants.
    pub buyer: usize,
    pub shop: usize,
    pub goods: Goods,
}

#[derive(Debug, Default)]
pub struct Told {
    /// The orders by id.
    pub orders: BTreeMap<String, Order>,
    /// The transaction number of each payment that a command has shown.
    pub paid: BTreeMap<String, String>,
    /// The top-ups that a command has shown as issued.
    pub issued: BTreeSet<String>,
}

/// Why something may be refused here: because there is not enough money, and for nothing else.
const LACK: [&str; 4] =
    ["balance_too_low", "card_limit_exceeded", "member_limit_exceeded", "limit_exceeded"];

impl Told {
    /// Hears what a command says, if it came to say anything.
    pub fn hear(&mut self, output: &Output) {
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else { return };
        if said["standing"]["issued"].is_object() {
            self.issued.insert(text(&said["top_up"]));
        }
        if let Some(transaction) = said["transaction"].as_str() {
            self.paid.insert(text(&said["order"]), transaction.to_string());
        }
    }

    /// Notes what a new order of the buyer's is for, if the purchase came as far as an order.
    #[track_caller]
    pub fn note(&mut self, network: &Network, order: Order) -> Option<String> {
        let orders = network.buyers[order.buyer].json(&network.town, &["orders"]);
        let ids = orders.as_array().unwrap().iter().map(|order| text(&order["order"]));
        let new: Vec<String> = ids.filter(|id| !self.orders.contains_key(id)).collect();
        assert!(new.len() <= 1, "one purchase, {} orders", new.len());
        let id = new.into_iter().next()?;
        self.orders.insert(id.clone(), order);
        Some(id)
    }

    /// What each settled order may have cost, in yen. All others must have been refused for lack of
    /// money.
    #[track_caller]
    pub fn settled(&self, orders: &Value) -> BTreeMap<String, RangeInclusive<u64>> {
        let mut settled = BTreeMap::new();
        for order in orders.as_array().unwrap() {
            if order["state"] == "settled" {
                let id = text(&order["order"]);
                settled.insert(id.clone(), self.orders[&id].goods.price());
            } else {
                let lack = LACK.contains(&order["reason"].as_str().unwrap_or_default());
                assert!(order["state"] == "refused" && lack, "{order}");
            }
        }
        settled
    }
}

/// What each issued top-up brought, in yen, by its telegram. All others must have been refused for
/// lack of money.
#[track_caller]
pub fn issued(top_ups: &Value) -> BTreeMap<String, u64> {
    let mut issued = BTreeMap::new();
    for asked in top_ups.as_array().unwrap() {
        let standing = &asked["standing"];
        if standing["issued"].is_object() {
            issued.insert(text(&asked["top_up"]), asked["amount"]["minor"].as_u64().unwrap());
        } else {
            let reason = standing["refused"]["reason"].as_str();
            assert!(LACK.contains(&reason.unwrap_or_default()), "{asked}");
        }
    }
    issued
}
