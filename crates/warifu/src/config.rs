//! The configuration of a service: one TOML file for each, read here and nowhere else.

pub mod brokering;
pub mod own_rule;
pub mod settlement;

use crate::{
    Failure,
    setup::{KeySettings, Place, read_text},
};
use brokering::{BrokerConfig, CardListenConfig, LinePeerConfig, ProviderConfig, RegistryConfig};
use own_rule::OwnRule;
use serde::Deserialize;
use settlement::SettlementConfig;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use warifu_protocol::{form::Designation, suite::Suite, terminal::KeyPolicy};
use warifu_types::{Currency, Identifier, Role};

/// A service's configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the database.
    pub data: PathBuf,
    /// The key file that everything in the database is encrypted under.
    pub key_file: PathBuf,
    /// The party's identifier.
    pub identifier: Identifier,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where others reach it; `http://` and the listening address unless said otherwise.
    pub url: Option<String>,
    /// The weakest suite that is used or accepted; unset means `kps+hpke` for card and destination,
    /// `kps` for the rest.
    pub minimum_suite: Option<Suite>,
    /// Where pair keys come from.
    #[serde(default)]
    pub keys: KeyPolicy,
    /// How the center is reached; not for the center itself.
    pub center: Option<CenterAddress>,
    /// A merchant's or a door's own settings.
    #[serde(default)]
    pub merchant: MerchantConfig,
    /// An issuer's or a card manager's own settings.
    #[serde(default)]
    pub issuer: IssuerConfig,
    /// A carrier's own settings.
    #[serde(default)]
    pub carrier: CarrierConfig,
    /// The center's own settings.
    #[serde(default)]
    pub desk: DeskConfig,
    /// What a center does as a settlement center.
    #[serde(default)]
    pub settlement: SettlementConfig,
    /// A broker's own settings.
    pub broker: Option<BrokerConfig>,
    /// A card registry's own settings.
    pub registry: Option<RegistryConfig>,
}

/// How the center is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterAddress {
    /// Its identifier.
    pub identifier: Identifier,
    /// Where it answers.
    pub url: String,
}

/// A merchant's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MerchantConfig {
    /// The disclosure rules that are offered, the first by default: `minimal`, `classic`,
    /// `no-carrier`, `direct`, `gateway`, `certifier`, `no-fax`, `no-item-number`,
    /// `destination-to-merchant`; with prepaid cards `prepaid`, `prepaid-download`,
    /// `prepaid-metered`; with brokers `broker`, `broker-reference`; a door has `badge`. A name of
    /// `own_rules` goes as well.
    pub rules: Vec<String>,
    /// Rules of the operator's own, by name.
    pub own_rules: BTreeMap<String, OwnRule>,
    /// The settlement center whose prepaid cards are accepted.
    pub center: Option<Identifier>,
    /// The carrier, by identifier or by a name that the directory resolves.
    pub carrier: Option<Designation>,
    /// The gateway manager of the rule `gateway`.
    pub gateway: Option<Designation>,
    /// The key certification authority of the rule `certifier`.
    pub certifier: Option<Designation>,
    /// The catalogue, read when the service starts.
    pub catalogue: Option<PathBuf>,
    /// The currencies that are accepted.
    pub currencies: Vec<Currency>,
    /// The greatest number of instalments; 1 means one payment only.
    pub instalments: u32,
    /// The issuers that are accepted; empty means any of the network.
    pub issuers: Vec<Identifier>,
    /// What the carrier is told.
    pub instructions: String,
    /// How it works with brokers: the rules `broker` and `broker-reference`.
    pub provider: ProviderConfig,
}

impl Default for MerchantConfig {
    fn default() -> Self {
        MerchantConfig {
            rules: vec!["minimal".to_string()],
            own_rules: BTreeMap::new(),
            center: None,
            carrier: None,
            gateway: None,
            certifier: None,
            catalogue: None,
            currencies: vec![Currency::JPY, Currency::EUR, Currency::USD],
            instalments: 12,
            issuers: Vec::new(),
            instructions: String::new(),
            provider: ProviderConfig::default(),
        }
    }
}

/// An issuer's own settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerConfig {
    /// How long a hold stands, in days.
    pub hold_days: u32,
    /// The greatest number of instalments.
    pub max_instalments: u32,
    /// The card registry whose references are taken.
    pub registry: Option<LinePeerConfig>,
    /// The listener for ISO 8583.
    pub card_network: Option<CardListenConfig>,
}

impl Default for IssuerConfig {
    fn default() -> Self {
        IssuerConfig { hold_days: 30, max_instalments: 24, registry: None, card_network: None }
    }
}

/// A carrier's own settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CarrierConfig {
    /// Whether parcels count as delivered at once; for trials.
    pub auto_deliver: bool,
}

/// The center's own settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeskConfig {
    /// Whether holders may enrol themselves over the wire.
    pub open: bool,
}

impl Config {
    /// Reads a file; an error names the key and the line.
    pub fn read(path: &Path) -> Result<Config, Failure> {
        Config::parse(&read_text(path)?)
            .map_err(|problem| Failure::input(path.display().to_string(), problem))
    }

    /// Reads a file's text; the error, one line, names the line and the key.
    pub fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| {
            let problem = error.message().trim().replace('\n', " ");
            format!("{}: {problem}", place_of(&error, text))
        })
    }

    /// Where the party keeps its things.
    pub fn place(&self) -> Place {
        Place::new(&self.data, Some(&self.key_file))
    }

    /// How the party uses its keys.
    pub fn key_settings(&self) -> KeySettings {
        KeySettings {
            minimum: self.minimum_suite,
            policy: self.keys,
            center: self.center.as_ref().map(|c| (c.identifier.clone(), c.url.clone())),
        }
    }

    /// Where others reach the service.
    pub fn public_url(&self) -> String {
        self.url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}

/// `line 4, listen`: where a file is wrong, in one line. The parser's own words would take several.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count();
    let key = text.lines().nth(line).and_then(|line| line.split_once('='));
    let key = key.map_or_else(String::new, |(key, _)| format!(", {}", key.trim()));
    format!("line {}{key}", line + 1)
}

/// The suites that a party accepts, by its floor.
pub fn suites(minimum: Option<Suite>) -> Vec<Suite> {
    match minimum {
        Some(Suite::KpsHpke) => vec![Suite::KpsHpke],
        _ => vec![Suite::KpsHpke, Suite::Kps],
    }
}

/// The roles that `warifu serve` knows.
pub fn service_role(text: &str) -> Result<Role, String> {
    let role: Role = text.parse().map_err(|_| "no such role".to_string())?;
    match role {
        Role::Holder => Err("a holder is not a service: use `warifu holder`".to_string()),
        other => Ok(other),
    }
}

/// A key policy by its name.
pub fn key_policy(text: &str) -> Result<KeyPolicy, String> {
    match text {
        "predistributed" => Ok(KeyPolicy::Predistributed),
        "agreed" => Ok(KeyPolicy::Agreed),
        "handed_out" => Ok(KeyPolicy::HandedOut),
        _ => Err("one of predistributed, agreed, handed_out".to_string()),
    }
}
