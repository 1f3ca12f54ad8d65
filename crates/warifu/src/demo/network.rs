//! The whole network in one process: each party with its own folder, key file, database and port,
//! meeting the others over real sockets.

mod centers;

use super::broker::BrokerSide;
use super::people::{CENTER, Cast, HOLDER, MEMBER, Person, SERVICES, identifier};
use crate::{
    Failure,
    config::{MerchantConfig, brokering::ProviderConfig, own_rule::OwnRule, suites},
    newcomer::Newcomer,
    serve::{Service, Settings},
    setup::{KeySettings, Opened, Place},
};
use async_trait::async_trait;
use axum::Router;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinHandle};
use warifu_center::Kind;
use warifu_gateways::bank::simulator::BankWorld;
use warifu_holder::{Card, Holder};
use warifu_issuer::{CardApplication, CardKind};
use warifu_keydist::Thresholds;
use warifu_ports::{Entropy, Store};
use warifu_protocol::{form::Designation, suite::Suite, terminal::KeyPolicy};
use warifu_store::OsEntropy;
use warifu_types::{Currency, FieldName, Identifier, Money, Role};
use warifu_wire::{
    Party,
    identity::{Wish, agree},
};
use zeroize::Zeroizing;

/// The network's name.
pub const NETWORK: &str = "demo.warifu.example";

/// An item of the catalogue that is handed over through the network.
pub const DOWNLOAD: &str = "DL-1001";
/// An item of the catalogue that is used in real time.
pub const METERED: &str = "RT-1001";

const CATALOGUE: &str = include_str!("../../demo-data/catalogue.json");

/// Something that stands before every listener: a tap in the tests.
#[async_trait]
pub trait Front: Send + Sync {
    /// The address under which others reach `target`.
    async fn front(&self, name: &str, target: SocketAddr) -> SocketAddr;
}

/// How the network is set up.
#[derive(Clone)]
pub struct Setup {
    /// The matrices' size.
    pub thresholds: Thresholds,
    /// The weakest suite; none means the default floor.
    pub minimum: Option<Suite>,
    /// Whether parties publish HPKE; without it the suite is `kps`.
    pub suites: Vec<Suite>,
    /// Where pair keys come from.
    pub policy: KeyPolicy,
    /// Whether a second center gives everyone a share, too (row D6).
    pub second_center: bool,
    /// How the center deals with members and their money.
    pub settlement: warifu_center::Settings,
    /// What stands before the listeners.
    pub front: Option<Arc<dyn Front>>,
    /// What the holder enters.
    pub person: Option<Person>,
    /// The program that runs the card registry; this one unless it is another.
    pub program: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            thresholds: Thresholds::default(),
            minimum: None,
            suites: suites(None),
            policy: KeyPolicy::default(),
            second_center: false,
            settlement: warifu_center::Settings::default(),
            front: None,
            person: None,
            program: None,
        }
    }
}

impl Setup {
    /// The address under which others reach `target`.
    async fn public(&self, name: &str, target: SocketAddr) -> SocketAddr {
        match &self.front {
            Some(front) => front.front(name, target).await,
            None => target,
        }
    }
}

/// A running network.
pub struct Network {
    /// Every service but the center.
    pub services: BTreeMap<&'static str, Service>,
    /// The holder's terminal.
    pub holder: Arc<Holder>,
    /// Who the holder is.
    pub person: Person,
    /// The center.
    pub center: Arc<warifu_center::Center>,
    /// The bank and the post office where the center has accounts.
    pub banks: BankWorld,
    /// Where everything lies.
    pub folder: PathBuf,
    setup: Setup,
    /// The keys that were agreed beforehand, by the two who have them.
    agreed: BTreeMap<[String; 2], [u8; 32]>,
    member: tokio::sync::OnceCell<Newcomer>,
    broker: tokio::sync::OnceCell<BrokerSide>,
    /// Every party's place, to look into afterwards.
    pub places: BTreeMap<&'static str, Place>,
    /// Every party's open store.
    pub stores: BTreeMap<&'static str, Opened>,
    urls: BTreeMap<&'static str, String>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Sets one party after the other up.
struct Builder<'a> {
    folder: &'a Path,
    setup: &'a Setup,
    places: BTreeMap<&'static str, Place>,
    stores: BTreeMap<&'static str, Opened>,
    urls: BTreeMap<&'static str, String>,
    tasks: Vec<JoinHandle<()>>,
    /// The keys of each two, in a network where they are agreed beforehand.
    agreed: BTreeMap<[String; 2], [u8; 32]>,
}

impl Network {
    /// Starts every party in its own folder below `folder`.
    pub async fn start(folder: &Path, setup: &Setup) -> Result<Network, Failure> {
        let mut builder = Builder {
            folder,
            setup,
            places: BTreeMap::new(),
            stores: BTreeMap::new(),
            urls: BTreeMap::new(),
            tasks: Vec::new(),
            agreed: BTreeMap::new(),
        };
        let center = builder.centers().await?;
        let banks = super::banks::open(&center)?;
        let mut services = BTreeMap::new();
        for cast in SERVICES {
            services.insert(cast.name, builder.service(cast, &center).await?);
        }
        let person = match &setup.person {
            Some(person) => person.clone(),
            None => Person::hanako()?,
        };
        for name in ["issuer", "card_manager"] {
            if let Some(Service::Issuer(issuer)) = services.get(name) {
                let card = if name == "issuer" { &person.card } else { &person.badge };
                issuer.add_card(application(&person, card, identifier(HOLDER)?)?).await?;
            }
        }
        let holder = builder.holder(&center, &person).await?;
        Ok(Network {
            services,
            holder,
            person,
            center,
            banks,
            folder: folder.to_path_buf(),
            setup: setup.clone(),
            agreed: builder.agreed,
            member: tokio::sync::OnceCell::new(),
            broker: tokio::sync::OnceCell::new(),
            places: builder.places,
            stores: builder.stores,
            urls: builder.urls,
            tasks: Mutex::new(builder.tasks),
        })
    }

    /// The member of the settlement center, with a loaded prepaid card; joins when first asked for.
    pub async fn member(&self) -> Result<&Newcomer, Failure> {
        self.member.get_or_try_init(|| super::member::join(self)).await
    }

    /// The broker, with its registry in a process of its own; starts when first asked for.
    pub async fn broker(&self) -> Result<&BrokerSide, Failure> {
        self.broker.get_or_try_init(|| BrokerSide::start(self)).await
    }

    /// The merchant.
    pub fn merchant(&self) -> Result<&Arc<warifu_merchant::Merchant>, Failure> {
        match self.services.get("merchant") {
            Some(Service::Merchant(merchant)) => Ok(merchant),
            _ => Err(Failure::input("merchant", "there is none")),
        }
    }

    /// How a further party uses its keys.
    pub fn keys(&self) -> Result<KeySettings, Failure> {
        keys(&self.setup, self.url(CENTER.name))
    }

    /// Gives the first member's store the keys that every service has agreed with it, where the
    /// network works so.
    pub async fn agree_with_member(&self, store: &Arc<dyn Store>) -> Result<(), Failure> {
        for (pair, key) in self.agreed.iter().filter(|(pair, _)| pair.contains(&MEMBER.into())) {
            for peer in pair.iter().filter(|peer| *peer != MEMBER) {
                let (peer, key) = (identifier(peer)?, Zeroizing::new(*key));
                store.run(move |unit| agree(unit, &peer, key)).await?;
            }
        }
        Ok(())
    }

    /// Where a further party keeps its things.
    pub(super) fn place(&self, name: &str) -> Place {
        place(&self.folder, name)
    }

    /// The program that runs a party in a process of its own.
    pub(super) fn program(&self) -> Result<PathBuf, Failure> {
        match &self.setup.program {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?),
        }
    }

    /// Broker and registry, if they were started.
    pub fn broker_if_started(&self) -> Option<&BrokerSide> {
        self.broker.get()
    }

    /// The address under which others reach `target`.
    pub(super) async fn public(&self, name: &str, target: SocketAddr) -> SocketAddr {
        self.setup.public(name, target).await
    }

    /// Serves a further party's routes; returns where others reach it.
    pub(super) async fn serve(&self, name: &str, routes: Router) -> Result<String, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = self.public(name, listener.local_addr()?).await;
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tasks.push(run(listener, routes));
        Ok(format!("http://{address}"))
    }

    /// Where each service answers.
    pub fn addresses(&self) -> BTreeMap<&'static str, String> {
        self.urls.clone()
    }

    /// Where one service answers.
    pub fn url(&self, name: &str) -> String {
        self.urls.get(name).cloned().unwrap_or_default()
    }

    /// Stops every listener.
    pub async fn stop(&self) {
        let tasks = std::mem::take(
            &mut *self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        );
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Builder<'_> {
    fn open(&mut self, name: &'static str) -> Result<Opened, Failure> {
        let place = place(self.folder, name);
        let opened = place.create()?;
        self.places.insert(name, place);
        self.stores.insert(name, opened.clone());
        Ok(opened)
    }

    /// Gives a party the key that it has agreed with every other, where the network works so.
    async fn agree(&mut self, opened: &Opened, own: &str) -> Result<(), Failure> {
        if self.setup.policy != KeyPolicy::Agreed {
            return Ok(());
        }
        let everyone = SERVICES.iter().map(|cast| cast.identifier).chain([HOLDER, MEMBER]);
        for peer in everyone.filter(|peer| *peer != own) {
            let mut pair = [own.to_string(), peer.to_string()];
            pair.sort();
            let key = self.agreed.entry(pair).or_insert_with(|| OsEntropy.bytes32());
            opened.agree(&identifier(peer)?, Zeroizing::new(*key)).await?;
        }
        Ok(())
    }

    /// A listener, and the address under which others reach it.
    async fn listen(&mut self, name: &'static str) -> Result<(TcpListener, String), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = self.setup.public(name, listener.local_addr()?).await;
        let url = format!("http://{address}");
        self.urls.insert(name, url.clone());
        Ok((listener, url))
    }

    fn run(&mut self, listener: TcpListener, routes: Router) {
        self.tasks.push(run(listener, routes));
    }

    /// An enrolled party, with a share of every center.
    async fn party(&self, opened: &Opened) -> Result<Arc<Party>, Failure> {
        let party = opened.party(&self.keys()?).await?;
        if self.setup.second_center {
            party.renew().await?;
        }
        Ok(party)
    }

    fn keys(&self) -> Result<KeySettings, Failure> {
        keys(self.setup, self.urls.get(CENTER.name).cloned().unwrap_or_default())
    }

    async fn service(
        &mut self,
        cast: &Cast,
        center: &Arc<warifu_center::Center>,
    ) -> Result<Service, Failure> {
        let opened = self.open(cast.name)?;
        let (listener, url) = self.listen(cast.name).await?;
        let wish = Wish {
            sub: identifier(cast.identifier)?,
            roles: vec![cast.role],
            suites: self.setup.suites.clone(),
            url: Some(url),
        };
        let request = opened.request(&wish).await?;
        let answer = center.enrol(request, Kind::Admit).await?;
        opened.accept(&answer, None).await?;
        self.agree(&opened, cast.identifier).await?;
        let party = self.party(&opened).await?;
        let service = Service::build(cast.role, party, opened.port(), &settings()?).await?;
        service.start_workers();
        if let Service::Merchant(merchant) = &service {
            let items = serde_json::from_str(CATALOGUE)
                .map_err(|error| Failure::input("catalogue", error.to_string()))?;
            merchant.import_catalogue(items).await?;
            let file = include_str!("../../demo-data/wrapping.txt");
            merchant.add_file(DOWNLOAD, file.as_bytes()).await?;
        }
        self.run(listener, service.routes());
        Ok(service)
    }

    async fn holder(
        &mut self,
        center: &Arc<warifu_center::Center>,
        person: &Person,
    ) -> Result<Arc<Holder>, Failure> {
        let opened = self.open("holder")?;
        let wish = Wish {
            sub: identifier(HOLDER)?,
            roles: vec![Role::Holder],
            suites: self.setup.suites.clone(),
            url: None,
        };
        let request = opened.request(&wish).await?;
        let answer = center.enrol(request, Kind::Issue).await?;
        opened.accept(&answer, None).await?;
        self.agree(&opened, HOLDER).await?;
        let party = self.party(&opened).await?;
        let holder = Holder::new(party, opened.port());
        holder.set_profile(person.profile.clone()).await?;
        holder.add_card(person.card.clone()).await?;
        holder.add_card(person.badge.clone()).await?;
        Ok(holder)
    }
}

/// Answers until the task is stopped.
fn run(listener: TcpListener, routes: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "listener");
        }
    })
}

/// Where a party keeps its things.
fn place(folder: &Path, name: &str) -> Place {
    let keys = folder.join("keys").join(format!("{name}.key"));
    Place::new(&folder.join(name), Some(&keys))
}

/// How a party uses its keys.
fn keys(setup: &Setup, center: String) -> Result<KeySettings, Failure> {
    let center = Some((identifier(CENTER.identifier)?, center));
    Ok(KeySettings { minimum: setup.minimum, policy: setup.policy, center })
}

fn settings() -> Result<Settings, Failure> {
    let by = |text| Ok::<_, Failure>(Some(Designation::Identifier(identifier(text)?)));
    let rules = [
        "minimal",
        "classic",
        "no-carrier",
        "direct",
        "gateway",
        "certifier",
        "no-fax",
        "no-item-number",
        "destination-to-merchant",
        "customs",
        "prepaid",
        "prepaid-download",
        "prepaid-metered",
        "broker",
    ];
    Ok(Settings {
        merchant: MerchantConfig {
            rules: rules.map(str::to_string).to_vec(),
            own_rules: BTreeMap::from([("customs".to_string(), customs())]),
            // By a name that the directory resolves (row A5).
            carrier: Some(Designation::Name("白鷺運輸".to_string())),
            center: Some(identifier(CENTER.identifier)?),
            gateway: by("domain:access.example")?,
            certifier: by("domain:keys.example")?,
            instructions: "Keep dry. 天地無用".to_string(),
            provider: ProviderConfig { accept: true, serve: true, ..ProviderConfig::default() },
            ..MerchantConfig::default()
        },
        auto_deliver: true,
        ..Settings::default()
    })
}

/// A rule of the operator's own: the merchant does not learn who buys, and the carrier learns what it
/// carries, for the customs.
fn customs() -> OwnRule {
    use FieldName as F;
    let who = [F::HOLDER_NAME, F::HOLDER_TELEPHONE];
    let card = [F::CARD_NUMBER, F::CARD_EXPIRY, F::AMOUNT, F::PAYMENT_TYPE];
    let goods = [F::ITEM_NUMBERS, F::ITEMS, F::AMOUNT, F::PAYMENT_TYPE, F::QUOTE];
    let parts = BTreeMap::from([
        (Role::Merchant, goods.to_vec()),
        (Role::Issuer, [&who[..], &card].concat()),
        (Role::Carrier, [&who[..], &[F::DESTINATION, F::ITEMS, F::AMOUNT]].concat()),
    ]);
    OwnRule { authorizer: Role::Issuer, direct: false, parts }
}

/// What the issuer, or the card manager, knows of a holder's card.
pub(super) fn application(
    person: &Person,
    card: &Card,
    holder: Identifier,
) -> Result<CardApplication, Failure> {
    let badge = card.label == person.badge.label;
    let limits = if badge {
        Vec::new()
    } else {
        vec![
            Money::new(500_000, Currency::JPY)?,
            Money::new(400_000, Currency::EUR)?,
            Money::new(400_000, Currency::USD)?,
        ]
    };
    Ok(CardApplication {
        kind: if badge { CardKind::Badge } else { CardKind::Credit },
        card_number: card.number.clone(),
        expiry: card.expiry.clone(),
        holder,
        holder_name: person.profile.name.clone(),
        holder_telephone: person.profile.telephone.clone(),
        limits,
        zones: if badge { vec!["lab-2".to_string()] } else { Vec::new() },
        max_instalments: if badge { 1 } else { 12 },
    })
}
