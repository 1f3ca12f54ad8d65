//! `warifu merchant join`: joining a settlement center with a store (rows B3, B4, B6).

use super::{account::AccountArgs, service::ServiceAt};
use crate::{
    Failure,
    command::terminal::{
        joining::{Applying, ReadGuide, Registering, send, show},
        place::{At, Terminal},
    },
    output::say,
};
use clap::{Args, Subcommand};
use warifu_holder::joining::Joiner;
use warifu_protocol::{
    joining::MemberKind,
    telegram::{Profile, Store},
};

/// How a store joins.
#[derive(Debug, Subcommand)]
pub enum JoinCommand {
    /// Print the center's guide: its fingerprint and the terms for merchants.
    Guide(ReadGuide),
    /// Apply with a store. The center answers with a letter.
    Apply(Box<Apply>),
    /// Register with the letter: makes the store's keys in its vault, sends the registration, and
    /// puts the keys into the data folder of the service.
    Register(Box<Register>),
    /// Send a registration that waits, and put the keys into the data folder of the service.
    Send {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        service: ServiceAt,
    },
    /// Show as what the store is registered. Needs password A only.
    Show {
        #[command(flatten)]
        at: At,
    },
}

impl JoinCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            JoinCommand::Guide(guide) => guide.run(MemberKind::Merchant).await,
            JoinCommand::Apply(apply) => {
                let Apply { applying, store } = *apply;
                applying.run(Profile::Merchant(store.store()?)).await
            }
            JoinCommand::Register(register) => register.run().await,
            JoinCommand::Send { at, service } => finish(&at.open()?, &service).await,
            JoinCommand::Show { at } => show(&at).await,
        }
    }
}

/// The store that joins.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// The store's name.
    #[arg(long)]
    name: String,
    /// Its postal address.
    #[arg(long)]
    address: String,
    /// Who answers for it.
    #[arg(long)]
    representative: String,
    #[command(flatten)]
    account: AccountArgs,
}

impl StoreArgs {
    fn store(&self) -> Result<Store, Failure> {
        Ok(Store {
            name: self.name.clone(),
            address: self.address.clone(),
            representative: self.representative.clone(),
            account: self.account.account()?,
        })
    }
}

/// Apply with a store.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    applying: Applying,
    #[command(flatten)]
    store: StoreArgs,
}

/// Register with the letter.
#[derive(Debug, Args)]
pub struct Register {
    #[command(flatten)]
    registering: Registering,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    service: ServiceAt,
}

impl Register {
    async fn run(self) -> Result<(), Failure> {
        let Register { registering, store, service } = self;
        registering.at.vault()?;
        let who = Joiner::Merchant(store.store()?, service.shop()?);
        let terminal = registering.prepare(who).await?;
        if registering.later {
            say("the registration waits: `warifu merchant join send`");
            return Ok(());
        }
        finish(&terminal, &service).await
    }
}

/// Sends the registration, and lets the service have the keys. Again, it takes up what a crash left
/// open.
async fn finish(terminal: &Terminal, service: &ServiceAt) -> Result<(), Failure> {
    send(terminal).await?;
    service.install(terminal).await
}
