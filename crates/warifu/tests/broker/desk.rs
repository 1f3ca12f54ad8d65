//! The desks of registry and broker, all by the command line: a card read out by telephone, a fax that
//! nobody has confirmed, a new key, a blocked member, an order in trouble (row C7).

use crate::{
    people::TARO,
    program::{bad, good, good_json},
    providers::{Kind, Provider},
    town::{Replies, Town},
    until,
    user::{Order, User},
};
use serde_json::Value;
use warifu_testkit::fax::Job;

const INN: Provider = Provider { name: "inn", kind: Kind::Fax, clerk: true };
const HUT: Provider = Provider { name: "hut", kind: Kind::Telephone, clerk: true };

impl Town {
    /// The registry's operator does something with a sheet.
    #[track_caller]
    fn with_sheet(&self, command: &str, order: &Order) -> String {
        let at = ["registry", command, "--config", "registry.toml"];
        let which = ["--number", &order.number, "--by", "Jiro"];
        good(&self.path("registry"), &[&at[..], &which].concat())
    }

    /// Waits until an order's sheet is in a state.
    #[track_caller]
    fn wait_for_sheet(&self, order: &Order, state: &str) -> Value {
        until(state, || self.sheet(order).filter(|sheet| sheet["state"] == state))
    }

    /// The fax server's nth job for an order's sheet, from 1.
    #[track_caller]
    fn nth_fax(&self, order: &Order, nth: u32) -> Job {
        let tag = format!("card-{}-{nth}", order.number);
        until(&tag, || self.fax.jobs().into_iter().find(|job| job.tag == tag))
    }

    /// The call ended before the other side had confirmed the page.
    fn leave_unconfirmed(&self, job: &Job) {
        self.fax.finish(job.number, &[("state", "7"), ("npages", "0"), ("totpages", "1")]);
    }
}

/// An order that its user has approved on the page.
fn passed(user: &User<'_>, provider: Provider, key: &str) -> Order {
    let order = user.order(provider.name, key);
    let letter = until("the confirmation", || user.confirmation(&order));
    user.wait_for(&order, "confirming");
    assert!(user.press(&letter, "approve"));
    user.wait_for(&order, "passed");
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operators_of_registry_and_broker_do_by_hand() {
    let (town, members) = Town::open(Replies::Lmtp, &[INN, HUT], &[TARO]).await;
    let user = User::login(&town, TARO, &members[0]);
    a_card_is_read_out(&user);
    let order = a_fax_is_sent_anew_and_confirmed(&user);
    an_order_in_trouble_is_listed(&user, &order);
    cards_come_under_a_new_key(&user);
    a_blocked_member_orders_nothing(&user, &members[0]);
    town.stop();
}

fn a_card_is_read_out(user: &User<'_>) {
    let town = user.town;
    let order = passed(user, HUT, "by-telephone");
    let shown = town.with_sheet("read-out", &order);
    for part in [&order.number, TARO.card, TARO.full_name, "2031-08"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    town.with_sheet("record-read-out", &order);
    let sheet = town.wait_for_sheet(&order, "read_out");
    assert_eq!(sheet["steps"].as_array().unwrap().last().unwrap()["by"], "Jiro");
    assert!(!sheet.to_string().contains(TARO.card));
    let again = ["registry", "read-out", "--config", "registry.toml", "--by", "Jiro"];
    let number = ["--number", &order.number];
    let told = bad(&town.path("registry"), &[&again[..], &number].concat());
    assert!(told.contains("number"), "{told}");
}

fn a_fax_is_sent_anew_and_confirmed(user: &User<'_>) -> Order {
    let town = user.town;
    let order = passed(user, INN, "unconfirmed");
    town.leave_unconfirmed(&town.nth_fax(&order, 1));
    town.wait_for_sheet(&order, "unconfirmed");
    town.with_sheet("resend-fax", &order);
    let second = town.nth_fax(&order, 2);
    assert!(town.fax.files("doneq").is_empty(), "the first page is cleared from the spool");
    assert_eq!(town.fax.files("docq").len(), 1);
    town.leave_unconfirmed(&second);
    until("the second", || {
        let sheet = town.sheet(&order)?;
        (sheet["state"] == "unconfirmed" && sheet["attempt"] == 2).then_some(())
    });
    town.with_sheet("confirm-fax", &order);
    let sheet = town.wait_for_sheet(&order, "cleared");
    assert_eq!(sheet["attempt"], 2);
    assert!(town.fax.jobs().is_empty());
    order
}

/// The provider declines after the card came.
fn an_order_in_trouble_is_listed(user: &User<'_>, order: &Order) {
    let town = user.town;
    let list = |more: &[&str]| {
        let orders = ["broker", "orders", "--config", "broker.toml"];
        good_json(&town.path("broker"), &[&orders[..], more].concat())
    };
    assert_eq!(list(&["--trouble"]), serde_json::json!([]));
    town.clerk(INN.name, "decline", order);
    user.wait_for(order, "declined");
    let listed = until("the trouble", || {
        let listed = list(&["--trouble"]);
        (listed.as_array().unwrap().len() == 1).then_some(listed)
    });
    assert_eq!(
        (&listed[0]["number"], &listed[0]["trouble"]),
        (&order.number.as_str().into(), &"card_out".into(),)
    );
    assert!(list(&[]).as_array().unwrap().len() >= 2);
}

fn cards_come_under_a_new_key(user: &User<'_>) {
    let town = user.town;
    let registry = town.path("registry");
    good(&registry, &["registry", "new-key", "--out", "next.key"]);
    let keys = ("[\"cards.key\"]", "[\"next.key\", \"cards.key\"]");
    town.change_setting("registry", keys);
    let rotate = ["registry", "rotate", "--config", "registry.toml"];
    let told = good(&registry, &rotate);
    let (count, in_use) = told.split_once('\n').unwrap();
    assert_eq!(count, "1 cards");
    let in_use: std::collections::BTreeMap<String, u64> = serde_json::from_str(in_use).unwrap();
    assert_eq!(in_use.values().collect::<Vec<_>>(), [&1], "{in_use:?}");
    assert!(good(&registry, &rotate).starts_with("0 cards\n"), "what is done stays done");
    // The card still opens.
    let order = passed(user, INN, "after-the-rotation");
    town.deliver(&town.nth_fax(&order, 1));
    town.wait_for_sheet(&order, "cleared");
}

fn a_blocked_member_orders_nothing(user: &User<'_>, member: &str) {
    let town = user.town;
    town.block(member, true);
    let order = user.order(INN.name, "blocked");
    let view = user.wait_for(&order, "refused");
    assert_eq!(view["reason"], "blocked", "{view}");
    assert!(town.sheet(&order).is_none());
    town.block(member, false);
    let order = user.order(INN.name, "free-again");
    user.wait_for(&order, "confirming");
}
