//! What broker, registry, provider and issuer need for orders through a broker (rows C1 to C9).

use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};
use warifu_broker::rules::forwarded::Proxies;
use warifu_types::Identifier;
use warifu_wire::private_line::LineFiles;

/// Somebody at the other end of a private line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinePeerConfig {
    /// Its `https` address.
    pub url: String,
    /// The own certificate, its key, and the authority of both.
    pub files: LineFiles,
}

/// A listener of a private line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineListenConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The own certificate, its key, and the authority of both.
    pub files: LineFiles,
}

/// The broker's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerConfig {
    /// The domain of reply addresses.
    pub mail_domain: String,
    /// Their local part: `confirm` in `confirm+TOKEN@mail_domain`.
    pub mailbox: Option<String>,
    /// Where users find the pages, for the links in mails.
    pub pages: String,
    /// How long a reply approves, in hours; a reminder goes out after half of it.
    pub reply_hours: Option<u32>,
    /// The same in minutes, where services sell out fast. Only one of the two is set.
    pub reply_minutes: Option<u32>,
    /// How long a provider has to answer, in hours.
    pub provider_hours: Option<u32>,
    /// The card registry.
    pub registry: LinePeerConfig,
    /// How mail goes out.
    pub smtp: ServerConfig,
    /// The sender: `Orders <orders@example.jp>`.
    pub from: String,
    /// A mailbox that replies come to.
    pub imap: Option<ServerConfig>,
    /// Where a mail server hands replies over by LMTP.
    pub lmtp: Option<SocketAddr>,
    /// The name under which the operator's own receiving server notes what it has checked
    /// (`Authentication-Results`). Without it DKIM is checked here alone, and SPF not at all.
    pub authserv_id: Option<String>,
    /// Whether DKIM keys are looked up in DNS.
    #[serde(default)]
    pub dkim_by_dns: bool,
    /// The web server in front, whose word on who calls is believed. Without it, attempts to log in
    /// are counted by whoever connects.
    #[serde(default)]
    pub proxy: Proxies,
}

/// A mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Its name or address.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// How the line is protected; `none` is for this machine alone.
    #[serde(default)]
    pub tls: TlsConfig,
    /// The user, if it wants one.
    pub user: Option<String>,
    /// The file whose first line is the user's password.
    pub password_file: Option<PathBuf>,
}

/// How a line to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsConfig {
    /// TLS from the first byte.
    #[default]
    Implicit,
    /// TLS after `STARTTLS`.
    Starttls,
    /// None.
    None,
}

/// The registry's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// The private line.
    pub line: LineListenConfig,
    /// The DNS name in the broker's certificate.
    pub broker: String,
    /// The issuers that may resolve references, by the DNS name in their certificate.
    #[serde(default)]
    pub issuers: BTreeMap<String, Identifier>,
    /// The files of the keys that cards are under: the first is current, the others still open what is
    /// older, until `warifu registry rotate` has rewritten it.
    pub card_keys: Vec<PathBuf>,
    /// The fax server; without one, sheets for a fax wait.
    pub fax: Option<FaxConfig>,
}

/// How card sheets go out by fax.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaxConfig {
    /// A HylaFAX server.
    Hylafax {
        /// Its address; another machine's must be on a line that only the operator has.
        address: SocketAddr,
        /// Whether that is so.
        #[serde(default)]
        private_line: bool,
        /// The user name there.
        user: Option<String>,
        /// The file with the user's password.
        password_file: Option<PathBuf>,
        /// The file with the administrator's password, with which the spool is cleared.
        admin_password_file: Option<PathBuf>,
    },
    /// A mail-to-fax gateway.
    Mail {
        /// The mail server that takes it.
        smtp: Box<ServerConfig>,
        /// The sender.
        from: String,
        /// The gateway's domain: a fax to +8192… goes to `8192…@domain`.
        domain: String,
    },
    /// A machine of the simulator, for trials.
    Simulator {
        /// Where it listens, on this machine.
        machine: SocketAddr,
    },
}

/// A merchant's settings as a provider.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// The issuer whose cards are taken; any, unless it is named.
    pub issuer: Option<Identifier>,
    /// Whether orders are accepted without the operator.
    pub accept: bool,
    /// Whether goods are handed over as soon as they are authorized, without the operator.
    pub serve: bool,
    /// How long the operator may take to accept, in hours.
    pub patience_hours: Option<u32>,
    /// Billing by ISO 8583 instead of the network.
    pub card_network: Option<AcquirerConfig>,
    /// The closed line on which the registry posts cards.
    pub line: Option<ClosedLineConfig>,
}

/// A provider's closed line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLineConfig {
    /// The DNS name in the registry's certificate, the only one that counts.
    pub registry: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The own certificate, its key, and the authority of both.
    pub files: LineFiles,
}

/// The way to an issuer by ISO 8583.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcquirerConfig {
    /// The issuer's address.
    pub address: String,
    /// The card acceptor's code, field 42, as the issuer has admitted it.
    pub acceptor: String,
    /// The name in the issuer's certificate, and the own files; without them the issuer must be on this
    /// machine.
    pub tls: Option<CardTlsConfig>,
}

/// Mutual TLS towards an issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardTlsConfig {
    /// The name in the issuer's certificate.
    pub name: String,
    /// The own certificate, its key, and the authority of both.
    pub files: LineFiles,
}

/// An issuer's listener for ISO 8583.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardListenConfig {
    /// Where it listens; without TLS on this machine alone.
    pub listen: SocketAddr,
    /// The own certificate, its key, and the authority of both.
    pub files: Option<LineFiles>,
    /// The certificate files of those who may ask, each with the acceptor codes that it speaks for.
    #[serde(default)]
    pub clients: Vec<CardClientConfig>,
}

/// Somebody who may ask by ISO 8583.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardClientConfig {
    /// Its certificate, a PEM file.
    pub certificate: PathBuf,
    /// The acceptor codes that it speaks for.
    pub acceptors: Vec<String>,
}
