//! What the broker's operator does: providers and their services, orders, members.

use super::operator::At;
use crate::{
    Failure,
    output::{json, say},
    passwords::PasswordArgs,
    serve::Service,
};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};
use warifu_broker::{Broker, Import, MemberApplication, ProviderApplication};
use warifu_types::{Identifier, Role};

/// How many are listed at most.
const LISTED: usize = 10_000;

/// The broker's operator.
#[derive(Debug, Subcommand)]
pub enum BrokerCommand {
    /// Take a provider's application.
    Apply(Apply),
    /// List the providers.
    Providers {
        #[command(flatten)]
        at: At,
    },
    /// Admit a provider. Prints the token of its API once.
    Admit {
        #[command(flatten)]
        at: At,
        /// The provider's number, P-000001.
        #[arg(long)]
        provider: String,
    },
    /// Refuse a provider, or let it go: users see nothing of it any more.
    Refuse {
        #[command(flatten)]
        at: At,
        /// The provider's number.
        #[arg(long)]
        provider: String,
    },
    /// Put a provider's services in place of those that it had: CSV, or schema.org JSON by the file's
    /// name. A running service sees them at once.
    Services {
        #[command(flatten)]
        at: At,
        /// The provider's number.
        #[arg(long)]
        provider: String,
        /// The file: `.csv` or `.json`.
        #[arg(long, value_name = "FILE")]
        import: PathBuf,
    },
    /// List the orders, with what has ended them or holds them up.
    Orders {
        #[command(flatten)]
        at: At,
        /// Those alone that are in trouble: `docs/operations.md` says what to do.
        #[arg(long)]
        trouble: bool,
    },
    /// Enter a member. Asks for the password.
    AddMember(Box<AddMember>),
    /// List the members.
    Members {
        #[command(flatten)]
        at: At,
    },
    /// A one-time code with which a member registers a card at the registry. Prints it once.
    CardCode {
        #[command(flatten)]
        at: At,
        /// The membership number, B-000001.
        #[arg(long)]
        member: String,
    },
    /// Let a member in no more, or in again.
    Activate {
        #[command(flatten)]
        at: At,
        /// The membership number.
        #[arg(long)]
        member: String,
        /// Out instead of in.
        #[arg(long)]
        off: bool,
    },
}

/// Take a provider's application.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    at: At,
    /// The merchant that it is in the network.
    #[arg(long)]
    identifier: Identifier,
    /// The name that users see.
    #[arg(long)]
    name: String,
    /// Where its merchant answers.
    #[arg(long)]
    url: String,
    /// A mail address, for the operator.
    #[arg(long)]
    mail: String,
    /// It bills by reference, and gets no cards.
    #[arg(long)]
    by_reference: bool,
}

/// Enter a member.
#[derive(Debug, Args)]
pub struct AddMember {
    #[command(flatten)]
    at: At,
    /// The name, as providers and issuers see it.
    #[arg(long)]
    name: String,
    /// The telephone number.
    #[arg(long)]
    telephone: String,
    /// The mail address, where confirmations go.
    #[arg(long)]
    mail: String,
    /// The language of the mails: en or ja.
    #[arg(long, default_value = "ja")]
    language: String,
    #[command(flatten)]
    passwords: PasswordArgs,
}

async fn broker(at: &At) -> Result<Arc<Broker>, Failure> {
    match at.service(Role::Broker).await? {
        Service::Broker(broker) => Ok(broker),
        _ => Err(Failure::input("role", "not a broker")),
    }
}

impl BrokerCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            BrokerCommand::Apply(apply) => apply.run().await,
            BrokerCommand::Providers { at } => json(&broker(&at).await?.providers().await?),
            BrokerCommand::Admit { at, provider } => {
                say(&broker(&at).await?.admit_provider(&provider).await?);
                Ok(())
            }
            BrokerCommand::Refuse { at, provider } => {
                Ok(broker(&at).await?.refuse_provider(&provider).await?)
            }
            BrokerCommand::Services { at, provider, import } => {
                services(&*broker(&at).await?, &provider, &import).await
            }
            BrokerCommand::Orders { at, trouble } => {
                json(&broker(&at).await?.all_orders(trouble).await?)
            }
            BrokerCommand::AddMember(member) => member.run().await,
            BrokerCommand::Members { at } => json(&broker(&at).await?.members("", LISTED).await?),
            BrokerCommand::CardCode { at, member } => {
                say(&broker(&at).await?.card_code(&member).await?);
                Ok(())
            }
            BrokerCommand::Activate { at, member, off } => {
                Ok(broker(&at).await?.activate_member(&member, !off).await?)
            }
        }
    }
}

async fn services(broker: &Broker, provider: &str, file: &PathBuf) -> Result<(), Failure> {
    let failed = |error| Failure::File { path: file.clone(), error };
    let bytes = std::fs::read(file).map_err(failed)?;
    let import = match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Import::Csv(&bytes),
        Some("json" | "jsonld") => Import::SchemaOrg(&bytes),
        _ => return Err(Failure::input("import", "a file that ends in .csv or .json")),
    };
    match broker.import(provider, import).await? {
        Ok(count) => say(&format!("{count} services")),
        Err(faults) => {
            let lines: Vec<String> = faults
                .iter()
                .map(|fault| format!("line {}, {}: {}", fault.line, fault.field, fault.problem))
                .collect();
            return Err(Failure::input("import", lines.join("; ")));
        }
    }
    Ok(())
}

impl Apply {
    async fn run(self) -> Result<(), Failure> {
        let Apply { at, identifier: provider, name, url, mail, by_reference } = self;
        let application = ProviderApplication { provider, name, url, mail, by_reference };
        say(&broker(&at).await?.apply(application).await?);
        Ok(())
    }
}

impl AddMember {
    async fn run(self) -> Result<(), Failure> {
        let password = self.passwords.open()?.ask_new_text("password")?;
        let AddMember { at, name, telephone, mail, language, .. } = self;
        let application = MemberApplication { name, telephone, mail, language, password };
        say(&broker(&at).await?.admit_member(application).await?);
        Ok(())
    }
}
