//! Running one role as a service.

use crate::{
    Failure, brokering,
    config::{
        Config, MerchantConfig,
        brokering::{BrokerConfig, LinePeerConfig, RegistryConfig},
        settlement::SettlementConfig,
    },
    output::note,
    rules,
    setup::read_text,
};
use axum::Router;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use warifu_broker::Broker;
use warifu_carrier::Carrier;
use warifu_center::Center;
use warifu_issuer::Issuer;
use warifu_merchant::{Merchant, RECEIPT_PATIENCE};
use warifu_observer::Observer;
use warifu_ports::{Store, mail::MailOut};
use warifu_registry::Registry;
use warifu_types::Role;
use warifu_wire::Party;

/// How often a merchant takes up its unfinished orders, and a center its top-ups and notices.
pub const WORK_EVERY: Duration = Duration::from_millis(200);
/// How often an issuer lets expired holds go.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// A running role: its routes, and the role itself for whoever composes it.
pub enum Service {
    /// The center.
    Center(Arc<Center>),
    /// An issuer or a card manager.
    Issuer(Arc<Issuer>),
    /// A merchant or a door.
    Merchant(Arc<Merchant>),
    /// A carrier.
    Carrier(Arc<Carrier>),
    /// A further party.
    Observer(Arc<Observer>),
    /// A card registry.
    Registry(Arc<Registry>),
    /// An order broker.
    Broker(Arc<Broker>),
}

impl Service {
    /// Builds a role over its party and store. Its workers are not started: only the running service
    /// has them, not an operator's command beside it.
    pub async fn build(
        role: Role,
        party: Arc<Party>,
        store: Arc<dyn Store>,
        config: &Settings,
    ) -> Result<Service, Failure> {
        Ok(match role {
            Role::Center => {
                let settings = config.settlement.settings()?;
                Service::Center(Center::with(party, store, config.open_desk, settings).await?)
            }
            Role::Issuer | Role::CardManager => {
                let settings = warifu_issuer::Settings { role, ..config.issuer.clone() };
                Service::Issuer(match &config.references {
                    Some(line) => {
                        let line = Arc::new(brokering::References::open(line)?);
                        Issuer::with_references(party, store, settings, line)
                    }
                    None => Issuer::new(party, store, settings),
                })
            }
            Role::Merchant | Role::Door => {
                let settings = rules::merchant_settings(role, &config.merchant)?;
                settings.check()?;
                let brokering = brokering::provider(&config.merchant.provider)?;
                let merchant =
                    Merchant::with_brokering(party, store, settings, RECEIPT_PATIENCE, brokering);
                if let Some(path) = &config.merchant.catalogue {
                    let items = serde_json::from_str(&read_text(path)?)
                        .map_err(|error| Failure::input("catalogue", error.to_string()))?;
                    merchant.import_catalogue(items).await?;
                }
                Service::Merchant(merchant)
            }
            Role::Carrier => {
                let settings = warifu_carrier::Settings { auto_deliver: config.auto_deliver };
                Service::Carrier(Carrier::new(party, store, settings))
            }
            Role::Gateway | Role::Certifier => Service::Observer(Observer::new(party, store, role)),
            Role::Registry => {
                let config = config.registry.as_ref().ok_or_else(|| missing("registry"))?;
                Service::Registry(brokering::registry(party, store, config)?)
            }
            Role::Broker => {
                let config = config.broker.as_ref().ok_or_else(|| missing("broker"))?;
                let mail = config.mail.clone().ok_or_else(|| missing("broker.smtp"))?;
                Service::Broker(brokering::broker(party, store, &config.config, mail).await?)
            }
            Role::Holder => return Err(Failure::input("role", "a holder is no service")),
        })
    }

    /// Starts the role's workers: a merchant takes up its unfinished orders, an issuer lets expired
    /// holds go, a center takes up top-ups and payment notices.
    pub fn start_workers(&self) {
        match self {
            Service::Issuer(issuer) => spawn_expiry(issuer),
            Service::Merchant(merchant) => drop(merchant.spawn_worker(WORK_EVERY)),
            Service::Center(center) => drop(center.settlement().spawn_worker(WORK_EVERY)),
            Service::Registry(registry) => drop(registry.spawn_worker(WORK_EVERY)),
            Service::Broker(broker) => drop(broker.spawn_worker(WORK_EVERY)),
            Service::Carrier(_) | Service::Observer(_) => {}
        }
    }

    /// The role's routes.
    pub fn routes(&self) -> Router {
        match self {
            Service::Center(center) => warifu_center::routes(center.clone()),
            Service::Issuer(issuer) => warifu_wire::serve_routes(issuer.clone()),
            Service::Merchant(merchant) => warifu_merchant::routes(merchant.clone()),
            Service::Carrier(carrier) => warifu_wire::serve_routes(carrier.clone()),
            Service::Observer(observer) => warifu_wire::serve_routes(observer.clone()),
            Service::Registry(registry) => warifu_wire::serve_routes(registry.clone()),
            Service::Broker(broker) => warifu_broker::routes(broker.clone()),
        }
    }
}

/// What the roles need of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether holders may enrol themselves.
    pub open_desk: bool,
    /// The settlement center's.
    pub settlement: SettlementConfig,
    /// The issuer's.
    pub issuer: warifu_issuer::Settings,
    /// The merchant's.
    pub merchant: MerchantConfig,
    /// The carrier's.
    pub auto_deliver: bool,
    /// The issuer's way to a card registry.
    pub references: Option<LinePeerConfig>,
    /// The registry's.
    pub registry: Option<RegistryConfig>,
    /// The broker's.
    pub broker: Option<BrokerSettings>,
}

/// A broker's settings, and its way to send mail.
#[derive(Clone)]
pub struct BrokerSettings {
    /// As configured.
    pub config: BrokerConfig,
    /// Where mail goes out; none for an operator's command beside the service.
    pub mail: Option<Arc<dyn MailOut>>,
}

impl std::fmt::Debug for BrokerSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BrokerSettings").field(&self.config.mail_domain).finish()
    }
}

fn missing(section: &str) -> Failure {
    Failure::input(section, "the configuration has no such section")
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Settings {
        Settings {
            open_desk: config.desk.open,
            settlement: config.settlement.clone(),
            issuer: warifu_issuer::Settings {
                hold_days: config.issuer.hold_days,
                max_instalments: config.issuer.max_instalments,
                ..warifu_issuer::Settings::default()
            },
            merchant: config.merchant.clone(),
            auto_deliver: config.carrier.auto_deliver,
            references: config.issuer.registry.clone(),
            registry: config.registry.clone(),
            broker: config.broker.clone().map(|config| BrokerSettings { config, mail: None }),
        }
    }
}

/// `warifu serve ROLE --config FILE`: runs until it is told to stop.
pub async fn serve(role: Role, config: &Config) -> Result<(), Failure> {
    let opened = config.place().open()?;
    let party = opened.party(&config.key_settings()).await?;
    if !party.terminal().credential.has_role(role) {
        return Err(Failure::input("role", format!("this party's credential is not for a {role}")));
    }
    let mut settings = Settings::from(config);
    let mail = match (role, &config.broker) {
        (Role::Broker, Some(broker)) => Some(brokering::MailSide::open(broker).await?),
        _ => None,
    };
    if let (Some(broker), Some(mail)) = (&mut settings.broker, &mail) {
        broker.mail = Some(mail.out.clone());
    }
    let service = Service::build(role, party, opened.port(), &settings).await?;
    let _lines = further_lines(&service, config, mail).await?;
    service.start_workers();
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| Failure::input("listen", format!("{}: {error}", config.listen)))?;
    note(&format!("{role} {} listens on {}", config.identifier, listener.local_addr()?));
    // The center's guard counts by address.
    let routes = service.routes().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).with_graceful_shutdown(stop()).await?;
    Ok(())
}

/// What a service listens to beside its own address, as long as this lives.
async fn further_lines(
    service: &Service,
    config: &Config,
    mail: Option<brokering::MailSide>,
) -> Result<Option<brokering::CardListener>, Failure> {
    match service {
        Service::Registry(registry) => {
            if let Some(RegistryConfig { line, .. }) = &config.registry {
                let routes = warifu_registry::line_routes(registry.clone());
                brokering::serve_line(line.listen, &line.files, routes).await?;
                note(&format!("the private line listens on {}", line.listen));
            }
        }
        Service::Broker(broker) => {
            if let Some(mail) = mail {
                if !mail.hears() {
                    note("neither imap nor lmtp is configured: replies by mail are not heard");
                }
                mail.start(broker.clone());
            }
        }
        Service::Merchant(merchant) => {
            if let Some(line) = &config.merchant.provider.line {
                let routes = warifu_merchant::card_routes(merchant.clone(), &line.registry);
                brokering::serve_line(line.listen, &line.files, routes).await?;
                note(&format!("the closed line listens on {}", line.listen));
            }
        }
        Service::Issuer(issuer) => {
            if let Some(listen) = &config.issuer.card_network {
                let listener = brokering::CardListener::start(listen, issuer.clone()).await?;
                note(&format!("ISO 8583 on {}", listener.address()));
                return Ok(Some(listener));
            }
        }
        Service::Center(_) | Service::Carrier(_) | Service::Observer(_) => {}
    }
    Ok(None)
}

/// Resolves when the process is asked to stop.
pub async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

fn spawn_expiry(issuer: &Arc<Issuer>) {
    let issuer = Arc::downgrade(issuer);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EXPIRE_EVERY).await;
            let Some(issuer) = issuer.upgrade() else { return };
            if let Err(error) = issuer.expire(crate::setup::now()).await {
                tracing::error!(?error, "holds were not expired");
            }
        }
    });
}
