//! The command line. DESIGN's contract: exit code 0 on success, 1 on failure with one line on
//! standard error, 2 on wrong usage; `--json` prints one JSON document and nothing else.

mod bench;
mod broker;
mod center;
mod check_card;
mod holder;
mod issuer;
mod members;
mod merchant;
mod operator;
mod party;
mod provider;
mod registry;
mod terminal;

use crate::{
    Failure,
    config::{Config, service_role},
    demo, serve,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use warifu_types::Role;

/// Warifu: sealed orders. The merchant never sees the card, the carrier never sees the price, the
/// issuer never sees where the parcel goes.
#[derive(Debug, Parser)]
#[command(name = "warifu", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole network on this machine.
    Demo {
        /// Make one purchase of each kind, print what each party saw, and exit.
        #[arg(long)]
        once: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        /// Keep the parties' data in this folder.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Run one role as a service: center, issuer, merchant, carrier, broker, registry, gateway,
    /// certifier, card_manager or door.
    Serve {
        /// The role.
        #[arg(value_parser = service_role)]
        role: Role,
        /// The configuration, a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Set a center up, admit services, issue keys to holders.
    #[command(subcommand)]
    Center(center::CenterCommand),
    /// Enrol a service at the center.
    #[command(subcommand)]
    Party(party::PartyCommand),
    /// The buyer's terminal.
    #[command(subcommand)]
    Holder(holder::HolderCommand),
    /// The merchant: joining a center, its vault, and what is done beside the running service.
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
    /// The issuer's operator.
    #[command(subcommand)]
    Issuer(issuer::IssuerCommand),
    /// The carrier's operator.
    #[command(subcommand)]
    Carrier(operator::CarrierCommand),
    /// The broker's operator.
    #[command(subcommand)]
    Broker(broker::BrokerCommand),
    /// The card registry's operator.
    #[command(subcommand)]
    Registry(registry::RegistryCommand),
    /// Check the signed document of somebody's prepaid card, with the center's fingerprint.
    CheckCard(check_card::CheckCard),
    /// Measure.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

impl Cli {
    /// Whether this runs as a service, which logs more.
    pub fn is_service(&self) -> bool {
        matches!(self.command, Command::Serve { .. })
    }

    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo { once, json, data } => {
                demo::run(&demo::Options { once, json, data }).await
            }
            Command::Serve { role, config } => serve::serve(role, &Config::read(&config)?).await,
            Command::Center(command) => command.run().await,
            Command::Party(command) => command.run().await,
            Command::Holder(command) => command.run().await,
            Command::Merchant(command) => command.run().await,
            Command::Issuer(command) => command.run().await,
            Command::Carrier(command) => command.run().await,
            Command::Broker(command) => command.run().await,
            Command::Registry(command) => command.run().await,
            Command::CheckCard(check) => check.run().await,
            Command::Bench(command) => command.run().await,
        }
    }
}
