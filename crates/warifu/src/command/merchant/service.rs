//! The service that runs with the keys of a store's vault (docs/adr/0010).

use crate::{
    Failure,
    command::terminal::place::Terminal,
    config::{Config, suites},
    output::say,
};
use clap::Args;
use std::path::PathBuf;
use warifu_holder::joining::Shop;
use warifu_wire::identity;

/// The service of a store.
#[derive(Debug, Args)]
pub struct ServiceAt {
    /// The configuration with which `warifu serve merchant` is to run.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl ServiceAt {
    /// As the center is to enrol it.
    pub fn shop(&self) -> Result<Shop, Failure> {
        let config = Config::read(&self.config)?;
        Ok(Shop {
            identifier: config.identifier.clone(),
            url: config.public_url(),
            suites: suites(config.minimum_suite),
        })
    }

    /// Puts the vault's keys into the data folder, which is made if it is not there. A running
    /// service takes them up.
    pub async fn install(&self, terminal: &Terminal) -> Result<(), Failure> {
        let config = Config::read(&self.config)?;
        let wish = terminal.store.run(identity::wish).await?;
        if wish.sub != config.identifier {
            let problem = format!("the vault has the keys of {}", wish.sub);
            return Err(Failure::input("identifier", problem));
        }
        let whole = terminal.store.run(identity::whole).await?;
        let store = config.place().create()?.port();
        let put = store.run(move |unit| identity::install(unit, whole)).await?;
        let what = if put { "installed" } else { "has them already" };
        say(&format!("service      {} {what}", config.identifier));
        Ok(())
    }
}
