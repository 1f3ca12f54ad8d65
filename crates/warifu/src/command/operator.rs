//! What the operators of merchant, issuer and carrier do at the machine, beside the running service.

use crate::{
    Failure,
    config::Config,
    output::{json, say},
    serve::{Service, Settings},
    setup::read_text,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;
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
    async fn service(&self, role: Role) -> Result<Service, Failure> {
        let config = Config::read(&self.config)?;
        let opened = config.place().open()?;
        let party = opened.party(&config.key_settings()).await?;
        let mut settings = Settings::from(&config);
        settings.merchant.catalogue = None;
        Service::build(role, party, opened.port(), &settings).await
    }
}

/// The merchant's operator.
#[derive(Debug, Subcommand)]
pub enum MerchantCommand {
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
}

impl MerchantCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let at = match &self {
            MerchantCommand::Orders { at }
            | MerchantCommand::Cancel { at, .. }
            | MerchantCommand::Catalogue { at, .. }
            | MerchantCommand::AddFile { at, .. } => at,
        };
        let Service::Merchant(merchant) = at.service(Role::Merchant).await? else {
            return Err(Failure::input("role", "not a merchant"));
        };
        match self {
            MerchantCommand::Orders { .. } => json(&merchant.orders(None, LISTED).await?),
            MerchantCommand::Cancel { order, .. } => Ok(merchant.cancel(&order).await.map(drop)?),
            MerchantCommand::Catalogue { import, .. } => {
                let items: Vec<_> = serde_json::from_str(&read_text(&import)?)
                    .map_err(|error| Failure::input("catalogue", error.to_string()))?;
                let count = items.len();
                merchant.import_catalogue(items).await?;
                say(&format!("{count} items"));
                Ok(())
            }
            MerchantCommand::AddFile { item, file, .. } => {
                let failed = |error| Failure::File { path: file.clone(), error };
                let opened = tokio::fs::File::open(&file).await.map_err(failed)?;
                json(&merchant.add_file(&item, opened).await?)
            }
        }
    }
}

/// The issuer's operator.
#[derive(Debug, Subcommand)]
pub enum IssuerCommand {
    /// Add a card from a JSON file.
    AddCard {
        #[command(flatten)]
        at: At,
        /// The application, a JSON file.
        #[arg(long, value_name = "FILE")]
        application: PathBuf,
    },
    /// List the cards by their last four digits.
    Cards {
        #[command(flatten)]
        at: At,
    },
}

impl IssuerCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (IssuerCommand::AddCard { at, .. } | IssuerCommand::Cards { at }) = &self;
        let Service::Issuer(issuer) = at.service(Role::Issuer).await? else {
            return Err(Failure::input("role", "not an issuer"));
        };
        match self {
            IssuerCommand::AddCard { application, .. } => {
                let text = zeroize::Zeroizing::new(read_text(&application)?);
                // The parser's own words could repeat the card number.
                let application = serde_json::from_str(&text).map_err(|error| {
                    let place = format!("line {} column {}", error.line(), error.column());
                    Failure::input("application", format!("not a card application: {place}"))
                })?;
                issuer.add_card(application).await?;
                Ok(())
            }
            IssuerCommand::Cards { .. } => json(&issuer.cards().await?),
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
