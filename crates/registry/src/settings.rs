//! How a registry is set up.

use std::collections::BTreeMap;
use warifu_types::Identifier;

/// The settings of a registry.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The DNS name in the certificate of the broker, the only one that may ask about members.
    pub broker: String,
    /// Issuers that may resolve references, by the DNS name in their certificate: each for its own
    /// cards.
    pub issuers: BTreeMap<String, Identifier>,
    /// How long a reference is good, in seconds.
    pub reference_lifetime: u64,
    /// How many times a sheet is handed to the fax server anew after it has failed.
    pub attempts: u32,
    /// How long a process that works on a sheet may be silent until another takes the sheet over, in
    /// seconds.
    pub lease: u64,
}

impl Settings {
    /// The usual settings: references for 30 days, three attempts, a lease of 20
    /// seconds.
    pub fn new(broker: &str, issuers: BTreeMap<String, Identifier>) -> Settings {
        let reference_lifetime = 30 * 86_400;
        let issuers =
            issuers.into_iter().map(|(name, who)| (name.to_ascii_lowercase(), who)).collect();
        let broker = broker.to_ascii_lowercase();
        Settings { broker, issuers, reference_lifetime, attempts: 3, lease: 20 }
    }
}
