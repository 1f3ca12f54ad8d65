//! ISO 8583: an issuer's listener, and a provider's way to it.

use crate::{
    Failure,
    config::brokering::{AcquirerConfig, CardListenConfig, ProviderConfig},
    setup::read_text,
};
use std::{collections::HashMap, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use warifu_gateways::card_network::{
    Client, ClientLine, ClientSettings, Identity, Limits, LineError, Server, ServerLine,
    certificate, client_tls, server_tls,
};
use warifu_merchant::{Billing, Brokering};
use warifu_ports::card_network::CardNetwork;
use warifu_store::SystemClock;
use warifu_wire::private_line::LineFiles;
use zeroize::Zeroizing;

fn failure(field: &'static str) -> impl Fn(LineError) -> Failure {
    move |error| Failure::input(field, error.to_string())
}

/// The three PEM files of one side.
struct Files {
    chain: String,
    key: Zeroizing<String>,
    roots: String,
}

impl Files {
    fn read(files: &LineFiles) -> Result<Files, Failure> {
        Ok(Files {
            chain: read_text(&files.certificate)?,
            key: Zeroizing::new(read_text(&files.key)?),
            roots: read_text(&files.ca)?,
        })
    }

    fn identity(&self) -> Identity<'_> {
        Identity {
            chain: self.chain.as_bytes(),
            key: self.key.as_bytes(),
            roots: self.roots.as_bytes(),
        }
    }
}

/// An issuer's listener, which answers as long as it lives.
pub struct CardListener(Server);

impl CardListener {
    /// Begins to answer for an issuer.
    pub async fn start(
        config: &CardListenConfig,
        issuer: Arc<dyn CardNetwork>,
    ) -> Result<CardListener, Failure> {
        const FIELD: &str = "issuer.card_network";
        let line = match &config.files {
            None => ServerLine::Loopback,
            Some(files) => {
                let files = Files::read(files)?;
                let mut acceptors = HashMap::new();
                for client in &config.clients {
                    let pem = read_text(&client.certificate)?;
                    let shown = certificate(pem.as_bytes()).map_err(failure(FIELD))?;
                    acceptors.insert(shown, client.acceptors.iter().cloned().collect());
                }
                let config = server_tls(&files.identity()).map_err(failure(FIELD))?;
                ServerLine::Tls { config, acceptors }
            }
        };
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| Failure::input(FIELD, format!("{}: {error}", config.listen)))?;
        let clock = Arc::new(SystemClock);
        let server = Server::start(listener, issuer, clock, line, Limits::default());
        Ok(CardListener(server.map_err(failure(FIELD))?))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

/// How a merchant works with brokers.
pub fn provider(config: &ProviderConfig) -> Result<Brokering, Failure> {
    let usual = Brokering::default();
    let brokering = Brokering {
        accepts_by_itself: config.accept,
        serves_by_itself: config.serve,
        patience: config.patience_hours.map_or(usual.patience, |hours| u64::from(hours) * 3600),
        billing: match &config.card_network {
            None => Billing::Network,
            Some(line) => Billing::CardNetwork {
                line: Arc::new(client(line)?),
                acceptor: line.acceptor.clone(),
            },
        },
    };
    brokering.check()?;
    Ok(brokering)
}

fn client(config: &AcquirerConfig) -> Result<Client, Failure> {
    const FIELD: &str = "merchant.provider.card_network";
    let line = match &config.tls {
        Some(tls) => {
            let files = Files::read(&tls.files)?;
            ClientLine::Tls {
                address: config.address.clone(),
                name: tls.name.clone(),
                config: client_tls(&files.identity()).map_err(failure(FIELD))?,
            }
        }
        None => {
            let bad = |_| Failure::input(FIELD, "address: a number and a port, on this machine");
            ClientLine::Loopback(config.address.parse().map_err(bad)?)
        }
    };
    let settings = ClientSettings::new(line);
    Client::new(settings, Arc::new(SystemClock)).map_err(failure(FIELD))
}
