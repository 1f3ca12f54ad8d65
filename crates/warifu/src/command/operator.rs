//! What the operators of merchant and carrier do at the machine, beside the running service.

use super::provider::ProviderCommand;
use crate::{
    Failure,
    config::Config,
    output::{json, say},
    serve::{Service, Settings},
    setup::read_text,
};
use async_trait::async_trait;
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};
use warifu_ports::mail::{MailError, MailOut, OutgoingMail};
use warifu_types::{OrderId, Role};

/// How many are listed at most.
const LISTED: usize = 10_000;

/// The party's configuration.
#[derive(Debug, Args)]
pub struct At {
    /// The party's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl At {
    /// The role beside its running service, without workers and listeners.
    pub async fn service(&self, role: Role) -> Result<Service, Failure> {
        let config = Config::read(&self.config)?;
        let opened = config.place().open()?;
        let party = opened.party(&config.key_settings()).await?;
        let mut settings = Settings::from(&config);
        settings.merchant.catalogue = None;
        if let Some(broker) = &mut settings.broker {
            broker.mail = Some(Arc::new(NoMail));
        }
        Service::build(role, party, opened.port(), &settings).await
    }
}

/// Mails wait for the running service.
struct NoMail;

#[async_trait]
impl MailOut for NoMail {
    async fn send(&self, _: &OutgoingMail) -> Result<(), MailError> {
        Err(MailError::Unreachable("the service sends it".to_string()))
    }
}

/// The merchant's operator, beside the running service.
#[derive(Debug, Subcommand)]
pub enum ShopCommand {
    /// List the orders.
    Orders {
        #[command(flatten)]
        at: At,
    },
    /// Give an authorized order up and let the hold go.
    Cancel {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long, allow_hyphen_values = true)]
        order: OrderId,
    },
    /// Read a catalogue into the database.
    Catalogue {
        #[command(flatten)]
        at: At,
        /// The catalogue, a JSON file.
        #[arg(long, value_name = "FILE")]
        import: PathBuf,
    },
    /// Take in the file of an item for download.
    AddFile {
        #[command(flatten)]
        at: At,
        /// The item number.
        #[arg(long)]
        item: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Orders that came through a broker.
    #[command(subcommand)]
    Broker(ProviderCommand),
}

impl ShopCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let at = match &self {
            ShopCommand::Orders { at }
            | ShopCommand::Cancel { at, .. }
            | ShopCommand::Catalogue { at, .. }
            | ShopCommand::AddFile { at, .. } => at,
            ShopCommand::Broker(command) => command.at(),
        };
        let Service::Merchant(merchant) = at.service(Role::Merchant).await? else {
            return Err(Failure::input("role", "not a merchant"));
        };
        match self {
            ShopCommand::Broker(command) => command.run(&merchant).await,
            ShopCommand::Orders { .. } => json(&merchant.orders(None, LISTED).await?),
            ShopCommand::Cancel { order, .. } => Ok(merchant.cancel(&order).await.map(drop)?),
            ShopCommand::Catalogue { import, .. } => {
                let items: Vec<_> = serde_json::from_str(&read_text(&import)?)
                    .map_err(|error| Failure::input("catalogue", error.to_string()))?;
                let count = items.len();
                merchant.import_catalogue(items).await?;
                say(&format!("{count} items"));
                Ok(())
            }
            ShopCommand::AddFile { item, file, .. } => {
                let failed = |error| Failure::File { path: file.clone(), error };
                let opened = tokio::fs::File::open(&file).await.map_err(failed)?;
                json(&merchant.add_file(&item, opened).await?)
            }
        }
    }
}

/// The carrier's operator.
#[derive(Debug, Subcommand)]
pub enum CarrierCommand {
    /// List the deliveries.
    Deliveries {
        #[command(flatten)]
        at: At,
    },
    /// Record that a parcel was handed over.
    Deliver {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long, allow_hyphen_values = true)]
        order: OrderId,
    },
}

impl CarrierCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (CarrierCommand::Deliveries { at } | CarrierCommand::Deliver { at, .. }) = &self;
        let Service::Carrier(carrier) = at.service(Role::Carrier).await? else {
            return Err(Failure::input("role", "not a carrier"));
        };
        match self {
            CarrierCommand::Deliveries { .. } => json(&carrier.deliveries(None, LISTED).await?),
            CarrierCommand::Deliver { order, .. } => {
                Ok(carrier.mark_delivered(&order).await.map(drop)?)
            }
        }
    }
}
