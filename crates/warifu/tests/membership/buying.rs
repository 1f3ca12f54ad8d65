//! Paying with a prepaid card (rows B9, B10).

use crate::{
    chance::Chance,
    program::good_json,
    town::{ONLY_A, PASSWORDS, Town, fails, start_holder, wait_until, went_well},
};
use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

#[test]
fn a_purchase_and_its_history_with_a_alone() {
    let mut town = Town::with_prepaid("5000");
    let order = town.buy();
    assert!(order["transaction"].as_str().unwrap().starts_with("T-"), "{order}");
    assert_eq!(order["balance"]["minor"], 3020);
    assert_eq!(town.balance(), 3020);
    // More than there is on the card: nothing changes.
    town.buy();
    let line = fails(&town.try_to_buy());
    assert!(line.contains("balance_too_low"), "{line}");
    assert_eq!(town.balance(), 1040);
    // Offline, with A alone.
    town.kill_all();
    let history = town.history();
    let bought: Vec<_> = history.iter().filter(|line| line["kind"] == "purchase").collect();
    assert_eq!(bought.len(), 2, "{history:?}");
    assert_eq!(bought[0]["party"], "domain:merchant.town.example");
    assert_eq!(bought[0]["goods"], "Tea");
    assert_eq!(bought[0]["amount"]["minor"], 1980);
    let lines = went_well(&town.type_holder(&["history", "--utc-offset", "+09:00"], ONLY_A));
    let last = lines.lines().last().unwrap();
    assert!(last.ends_with("  domain:merchant.town.example  Tea  1980 JPY"), "{last}");
    let date: Vec<&str> = last.split_once(' ').unwrap().0.split('/').collect();
    assert_eq!(date.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn a_lost_answer_is_heard_when_the_same_telegram_goes_again() {
    let mut town = Town::with_prepaid("5000");
    // The center pays, and dies before anyone hears of it.
    town.proxy.lose_next_answer();
    let line = fails(&town.try_to_buy());
    assert!(line.contains("cannot be reached"), "{line}");
    assert!(town.proxy.has_lost());
    town.kill("center");
    town.start("center");
    wait_until("the order is settled", || {
        town.holder(&["resume"]);
        town.holder_json(&["orders"])[0]["state"] == "settled"
    });
    let order = &town.holder_json(&["orders"])[0];
    assert_eq!(order["balance"]["minor"], 3020, "{order}");
    assert!(order["transaction"].as_str().is_some(), "{order}");
    assert_eq!(town.balance(), 3020);
    let bought = town.history().iter().filter(|line| line["kind"] == "purchase").count();
    assert_eq!(bought, 1);
}

#[test]
fn nothing_is_paid_for_an_order_that_the_merchant_has_not_taken() {
    let town = Town::with_prepaid("5000");
    let taken = || good_json(town.folder(), &["merchant", "orders", "--config", "merchant.toml"]);
    // The quote comes, and then nobody answers the order any more.
    town.shop.let_through(Some(1));
    let line = fails(&town.try_to_buy());
    assert!(line.contains("cannot be reached"), "{line}");
    let orders = town.holder_json(&["orders"]);
    assert_eq!((orders.as_array().unwrap().len(), &orders[0]["state"]), (1, &().into()));
    assert_eq!(taken(), serde_json::json!([]));
    assert_eq!(town.balance(), 5000);
    fails(&town.type_holder(&["resume"], PASSWORDS));
    assert_eq!(town.balance(), 5000);
    // It is back: the stored bytes go again, and then the payment.
    town.shop.let_through(None);
    wait_until("the order is settled", || {
        town.holder(&["resume"]);
        town.holder_json(&["orders"])[0]["state"] == "settled"
    });
    assert_eq!(town.balance(), 3020);
}

#[test]
fn a_payment_that_waits_is_made_when_the_center_is_back() {
    let mut town = Town::with_prepaid("5000");
    // The merchant knows everyone by now, so that it takes the order without the center.
    town.buy();
    let order = town.tea();
    town.kill("center");
    let arguments: Vec<&str> = order.iter().map(String::as_str).collect();
    let line = town.holder_fails(&arguments);
    assert!(line.contains("cannot be reached"), "{line}");
    town.start("center");
    town.holder(&["resume"]);
    wait_until("the order is settled", || {
        town.holder(&["resume"]);
        let orders = town.holder_json(&["orders"]);
        let orders = orders.as_array().unwrap();
        orders.len() == 2 && orders.iter().all(|order| order["state"] == "settled")
    });
    assert_eq!(town.balance(), 1040);
}

#[test]
fn a_purchase_is_prepared_now_and_sent_later() {
    let mut town = Town::with_prepaid("5000");
    // The merchant knows everyone by now, so that it quotes without the center.
    town.buy();
    town.kill("center");
    let mut later = town.tea();
    later.push("--later".to_string());
    let later: Vec<&str> = later.iter().map(String::as_str).collect();
    let prepared: Value = serde_json::from_str(&town.holder(&later)).unwrap();
    assert_eq!(prepared["state"], Value::Null, "{prepared}");
    let taken = good_json(town.folder(), &["merchant", "orders", "--config", "merchant.toml"]);
    assert_eq!(taken.as_array().unwrap().len(), 1, "nothing was sent: {taken}");
    // A telegram needs nobody to be prepared.
    town.kill("merchant");
    town.holder(&["top-up", "--amount", "3000", "--by", "transfer", "--later"]);
    let line = town.holder_fails(&["send"]);
    assert!(line.contains("cannot be reached"), "{line}");
    town.start("center");
    town.start("merchant");
    let sent = town.holder(&["send"]);
    assert!(sent.contains(prepared["order"].as_str().unwrap()), "{sent}");
    assert!(sent.contains("waits  reference"), "{sent}");
    wait_until("the order is settled", || {
        town.holder(&["resume"]);
        let orders = town.holder_json(&["orders"]);
        orders.as_array().unwrap().iter().all(|order| order["state"] == "settled")
    });
    assert_eq!(town.balance(), 1040);
    // What was sent does not wait any more.
    assert_eq!(town.holder(&["send"]), "nothing waits\n");
    assert_eq!(town.balance(), 1040);
}

#[test]
fn a_terminal_killed_at_any_moment_of_a_purchase_goes_on() {
    let mut chance = Chance::new();
    let town = Town::with_prepaid("50000");
    let order = town.tea();
    let order: Vec<&str> = order.iter().map(String::as_str).collect();
    let started = Instant::now();
    went_well(&town.type_holder(&order, PASSWORDS));
    let usual = started.elapsed().as_micros() as u64;
    for _ in 0..8 {
        let mut child = start_holder(town.folder(), &order, PASSWORDS);
        // The passwords take the first part of the time.
        sleep(Duration::from_micros(usual / 3 + chance.below(usual)));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
    }
    wait_until("every order has come to its end", || {
        // A meeting that was broken off may be refused once.
        town.type_holder(&["resume"], PASSWORDS);
        let orders = town.holder_json(&["orders"]);
        orders.as_array().unwrap().iter().all(|order| order["state"] == "settled")
    });
    let orders = town.holder_json(&["orders"]).as_array().unwrap().len();
    assert!(orders > 0);
    assert_eq!(town.balance(), 50_000 - 1980 * orders as u64);
    let bought = town.history().iter().filter(|line| line["kind"] == "purchase").count();
    assert_eq!(bought, orders, "one line for each order");
    let size = std::fs::metadata(town.path("hanako.vault")).unwrap().len();
    println!("a vault of {orders} orders has {} KiB", size / 1024);
    assert!(size < 64 * 1024 * (orders as u64 + 2), "the vault grows too fast: {size}");
}
