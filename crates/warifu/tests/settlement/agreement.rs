//! Whether all parties agree: on every order and every top-up, and on the money.

use crate::{
    network::Network,
    program::good_json,
    rounds::{PATIENCE, Told, issued, text},
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

/// The prices of the orders that were paid, by id, and what the loads brought, in yen.
struct Expected {
    paid: BTreeMap<String, u64>,
    loaded: Vec<u64>,
    orders: BTreeSet<String>,
}

/// Waits until nothing is on its way any more, kills every service, and compares all records with
/// what Hanako's terminal has, and that with what she was told.
pub async fn check(network: &mut Network, told: &Told) {
    let town = &mut network.town;
    let orders = town.holder_json(&["orders"]);
    let top_ups = issued(&town.holder_json(&["top-up-status"]));
    let paid = told.settled(&orders);
    for (order, transaction) in &told.paid {
        assert!(paid.contains_key(order), "shown as paid, and not settled: {order}");
        let known = orders.as_array().unwrap().iter().find(|known| known["order"] == *order);
        assert_eq!(known.unwrap()["transaction"], *transaction, "{order}");
    }
    let shown = told.issued.iter().find(|top_up| !top_ups.contains_key(*top_up));
    assert_eq!(shown, None, "shown as issued");
    let loaded = sorted(top_ups.into_values());
    // An issuer pays after the card is issued.
    let started = Instant::now();
    while books(town, Role::Issuer).await.audited.open_holds > 0 {
        assert!(started.elapsed() < PATIENCE, "the center does not claim what it has issued");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    town.kill_all();
    let all = orders.as_array().unwrap().iter().map(|order| text(&order["order"])).collect();
    let expected = Expected { paid, loaded, orders: all };
    check_orders(town, &expected, &orders).await;
    check_center(&books(town, Role::Center).await, &expected);
    check_issuer(&books(town, Role::Issuer).await, &expected);
}

/// Each order is paid, authorized, dispatched and delivered at all parties, or at none.
async fn check_orders(town: &Town, expected: &Expected, orders: &Value) {
    let folder = town.folder();
    let merchant = good_json(folder, &["merchant", "orders", "--config", "merchant.toml"]);
    let merchant = states(&merchant);
    let carrier = good_json(folder, &["carrier", "deliveries", "--config", "carrier.toml"]);
    let carrier = states(&carrier);
    let center = books(town, Role::Center).await.orders;
    let mut numbers = BTreeSet::new();
    for order in orders.as_array().unwrap() {
        let id = text(&order["order"]);
        let at = |party: &BTreeMap<String, String>| party.get(&id).cloned().unwrap_or_default();
        let (at_center, transaction) = center.get(&id).cloned().unwrap_or_default();
        let all = [at(&merchant), at_center, at(&carrier)];
        if expected.paid.contains_key(&id) {
            assert_eq!(all, ["settled", "settled", "delivered"], "{order}");
            assert_eq!(Value::from(transaction.clone()), order["transaction"], "{order}");
            assert!(numbers.insert(transaction), "a transaction number twice: {order}");
        } else {
            // The merchant keeps an order that nobody pays until the order's own time is over.
            assert!(matches!(all[0].as_str(), "" | "ordered" | "refused"), "{order}: {all:?}");
            assert!(matches!(all[1].as_str(), "" | "refused"), "{order}: {all:?}");
            assert_eq!((all[2].as_str(), transaction), ("", String::new()), "{order}");
        }
    }
    let known = |party: &BTreeMap<String, String>| {
        party.keys().find(|id| !expected.orders.contains(*id)).cloned()
    };
    assert_eq!((known(&merchant), known(&carrier)), (None, None), "orders that nobody made");
    assert_eq!(center.keys().find(|id| !expected.orders.contains(*id)), None);
}

/// Every card holds what was loaded, less what was paid; nothing is held, and nothing moved twice.
fn check_center(center: &Books, expected: &Expected) {
    let paid = sorted(expected.paid.values().copied());
    let (of_loads, of_payments): (u64, u64) = (expected.loaded.iter().sum(), paid.iter().sum());
    assert_eq!(center.audited.open_holds, 0);
    assert_eq!(center.amounts(|kind| kind == Kind::Plain), expected.loaded, "loaded");
    assert_eq!(center.amounts(|kind| kind == Kind::Pending), paid, "held");
    assert_eq!(center.amounts(|kind| matches!(kind, Kind::Post { .. })), paid, "claimed");
    assert_eq!(center.amounts(|kind| matches!(kind, Kind::Void { .. })), [0; 0], "let go");
    let sums = [
        center.sum(AccountKind::Card, |b| b.credits_posted),
        center.sum(AccountKind::Issuer, |b| b.debits_posted),
        center.sum(AccountKind::Card, |b| b.debits_posted),
        center.sum(AccountKind::Merchant, |b| b.credits_posted),
    ];
    assert_eq!(sums, [of_loads, of_loads, of_payments, of_payments]);
    center.nothing_is_pending();
    center.are_the_models();
}

/// Each load was held once and claimed once, and the issuer owes the center that and no more.
fn check_issuer(issuer: &Books, expected: &Expected) {
    let of_loads: u64 = expected.loaded.iter().sum();
    assert_eq!(issuer.audited.open_holds, 0);
    assert_eq!(issuer.amounts(|kind| kind == Kind::Pending), expected.loaded, "held");
    assert_eq!(
        issuer.amounts(|kind| matches!(kind, Kind::Post { .. })),
        expected.loaded,
        "claimed"
    );
    assert_eq!(issuer.amounts(|kind| matches!(kind, Kind::Void { .. })), [0; 0], "let go");
    let spent = issuer.sum(AccountKind::Card, |b| b.debits_posted);
    let owed = issuer.sum(AccountKind::Merchant, |b| b.credits_posted);
    assert_eq!((spent, owed), (of_loads, of_loads));
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
    /// State and transaction number of each of the center's orders, by id.
    orders: BTreeMap<String, (String, String)>,
}

impl Books {
    /// The sum over all accounts of a kind.
    pub fn sum(&self, kind: AccountKind, of: fn(&Balance) -> u64) -> u64 {
        self.balances.iter().filter(|account| account.kind == kind).map(|a| of(&a.balance)).sum()
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
    let orders = orders.map(|document| {
        let record: Value = serde_json::from_slice(&document.value).unwrap();
        let number = record["transaction"].as_str().unwrap_or_default().to_string();
        (document.key.clone(), (text(&record["view"]["state"]), number))
    });
    let orders = orders.collect();
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
