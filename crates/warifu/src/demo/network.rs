//! The whole network in one process: each party with its own folder, key file, database and port,
//! meeting the others over real sockets.

use super::broker::BrokerSide;
use super::people::{CENTER, Cast, HOLDER, Person, SERVICES, identifier};
use crate::{
    Failure,
    config::{MerchantConfig, brokering::ProviderConfig, suites},
    newcomer::Newcomer,
    serve::{Service, Settings},
    setup::{KeySettings, Opened, Place, now, random},
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinHandle};
use warifu_center::{CenterWish, Kind};
use warifu_gateways::bank::simulator::BankWorld;
use warifu_holder::{Card, Holder};
use warifu_issuer::{CardApplication, CardKind};
use warifu_keydist::Thresholds;
use warifu_protocol::{form::Designation, suite::Suite, terminal::KeyPolicy};
use warifu_types::{Currency, Identifier, Money, Role};
use warifu_wire::identity::Wish;

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
            front: None,
            person: None,
            program: None,
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
    minimum: Option<Suite>,
    policy: KeyPolicy,
    program: Option<PathBuf>,
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
    agreed: BTreeMap<(String, String), [u8; 32]>,
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
        let center = builder.center().await?;
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
            minimum: setup.minimum,
            policy: setup.policy,
            program: setup.program.clone(),
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
        self.member.get_or_try_init(|| super::member::join(self, self.minimum)).await
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
    pub(super) fn keys(&self) -> Result<KeySettings, Failure> {
        keys(self.minimum, self.policy, self.url(CENTER.name))
    }

    /// Where a further party keeps its things.
    pub(super) fn place(&self, name: &str) -> Place {
        place(&self.folder, name)
    }

    /// The program that runs a party in a process of its own.
    pub(super) fn program(&self) -> Result<PathBuf, Failure> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?),
        }
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
        let everyone = SERVICES.iter().map(|cast| cast.identifier).chain([HOLDER]);
        for peer in everyone.filter(|peer| *peer != own) {
            let mut pair = [own.to_string(), peer.to_string()];
            pair.sort();
            let [first, second] = pair;
            let key = self.agreed.entry((first, second)).or_insert_with(|| {
                use warifu_ports::Entropy;
                warifu_store::OsEntropy.bytes32()
            });
            opened.agree(&identifier(peer)?, zeroize::Zeroizing::new(*key)).await?;
        }
        Ok(())
    }

    /// A listener, and the address under which others reach it.
    async fn listen(&mut self, name: &'static str) -> Result<(TcpListener, String), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut address = listener.local_addr()?;
        if let Some(front) = &self.setup.front {
            address = front.front(name, address).await;
        }
        let url = format!("http://{address}");
        self.urls.insert(name, url.clone());
        Ok((listener, url))
    }

    fn run(&mut self, listener: TcpListener, routes: axum::Router) {
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "listener");
            }
        }));
    }

    async fn center(&mut self) -> Result<Arc<warifu_center::Center>, Failure> {
        let opened = self.open(CENTER.name)?;
        let (listener, url) = self.listen(CENTER.name).await?;
        let wish = CenterWish {
            network: NETWORK.to_string(),
            identifier: identifier(CENTER.identifier)?,
            url,
            thresholds: self.setup.thresholds,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
        let mut generator = random();
        opened
            .port()
            .run(move |unit| warifu_center::init(unit, &wish, seed, now(), &mut generator))
            .await?;
        let keys = KeySettings { minimum: self.setup.minimum, ..KeySettings::default() };
        let party = opened.party(&keys).await?;
        let settings = Settings { open_desk: true, ..Settings::default() };
        let service = Service::build(Role::Center, party, opened.port(), &settings).await?;
        service.start_workers();
        self.run(listener, service.routes());
        match service {
            Service::Center(center) => Ok(center),
            _ => Err(Failure::input("role", "not a center")),
        }
    }

    fn keys(&self) -> Result<KeySettings, Failure> {
        let center = self.urls.get(CENTER.name).cloned().unwrap_or_default();
        keys(self.setup.minimum, self.setup.policy, center)
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
        let party = opened.party(&self.keys()?).await?;
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
        let party = opened.party(&self.keys()?).await?;
        let holder = Holder::new(party, opened.port());
        holder.set_profile(person.profile.clone()).await?;
        holder.add_card(person.card.clone()).await?;
        holder.add_card(person.badge.clone()).await?;
        Ok(holder)
    }
}

/// Where a party keeps its things.
fn place(folder: &Path, name: &str) -> Place {
    let keys = folder.join("keys").join(format!("{name}.key"));
    Place::new(&folder.join(name), Some(&keys))
}

/// How a party uses its keys.
fn keys(minimum: Option<Suite>, policy: KeyPolicy, center: String) -> Result<KeySettings, Failure> {
    let center = Some((identifier(CENTER.identifier)?, center));
    Ok(KeySettings { minimum, policy, center })
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
        "prepaid",
        "prepaid-download",
        "prepaid-metered",
        "broker",
    ];
    Ok(Settings {
        merchant: MerchantConfig {
            rules: rules.map(str::to_string).to_vec(),
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
