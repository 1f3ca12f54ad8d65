//! A small network on this machine with one or several centers, set up by commands alone.

use crate::{
    ports::reserve_port,
    program::{bad, good, good_json, run},
    service::Service,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use warifu::setup::{KeySettings, Place};
use warifu_protocol::{
    AtFault,
    credential::{CREDENTIAL, Credential},
    jws,
};
use warifu_wire::Party;

/// Who buys.
pub const HOLDER: &str = "mail:hanako@example.jp";
/// The services beside the centers.
pub const SERVICES: [&str; 3] = ["issuer", "merchant", "carrier"];
/// How long something may take that happens by itself.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A network. The centers have a folder each (`c0`, `c1`, …); all others run in the town's own.
pub struct Town {
    pub fingerprint: String,
    services: BTreeMap<String, Service>,
    ports: BTreeMap<String, u16>,
    centers: usize,
    folder: TempDir,
}

/// The identifier of a party.
pub fn identifier(party: &str) -> String {
    format!("domain:{party}.town.example")
}

impl Town {
    /// Sets a network up, with every service and the holder enrolled and nothing running.
    pub fn found(centers: usize, service_threshold: usize) -> Town {
        let town = Town::without_holder(centers, service_threshold);
        town.enrol_holder();
        town
    }

    /// As [`Town::found`], before the holder comes.
    pub fn without_holder(centers: usize, service_threshold: usize) -> Town {
        let folder = tempfile::tempdir().unwrap();
        let names = (0..centers).map(|n| format!("c{n}")).chain(SERVICES.map(String::from));
        let ports = names.map(|name| (name, reserve_port())).collect();
        let (services, fingerprint) = (BTreeMap::new(), String::new());
        let mut town = Town { fingerprint, services, ports, centers, folder };
        for n in 0..centers {
            town.init_center(n, service_threshold);
        }
        town.join_centers();
        fs::write(town.path("catalogue.json"), CATALOGUE).unwrap();
        for party in SERVICES {
            town.enrol(party);
        }
        town.issue_card();
        town
    }

    /// As [`Town::found`] with one center, and every service running.
    pub fn open() -> Town {
        let mut town = Town::found(1, 32);
        town.start("c0");
        SERVICES.iter().for_each(|party| town.start(party));
        town
    }

    /// The folder in which the parties' commands run.
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

    /// A command of a center's operator that goes well.
    #[track_caller]
    pub fn center(&self, n: usize, arguments: &str) -> String {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut all = vec!["center", arguments[0], "--data", "center"];
        all.extend(&arguments[1..]);
        good(&self.path(&format!("c{n}")), &all)
    }

    /// The same, that has to be refused.
    #[track_caller]
    pub fn center_refuses(&self, n: usize, arguments: &str) -> String {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut all = vec!["center", arguments[0], "--data", "center"];
        all.extend(&arguments[1..]);
        bad(&self.path(&format!("c{n}")), &all)
    }

    fn init_center(&mut self, n: usize, service_threshold: usize) {
        let name = format!("c{n}");
        fs::create_dir(self.path(&name)).unwrap();
        let (id, url) = (identifier(&name), self.url(&name));
        let printed = self.center(
            n,
            &format!(
                "init --network town.example --identifier {id} --url {url} \
                 --holder-threshold 64 --service-threshold {service_threshold}"
            ),
        );
        self.fingerprint = shown_fingerprint(&printed);
        let config = format!(
            "data = \"center\"\nkey_file = \"center/warifu.key\"\nidentifier = \"{id}\"\n\
             listen = \"127.0.0.1:{}\"\n",
            self.ports[&name]
        );
        fs::write(self.path(&name).join("center.toml"), config).unwrap();
    }

    fn join_centers(&mut self) {
        for n in 1..self.centers {
            fs::write(self.path(&format!("c{n}.json")), self.center(n, "show")).unwrap();
            let printed = self.center(0, &format!("add-center --pinned ../c{n}.json"));
            self.fingerprint = shown_fingerprint(&printed);
        }
        for n in 1..self.centers {
            self.center(n, &format!("request --out ../c{n}.request"));
            self.center(0, &format!("admit --request ../c{n}.request --out ../c{n}.enrolment"));
            let (enrolment, first) = (format!("../c{n}.enrolment"), self.url("c0"));
            let join = ["center", "join", "--data", "center", "--enrolment", &enrolment];
            let told = ["--fingerprint", &self.fingerprint, "--first-url", &first];
            good(&self.path(&format!("c{n}")), &[&join[..], &told[..]].concat());
        }
    }

    fn enrol(&self, party: &str) {
        let more = match party {
            "merchant" => {
                "[merchant]\ncatalogue = \"catalogue.json\"\n\
                 carrier = { identifier = \"domain:carrier.town.example\" }\n"
            }
            "carrier" => "[carrier]\nauto_deliver = true\n",
            _ => "",
        };
        let text = format!(
            "data = \"{party}\"\nkey_file = \"{party}/warifu.key\"\nidentifier = \"{}\"\n\
             listen = \"127.0.0.1:{}\"\n[center]\nidentifier = \"{}\"\nurl = \"{}\"\n{more}",
            identifier(party),
            self.ports[party],
            identifier("c0"),
            self.url("c0"),
        );
        fs::write(self.path(&format!("{party}.toml")), text).unwrap();
        let config = format!("{party}.toml");
        let (request, answer) = (format!("{party}.request"), format!("{party}.enrolment"));
        let ask = ["party", "request", "--config", &config, "--role", party, "--out", &request];
        good(self.folder(), &ask);
        self.center(0, &format!("admit --request ../{request} --out ../{answer}"));
        let accept = ["party", "accept", "--config", &config, "--enrolment", &answer];
        let told = ["--fingerprint", &self.fingerprint];
        good(self.folder(), &[&accept[..], &told[..]].concat());
    }

    fn issue_card(&self) {
        let application = serde_json::json!({
            "kind": "credit", "card_number": "4111111111111111", "expiry": "2031-08",
            "holder": HOLDER, "holder_name": "山田花子", "holder_telephone": "+81-3-5555-0123",
            "limits": [{"minor": 500_000, "currency": "JPY"}], "zones": [], "max_instalments": 12,
        });
        fs::write(self.path("card.json"), application.to_string()).unwrap();
        let add = ["issuer", "add-card", "--config", "issuer.toml", "--application", "card.json"];
        good(self.folder(), &add);
    }

    /// Everything that the holder does once.
    pub fn enrol_holder(&self) {
        let (center, url) = (identifier("c0"), self.url("c0"));
        let holder = |command: &str, more: &[&str]| {
            good(self.folder(), &[&["holder", command, "--data", "hanako"][..], more].concat())
        };
        let named = ["--identifier", HOLDER, "--center", &center, "--center-url", &url];
        holder("init", &[&named[..], &["--out", "hanako.request"]].concat());
        self.center(0, "issue --request ../hanako.request --out ../hanako.enrolment");
        let told = ["--enrolment", "hanako.enrolment", "--fingerprint", &self.fingerprint];
        holder("accept", &told);
        holder("profile", &["--name", "山田花子", "--telephone", "+81-3-5555-0123"]);
        fs::write(self.path("number.txt"), "4111111111111111\n").unwrap();
        let issuer = identifier("issuer");
        let card = ["--issuer", &issuer, "--expiry", "2031-08", "--number-from", "number.txt"];
        holder("card", &card);
    }

    /// Starts a service and waits until it answers.
    pub fn start(&mut self, party: &str) {
        let port = self.ports[party];
        let service = match party.strip_prefix('c').filter(|n| n.parse::<usize>().is_ok()) {
            Some(_) => Service::start(&self.path(party), "center", port),
            None => Service::start(self.folder(), party, port),
        };
        self.services.insert(party.to_string(), service);
    }

    /// Kills a service without a warning.
    pub fn kill(&mut self, party: &str) {
        // Dropping it kills it.
        self.services.remove(party).unwrap();
    }

    /// What `renew` prints for a service.
    #[track_caller]
    pub fn renew(&self, party: &str) -> String {
        good(self.folder(), &["party", "renew", "--config", &format!("{party}.toml")])
    }

    /// What `renew` prints for the holder.
    #[track_caller]
    pub fn renew_holder(&self) -> String {
        good(self.folder(), &["holder", "renew", "--data", "hanako"])
    }

    /// A purchase that has to be settled; the order.
    #[track_caller]
    pub fn buy(&self) -> Value {
        let url = self.url("merchant");
        let buy = ["holder", "buy", "--data", "hanako", "--merchant", &url, "--item", "T-100"];
        let more = ["--destination", "山田太郎 京都市左京区 4-5-6", "--wait", "60", "--json"];
        let order = good_json(self.folder(), &[&buy[..], &more[..]].concat());
        assert_eq!(order["state"], "settled", "{order}");
        order
    }

    /// A purchase that is sealed and taken on, and not waited for; the order's id.
    #[track_caller]
    pub fn order(&self) -> String {
        let url = self.url("merchant");
        let buy = ["holder", "buy", "--data", "hanako", "--merchant", &url, "--item", "T-100"];
        let more = ["--destination", "山田太郎 京都市左京区 4-5-6", "--wait", "0", "--json"];
        let order = good_json(self.folder(), &[&buy[..], &more[..]].concat());
        assert_eq!(order["state"], "ordered", "{order}");
        order["order"].as_str().unwrap().to_string()
    }

    /// The one line with which a purchase fails.
    #[track_caller]
    pub fn buy_fails(&self) -> String {
        let url = self.url("merchant");
        let buy = ["holder", "buy", "--data", "hanako", "--merchant", &url, "--item", "T-100"];
        bad(self.folder(), &[&buy[..], &["--destination", "京都市左京区 4-5-6"]].concat())
    }

    /// Waits until the merchant has an order in this state.
    #[track_caller]
    pub fn wait_for(&self, order: &str, state: &str) {
        let started = Instant::now();
        loop {
            let listed =
                good_json(self.folder(), &["merchant", "orders", "--config", "merchant.toml"]);
            let found = listed.as_array().unwrap().iter().find(|view| view["order"] == order);
            if found.unwrap()["state"] == state {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{listed}");
            sleep(Duration::from_millis(100));
        }
    }

    /// The credential that a running service shows.
    pub fn credential(&self, party: &str) -> Credential {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[party])).unwrap();
        let request = b"GET /v1/credential HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        jws::peek(CREDENTIAL, body["credential"].as_str().unwrap(), AtFault::Own).unwrap()
    }

    /// Waits until a running service shows a credential for these epochs.
    #[track_caller]
    pub fn wait_for_epochs(&self, party: &str, epochs: &[u32]) {
        let started = Instant::now();
        loop {
            let shown = self.credential(party).epochs;
            if shown.iter().map(|of| of.epoch).eq(epochs.iter().copied()) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{party} is at {shown:?}");
            sleep(Duration::from_millis(100));
        }
    }

    /// A party as its records have it, to look into.
    pub async fn party(&self, data: &str) -> std::sync::Arc<Party> {
        let opened = Place::new(&self.path(data), None).open().unwrap();
        let center = warifu_types::Identifier::parse(&identifier("c0")).unwrap();
        let center = Some((center, self.url("c0")));
        opened.party(&KeySettings { center, ..KeySettings::default() }).await.unwrap()
    }

    /// The holder's receipt of an order.
    pub fn receipt(&self, order: &str) -> Value {
        let out = ["--order", order, "--out", "receipt.json"];
        let receipt = ["holder", "receipt", "--data", "hanako"];
        good(self.folder(), &[&receipt[..], &out[..]].concat());
        serde_json::from_str(&fs::read_to_string(self.path("receipt.json")).unwrap()).unwrap()
    }

    /// Takes up the holder's open orders, as far as the others are there.
    pub fn resume(&self) {
        run(self.folder(), &["holder", "resume", "--data", "hanako"]);
    }
}

fn shown_fingerprint(printed: &str) -> String {
    let line = printed.lines().find(|line| line.starts_with("fingerprint")).unwrap();
    line.trim_start_matches("fingerprint").trim().to_string()
}

const CATALOGUE: &str = r#"[{"number": "T-100", "name": {"en": "Tea", "ja": "茶"}, "kind": "thing",
 "prices": [{"minor": 1980, "currency": "JPY"}], "stock": 100000}]"#;
