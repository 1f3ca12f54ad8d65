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
    if let Some(seconds) = reply_time(config)? {
        settings.reply_time = seconds;
        settings.remind_after = seconds / 2;
    }
    if let Some(hours) = config.provider_hours {
        settings.provider_time = u64::from(hours) * 3600;
    }
    settings.proxies = config.proxy.clone();
    settings.check()?;
    Ok(settings)
}

/// How long a reply approves, in seconds, if the configuration says so.
fn reply_time(config: &BrokerConfig) -> Result<Option<u64>, Problem> {
    match (config.reply_hours, config.reply_minutes) {
        (Some(_), Some(_)) => {
            Err(Problem::bad_value("reply_minutes", "reply_hours is set already; one of the two"))
        }
        (Some(hours), None) => Ok(Some(u64::from(hours) * 3600)),
        (None, minutes) => Ok(minutes.map(|minutes| u64::from(minutes) * 60)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn settings(line: &str) -> Result<warifu_broker::Settings, Problem> {
        let text = format!(
            "mail_domain = \"order.example\"\npages = \"https://order.example\"\n\
             from = \"orders@order.example\"\nsmtp = {{ host = \"mail.example\", port = 25 }}\n\
             registry = {{ url = \"https://r.example\", files = {{ ca = \"a\", certificate = \"b\", \
             key = \"c\" }} }}\n{line}"
        );
        broker_settings(&toml::from_str(&text).unwrap())
    }

    #[test]
    fn the_time_to_reply_is_set_in_hours_or_in_minutes() {
        let times = |line| settings(line).map(|set| (set.reply_time, set.remind_after));
        assert_eq!(times("").unwrap(), (86_400, 43_200));
        assert_eq!(times("reply_hours = 2").unwrap(), (7_200, 3_600));
        assert_eq!(times("reply_minutes = 15").unwrap(), (900, 450));
        for (bad, field) in [
            ("reply_hours = 1\nreply_minutes = 15", "reply_minutes"),
            ("reply_minutes = 0", "reply_time"),
        ] {
            assert_eq!(times(bad).unwrap_err().field.as_deref(), Some(field), "{bad}");
        }
    }
}
