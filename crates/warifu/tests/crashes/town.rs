//! A small network on this machine, set up as docs/operations.md tells operators and a buyer.

use crate::{
    ports::reserve_port,
    program::{good, run},
    service::Service,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The services beside the center.
pub const SERVICES: [&str; 3] = ["issuer", "merchant", "carrier"];

/// Who buys.
pub const HOLDER: &str = "mail:hanako@example.jp";

/// Item number, price in yen, stock. The last one is beyond the card's limit.
pub const ITEMS: [(&str, u64, u64); 4] = [
    ("T-100", 1980, 100_000),
    ("T-200", 410, 100_000),
    ("T-300", 7, 100_000),
    ("GOLD", 900_000_000_000, 100_000),
];

/// What can be bought with the card altogether, in yen.
pub const LIMIT: u64 = 500_000_000;

/// A network on this machine.
pub struct Town {
    /// The services that run.
    pub services: BTreeMap<&'static str, Service>,
    /// The center's fingerprint.
    pub fingerprint: String,
    ports: BTreeMap<&'static str, u16>,
    folder: TempDir,
}

fn identifier(party: &str) -> String {
    format!("domain:{party}.town.example")
}

impl Town {
    /// Sets a network up, with every service enrolled and nothing running.
    pub fn found() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let names = ["center", "issuer", "merchant", "carrier"];
        let mut ports = BTreeMap::new();
        for name in names {
            ports.insert(name, reserve_port());
        }
        let mut town =
            Town { services: BTreeMap::new(), fingerprint: String::new(), ports, folder };
        town.init_center();
        fs::write(town.path("catalogue.json"), catalogue()).unwrap();
        for party in SERVICES {
            town.enrol(party);
        }
        town.issue_card();
        town
    }

    /// As [`Town::found`], with every service running and a buyer ready to buy.
    pub fn open() -> Town {
        let mut town = Town::found();
        town.start("center");
        for party in SERVICES {
            town.start(party);
        }
        town.enrol_holder();
        town
    }

    /// The folder in which every command runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the town's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a party answers.
    pub fn url(&self, party: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[party])
    }

    fn init_center(&mut self) {
        let printed = good(
            self.folder(),
            &[
                "center",
                "init",
                "--data",
                "center",
                "--network",
                "town.example",
                "--identifier",
                &identifier("center"),
                "--url",
                &self.url("center"),
                "--holder-threshold",
                "64",
                "--service-threshold",
                "32",
            ],
        );
        let line = printed.lines().find(|line| line.starts_with("fingerprint")).unwrap();
        self.fingerprint = line.trim_start_matches("fingerprint").trim().to_string();
        self.configure("center", "");
    }

    fn configure(&self, party: &str, more: &str) {
        let text = format!(
            "data = \"{party}\"\nkey_file = \"{party}/warifu.key\"\nidentifier = \"{}\"\n\
             listen = \"127.0.0.1:{}\"\n{more}",
            identifier(party),
            self.ports[party],
        );
        fs::write(self.path(&format!("{party}.toml")), text).unwrap();
    }

    fn enrol(&self, party: &'static str) {
        let more = match party {
            "merchant" => {
                "[merchant]\ncatalogue = \"catalogue.json\"\n\
                 rules = [\"minimal\", \"classic\", \"no-carrier\", \"direct\"]\n\
                 carrier = { identifier = \"domain:carrier.town.example\" }\n\
                 instructions = \"Keep dry\"\n"
            }
            "carrier" => "[carrier]\nauto_deliver = true\n",
            _ => "",
        };
        let center = format!(
            "[center]\nidentifier = \"{}\"\nurl = \"{}\"\n",
            identifier("center"),
            self.url("center")
        );
        self.configure(party, &format!("{center}{more}"));
        let config = format!("{party}.toml");
        let (request, answer) = (format!("{party}.request"), format!("{party}.enrolment"));
        good(
            self.folder(),
            &["party", "request", "--config", &config, "--role", party, "--out", &request],
        );
        good(
            self.folder(),
            &["center", "admit", "--data", "center", "--request", &request, "--out", &answer],
        );
        good(
            self.folder(),
            &[
                "party",
                "accept",
                "--config",
                &config,
                "--enrolment",
                &answer,
                "--fingerprint",
                &self.fingerprint,
            ],
        );
    }

    fn issue_card(&self) {
        let application = serde_json::json!({
            "kind": "credit", "card_number": "4111111111111111", "expiry": "2031-08",
            "holder": HOLDER, "holder_name": "山田花子", "holder_telephone": "+81-3-5555-0123",
            "limits": [{"minor": LIMIT, "currency": "JPY"}], "zones": [], "max_instalments": 12,
        });
        fs::write(self.path("card.json"), application.to_string()).unwrap();
        good(
            self.folder(),
            &["issuer", "add-card", "--config", "issuer.toml", "--application", "card.json"],
        );
    }

    /// Makes the buyer's keys and their request.
    pub fn request_holder(&self) {
        good(
            self.folder(),
            &[
                "holder",
                "init",
                "--data",
                "hanako",
                "--identifier",
                HOLDER,
                "--center",
                &identifier("center"),
                "--center-url",
                &self.url("center"),
                "--out",
                "hanako.request",
            ],
        );
        good(
            self.folder(),
            &[
                "center",
                "issue",
                "--data",
                "center",
                "--request",
                "hanako.request",
                "--out",
                "hanako.enrolment",
            ],
        );
    }

    /// Everything that a buyer does once.
    pub fn enrol_holder(&self) {
        self.request_holder();
        good(
            self.folder(),
            &[
                "holder",
                "accept",
                "--data",
                "hanako",
                "--enrolment",
                "hanako.enrolment",
                "--fingerprint",
                &self.fingerprint,
            ],
        );
        good(
            self.folder(),
            &[
                "holder",
                "profile",
                "--data",
                "hanako",
                "--name",
                "山田花子",
                "--telephone",
                "+81-3-5555-0123",
            ],
        );
        fs::write(self.path("number.txt"), "4111111111111111\n").unwrap();
        good(
            self.folder(),
            &[
                "holder",
                "card",
                "--data",
                "hanako",
                "--issuer",
                &identifier("issuer"),
                "--expiry",
                "2031-08",
                "--number-from",
                "number.txt",
            ],
        );
    }

    /// The arguments of a purchase.
    pub fn buy(&self, item: &str, rule: &str) -> Vec<String> {
        let url = self.url("merchant");
        let mut arguments = vec![
            "holder",
            "buy",
            "--data",
            "hanako",
            "--merchant",
            &url,
            "--item",
            item,
            "--rule",
            rule,
        ];
        if rule != "no-carrier" {
            arguments.extend(["--destination", "山田太郎 京都市左京区 4-5-6"]);
        }
        arguments.into_iter().map(str::to_string).collect()
    }

    /// Starts a service and waits until it answers.
    pub fn start(&mut self, party: &'static str) {
        let service = Service::start(self.folder(), party, self.ports[party]);
        self.services.insert(party, service);
    }

    /// Kills a service without a warning.
    pub fn kill(&mut self, party: &str) {
        // Dropping it kills it.
        self.services.remove(party).unwrap();
    }

    /// Takes up the buyer's open orders, as far as the others are there.
    pub fn resume(&self) {
        let output = run(self.folder(), &["holder", "resume", "--data", "hanako"]);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn catalogue() -> String {
    let item = |(number, price, stock): &(&str, u64, u64)| {
        serde_json::json!({
            "number": number, "name": {"en": format!("Item {number}"), "ja": format!("品 {number}")},
            "kind": "thing", "prices": [{"minor": price, "currency": "JPY"}], "stock": stock,
        })
    };
    serde_json::Value::from_iter(ITEMS.iter().map(item)).to_string()
}
