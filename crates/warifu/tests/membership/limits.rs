//! What an operator sets in `[settlement]` holds at the running center.

use crate::{program::bad, town::Town};
use std::{fs, time::SystemTime};
use warifu_types::UnixTime;

const SET: &str = "[settlement]\ncard_months = 6\n\
                   limits = [{ currency = \"JPY\", card = 3000, member = 4000 }]\n";

/// The month in so many months, `YYYY-MM`.
fn month_in(months: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let (year, month) = UnixTime(now.as_secs()).year_month();
    let count = u64::from(year) * 12 + u64::from(month) - 1 + months;
    format!("{:04}-{:02}", count / 12, count % 12 + 1)
}

#[test]
fn a_card_has_the_limits_and_the_life_that_the_operator_set() {
    let mut town = Town::with_member();
    town.set_center(SET);
    for (amount, currency, reason) in
        [("3001", "JPY", "card_limit_exceeded"), ("1", "EUR", "currency_not_served")]
    {
        let wish = ["top-up", "--amount", amount, "--currency", currency, "--by", "transfer"];
        let line = town.holder_fails(&wish);
        assert!(line.contains(reason), "{line}");
    }
    town.holder(&["top-up", "--amount", "3000", "--card", "card"]);
    let beyond = ["top-up", "--amount", "1001", "--card", "card", "--onto", "other"];
    assert!(town.holder_fails(&beyond).contains("member_limit_exceeded"));
    // The other way to a card: the operator says that the money came.
    let asked = ["top-up", "--amount", "1000", "--by", "transfer", "--onto", "other"];
    let asked = town.holder_json(&asked);
    let reference = asked["standing"]["waiting"]["reference"].as_str().unwrap();
    let money = ["--id", "bank-1", "--amount", "1000", "--way", "transfer", "--reference"];
    town.center("money-received", &[&money[..], &[reference]].concat());
    let cards = town.holder_json(&["cards", "--refresh"]);
    let expiries: Vec<&str> =
        cards.as_array().unwrap().iter().map(|card| card["expiry"].as_str().unwrap()).collect();
    assert_eq!(expiries, [month_in(6), month_in(6)], "{cards}");
}

#[test]
fn a_setting_that_cannot_be_stops_the_center_and_names_its_field() {
    let mut town = Town::open();
    town.kill("center");
    let text = fs::read_to_string(town.path("center.toml")).unwrap();
    for (setting, field) in [
        ("limits = [{ currency = \"JPY\", card = 2, member = 1 }]", "settlement.limits[0].member"),
        ("instalments = 61", "settlement.instalments"),
        ("rates.telegrams = { burst = 0, a_minute = 1 }", "settlement.rates.telegrams.burst"),
        ("patience_seconds = 60", "settlement.patience_seconds"),
        ("meter_idle_seconds = 0", "settlement.meter_idle_seconds"),
    ] {
        fs::write(town.path("wrong.toml"), format!("{text}[settlement]\n{setting}\n")).unwrap();
        let line = bad(town.folder(), &["serve", "center", "--config", "wrong.toml"]);
        assert!(line.starts_with(&format!("warifu: {field}: ")), "{setting}: {line}");
    }
}
