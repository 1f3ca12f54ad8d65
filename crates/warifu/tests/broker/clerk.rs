//! What the operators of registry, provider and issuer do and see, all by the command line.

use crate::{
    people::{EXPIRY, Person},
    program::{good, good_json, typed},
    providers::Provider,
    town::{Town, identifier},
    user::Order,
};
use serde_json::Value;
use std::process::Output;
use warifu_gateways::fax::page::{Page, Typeface};
use warifu_ports::fax::CardSheet;
use warifu_testkit::fax::{CARD_NUMBER, FaxPage, Job};
use warifu_types::UnixTime;

impl Town {
    /// The registry's sheet of an order; none if it has none.
    pub fn sheet(&self, order: &Order) -> Option<Value> {
        self.sheets().into_iter().find(|sheet| sheet["number"] == order.number.as_str())
    }

    /// All of the registry's sheets.
    pub fn sheets(&self) -> Vec<Value> {
        let list = ["registry", "sheets", "--config", "registry.toml"];
        serde_json::from_value(good_json(&self.path("registry"), &list)).unwrap()
    }

    /// The registry's operator blocks a member, or lets it in again.
    pub fn block(&self, member: &str, blocked: bool) {
        let block = ["registry", "block-member", "--config", "registry.toml", "--member", member];
        let off: &[&str] = if blocked { &[] } else { &["--off"] };
        good(&self.path("registry"), &[&block[..], off].concat());
    }

    /// The order as the broker's operator sees it.
    pub fn at_broker(&self, order: &Order) -> Value {
        let orders =
            good_json(&self.path("broker"), &["broker", "orders", "--config", "broker.toml"]);
        let orders: Vec<Value> = serde_json::from_value(orders).unwrap();
        orders.into_iter().find(|known| known["id"] == order.id.as_str()).unwrap()
    }

    /// The provider's order of this number; none if it has not come.
    pub fn at_provider(&self, provider: &str, order: &Order) -> Option<Value> {
        let list = ["merchant", "broker", "orders", "--config", "merchant.toml"];
        let orders = good_json(&self.path(provider), &list);
        let orders: Vec<Value> = serde_json::from_value(orders).unwrap();
        orders.into_iter().find(|known| known["trade"]["number"] == order.number.as_str())
    }

    /// The provider's clerk says `accept`, `decline` or `serve`; the state after.
    #[track_caller]
    pub fn clerk(&self, provider: &str, action: &str, order: &Order) -> String {
        let said = ["merchant", "broker", action, "--config", "merchant.toml", "--number"];
        let number = [order.number.as_str()];
        good(&self.path(provider), &[&said[..], &number].concat()).trim().to_string()
    }

    /// The provider's clerk declines, if the order is there; whether it is done.
    pub fn decline(&self, provider: &str, order: &Order) -> bool {
        let said = ["merchant", "broker", "decline", "--config", "merchant.toml", "--number"];
        let number = [order.number.as_str()];
        typed(&self.path(provider), &[&said[..], &number].concat(), "").status.success()
    }

    /// The provider's clerk types a card in.
    pub fn type_in(&self, provider: &str, order: &Order, card: &str) -> Output {
        let card = format!("{card}\n{EXPIRY}\n");
        let enter = ["merchant", "broker", "card", "--config", "merchant.toml", "--number"];
        let number = [order.number.as_str()];
        typed(&self.path(provider), &[&enter[..], &number].concat(), &card)
    }

    /// The names and amounts of the issuer's steps of an order, by its id there.
    pub fn steps(&self, id: &str) -> Vec<(String, Option<u64>)> {
        let order = format!("--order={id}");
        let steps = ["issuer", "steps", "--config", "issuer.toml", &order];
        let steps = good_json(&self.path("issuer"), &steps);
        let step = |step: &Value| {
            let name = step["step"].as_str().unwrap().to_string();
            (name, step["amount"]["minor"].as_u64())
        };
        steps.as_array().unwrap().iter().map(step).collect()
    }

    /// The month (UTC), YYYY-MM, in which an order was captured.
    pub fn month_of_capture(&self, id: &str) -> String {
        let steps = self.at_issuer("steps", &[&format!("--order={id}")]);
        let captured = |step: &&Value| step["step"] == "captured";
        let step = steps.as_array().unwrap().iter().find(captured).unwrap();
        let (year, month) = UnixTime(step["at"].as_u64().unwrap()).year_month();
        format!("{year:04}-{month:02}")
    }

    /// The issuer pays a provider all that it is owed.
    pub fn pay(&self, provider: &str) -> Value {
        let (id, who) = (format!("payout-{provider}"), identifier(provider));
        let pay = ["issuer", "pay-merchant", "--config", "issuer.toml", "--id", &id];
        good_json(&self.path("issuer"), &[&pay[..], &["--merchant", &who]].concat())
    }

    /// The issuer's operator does something with the only card's statements; what is printed.
    #[track_caller]
    pub fn at_issuer(&self, command: &str, more: &[&str]) -> Value {
        let arguments = ["issuer", command, "--config", "issuer.toml"];
        good_json(&self.path("issuer"), &[&arguments[..], more].concat())
    }

    /// The fax server's job with the sheet of an order; none as long as it has none.
    pub fn fax_job(&self, order: &Order) -> Option<Job> {
        let tag = format!("card-{}-1", order.number);
        self.fax.jobs().into_iter().find(|job| job.tag == tag)
    }

    /// The other side has taken the page.
    pub fn deliver(&self, job: &Job) {
        self.fax.finish(job.number, &[("state", "7"), ("npages", "1"), ("totpages", "1")]);
    }
}

/// Reads a fax. It shows what a sheet shows, and nothing else: bit by bit the page that is drawn of
/// these values. An OCR program reads every digit of the card off it.
#[track_caller]
pub fn read_fax(town: &Town, provider: Provider, order: &Order, job: &Job, person: &Person) {
    assert_eq!(job.to, Provider::FAX);
    let page = FaxPage::decode(&job.page);
    let sheet = town.sheet(order).unwrap();
    let drawn = CardSheet {
        number: order.number.clone(),
        provider: provider.shown(),
        holder_name: person.full_name.to_string().into(),
        card_number: person.card.to_string().into(),
        card_expiry: EXPIRY.to_string().into(),
        written: UnixTime(sheet["written"].as_u64().unwrap()),
    };
    let drawn = Page::draw(&Typeface::find().unwrap(), &drawn).unwrap();
    let text = page.read("eng");
    assert!(page.bits == drawn.bits(), "the page shows something else: {text}");
    let mut read = page.read_line(CARD_NUMBER);
    read.retain(|c| !c.is_whitespace());
    assert_eq!(read, person.card, "not legible: {text}");
}
