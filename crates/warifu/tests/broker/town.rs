//! A network with a broker and its registry, set up as docs/operations.md tells operators. Each party
//! has a folder of its own, as it would have a machine.

use crate::{
    line::{certify, files},
    people::Person,
    ports::reserve_port,
    program::good,
    providers::Provider,
    service::Service,
};
use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf, sync::Mutex};
use tempfile::TempDir;
use warifu_testkit::{
    Recording, Tap,
    fax::HylafaxServer,
    mail::{MailServers, PASSWORD, ServerCertificate},
};

/// How users' replies come to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    /// The broker reads a mailbox.
    Imap,
    /// The mail server hands them over.
    Lmtp,
}

/// A network on this machine.
pub struct Town {
    /// The services that run.
    services: Mutex<BTreeMap<&'static str, Service>>,
    /// The center's fingerprint.
    pub fingerprint: String,
    /// The mail servers.
    pub mail: MailServers,
    /// The fax server.
    pub fax: HylafaxServer,
    /// Every byte on the sockets of issuer, registry, broker and providers.
    pub sockets: Recording,
    /// The numbers of the providers at the broker.
    pub providers: BTreeMap<&'static str, String>,
    /// The ports of the private lines.
    pub lines: BTreeMap<&'static str, u16>,
    replies: Replies,
    /// Role, own port, and the tap in front of it.
    parties: BTreeMap<&'static str, (&'static str, u16, Option<Tap>)>,
    folder: TempDir,
}

/// What a party is called in the network.
pub fn identifier(party: &str) -> String {
    format!("domain:{party}.town.example")
}

impl Town {
    /// Sets a network up and starts it, with its providers and members. Returns the membership
    /// numbers, too. Needs a tokio runtime with threads of its own.
    pub async fn open(
        replies: Replies,
        providers: &[Provider],
        people: &[Person],
    ) -> (Town, Vec<String>) {
        let mut town = Town::found(replies).await;
        for provider in providers {
            town.tap(provider.name).await;
            town.admit(*provider);
        }
        for party in ["center", "issuer", "registry", "broker"] {
            town.start(party);
        }
        for provider in providers {
            town.start(provider.name);
        }
        let members = people.iter().map(|person| town.join(person)).collect();
        (town, members)
    }

    async fn found(replies: Replies) -> Town {
        let folder = tempfile::tempdir().unwrap();
        let line = folder.path().join("line");
        certify(&line);
        let lines = ["registry", "cards", "tea", "lmtp"].map(|name| (name, reserve_port()));
        let lines = BTreeMap::from(lines);
        let lmtp = SocketAddr::from(([127, 0, 0, 1], lines["lmtp"]));
        let read = |name: &str| fs::read_to_string(line.join(name)).unwrap();
        let certificate =
            ServerCertificate { certificate: read("mail.pem"), key: read("mail.key") };
        let mut town = Town {
            services: Mutex::default(),
            fingerprint: String::new(),
            mail: MailServers::start(&[("reply.test", lmtp)], Some(&certificate)),
            fax: HylafaxServer::start(),
            sockets: Recording::new(),
            providers: BTreeMap::new(),
            lines,
            replies,
            parties: BTreeMap::new(),
            folder,
        };
        town.init_center();
        for party in ["issuer", "registry", "broker"] {
            town.tap(party).await;
            let more = match party {
                "issuer" => town.issuer(),
                "registry" => town.registry(),
                _ => town.broker(),
            };
            town.settle_in(party, party, &more);
            if party == "registry" {
                good(&town.path(party), &["registry", "new-key", "--out", "cards.key"]);
            }
            town.enrol(party, party);
        }
        town
    }

    /// A party's folder.
    pub fn path(&self, party: &str) -> PathBuf {
        self.folder.path().join(party)
    }

    /// Where a party answers: its tap, if it has one.
    pub fn url(&self, party: &str) -> String {
        match &self.parties[party] {
            (_, _, Some(tap)) => format!("http://{}", tap.address()),
            (_, port, None) => format!("http://127.0.0.1:{port}"),
        }
    }

    /// Where users find the broker's pages: under a name, as browsers want it for passkeys.
    pub fn pages(&self) -> String {
        self.url("broker").replace("127.0.0.1", "localhost")
    }

    /// What a service has logged.
    pub fn log(&self, party: &str) -> String {
        let role = self.parties[party].0;
        fs::read_to_string(self.path(party).join(format!("{role}.log"))).unwrap_or_default()
    }

    /// Starts a service and waits until it answers.
    pub fn start(&self, party: &'static str) {
        let (role, port, _) = &self.parties[party];
        let service = Service::start(&self.path(party), role, *port);
        self.services.lock().unwrap().insert(party, service);
    }

    /// Kills a service without a warning.
    pub fn kill(&self, party: &str) {
        // Dropping it kills it.
        let service = self.services.lock().unwrap().remove(party);
        drop(service.unwrap());
    }

    /// Kills a service and starts it anew with another text in its configuration.
    pub fn change_setting(&self, party: &'static str, (from, to): (&str, &str)) {
        let file = self.path(party).join(format!("{}.toml", self.parties[party].0));
        let config = fs::read_to_string(&file).unwrap();
        let changed = config.replace(from, to);
        assert_ne!(changed, config);
        fs::write(file, changed).unwrap();
        self.kill(party);
        self.start(party);
    }

    /// Stops all services, as operators do.
    pub fn stop(&self) {
        for (party, service) in std::mem::take(&mut *self.services.lock().unwrap()) {
            assert_eq!(service.stop(), Some(0), "{party}");
        }
    }

    async fn tap(&mut self, party: &'static str) {
        let (port, tap) = (reserve_port(), Tap::bind(party, &self.sockets).await.unwrap());
        tap.forward_to(SocketAddr::from(([127, 0, 0, 1], port)));
        self.parties.insert(party, ("", port, Some(tap)));
    }

    /// Makes a party's folder and its configuration.
    pub fn settle_in(&mut self, party: &'static str, role: &'static str, more: &str) {
        let known = self.parties.get_mut(party).unwrap();
        known.0 = role;
        let port = known.1;
        let folder = self.path(party);
        if !folder.exists() {
            fs::create_dir(&folder).unwrap();
        }
        let center = match role {
            "center" => String::new(),
            _ => format!(
                "center = {{ identifier = \"{}\", url = \"{}\" }}\n",
                identifier("center"),
                self.url("center")
            ),
        };
        let text = format!(
            "data = \"data\"\nkey_file = \"data/warifu.key\"\nidentifier = \"{}\"\n\
             listen = \"127.0.0.1:{port}\"\nurl = \"{}\"\n{center}{more}",
            identifier(party),
            self.url(party),
        );
        fs::write(folder.join(format!("{role}.toml")), text).unwrap();
    }

    fn init_center(&mut self) {
        self.parties.insert("center", ("center", reserve_port(), None));
        self.settle_in("center", "center", "");
        let (who, url) = (identifier("center"), self.url("center"));
        let init = ["center", "init", "--data", "data", "--network", "town.example"];
        let own = ["--identifier", &who, "--url", &url];
        let small = ["--holder-threshold", "64", "--service-threshold", "32"];
        let printed = good(&self.path("center"), &[&init[..], &own, &small].concat());
        let line = printed.lines().find(|line| line.starts_with("fingerprint")).unwrap();
        self.fingerprint = line.trim_start_matches("fingerprint").trim().to_string();
    }

    /// The center admits a party.
    pub fn enrol(&self, party: &str, role: &str) {
        let (folder, config) = (self.path(party), format!("{role}.toml"));
        let at = ["--config", &config];
        let request = ["party", "request", "--role", role, "--out", "request"];
        good(&folder, &[&request[..], &at].concat());
        let (request, answer) = (format!("../{party}/request"), format!("../{party}/answer"));
        let admit = ["center", "admit", "--data", "data", "--request", &request, "--out", &answer];
        good(&self.path("center"), &admit);
        let print = self.fingerprint.as_str();
        let accept = ["party", "accept", "--enrolment", "answer", "--fingerprint", print];
        good(&folder, &[&accept[..], &at].concat());
    }

    fn issuer(&self) -> String {
        format!(
            "[issuer]\nregistry = {{ url = \"https://localhost:{}\", files = {} }}\n\
             [issuer.card_network]\nlisten = \"127.0.0.1:{}\"\nfiles = {}\n\
             clients = [{{ certificate = \"../line/bath.pem\", acceptors = [\"BATH0001\"] }}]\n",
            self.lines["registry"],
            files("issuer"),
            self.lines["cards"],
            files("issuer"),
        )
    }

    fn registry(&self) -> String {
        let folder = self.path("registry");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("fax.password"), HylafaxServer::PASSWORD).unwrap();
        fs::write(folder.join("fax.admin"), HylafaxServer::ADMIN_PASSWORD).unwrap();
        format!(
            "[registry]\nbroker = \"broker.line.test\"\ncard_keys = [\"cards.key\"]\n\
             issuers = {{ \"issuer.line.test\" = \"{}\" }}\n\
             [registry.line]\nlisten = \"127.0.0.1:{}\"\nfiles = {}\n\
             [registry.fax.hylafax]\naddress = \"{}\"\npassword_file = \"fax.password\"\n\
             admin_password_file = \"fax.admin\"\n",
            identifier("issuer"),
            self.lines["registry"],
            files("registry"),
            self.fax.address(),
        )
    }

    fn broker(&self) -> String {
        let folder = self.path("broker");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mail.password"), PASSWORD).unwrap();
        let login = "user = \"broker\", password_file = \"mail.password\"";
        let replies = match self.replies {
            Replies::Imap => format!(
                "mail_domain = \"mail.test\"\nmailbox = \"broker\"\n\
                 imap = {{ host = \"localhost\", port = {}, {login} }}\n",
                self.mail.imaps_port()
            ),
            Replies::Lmtp => {
                format!(
                    "mail_domain = \"reply.test\"\nlmtp = \"127.0.0.1:{}\"\n",
                    self.lines["lmtp"]
                )
            }
        };
        format!(
            "[broker]\npages = \"{}\"\nfrom = \"Orders <orders@mail.test>\"\n\
             smtp = {{ host = \"localhost\", port = {}, tls = \"starttls\", {login} }}\n{replies}\
             [broker.registry]\nurl = \"https://localhost:{}\"\nfiles = {}\n",
            self.pages(),
            self.mail.submission_port(),
            self.lines["registry"],
            files("broker"),
        )
    }
}

impl Drop for Town {
    /// A test that fails shows what the services have said last.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for party in self.parties.keys() {
            let log = self.log(party);
            let lines: Vec<&str> = log.lines().collect();
            println!("{party}:\n{}", lines[lines.len().saturating_sub(25)..].join("\n"));
        }
    }
}
