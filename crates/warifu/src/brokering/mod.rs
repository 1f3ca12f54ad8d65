//! Putting broker, registry, provider and issuer together for orders through a broker: whatever of the
//! outside world the configuration names, behind the roles' ports.

mod card_network;
mod mail;
mod registry;

pub use card_network::{CardListener, provider};
pub use mail::MailSide;
pub use registry::{References, create_card_key, registry};

use crate::{
    Failure,
    config::brokering::{BrokerConfig, LinePeerConfig},
};
use axum::Router;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use warifu_broker::Broker;
use warifu_ports::{Store, mail::MailOut};
use warifu_store::search::MemoryIndex;
use warifu_wire::{
    Party, Problem,
    private_line::{LineClient, LineError, LineFiles, LineIdentity, serve_private},
};

/// What of a private line cannot be set up.
pub(crate) fn line_failure(error: LineError) -> Failure {
    Failure::input("line", error.to_string())
}

/// The client of a private line.
pub fn line_client(config: &LinePeerConfig) -> Result<LineClient, Failure> {
    let own = LineIdentity::read(&config.files).map_err(line_failure)?;
    LineClient::new(&own, &config.url).map_err(line_failure)
}

/// Serves routes on a private line, beside the role's own listener.
pub async fn serve_line(
    listen: SocketAddr,
    files: &LineFiles,
    routes: Router,
) -> Result<(), Failure> {
    let own = LineIdentity::read(files).map_err(line_failure)?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::input("line.listen", format!("{listen}: {error}")))?;
    tokio::spawn(async move {
        if let Err(error) = serve_private(listener, &own, routes).await {
            tracing::error!(%error, "the private line has ended");
        }
    });
    Ok(())
}

/// A broker over its party and store.
pub async fn broker(
    party: Arc<Party>,
    store: Arc<dyn Store>,
    config: &BrokerConfig,
    mail: Arc<dyn MailOut>,
) -> Result<Arc<Broker>, Failure> {
    broker_with(party, store, broker_settings(config)?, (&config.registry, mail)).await
}

/// A broker with settings of whoever composes it.
pub async fn broker_with(
    party: Arc<Party>,
    store: Arc<dyn Store>,
    settings: warifu_broker::Settings,
    (registry, mail): (&LinePeerConfig, Arc<dyn MailOut>),
) -> Result<Arc<Broker>, Failure> {
    let registry = Arc::new(line_client(registry)?);
    let index = MemoryIndex::new().map_err(|error| Failure::input("search", error.to_string()))?;
    let gateways = (mail, Arc::new(index) as Arc<_>);
    Ok(Broker::new(party, store, settings, registry, gateways).await?)
}

fn broker_settings(config: &BrokerConfig) -> Result<warifu_broker::Settings, Problem> {
    let mut settings = warifu_broker::Settings::new(&config.mail_domain, &config.pages);
    if let Some(mailbox) = &config.mailbox {
        settings.mailbox.clone_from(mailbox);
    }
    if let Some(hours) = config.reply_hours {
        settings.reply_time = u64::from(hours) * 3600;
        settings.remind_after = settings.reply_time / 2;
    }
    if let Some(hours) = config.provider_hours {
        settings.provider_time = u64::from(hours) * 3600;
    }
    settings.proxies = config.proxy.clone();
    settings.check()?;
    Ok(settings)
}
