//! Whole orders, each by another way that cards go and providers bill.

use crate::{
    clerk::read_fax,
    evidence::{leaks, spool_is_clear},
    people::{HANAKO, TARO},
    program::bad,
    providers::{Kind, Provider},
    town::{Replies, Town},
    until,
    user::{DESTINATION, Letter, Order, User},
};
use serde_json::Value;

const INN: Provider = Provider { name: "inn", kind: Kind::Fax, clerk: true };
const BATH: Provider = Provider { name: "bath", kind: Kind::CardNetwork, clerk: true };
const TEA: Provider = Provider { name: "tea", kind: Kind::Line, clerk: false };
const HALL: Provider = Provider { name: "hall", kind: Kind::Reference, clerk: false };

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_smtp_imap_and_fax() {
    let (town, members) = Town::open(Replies::Imap, &[INN], &[HANAKO]).await;
    let user = User::login(&town, HANAKO, &members[0]);
    let order = user.order("inn", "the-first-order");
    let letter = until("the confirmation", || user.confirmation(&order));
    user.wait_for(&order, "confirming");
    strangers_change_nothing(&user, &order, &letter);
    assert!(town.sheets().is_empty(), "a card goes out before the approval");
    user.reply(&letter);
    user.wait_for(&order, "passed");
    by_fax(&user, INN, &order);
    // The same mail again approves nothing more.
    user.reply(&letter);
    let view = closed(&user, &order, "mail");
    assert_eq!(view["approved_by"], "mail", "{view}");
    assert_steps(&town, &order.id, &["authorized", "captured"]);
    let paid = town.pay("inn");
    assert_eq!(paid["amount"]["minor"], Provider::PRICE, "{paid}");
    assert_steps(&town, &order.id, &["authorized", "captured", "merchant_paid"]);
    bill_and_be_paid(&town, &order);
    assert_eq!(town.log("broker").matches("a mail to no order of ours").count(), 1);
    town.stop();
    spool_is_clear(&town, &HANAKO);
    assert_eq!(leaks(&town, &[INN], &HANAKO, (INN, &order)), []);
    // The check itself: a field in a file of somebody's would be found.
    for (party, value) in [
        ("broker", HANAKO.card),
        ("registry", DESTINATION),
        ("issuer", HANAKO.full_name),
        ("inn", HANAKO.telephone),
    ] {
        let planted = town.path(party).join("planted");
        std::fs::write(&planted, value).unwrap();
        assert!(!leaks(&town, &[INN], &HANAKO, (INN, &order)).is_empty(), "{party}");
        std::fs::remove_file(planted).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_by_lmtp_iso_8583_reference_and_closed_line() {
    let providers = [BATH, TEA, HALL];
    let (town, members) = Town::open(Replies::Lmtp, &providers, &[TARO]).await;
    let user = User::login(&town, TARO, &members[0]);
    let place = |provider: Provider| {
        let order = user.order(provider.name, &format!("an-order-at-{}", provider.name));
        let letter = until("the confirmation", || user.confirmation(&order));
        user.wait_for(&order, "confirming");
        (order, letter)
    };
    let (bath, letter) = place(BATH);
    strangers_change_nothing(&user, &bath, &letter);
    user.reply(&letter);
    let (tea, letter) = place(TEA);
    user.reply(&letter);
    let (hall, letter) = place(HALL);
    assert!(user.press(&letter, "approve"));
    user.wait_for(&bath, "passed");
    by_fax(&user, BATH, &bath);
    for (order, by) in [(&bath, "mail"), (&tea, "mail"), (&hall, "page")] {
        closed(&user, order, by);
    }
    let trade = |provider: Provider, order| {
        town.at_provider(provider.name, order).unwrap()["trade"].clone()
    };
    let billed = trade(BATH, &bath);
    assert_eq!((&billed["channel"], &billed["answer"]), (&"card_network".into(), &"00".into()));
    assert!(billed["approval"].is_string(), "{billed}");
    assert_eq!(trade(TEA, &tea)["channel"], "network");
    let sheet = town.sheet(&tea).unwrap();
    assert_eq!((&sheet["channel"], &sheet["state"]), (&"line".into(), &"cleared".into()));
    assert_eq!(trade(HALL, &hall)["card_way"], "reference");
    assert!(town.sheet(&hall).is_none() && town.fax.jobs().is_empty(), "a sheet for a reference");
    for (provider, order) in [(BATH, &bath), (TEA, &tea), (HALL, &hall)] {
        let (name, id) = (provider.name, &provider.id_at_issuer(order));
        assert_steps(&town, id, &["authorized", "captured"]);
        let paid = town.pay(name);
        assert_eq!(paid["amount"]["minor"], Provider::PRICE, "{paid}");
        assert_eq!(paid["orders"], serde_json::json!([id]), "{paid}");
        // A debit card is paid already: the payout is the last step.
        assert_steps(&town, id, &["authorized", "captured", "merchant_paid", "closed"]);
    }
    town.stop();
    spool_is_clear(&town, &TARO);
    // At no provider is a card any more.
    assert_eq!(leaks(&town, &providers, &TARO, (HALL, &hall)), []);
}

/// The issuer bills the user, who pays in two pieces, and the trade is closed (steps 62, 26, 63, 64).
fn bill_and_be_paid(town: &Town, order: &Order) {
    let cards = town.at_issuer("cards", &[]);
    let card = format!("--card={}", cards[0]["id"].as_str().unwrap());
    let take = ["take-payment", "--config", "issuer.toml", "--id", "p-1", &card, "--amount", "733"];
    // Before the month is closed nothing is billed, and nothing can be paid.
    let told = bad(&town.path("issuer"), &[&["issuer"][..], &take].concat());
    assert!(told.contains("amount"), "{told}");
    let month = town.month_of_capture(&order.id);
    let month = ["--month", &month];
    let so_far = town.at_issuer("statement", &[&month[..], &[&card]].concat());
    assert_eq!(
        (&so_far["closed"], &so_far["lines"][0]["order"]),
        (&false.into(), &json(&order.id))
    );
    let billed = town.at_issuer("close-month", &month);
    assert_eq!(billed[0]["totals"][0]["minor"], Provider::PRICE, "{billed}");
    assert_eq!(town.at_issuer("close-month", &month), billed, "closed once");
    assert_steps(town, &order.id, &["authorized", "captured", "merchant_paid", "billed"]);
    town.at_issuer("take-payment", &["--id", "p-1", &card, "--amount", "733"]);
    town.at_issuer("take-payment", &["--id", "p-1", &card, "--amount", "733"]);
    let paid = town.at_issuer("pay-statement", &[&month[..], &[&card]].concat());
    assert_eq!(paid["paid"], true, "{paid}");
    let all = ["authorized", "captured", "merchant_paid", "billed", "holder_paid", "closed"];
    assert_steps(town, &order.id, &all);
}

fn json(text: &str) -> Value {
    Value::String(text.to_string())
}

/// A guessed address and a forged sender by the real mail server, and the page that is only looked
/// at: each is taken, and nothing has changed (row C5).
fn strangers_change_nothing(user: &User<'_>, order: &Order, letter: &Letter) {
    let town = user.town;
    let seen = |words: &'static str, count: usize| {
        until(words, || (town.log("broker").matches(words).count() >= count).then_some(()));
    };
    let (local, domain) = letter.reply_to.split_once('@').unwrap();
    let (rest, last) = local.split_at(local.len() - 1);
    let guessed = format!("{rest}{}@{domain}", if last == "a" { "b" } else { "a" });
    user.reply_as(letter, &user.person.mail(), &guessed);
    seen("a mail to no order of ours", 1);
    user.reply_as(letter, "mallory@mail.test", &letter.reply_to);
    seen("a reply changes nothing", 1);
    let page = crate::http::request(&town.url("broker"), &format!("GET {}", letter.page), b"");
    assert_eq!(page.0, 200);
    assert_eq!(user.state(order), "confirming");
}

/// The fax is queued, decoded and read, the card typed in, the order accepted and served, and the
/// page cleared (rows C7, C8).
fn by_fax(user: &User<'_>, provider: Provider, order: &Order) {
    let town = user.town;
    let job = until("the fax", || town.fax_job(order));
    until("the sheet", || town.sheet(order).filter(|sheet| sheet["state"] == "handed_over"));
    read_fax(town, provider, order, &job, &user.person);
    let entered = town.type_in(provider.name, order, user.person.card);
    assert!(entered.status.success(), "{}", String::from_utf8_lossy(&entered.stderr));
    assert_eq!(town.clerk(provider.name, "accept", order), "authorized");
    user.wait_for(order, "accepted");
    let served = town.clerk(provider.name, "serve", order);
    assert!(["delivered", "settled"].contains(&served.as_str()), "{served}");
    town.deliver(&job);
    until("the end of the sheet", || town.sheet(order).filter(|sheet| sheet["state"] == "cleared"));
    assert!(town.fax.jobs().is_empty(), "a second fax");
}

/// The order is closed at the broker, settled at the provider, and was approved once.
#[track_caller]
fn closed(user: &User<'_>, order: &Order, by: &str) -> Value {
    let view = user.wait_for(order, "closed");
    assert_eq!(view["approved_by"], by, "{view}");
    let steps = view["steps"].as_array().unwrap();
    let steps = steps.iter().map(|step| step["state"].as_str().unwrap());
    // Where no card goes out, the provider may have accepted before it counts as passed on.
    let steps: Vec<&str> = steps.filter(|state| *state != "passed").collect();
    let all = ["placed", "held", "confirming", "approved", "accepted", "served", "closed"];
    assert_eq!(steps, all, "{view}");
    let provider = [INN, BATH, TEA, HALL].into_iter().find_map(|provider| {
        let known = user.town.providers.contains_key(provider.name);
        known.then(|| user.town.at_provider(provider.name, order))?
    });
    assert_eq!(provider.unwrap()["view"]["state"], "settled");
    view
}

#[track_caller]
fn assert_steps(town: &Town, id: &str, expected: &[&str]) {
    let steps = town.steps(id);
    let names: Vec<&str> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected);
    for (name, amount) in &steps {
        let moved = (name != "closed").then_some(Provider::PRICE);
        assert_eq!(*amount, moved, "{name}");
    }
}
