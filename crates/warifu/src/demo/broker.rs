//! The demonstration's broker (rows C1 to C8): a hotel night, ordered with a membership number and a
//! password, approved by mail, its card sent by fax. The registry is a process of its own; mail and
//! fax are the simulators of `warifu-gateways`.

use super::{
    network::{DOWNLOAD, METERED, Network},
    people::identifier,
    report::{PartyReport, PurchaseReport},
};
use crate::{
    Failure, brokering,
    config::brokering::{FaxConfig, LineListenConfig, LinePeerConfig, RegistryConfig},
    setup::{KeySettings, Opened, Place},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as CertificateIssuer, KeyPair};
use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use warifu_broker::{Broker, Import, MemberApplication, OrderWish, ProviderApplication};
use warifu_center::Kind;
use warifu_gateways::{fax::machine::FaxMachine, mail::simulator::MailWorld};
use warifu_ports::{Entropy, card_network::PresentedCard, mail::OutgoingMail};
use warifu_protocol::{rule, status::State, suite::Suite};
use warifu_registry::{Channel, ProviderEntry, Registry};
use warifu_types::{Currency, FieldName, OrderId, Role};
use warifu_wire::{identity::Wish, private_line::LineFiles};
use zeroize::Zeroizing;

const BROKER: &str = "domain:broker.example";
const REGISTRY: &str = "domain:registry.example";
/// The DNS names in the private line's certificates.
const BROKER_NAME: &str = "broker.example";
const REGISTRY_NAME: &str = "localhost";
/// The provider's fax number.
const FAX: &str = "+81925551234";
/// The member's password at the broker.
pub const PASSWORD: &str = "seven herons at dawn";
/// What the provider is called.
const PROVIDER: &str = "和布の宿";
const PATIENCE: Duration = Duration::from_secs(30);
/// How often something is looked at that comes by itself.
const LOOK: Duration = Duration::from_millis(25);

/// Broker and registry, running.
pub struct BrokerSide {
    /// The broker.
    pub broker: Arc<Broker>,
    /// Every mail, and who reads it.
    pub mail: Arc<MailWorld>,
    /// The provider's fax machine.
    pub machine: FaxMachine,
    /// The number of the one provider.
    pub provider: String,
    /// The number of the one member.
    pub member: String,
    /// The places of broker and registry, to look into afterwards.
    pub places: BTreeMap<&'static str, Place>,
    /// Their open stores.
    pub stores: BTreeMap<&'static str, Opened>,
    /// Where users reach the broker.
    pub url: String,
    /// The registry's records, read beside its process.
    registry: Arc<Registry>,
    /// Ends with the demonstration.
    _process: Process,
    /// The name of the one service that is offered.
    pub service: String,
}

/// A process that ends when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where what is of the registry.
struct Desk {
    folder: PathBuf,
    /// Its own listener, and where others reach it.
    listen: (SocketAddr, SocketAddr),
    /// The private line's, likewise.
    line: (SocketAddr, SocketAddr),
    config: RegistryConfig,
}

impl BrokerSide {
    /// Starts both, with one provider, one member, and the member's card registered.
    pub async fn start(network: &Network) -> Result<BrokerSide, Failure> {
        let machine = FaxMachine::start().await?;
        let desk = Desk::new(network, machine.address()).await?;
        let keys = network.keys()?;
        let places = ["registry", "broker"].map(|name| (name, network.place(name)));
        let places = BTreeMap::from(places);
        let url = desk.listen.1;
        let of_registry =
            enrol(network, &places["registry"], (REGISTRY, &[Role::Registry], Some(url))).await?;
        let party = of_registry.party(&keys).await?;
        let registry = brokering::registry(party, of_registry.port(), &desk.config)?;
        let provider = network.merchant()?.party().id();
        let entry = ProviderEntry {
            provider: provider.clone(),
            name: PROVIDER.to_string(),
            channel: Channel::Fax { number: FAX.to_string() },
            sheets_an_hour: 60,
        };
        registry.admit_provider(entry).await?;
        let process = desk.start(network, &keys).await?;
        let roles = [Role::Holder, Role::Broker];
        let of_broker = enrol(network, &places["broker"], (BROKER, &roles, None)).await?;
        let mail = Arc::new(MailWorld::new());
        let broker = desk.broker(&of_broker, &keys, mail.clone()).await?;
        let provider = broker
            .apply(ProviderApplication {
                provider,
                name: PROVIDER.to_string(),
                url: network.url("merchant"),
                mail: "inn@shop.example".to_string(),
                by_reference: false,
            })
            .await?;
        broker.admit_provider(&provider).await?;
        let service = offer(network, &broker, &provider).await?;
        let member = join(network, &broker).await?;
        broker.spawn_worker(Duration::from_millis(100));
        let url = network.serve("broker", warifu_broker::routes(broker.clone())).await?;
        let stores = BTreeMap::from([("registry", of_registry), ("broker", of_broker)]);
        Ok(BrokerSide {
            broker,
            mail,
            machine,
            provider,
            member,
            places,
            stores,
            url,
            registry,
            _process: process,
            service,
        })
    }

    /// Orders, approves by mail, types the fax in at the provider, and waits for the end.
    pub async fn purchase(&self, network: &Network) -> Result<PurchaseReport, Failure> {
        let login = self.broker.login(&self.member, PASSWORD, ("127.0.0.1", None)).await?;
        let member = self.broker.session(&login.session).await?;
        let wish = OrderWish {
            service: self.service.clone(),
            quantity: 1,
            date: String::new(),
            destination: network.person.destination.clone(),
            payment_type: "one".to_string(),
        };
        let order = self.broker.place(&member, &fresh_key(), wish).await?;
        let ordered = self.broker.order(&member, order).await?;
        let asks =
            |mail: &OutgoingMail| mail.reply_to.is_some() && mail.text.contains(&ordered.number);
        let mail =
            until("the confirmation", async || self.mail.mails().into_iter().find(asks)).await?;
        self.mail
            .reply_as_it_is(&mail, &*self.broker)
            .await
            .map_err(|error| Failure::input("mail", error.to_string()))?;
        let sheet = until("the fax", async || self.machine.take(&ordered.number)).await?;
        let merchant = network.merchant()?;
        let card =
            PresentedCard { number: sheet.card_number.clone(), expiry: sheet.card_expiry.clone() };
        merchant.take_card(&sheet.number, card).await?;
        until("the end", async || {
            let view = self.broker.view(order).await.ok().flatten()?;
            (view.state == State::Settled).then_some(())
        })
        .await?;
        self.report(network, (order, &ordered.number), &sheet).await
    }

    async fn report(
        &self,
        network: &Network,
        (order, number): (OrderId, &str),
        sheet: &warifu_ports::fax::CardSheet,
    ) -> Result<PurchaseReport, Failure> {
        let missing = |who: &str| Failure::input(who, "knows nothing of this order");
        let broker = self.broker.view(order).await?.ok_or_else(|| missing("broker"))?;
        let card = self.registry.sheet_view(number).await?.ok_or_else(|| missing("registry"))?;
        let merchant =
            network.merchant()?.view(&order).await?.ok_or_else(|| missing("merchant"))?;
        let issuer = super::purchases::view(network, "issuer", order).await?;
        let issuer = issuer.ok_or_else(|| missing("issuer"))?;
        let mut parties: BTreeMap<String, PartyReport> = BTreeMap::new();
        parties.insert("broker".to_string(), PartyReport::from(&broker));
        // Everything else of the order stays sealed to the registry.
        let sealed = broker.fields.keys().filter(|field| !card.fields.contains_key(*field));
        parties.insert("registry".to_string(), PartyReport::of(&card.fields, sealed.cloned()));
        // What came by the second channel: here the provider sees the card (row C7).
        let mut shown = PartyReport::from(&merchant);
        for (field, value) in [
            (FieldName::CARD_NUMBER, &sheet.card_number),
            (FieldName::CARD_EXPIRY, &sheet.card_expiry),
        ] {
            shown.add(field, value);
        }
        parties.insert("merchant".to_string(), shown);
        let mut paid = PartyReport::from(&issuer);
        paid.add(FieldName::CARD_NUMBER, &sheet.card_number);
        paid.add(FieldName::CARD_EXPIRY, &sheet.card_expiry);
        parties.insert("issuer".to_string(), paid);
        let sent = if card.state.is_out() { State::Dispatched } else { State::Ordered };
        let states = [
            ("broker", broker.state),
            ("registry", sent),
            ("merchant", merchant.state),
            ("issuer", issuer.state),
        ];
        Ok(PurchaseReport {
            kind: "broker".to_string(),
            rule: rule::BROKER.to_string(),
            order,
            parties,
            states: states.into_iter().map(|(who, state)| (who.to_string(), state)).collect(),
        })
    }
}

/// An idempotency key.
fn fresh_key() -> String {
    warifu_types::Nonce(warifu_store::OsEntropy.bytes32()).to_string()
}

/// Waits for what comes by itself.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> Result<T, Failure> {
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = look().await {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Failure::input("broker", format!("{what} did not come")))
}

/// Makes a party's keys and has the center admit it.
async fn enrol(
    network: &Network,
    place: &Place,
    (who, roles, listen): (&str, &[Role], Option<SocketAddr>),
) -> Result<Opened, Failure> {
    let opened = place.create()?;
    let wish = Wish {
        sub: identifier(who)?,
        roles: roles.to_vec(),
        suites: vec![Suite::KpsHpke, Suite::Kps],
        url: listen.map(|listen| format!("http://{listen}")),
    };
    let answer = network.center.enrol(opened.request(&wish).await?, Kind::Admit).await?;
    opened.accept(&answer, None).await?;
    Ok(opened)
}

/// The provider's one service: a thing of its catalogue, at its price.
async fn offer(network: &Network, broker: &Broker, provider: &str) -> Result<String, Failure> {
    let merchant = network.merchant()?;
    let page = merchant.catalogue(None, 200, None, warifu_merchant::Language::Ja).await?;
    let item = page
        .items
        .iter()
        .rfind(|item| item.stock >= 5 && ![METERED, DOWNLOAD].contains(&item.number.as_str()))
        .ok_or_else(|| Failure::input("catalogue", "has nothing to offer"))?;
    let price = item.prices.iter().find(|price| price.currency() == Currency::JPY);
    let price = price.ok_or_else(|| Failure::input("catalogue", "has no price"))?;
    let file = serde_json::json!([{
        "@type": "Product",
        "identifier": item.number,
        "category": "craft",
        "name": item.name,
        "description": "和布の工房から",
        "offers": {
            "price": price.minor(),
            "priceCurrency": price.currency().code(),
        },
    }]);
    let bytes = serde_json::to_vec(&file)?;
    match broker.import(provider, Import::SchemaOrg(&bytes)).await? {
        Ok(_) => Ok(format!("{provider}/{}", item.number)),
        Err(faults) => {
            let fault = faults.first().map_or("", |fault| fault.problem.as_str());
            Err(Failure::input("services", fault.to_string()))
        }
    }
}

/// A user: a number, a password, and a card at the registry.
async fn join(network: &Network, broker: &Broker) -> Result<String, Failure> {
    let profile = &network.person.profile;
    let member = broker
        .admit_member(MemberApplication {
            name: profile.name.clone(),
            telephone: profile.telephone.clone(),
            mail: "hanako@example.jp".to_string(),
            language: "ja".to_string(),
            password: Zeroizing::new(PASSWORD.to_string()),
        })
        .await?;
    let code = broker.card_code(&member).await?;
    network.holder.register_card(&identifier(REGISTRY)?, (&member, code), "card").await?;
    Ok(member)
}

impl Desk {
    async fn new(network: &Network, machine: SocketAddr) -> Result<Desk, Failure> {
        let folder = network.folder.join("private-line");
        std::fs::create_dir_all(&folder)?;
        certificates(&folder)?;
        let key = folder.join("cards.key");
        if !key.exists() {
            brokering::create_card_key(&key)?;
        }
        let (listen, line) = (free()?, free()?);
        let machine = network.public("fax", machine).await;
        let config = RegistryConfig {
            line: LineListenConfig { listen: line, files: files(&folder, REGISTRY_NAME) },
            broker: BROKER_NAME.to_string(),
            issuers: BTreeMap::new(),
            card_keys: vec![key],
            fax: Some(FaxConfig::Simulator { machine }),
        };
        let listen = (listen, network.public("registry", listen).await);
        let line = (line, network.public("private line", line).await);
        Ok(Desk { folder, listen, line, config })
    }

    /// Starts the registry's process, and waits until its private line answers.
    async fn start(&self, network: &Network, keys: &KeySettings) -> Result<Process, Failure> {
        let place = network.place("registry");
        let (center, center_url) =
            keys.center.clone().ok_or_else(|| Failure::input("center", "there is none"))?;
        let text = |path: &Path| path.display().to_string();
        let LineFiles { ca, certificate, key } = &self.config.line.files;
        let machine = match &self.config.fax {
            Some(FaxConfig::Simulator { machine }) => machine.to_string(),
            _ => return Err(Failure::input("registry.fax", "there is no machine")),
        };
        let config = serde_json::json!({
            "data": text(&place.data),
            "key_file": text(&place.key_file),
            "identifier": REGISTRY,
            "listen": self.listen.0.to_string(),
            "center": { "identifier": center.to_string(), "url": center_url },
            "registry": {
                "broker": BROKER_NAME,
                "card_keys": self.config.card_keys.iter().map(|key| text(key)).collect::<Vec<_>>(),
                "line": {
                    "listen": self.line.0.to_string(),
                    "files": { "ca": text(ca), "certificate": text(certificate), "key": text(key) },
                },
                "fax": { "simulator": { "machine": machine } },
            },
        });
        let config = toml::to_string(&config)
            .map_err(|error| Failure::input("registry", error.to_string()))?;
        let file = self.folder.join("registry.toml");
        crate::setup::write_text(&file, &config)?;
        let process = Command::new(network.program()?)
            .args(["serve", "registry", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(place.data.join("registry.log"))?)
            .spawn()?;
        let process = Process(process);
        until("the registry", async || {
            let (a, b) = tokio::join!(
                tokio::net::TcpStream::connect(self.line.0),
                tokio::net::TcpStream::connect(self.listen.0)
            );
            (a.is_ok() && b.is_ok()).then_some(())
        })
        .await?;
        Ok(process)
    }

    async fn broker(
        &self,
        opened: &Opened,
        keys: &KeySettings,
        mail: Arc<MailWorld>,
    ) -> Result<Arc<Broker>, Failure> {
        let party = opened.party(keys).await?;
        let registry = LinePeerConfig {
            url: format!("https://{REGISTRY_NAME}:{}", self.line.1.port()),
            files: files(&self.folder, BROKER_NAME),
        };
        let settings = warifu_broker::Settings::new("order.example", "http://127.0.0.1");
        brokering::broker_with(party, opened.port(), settings, (&registry, mail)).await
    }
}

/// An address that is free now.
fn free() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn files(folder: &Path, name: &str) -> LineFiles {
    LineFiles {
        ca: folder.join("ca.pem"),
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    }
}

/// An authority of the operators' own, and a certificate for each side.
fn certificates(folder: &Path) -> Result<(), Failure> {
    let failed = |error: rcgen::Error| Failure::input("certificate", error.to_string());
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().map_err(failed)?;
    let root = authority.self_signed(&authority_key).map_err(failed)?;
    write(folder.join("ca.pem"), &root.pem())?;
    let issuer = CertificateIssuer::new(authority, authority_key);
    for name in [BROKER_NAME, REGISTRY_NAME] {
        let key = KeyPair::generate().map_err(failed)?;
        let own = CertificateParams::new(vec![name.to_string()]).map_err(failed)?;
        let own = own.signed_by(&key, &issuer).map_err(failed)?;
        write(folder.join(format!("{name}.pem")), &own.pem())?;
        write(folder.join(format!("{name}.key")), &key.serialize_pem())?;
    }
    Ok(())
}

fn write(path: PathBuf, text: &str) -> Result<(), Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let failed = |error| Failure::File { path: path.clone(), error };
    let options =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    options.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}
