//! `warifu merchant`: the store's terminal, and what is done beside its running service.

mod account;
mod join;
mod service;

use super::{
    operator::ShopCommand,
    terminal::{
        history::History,
        place::At,
        vault::{Backup, PasswordCommand, Restore, change},
    },
};
use crate::Failure;
use clap::Subcommand;
use service::ServiceAt;

/// The merchant's commands.
#[derive(Debug, Subcommand)]
pub enum MerchantCommand {
    /// Join a settlement center with a store: guide, application, registration.
    #[command(subcommand)]
    Join(Box<join::JoinCommand>),
    /// Show the history of the store's vault. Needs password A only, and no network.
    History(History),
    /// The passwords of the store's vault.
    #[command(subcommand)]
    Password(PasswordCommand),
    /// The signature key.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Write a copy of the store's vault, under its passwords.
    Backup(Backup),
    /// Put a backup in the vault's place.
    Restore(Restore),
    /// What is done beside the running service.
    #[command(flatten)]
    Shop(ShopCommand),
}

/// The signature key of a store, in its vault and at its service.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make another signature key, have the center enter it, and let the service have it. The old
    /// one is worth nothing then.
    Change {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        service: ServiceAt,
    },
    /// Put the vault's keys into the data folder of the service again, as after a lost machine.
    Install {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        service: ServiceAt,
    },
}

impl MerchantCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            MerchantCommand::Join(command) => command.run().await,
            MerchantCommand::History(history) => history.run().await,
            MerchantCommand::Password(command) => command.run(),
            MerchantCommand::Key(command) => command.run().await,
            MerchantCommand::Backup(backup) => backup.run(),
            MerchantCommand::Restore(restore) => restore.run(),
            MerchantCommand::Shop(command) => command.run().await,
        }
    }
}

impl KeyCommand {
    async fn run(self) -> Result<(), Failure> {
        match self {
            KeyCommand::Change { at, service } => service.install(&change(&at).await?).await,
            KeyCommand::Install { at, service } => {
                at.vault()?;
                service.install(&at.open()?).await
            }
        }
    }
}
