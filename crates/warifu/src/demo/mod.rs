//! The demonstration: the whole network on loopback, and one purchase of every kind.

mod banks;
pub mod broker;
mod member;
pub mod network;
mod people;
mod purchases;
mod report;

use crate::{Failure, output, scratch::Scratch};
use network::Network;
use std::path::PathBuf;

pub use people::Person;
pub use purchases::{CARD_KINDS, KINDS, purchase};
pub use report::{PartyReport, PurchaseReport, Report};

/// What `warifu demo` was asked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Make one purchase of each kind and exit.
    pub once: bool,
    /// Print one JSON document.
    pub json: bool,
    /// Keep the parties' data here instead of a folder that is deleted at the end.
    pub data: Option<PathBuf>,
}

/// Runs the demonstration.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let scratch = Scratch::new(options.data.as_deref())?;
    output::note("starting center, issuer, merchant, carrier and their neighbours …");
    let network = Network::start(scratch.path(), &network::Setup::default()).await?;
    if !options.once {
        return stay(&network, options).await;
    }
    let mut purchases = Vec::new();
    for kind in KINDS {
        output::note(&format!("purchase: {kind} …"));
        purchases.push(purchase(&network, kind).await?);
    }
    let report = Report { purchases };
    network.stop().await;
    if options.json { output::json(&report) } else { report.print() }
}

async fn stay(network: &Network, options: &Options) -> Result<(), Failure> {
    let addresses = network.addresses();
    if options.json {
        output::json(&serde_json::json!({ "addresses": addresses }))?;
    } else {
        output::say("The network is up:");
        for (name, url) in &addresses {
            output::say(&format!("  {name:<13} {url}"));
        }
        let merchant = addresses.get("merchant").cloned().unwrap_or_default();
        output::say("");
        output::say(&format!("The catalogue: {merchant}/v1/catalogue?limit=10&language=en"));
        output::say(&format!("The form:      {merchant}/v1/form?rule=minimal"));
        let center = addresses.get("center").cloned().unwrap_or_default();
        output::say(&format!("To join:       {center}/v1/guide"));
        output::say("Ctrl-C ends it. `warifu demo --once` makes one purchase of each kind.");
    }
    crate::serve::stop().await;
    network.stop().await;
    Ok(())
}
