//! Whether all parties agree on every order, and the money with them.

use crate::{
    loops::Bought,
    program::good_json,
    town::{ITEMS, Town},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use warifu::{
    config::Config,
    serve::{Service, Settings},
    setup::Opened,
};
use warifu_issuer::{AccountKind, Issuer};
use warifu_ledger::{Kind, Transfer};
use warifu_merchant::Language;
use warifu_ports::StoreError;
use warifu_types::{OrderId, Role};

/// The state of each order at one party, by id.
type States = BTreeMap<String, String>;

fn states(list: &Value) -> States {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_string();
    list.as_array()
        .unwrap()
        .iter()
        .map(|order| (text(&order["order"]), text(&order["state"])))
        .collect()
}

/// Checks every party's records after all services have stopped.
pub async fn check(town: &Town, orders: &BTreeMap<String, Bought>) {
    let folder = town.folder();
    let holder = states(&good_json(folder, &["holder", "orders", "--data", "hanako", "--json"]));
    let merchant = states(&good_json(folder, &["merchant", "orders", "--config", "merchant.toml"]));
    let carrier =
        states(&good_json(folder, &["carrier", "deliveries", "--config", "carrier.toml"]));
    assert!(holder.keys().eq(orders.keys()));
    assert_eq!(holder, merchant);
    let (issuer, opened) = issuer(town).await;
    for (order, state) in &merchant {
        let bought = orders[order];
        let id: OrderId = order.parse().unwrap();
        let at_issuer = issuer.view(&id).await.unwrap().unwrap().state;
        assert_eq!(at_issuer.as_str(), state, "{order}: {bought:?}");
        assert_eq!(state, if bought.item == "GOLD" { "refused" } else { "settled" }, "{order}");
        let delivered = state == "settled" && bought.rule != "no-carrier";
        let expected = delivered.then_some("delivered");
        assert_eq!(carrier.get(order).map(String::as_str), expected, "{order}: {bought:?}");
    }
    assert!(carrier.keys().all(|order| merchant.contains_key(order)));
    let settled = orders.values().filter(|bought| bought.item != "GOLD");
    check_money(&issuer, &opened, settled.clone(), orders.len()).await;
    check_stock(town, settled).await;
}

async fn service(town: &Town, party: &str, role: Role) -> (Service, Opened) {
    let mut config = Config::read(&town.path(&format!("{party}.toml"))).unwrap();
    config.data = town.path(party);
    config.key_file = town.path(party).join("warifu.key");
    config.merchant.catalogue = None;
    let opened = config.place().open().unwrap();
    let party = opened.party(&config.key_settings()).await.unwrap();
    let settings = Settings::from(&config);
    (Service::build(role, party, opened.port(), &settings).await.unwrap(), opened)
}

async fn issuer(town: &Town) -> (Arc<Issuer>, Opened) {
    match service(town, "issuer", Role::Issuer).await {
        (Service::Issuer(issuer), opened) => (issuer, opened),
        _ => panic!("no issuer"),
    }
}

/// Each settled order was held once and captured once, and that is all that ever moved.
async fn check_money<'a>(
    issuer: &Issuer,
    opened: &Opened,
    settled: impl Iterator<Item = &'a Bought> + Clone,
    orders: usize,
) {
    let audited = issuer.audit().await.unwrap();
    assert_eq!(audited.orders, orders as u64);
    assert_eq!(audited.open_holds, 0);
    let store = opened.port();
    let all = store.run(|unit| Ok::<_, StoreError>(unit.ledger().transfers(None, 1 << 20)?));
    let transfers = all.await.unwrap();
    let amounts = |kind: fn(&Transfer) -> bool| {
        let of_kind = transfers.iter().filter(|transfer| kind(transfer));
        let mut amounts: Vec<u64> = of_kind.map(|transfer| transfer.amount).collect();
        amounts.sort_unstable();
        amounts
    };
    let mut expected: Vec<u64> = settled.map(|bought| bought.price * bought.quantity).collect();
    expected.sort_unstable();
    assert_eq!(amounts(|transfer| transfer.kind == Kind::Pending), expected, "held");
    assert_eq!(
        amounts(|transfer| matches!(transfer.kind, Kind::Post { .. })),
        expected,
        "captured"
    );
    assert_eq!(amounts(|transfer| matches!(transfer.kind, Kind::Void { .. })), [0; 0], "let go");
    let balances = issuer.balances().await.unwrap();
    let pending = |kind| {
        let of_kind = balances.iter().filter(move |account| account.kind == kind);
        of_kind.map(|account| account.balance)
    };
    let owed: u64 = pending(AccountKind::Merchant).map(|balance| balance.credits_posted).sum();
    let spent: u64 = pending(AccountKind::Card).map(|balance| balance.debits_posted).sum();
    assert_eq!((owed, spent), (expected.iter().sum(), expected.iter().sum()));
    for account in &balances {
        let balance = &account.balance;
        assert_eq!((balance.debits_pending, balance.credits_pending), (0, 0), "{account:?}");
    }
}

/// What was sold is gone, and nothing else.
async fn check_stock<'a>(town: &Town, settled: impl Iterator<Item = &'a Bought> + Clone) {
    let (Service::Merchant(merchant), _) = service(town, "merchant", Role::Merchant).await else {
        panic!("no merchant");
    };
    let page = merchant.catalogue(None, 100, None, Language::En).await.unwrap();
    let left: BTreeMap<&str, u64> =
        page.items.iter().map(|item| (item.number.as_str(), item.stock)).collect();
    for (number, _, stock) in ITEMS {
        let of_item = settled.clone().filter(|bought| bought.item == number);
        let sold: u64 = of_item.map(|bought| bought.quantity).sum();
        assert_eq!(left[number], stock - sold, "{number}");
    }
}
