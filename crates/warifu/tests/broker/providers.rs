//! The providers: merchants that sell through the broker, each with its own channel for cards and its
//! own way of billing.

use crate::{
    line::files,
    program::{good, good_json},
    town::{Town, identifier},
    user::Order,
};
use std::fs;
use warifu_issuer::Issuer;
use warifu_ports::card_network::TradeReference;
use warifu_protocol::trade_number::TradeNumber;

/// How a provider gets its cards, and bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By fax; bills in the network.
    Fax,
    /// By fax; bills by ISO 8583.
    CardNetwork,
    /// By fax; bills by ISO 8583 at an independent library's port.
    Peer(u16),
    /// An operator reads its cards out by telephone; bills in the network.
    Telephone,
    /// Over its closed line; bills in the network.
    Line,
    /// Never: it bills by reference.
    Reference,
}

/// A provider.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// What it is called, and its folder.
    pub name: &'static str,
    /// How it gets its cards, and bills.
    pub kind: Kind,
    /// Whether a clerk accepts and serves, and not the program by itself.
    pub clerk: bool,
}

impl Provider {
    /// The fax number.
    pub const FAX: &str = "+81925551234";
    /// The telephone number.
    pub const TELEPHONE: &str = "+81925555678";
    /// What the service costs, in yen: a number that stands nowhere else.
    pub const PRICE: u64 = 19_733_127;
    /// Its code as a card acceptor.
    pub const ACCEPTOR: &str = "BATH0001";

    /// The name that users and sheets show.
    pub fn shown(&self) -> String {
        format!("Ryokan {} 旅館 椿", self.name)
    }

    /// What an order is called at the issuer. On the card network only its number goes there.
    pub fn id_at_issuer(&self, order: &Order) -> String {
        if self.kind != Kind::CardNetwork {
            return order.id.clone();
        }
        let number: TradeNumber = order.number.parse().unwrap();
        let acceptor = Provider::ACCEPTOR.to_string();
        let trade = TradeReference { acceptor, reference: number.reference() };
        Issuer::order_of_trade(&trade).to_string()
    }

    /// Whether its cards come by fax.
    pub fn has_fax(&self) -> bool {
        matches!(self.kind, Kind::Fax | Kind::CardNetwork | Kind::Peer(_))
    }

    /// The rule that it offers.
    fn rule(&self) -> &'static str {
        if self.kind == Kind::Reference { "broker-reference" } else { "broker" }
    }
}

impl Town {
    /// Everything of a provider until it can be started.
    pub fn admit(&mut self, provider: Provider) {
        let Provider { name, kind, clerk } = provider;
        let by_itself = !clerk;
        let mut more = format!(
            "[merchant]\ncatalogue = \"catalogue.json\"\nrules = [\"{}\"]\n\
             [merchant.provider]\naccept = {by_itself}\nserve = {by_itself}\n",
            provider.rule()
        );
        match kind {
            Kind::CardNetwork => more.push_str(&format!(
                "card_network = {{ address = \"127.0.0.1:{}\", acceptor = \"{}\", \
                 tls = {{ name = \"issuer.line.test\", files = {} }} }}\n",
                self.lines["cards"],
                Provider::ACCEPTOR,
                files(name)
            )),
            Kind::Peer(port) => more.push_str(&format!(
                "card_network = {{ address = \"127.0.0.1:{port}\", acceptor = \"{}\" }}\n",
                Provider::ACCEPTOR,
            )),
            Kind::Line => more.push_str(&format!(
                "line = {{ registry = \"localhost\", listen = \"127.0.0.1:{}\", files = {} }}\n",
                self.lines["tea"],
                files(name)
            )),
            Kind::Fax | Kind::Telephone | Kind::Reference => {}
        }
        self.settle_in(name, "merchant", &more);
        fs::write(self.path(name).join("catalogue.json"), catalogue()).unwrap();
        self.enrol(name, "merchant");
        self.enter_at_broker(provider);
        self.enter_at_registry(provider);
        if kind == Kind::CardNetwork {
            let issuer = self.path("issuer");
            let who = identifier(name);
            good(
                &issuer,
                &[
                    "issuer",
                    "admit-acceptor",
                    "--config",
                    "issuer.toml",
                    "--code",
                    Provider::ACCEPTOR,
                    "--merchant",
                    &who,
                ],
            );
        }
    }

    fn enter_at_broker(&mut self, provider: Provider) {
        let broker = self.path("broker");
        let (who, shown, url) =
            (identifier(provider.name), provider.shown(), self.url(provider.name));
        let mut arguments = vec![
            "broker",
            "apply",
            "--config",
            "broker.toml",
            "--identifier",
            &who,
            "--name",
            &shown,
            "--url",
            &url,
            "--mail",
            "desk@mail.test",
        ];
        if provider.kind == Kind::Reference {
            arguments.push("--by-reference");
        }
        let number = good(&broker, &arguments).trim().to_string();
        let at = ["--config", "broker.toml", "--provider", &number];
        good(&broker, &[&["broker", "admit"][..], &at].concat());
        fs::write(broker.join("services.csv"), services()).unwrap();
        let import = ["--import", "services.csv"];
        good(&broker, &[&["broker", "services"][..], &at, &import].concat());
        let listed = good_json(&broker, &["broker", "providers", "--config", "broker.toml"]);
        assert!(listed.to_string().contains(&who), "{listed}");
        self.providers.insert(provider.name, number);
    }

    fn enter_at_registry(&self, provider: Provider) {
        let (who, shown) = (identifier(provider.name), provider.shown());
        let url = format!("https://localhost:{}", self.lines["tea"]);
        let channel: &[&str] = match provider.kind {
            Kind::Fax | Kind::CardNetwork | Kind::Peer(_) => &["--fax", Provider::FAX],
            Kind::Telephone => &["--telephone", Provider::TELEPHONE],
            Kind::Line => &["--line", &url],
            Kind::Reference => &["--reference"],
        };
        let arguments = [
            "registry",
            "admit",
            "--config",
            "registry.toml",
            "--provider",
            &who,
            "--name",
            &shown,
            "--sheets-an-hour",
            "100000",
        ];
        good(&self.path("registry"), &[&arguments[..], channel].concat());
    }
}

/// One thing, at one price.
fn catalogue() -> String {
    serde_json::json!([{
        "number": "N-1", "name": {"en": "Night with dinner", "ja": "一泊二食"}, "kind": "thing",
        "prices": [{"minor": Provider::PRICE, "currency": "JPY"}], "stock": 100_000,
    }])
    .to_string()
}

/// The same, as a provider registers its services (row C1).
fn services() -> String {
    format!(
        "number,kind,name_en,name_ja,price,currency,place\n\
         N-1,inn,Night with dinner,一泊二食,{},JPY,別府\n",
        Provider::PRICE
    )
}
