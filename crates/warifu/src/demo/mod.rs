//! The demonstration: the whole network on loopback, and one purchase of every kind.

pub mod network;
mod people;
mod purchases;
mod report;

use crate::{Failure, output};
use network::Network;
use std::path::PathBuf;

pub use purchases::{KINDS, purchase};
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
    let network = Network::start(&scratch.folder, &network::Setup::default()).await?;
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
        output::say("Ctrl-C ends it. `warifu demo --once` makes one purchase of each kind.");
    }
    crate::serve::stop().await;
    network.stop().await;
    Ok(())
}

/// The parties' folder; deleted at the end unless the user named it.
struct Scratch {
    folder: PathBuf,
    delete: bool,
}

impl Scratch {
    fn new(named: Option<&std::path::Path>) -> Result<Scratch, Failure> {
        let (folder, delete) = match named {
            Some(folder) => (folder.to_path_buf(), false),
            None => {
                let mut name = [0; 8];
                getrandom::fill(&mut name)
                    .map_err(|_| Failure::input("entropy", "the machine gives none"))?;
                let name = format!("warifu-demo-{:016x}", u64::from_be_bytes(name));
                (std::env::temp_dir().join(name), true)
            }
        };
        let file = |error| Failure::File { path: folder.clone(), error };
        std::fs::create_dir_all(&folder).map_err(file)?;
        Ok(Scratch { folder, delete })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.delete {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
