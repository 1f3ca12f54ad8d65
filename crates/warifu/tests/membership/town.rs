//! A small town with a settlement center: issuer, merchant, carrier, and Hanako, who joins.

use crate::{
    ports::reserve_port,
    program::{command, good},
    proxy::Proxy,
    service::Service,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub const PASSWORDS: &str = "password of A\npassword of B\n";
pub const ONLY_A: &str = "password of A\n";
/// Who she is, as the application, the registration and her card have it.
pub const WHO: [&str; 6] =
    ["--name", "山田花子", "--address", "東京都千代田区1-2-3", "--born", "1990-02-28"];
const TELEPHONE: &str = "+81-3-5555-0123";
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Town {
    pub fingerprint: String,
    /// In front of the center.
    pub proxy: Proxy,
    /// In front of the merchant.
    pub shop: Proxy,
    services: BTreeMap<String, Service>,
    ports: BTreeMap<String, u16>,
    folder: TempDir,
}

/// What the letter says.
pub struct Letter {
    pub number: String,
    pub code: String,
    pub fingerprint: String,
}

pub fn identifier(party: &str) -> String {
    format!("domain:{party}.town.example")
}

/// Runs the program with something typed into it.
pub fn typed(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended before it read anything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Starts a command of Hanako's, and does not wait for it.
pub fn start_holder(folder: &Path, arguments: &[&str], passwords: &str) -> Child {
    let place = ["--vault", "hanako.vault", "--password-fd", "0"];
    let mut child = command(folder, &[&["holder"][..], arguments, &place[..]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(passwords.as_bytes()).unwrap();
    child
}

impl Town {
    /// The center runs, with every service enrolled and started.
    pub fn open() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let names = ["center", "issuer", "merchant", "carrier"];
        let ports: BTreeMap<String, u16> =
            names.iter().map(|name| (name.to_string(), reserve_port())).collect();
        let (proxy, shop) = (Proxy::to(ports["center"]), Proxy::to(ports["merchant"]));
        let (services, fingerprint) = (BTreeMap::new(), String::new());
        let mut town = Town { fingerprint, proxy, shop, services, ports, folder };
        town.init_center();
        fs::write(town.path("catalogue.json"), CATALOGUE).unwrap();
        for party in ["issuer", "merchant", "carrier"] {
            town.enrol(party);
        }
        for party in names {
            town.start(party);
        }
        town
    }

    /// As [`Town::open`], with Hanako registered and her card of the issuer entered.
    pub fn with_member() -> Town {
        let town = Town::open();
        let letter = town.letter();
        town.register(&letter);
        town.enter_card();
        town
    }

    /// As [`Town::with_member`], with so many yen on a prepaid card.
    pub fn with_prepaid(yen: &str) -> Town {
        let town = Town::with_member();
        town.holder(&["top-up", "--amount", yen, "--card", "card"]);
        town
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a party answers; center and merchant through their relays.
    pub fn url(&self, party: &str) -> String {
        let port = match party {
            "center" => self.proxy.port(),
            "merchant" => self.shop.port(),
            other => self.ports[other],
        };
        format!("http://127.0.0.1:{port}")
    }

    fn init_center(&mut self) {
        let (id, url) = (identifier("center"), self.url("center"));
        let named = ["--network", "town.example", "--identifier", &id, "--url", &url];
        let size = ["--holder-threshold", "64", "--service-threshold", "32"];
        let printed = self.center("init", &[&named[..], &size[..]].concat());
        let line = printed.lines().find(|line| line.starts_with("fingerprint")).unwrap();
        self.fingerprint = line.trim_start_matches("fingerprint").trim().to_string();
        let config = format!(
            "data = \"center\"\nkey_file = \"center/warifu.key\"\nidentifier = \"{id}\"\n\
             listen = \"127.0.0.1:{}\"\n",
            self.ports["center"]
        );
        fs::write(self.path("center.toml"), config).unwrap();
    }

    /// Writes a party's configuration, with what its role needs.
    fn configure(&self, party: &str, role: &str) {
        let more = match role {
            "merchant" => {
                "[merchant]\ncatalogue = \"catalogue.json\"\nrules = [\"minimal\", \"prepaid\", \
                 \"prepaid-download\", \"prepaid-metered\"]\n\
                 center = \"domain:center.town.example\"\n\
                 carrier = { identifier = \"domain:carrier.town.example\" }\n"
            }
            "carrier" => "[carrier]\nauto_deliver = true\n",
            _ => "",
        };
        let text = format!(
            "data = \"{party}\"\nkey_file = \"{party}/warifu.key\"\nidentifier = \"{}\"\n\
             listen = \"127.0.0.1:{}\"\nurl = \"{}\"\n\
             [center]\nidentifier = \"{}\"\nurl = \"{}\"\n{more}",
            identifier(party),
            self.ports[party],
            self.url(party),
            identifier("center"),
            self.url("center"),
        );
        fs::write(self.path(&format!("{party}.toml")), text).unwrap();
    }

    /// A further shop, with a configuration and nothing else yet.
    pub fn add_shop(&mut self, party: &str) {
        self.ports.insert(party.to_string(), reserve_port());
        self.configure(party, "merchant");
    }

    fn enrol(&self, party: &str) {
        self.configure(party, party);
        let config = format!("{party}.toml");
        let (request, answer) = (format!("{party}.request"), format!("{party}.enrolment"));
        let ask = ["party", "request", "--config", &config, "--role", party, "--out", &request];
        good(self.folder(), &ask);
        self.center("admit", &["--request", &request, "--out", &answer]);
        let accept = ["party", "accept", "--config", &config, "--enrolment", &answer];
        let told = ["--fingerprint", &self.fingerprint];
        good(self.folder(), &[&accept[..], &told[..]].concat());
    }

    /// A command of the center's operator that goes well.
    #[track_caller]
    pub fn center(&self, word: &str, more: &[&str]) -> String {
        good(self.folder(), &[&["center", word, "--data", "center"][..], more].concat())
    }

    /// Hanako applies, the operator approves, and the letter comes.
    pub fn letter(&self) -> Letter {
        self.letter_for(&WHO)
    }

    /// As [`Town::letter`], for anybody.
    pub fn letter_for(&self, who: &[&str]) -> Letter {
        let url = self.url("center");
        let apply = ["holder", "join", "apply", "--center", &url];
        let printed = good(self.folder(), &[&apply[..], who].concat());
        self.answer_application(&printed)
    }

    /// The operator approves what an application has printed, and the letter comes.
    pub fn answer_application(&self, printed: &str) -> Letter {
        let application = printed.trim_start_matches("application").trim().to_string();
        let printed = self.center("approve", &["--out", "letter.html", "--", &application]);
        let letter = self.read_letter();
        assert!(printed.contains(&letter.number), "{printed}");
        letter
    }

    /// What the last letter says.
    pub fn read_letter(&self) -> Letter {
        let page = fs::read_to_string(self.path("letter.html")).unwrap();
        let after = |label: &str| {
            let (_, rest) = page.split_once(&format!("<dt>{label}</dt><dd>")).unwrap();
            rest.split_once("</dd>").unwrap().0.to_string()
        };
        let number = after("Your number");
        let (code, fingerprint) = (after("One-time code"), after("Fingerprint of the center"));
        Letter { number, code, fingerprint }
    }

    /// The hash of the terms that the guide shows.
    pub fn terms(&self) -> String {
        let url = self.url("center");
        let printed = good(self.folder(), &["holder", "join", "guide", "--center", &url, "--json"]);
        let guide: Value = serde_json::from_str(&printed).unwrap();
        guide["terms_hash"].as_str().unwrap().to_string()
    }

    /// The registration with what a letter says.
    pub fn try_register(&self, letter: &Letter, more: &[&str]) -> Output {
        self.try_register_at("hanako.vault", letter, &[&WHO[..], more].concat())
    }

    /// As [`Town::try_register`], of anybody.
    pub fn try_register_at(&self, vault: &str, letter: &Letter, who: &[&str]) -> Output {
        fs::write(self.path("code.txt"), &letter.code).unwrap();
        let (url, terms) = (self.url("center"), self.terms());
        let register = ["join", "register", "--center", &url, "--number", &letter.number];
        let told = ["--code-from", "code.txt", "--fingerprint", &letter.fingerprint];
        let own = ["--terms", &terms, "--telephone", TELEPHONE];
        let arguments = [&register[..], &told[..], &own[..], who].concat();
        self.type_holder_at(vault, &arguments, PASSWORDS)
    }

    #[track_caller]
    pub fn register(&self, letter: &Letter) {
        went_well(&self.try_register(letter, &[]));
    }

    /// Her card at the issuer, and in her terminal.
    pub fn enter_card(&self) {
        self.enter_card_at("hanako.vault", ("M-000001", "山田花子"), "4111111111111111");
    }

    /// As [`Town::enter_card`], for a member of this number and name.
    pub fn enter_card_at(&self, vault: &str, (member, name): (&str, &str), number: &str) {
        let application = serde_json::json!({
            "kind": "credit", "card_number": number, "expiry": "2031-08",
            "holder": format!("name:{member}"), "holder_name": name, "holder_telephone": TELEPHONE,
            "limits": [{"minor": 500_000, "currency": "JPY"}], "zones": [], "max_instalments": 12,
        });
        fs::write(self.path("card.json"), application.to_string()).unwrap();
        let add = ["issuer", "add-card", "--config", "issuer.toml", "--application", "card.json"];
        good(self.folder(), &add);
        fs::write(self.path("number.txt"), format!("{number}\n")).unwrap();
        let issuer = identifier("issuer");
        let card = ["card", "--issuer", &issuer, "--expiry", "2031-08"];
        let card = [&card[..], &["--number-from", "number.txt"]].concat();
        went_well(&self.type_holder_at(vault, &card, PASSWORDS));
    }

    /// A vault, with everything that lies beside it, is in other hands.
    pub fn move_vault(&self, from: &str, to: &str) {
        for entry in fs::read_dir(self.folder()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(beside) = name.strip_prefix(from) {
                fs::rename(self.path(&name), self.path(&format!("{to}{beside}"))).unwrap();
            }
        }
    }

    /// A command of hers, with her vault and something typed as passwords.
    pub fn type_holder(&self, arguments: &[&str], passwords: &str) -> Output {
        self.type_holder_at("hanako.vault", arguments, passwords)
    }

    pub fn type_holder_at(&self, vault: &str, arguments: &[&str], passwords: &str) -> Output {
        let place = ["--vault", vault, "--password-fd", "0"];
        typed(self.folder(), &[&["holder"][..], arguments, &place[..]].concat(), passwords)
    }

    /// One that goes well.
    #[track_caller]
    pub fn holder(&self, arguments: &[&str]) -> String {
        went_well(&self.type_holder(arguments, PASSWORDS))
    }

    /// The one line with which one fails.
    #[track_caller]
    pub fn holder_fails(&self, arguments: &[&str]) -> String {
        fails(&self.type_holder(arguments, PASSWORDS))
    }

    #[track_caller]
    pub fn holder_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.holder(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What the center says is on the prepaid card, in yen.
    #[track_caller]
    pub fn balance(&self) -> u64 {
        self.holder_json(&["balance"])["balance"]["minor"].as_u64().unwrap()
    }

    /// The arguments of a purchase of one tea with the prepaid card.
    pub fn tea(&self) -> Vec<String> {
        self.tea_at("merchant")
    }

    /// As [`Town::tea`], at another shop.
    pub fn tea_at(&self, shop: &str) -> Vec<String> {
        let buy =
            ["buy", "--prepaid", "--item", "T-100", "--wait", "60", "--json", "--destination"];
        let mut arguments = buy.map(String::from).to_vec();
        arguments.extend(["山田太郎 京都市左京区 4-5-6", "--merchant"].map(String::from));
        arguments.push(self.url(shop));
        arguments
    }

    /// Buys one, which has to be settled.
    #[track_caller]
    pub fn buy(&self) -> Value {
        let arguments = self.tea();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let order: Value = serde_json::from_str(&self.holder(&arguments)).unwrap();
        assert_eq!(order["state"], "settled", "{order}");
        order
    }

    /// What a purchase of one comes to.
    pub fn try_to_buy(&self) -> Output {
        let arguments = self.tea();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.type_holder(&arguments, PASSWORDS)
    }

    /// Her history, which needs A alone.
    #[track_caller]
    pub fn history(&self) -> Vec<Value> {
        let printed = went_well(&self.type_holder(&["history", "--json"], ONLY_A));
        serde_json::from_str(&printed).unwrap()
    }

    pub fn start(&mut self, party: &str) {
        let service = Service::start(self.folder(), party, self.ports[party]);
        self.services.insert(party.to_string(), service);
    }

    /// Starts a further shop.
    pub fn start_shop(&mut self, party: &str) {
        let service = Service::start_as(self.folder(), "merchant", party, self.ports[party]);
        self.services.insert(party.to_string(), service);
    }

    /// Starts the center again with more in its configuration.
    pub fn set_center(&mut self, more: &str) {
        let text = fs::read_to_string(self.path("center.toml")).unwrap();
        fs::write(self.path("center.toml"), text + more).unwrap();
        self.kill("center");
        self.start("center");
    }

    /// Kills a service without a warning.
    pub fn kill(&mut self, party: &str) {
        // Dropping it kills it.
        self.services.remove(party).unwrap();
    }

    pub fn kill_all(&mut self) {
        self.services.clear();
    }
}

/// What was printed by a command that has to go well.
#[track_caller]
pub fn went_well(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line with which a command fails.
#[track_caller]
pub fn fails(output: &Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let lines: Vec<&str> = errors.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("warifu: "), "{errors}");
    lines[0].to_string()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(50));
    }
}

/// A thing, a file, a minute of a game, and games whose ticks a test can wait for.
pub const CATALOGUE: &str = r#"[
 {"number": "T-100", "name": {"en": "Tea", "ja": "茶"}, "kind": "thing",
  "prices": [{"minor": 1980, "currency": "JPY"}], "stock": 100000},
 {"number": "DL-1", "name": {"en": "A guide", "ja": "手引き"}, "kind": "document",
  "prices": [{"minor": 300, "currency": "JPY"}], "stock": 0,
  "goods": {"download": {"type": "text/plain"}}},
 {"number": "RT-1", "name": {"en": "A game, a minute", "ja": "対局（一分）"}, "kind": "game",
  "prices": [{"minor": 20, "currency": "JPY"}], "stock": 0,
  "goods": {"metered": {"tick_seconds": 60}}},
 {"number": "G-2", "name": {"en": "Go, quick", "ja": "早碁"}, "kind": "game", "stock": 0,
  "prices": [{"minor": 10, "currency": "JPY"}], "goods": {"metered": {"tick_seconds": 2}}},
 {"number": "G-6", "name": {"en": "Go, slow", "ja": "囲碁"}, "kind": "game", "stock": 0,
  "prices": [{"minor": 10, "currency": "JPY"}], "goods": {"metered": {"tick_seconds": 6}}}]"#;
