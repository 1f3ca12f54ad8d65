//! Whether all parties agree: on every order and every top-up, and on the money.

use crate::{
    network::Network,
    program::good_json,
    rounds::{PATIENCE, text},
    told::{Order, Told, issued},
    town::Town,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use warifu::{
    config::Config,
    serve::{Service, Settings},
};
use warifu_ledger::{Account, Balance, Kind, Ledger, MemoryLedger, Transfer};
use warifu_ports::{
    StoreError,
    books::{AccountBalance, AccountKind},
    holds::Audited,
};
use warifu_types::Role;

/// What everybody's terminals have, who buys at which merchant, and what the center captured.
struct Expected {
    /// What each paid order cost, in yen, by id.
    paid: BTreeMap<String, u64>,
    /// What each load brought, by buyer.
    loads: Vec<Vec<u64>>,
    /// All orders, as the terminals list them.
    orders: Vec<Value>,
    /// The merchants' identifiers.
    shops: Vec<String>,
}

/// Waits until nothing is on its way any more, kills every service, and compares all records with
/// what the terminals have, and that with what their owners were told.
pub async fn check(network: &mut Network, told: &Told) {
    let mut expected =
        Expected { paid: BTreeMap::new(), loads: vec![], orders: vec![], shops: vec![] };
    let mut shown = told.issued.clone();
    let center = books(&network.town, Role::Center).await;
    for buyer in &network.buyers {
        let orders = buyer.json(&network.town, &["orders"]);
        for (id, price) in told.settled(&orders) {
            let captured = center.orders.get(&id).map_or(0, |order| order.captured);
            assert!(price.contains(&captured), "{id}: {captured}");
            expected.paid.insert(id, captured);
        }
        expected.orders.extend(orders.as_array().unwrap().iter().cloned());
        let top_ups = issued(&buyer.json(&network.town, &["top-up-status"]));
        shown.retain(|top_up| !top_ups.contains_key(top_up));
        expected.loads.push(top_ups.into_values().collect());
    }
    assert_eq!(shown, BTreeSet::new(), "shown as issued");
    for (order, transaction) in &told.paid {
        assert!(expected.paid.contains_key(order), "shown as paid, and not settled: {order}");
        let known = expected.orders.iter().find(|known| known["order"] == *order);
        assert_eq!(known.unwrap()["transaction"], *transaction, "{order}");
    }
    expected.shops = network.shops().into_iter().map(|(identifier, _)| identifier).collect();
    // An issuer pays after the card is issued.
    let started = Instant::now();
    while books(&network.town, Role::Issuer).await.audited.open_holds > 0 {
        assert!(started.elapsed() < PATIENCE, "the center does not claim what it has issued");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    network.kill_all();
    let center = books(&network.town, Role::Center).await;
    check_orders(network, told, (&expected, &center));
    check_center(&center, told, &expected);
    check_issuer(&books(&network.town, Role::Issuer).await, &expected);
}

/// Each order is paid, authorized, dispatched and delivered at all parties, or at none; and no other
/// merchant than its own knows it.
fn check_orders(network: &Network, told: &Told, (expected, center): (&Expected, &Books)) {
    let folder = network.town.folder();
    let shops: Vec<_> = network.orders_at_shops().iter().map(states).collect();
    let carrier = good_json(folder, &["carrier", "deliveries", "--config", "carrier.toml"]);
    let carrier = states(&carrier);
    let mut numbers = BTreeSet::new();
    for order in &expected.orders {
        let id = text(&order["order"]);
        let Order { shop, goods, .. } = told.orders[&id];
        let known = center.orders.get(&id);
        let (at_center, transaction) =
            known.map(|known| (known.state.clone(), known.transaction.clone())).unwrap_or_default();
        let at = |party: &BTreeMap<String, String>| party.get(&id).cloned().unwrap_or_default();
        let all = [at(&shops[shop]), at_center, at(&carrier)];
        for other in shops.iter().enumerate().filter(|(place, _)| *place != shop) {
            assert_eq!(at(other.1), "", "{order}: not this merchant's");
        }
        if expected.paid.contains_key(&id) {
            let delivered = if goods.is_delivered() { "delivered" } else { "" };
            assert_eq!(all, ["settled", "settled", delivered], "{order}");
            assert_eq!(known.map(|known| &known.front), Some(&expected.shops[shop]), "{order}");
            assert_eq!(Value::from(transaction.clone()), order["transaction"], "{order}");
            assert!(numbers.insert(transaction), "a transaction number twice: {order}");
        } else {
            // The merchant keeps an order that nobody pays until the order's own time is over.
            assert!(matches!(all[0].as_str(), "" | "ordered" | "refused"), "{order}: {all:?}");
            assert!(matches!(all[1].as_str(), "" | "refused"), "{order}: {all:?}");
            assert_eq!((all[2].as_str(), transaction), ("", String::new()), "{order}");
        }
    }
    let known = shops.iter().chain([&carrier]).flat_map(|party| party.keys());
    let mut known = known.chain(center.orders.keys());
    let made = |id: &&String| expected.orders.iter().any(|order| order["order"] == **id);
    assert_eq!(known.find(|id| !made(id)), None, "an order that nobody made");
}

/// Every card holds what was loaded, less what was paid; every merchant has what was paid to it;
/// nothing is held, and nothing moved twice.
fn check_center(center: &Books, told: &Told, expected: &Expected) {
    let paid = sorted(expected.paid.values().copied());
    let held = sorted(expected.paid.keys().map(|id| told.orders[id].goods.hold()));
    let loads = sorted(expected.loads.iter().flatten().copied());
    assert_eq!(center.audited.open_holds, 0);
    assert_eq!(center.amounts(|kind| kind == Kind::Plain), loads, "loaded");
    assert_eq!(center.amounts(|kind| kind == Kind::Pending), held, "held");
    assert_eq!(center.amounts(|kind| matches!(kind, Kind::Post { .. })), paid, "claimed");
    assert_eq!(center.amounts(|kind| matches!(kind, Kind::Void { .. })), [0; 0], "let go");
    let of = |which: &dyn Fn(&Order) -> bool| -> u64 {
        let which = |(id, _): &(&String, &u64)| which(&told.orders[*id]);
        expected.paid.iter().filter(which).map(|(_, paid)| paid).sum()
    };
    let mut cards: Vec<(u64, u64)> = expected
        .loads
        .iter()
        .enumerate()
        .map(|(buyer, loads)| (loads.iter().sum(), of(&|order| order.buyer == buyer)))
        .collect();
    cards.sort_unstable();
    let mut found: Vec<(u64, u64)> = center
        .of(AccountKind::Card)
        .map(|card| (card.balance.credits_posted, card.balance.debits_posted))
        .collect();
    found.sort_unstable();
    assert_eq!(found, cards, "loaded on each card and paid from it");
    for (place, shop) in expected.shops.iter().enumerate() {
        let has = center.of(AccountKind::Merchant).filter(|account| account.owner == *shop);
        let has: u64 = has.map(|account| account.balance.credits_posted).sum();
        assert_eq!(has, of(&|order| order.shop == place), "{shop}");
    }
    let sum = |amounts: &[u64]| amounts.iter().sum::<u64>();
    let sums = [
        center.sum(AccountKind::Issuer, |b| b.debits_posted),
        center.sum(AccountKind::Merchant, |b| b.credits_posted),
    ];
    assert_eq!(sums, [sum(&loads), sum(&paid)]);
    center.nothing_is_pending();
    center.are_the_models();
}

/// Each load was held once and claimed once of the card of whoever asked, and the issuer owes the
/// center that and no more.
fn check_issuer(issuer: &Books, expected: &Expected) {
    let loads = sorted(expected.loads.iter().flatten().copied());
    assert_eq!(issuer.audited.open_holds, 0);
    assert_eq!(issuer.amounts(|kind| kind == Kind::Pending), loads, "held");
    assert_eq!(issuer.amounts(|kind| matches!(kind, Kind::Post { .. })), loads, "claimed");
    assert_eq!(issuer.amounts(|kind| matches!(kind, Kind::Void { .. })), [0; 0], "let go");
    let spent = sorted(issuer.of(AccountKind::Card).map(|card| card.balance.debits_posted));
    assert_eq!(spent, sorted(expected.loads.iter().map(|loads| loads.iter().sum())));
    let owed = issuer.sum(AccountKind::Merchant, |b| b.credits_posted);
    assert_eq!(owed, loads.iter().sum::<u64>());
    issuer.nothing_is_pending();
    issuer.are_the_models();
}

/// What an authorizer has.
pub struct Books {
    /// Its audit, which found no fault.
    pub audited: Audited,
    balances: Vec<AccountBalance>,
    accounts: Vec<(Account, Balance)>,
    transfers: Vec<Transfer>,
    /// The center's orders, by id.
    orders: BTreeMap<String, AtCenter>,
}

/// An order in the center's records.
struct AtCenter {
    state: String,
    /// The number; empty for a refusal.
    transaction: String,
    /// The merchant's identifier.
    front: String,
    /// In yen.
    captured: u64,
}

impl AtCenter {
    fn read(document: &[u8]) -> AtCenter {
        let record: Value = serde_json::from_slice(document).unwrap();
        let state = text(&record["view"]["state"]);
        let held = record["hold"]["amount"]["minor"].as_u64().unwrap_or(0);
        let part = record["captured"].as_u64().unwrap_or(held);
        let captured = if state == "settled" { part } else { 0 };
        let transaction = record["transaction"].as_str().unwrap_or_default().to_string();
        AtCenter { state, transaction, front: text(&record["front"]), captured }
    }
}

impl Books {
    /// All accounts of a kind.
    fn of(&self, kind: AccountKind) -> impl Iterator<Item = &AccountBalance> {
        self.balances.iter().filter(move |account| account.kind == kind)
    }

    /// The sum over all accounts of a kind.
    pub fn sum(&self, kind: AccountKind, of: fn(&Balance) -> u64) -> u64 {
        self.of(kind).map(|account| of(&account.balance)).sum()
    }

    /// The amounts of all transfers of a kind, sorted.
    fn amounts(&self, is: impl Fn(Kind) -> bool) -> Vec<u64> {
        sorted(self.transfers.iter().filter(|t| is(t.kind)).map(|transfer| transfer.amount))
    }

    fn nothing_is_pending(&self) {
        for account in &self.balances {
            let balance = &account.balance;
            assert_eq!((balance.debits_pending, balance.credits_pending), (0, 0), "{account:?}");
        }
    }

    /// The ledger's model in memory comes to the same balances by the same transfers.
    fn are_the_models(&self) {
        let mut model = MemoryLedger::new();
        let accounts: Vec<Account> = self.accounts.iter().map(|(account, _)| *account).collect();
        let made = model.create_accounts(&accounts).unwrap();
        assert!(made.into_iter().all(|result| result.is_there()));
        // Ids do not tell what came first, so what credits comes first, then what is held.
        let mut batch = self.transfers.clone();
        batch.sort_by_key(|transfer| match transfer.kind {
            Kind::Plain => 0,
            Kind::Pending => 1,
            Kind::Post { .. } | Kind::Void { .. } => 2,
        });
        for transfer in batch {
            let results = model.apply(&[transfer]).unwrap();
            assert!(results.iter().all(|result| result.is_applied()), "{transfer:?}: {results:?}");
        }
        for (account, balance) in &self.accounts {
            assert_eq!(model.balance(account.id).unwrap(), Some(*balance), "{account:?}");
        }
    }
}

/// Reads an authorizer's records, beside its service or without it.
pub async fn books(town: &Town, role: Role) -> Books {
    let party = role.to_string();
    let mut config = Config::read(&town.path(&format!("{party}.toml"))).unwrap();
    config.data = town.path(&party);
    config.key_file = town.path(&party).join("warifu.key");
    let opened = config.place().open().unwrap();
    let own = opened.party(&config.key_settings()).await.unwrap();
    let service = Service::build(role, own, opened.port(), &Settings::from(&config)).await.unwrap();
    let (audited, balances) = match &service {
        Service::Center(center) => {
            (center.settlement().audit().await, center.settlement().balances().await)
        }
        Service::Issuer(issuer) => (issuer.audit().await, issuer.balances().await),
        _ => panic!("{party} has no books"),
    };
    let all = |unit: &mut dyn warifu_ports::Unit| {
        let ledger = unit.ledger();
        Ok::<_, StoreError>((ledger.accounts(None, 1 << 20)?, ledger.transfers(None, 1 << 20)?))
    };
    let (accounts, transfers) = opened.port().run(all).await.unwrap();
    let documents = opened.store.dump().unwrap();
    let orders = documents.iter().filter(|document| document.collection == "center_orders");
    let orders =
        orders.map(|document| (document.key.clone(), AtCenter::read(&document.value))).collect();
    let (audited, balances) = (audited.unwrap(), balances.unwrap());
    Books { audited, balances, accounts, transfers, orders }
}

/// The state of each order in a party's list, by id.
fn states(list: &Value) -> BTreeMap<String, String> {
    let orders = list.as_array().unwrap().iter();
    orders.map(|order| (text(&order["order"]), text(&order["state"]))).collect()
}

fn sorted(amounts: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut amounts: Vec<u64> = amounts.collect();
    amounts.sort_unstable();
    amounts
}
