//! What the card registry's operator does: the list of providers, sheets, keys, blocked members and
//! cards.

use super::operator::At;
use crate::{
    Failure, brokering,
    output::{json, note, say},
    serve::Service,
    setup::read_secret_line,
};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};
use warifu_registry::{Channel, ProviderEntry, Registry};
use warifu_types::{Identifier, Role};

/// How many are listed at most.
const LISTED: usize = 10_000;

/// The card registry's operator.
#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// Make a key that cards will be under, in a file that is not there yet.
    NewKey {
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Put a provider into the list, with the channel by which it gets cards, or change it.
    Admit(Admit),
    /// Take a provider off the list: no card goes to it any more.
    Remove {
        #[command(flatten)]
        at: At,
        /// The provider.
        #[arg(long)]
        provider: Identifier,
    },
    /// List the providers.
    Providers {
        #[command(flatten)]
        at: At,
    },
    /// List which sheet went out, by which channel and when. No card is shown.
    Sheets {
        #[command(flatten)]
        at: At,
    },
    /// Show a sheet to read out by telephone. That it was shown is recorded.
    ReadOut(Sheet),
    /// Record that a sheet was read out.
    RecordReadOut(Sheet),
    /// After asking the provider about a fax that nobody has confirmed: it is there.
    ConfirmFax(Sheet),
    /// After asking the provider about a fax that nobody has confirmed: it is sent anew, or void if its
    /// order is dead.
    ResendFax(Sheet),
    /// Write every card's key anew under the current key file. What is done stays done: run it again
    /// after it was broken off.
    Rotate {
        #[command(flatten)]
        at: At,
    },
    /// Block a member: whoever asks about the card of this number gets a no. Or let it in again.
    BlockMember {
        #[command(flatten)]
        at: At,
        /// The membership number, B-000001.
        #[arg(long)]
        member: String,
        /// Let it in again.
        #[arg(long)]
        off: bool,
    },
    /// Block a card, or free it again.
    Block {
        #[command(flatten)]
        at: At,
        /// The file with the card number; `-` for standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        number_from: PathBuf,
        /// Free it again.
        #[arg(long)]
        off: bool,
    },
}

/// Put a provider into the list.
#[derive(Debug, Args)]
pub struct Admit {
    #[command(flatten)]
    at: At,
    /// The provider.
    #[arg(long)]
    provider: Identifier,
    /// The name that stands on the sheet.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    channel: ChannelArgs,
    /// How many sheets an hour go out to it at most; more is an alarm.
    #[arg(long, default_value_t = 60)]
    sheets_an_hour: u32,
}

/// Exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ChannelArgs {
    /// By fax, to this number.
    #[arg(long, value_name = "NUMBER")]
    fax: Option<String>,
    /// An operator reads it out by telephone, at this number.
    #[arg(long, value_name = "NUMBER")]
    telephone: Option<String>,
    /// Over the provider's closed line, at this https address.
    #[arg(long, value_name = "URL")]
    line: Option<String>,
    /// Not at all: it bills by reference.
    #[arg(long)]
    reference: bool,
}

impl From<ChannelArgs> for Channel {
    fn from(args: ChannelArgs) -> Channel {
        match args {
            ChannelArgs { fax: Some(number), .. } => Channel::Fax { number },
            ChannelArgs { telephone: Some(number), .. } => Channel::Telephone { number },
            ChannelArgs { line: Some(url), .. } => Channel::Line { url },
            ChannelArgs { .. } => Channel::Reference {},
        }
    }
}

/// One sheet, and who the operator is.
#[derive(Debug, Args)]
pub struct Sheet {
    #[command(flatten)]
    at: At,
    /// The order's number.
    #[arg(long)]
    number: String,
    /// The operator's name, for the record.
    #[arg(long)]
    by: String,
}

async fn registry(at: &At) -> Result<Arc<Registry>, Failure> {
    match at.service(Role::Registry).await? {
        Service::Registry(registry) => Ok(registry),
        _ => Err(Failure::input("role", "not a registry")),
    }
}

impl RegistryCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            RegistryCommand::NewKey { out } => brokering::create_card_key(&out),
            RegistryCommand::Admit(admit) => admit.run().await,
            RegistryCommand::Remove { at, provider } => {
                Ok(registry(&at).await?.remove_provider(&provider).await?)
            }
            RegistryCommand::Providers { at } => json(&registry(&at).await?.providers().await?),
            RegistryCommand::Sheets { at } => json(&registry(&at).await?.sheets("", LISTED).await?),
            RegistryCommand::ReadOut(sheet) => sheet.read_out().await,
            RegistryCommand::RecordReadOut(Sheet { at, number, by }) => {
                Ok(registry(&at).await?.record_read_out(&number, &by).await?)
            }
            RegistryCommand::ConfirmFax(Sheet { at, number, by }) => {
                Ok(registry(&at).await?.settle_sheet(&number, true, &by).await?)
            }
            RegistryCommand::ResendFax(Sheet { at, number, by }) => {
                Ok(registry(&at).await?.settle_sheet(&number, false, &by).await?)
            }
            RegistryCommand::Rotate { at } => {
                let registry = registry(&at).await?;
                let rewritten = registry.rotate().await?;
                say(&format!("{rewritten} cards"));
                json(&registry.keys_in_use().await?)
            }
            RegistryCommand::BlockMember { at, member, off } => {
                Ok(registry(&at).await?.block_member(&member, !off).await?)
            }
            RegistryCommand::Block { at, number_from, off } => {
                let number = read_secret_line(&number_from)?;
                Ok(registry(&at).await?.block_card(&number, !off).await?)
            }
        }
    }
}

impl Admit {
    async fn run(self) -> Result<(), Failure> {
        let Admit { at, provider, name, channel, sheets_an_hour } = self;
        let entry = ProviderEntry { provider, name, channel: channel.into(), sheets_an_hour };
        Ok(registry(&at).await?.admit_provider(entry).await?)
    }
}

impl Sheet {
    async fn read_out(self) -> Result<(), Failure> {
        let registry = registry(&self.at).await?;
        let (sheet, telephone) = registry.read_sheet(&self.number, &self.by).await?;
        note(&format!("call {telephone}, read this out, then `warifu registry record-read-out`"));
        say(&format!("order   {}", sheet.number));
        say(&format!("name    {}", sheet.holder_name.as_str()));
        say(&format!("card    {}", sheet.card_number.as_str()));
        say(&format!("expiry  {}", sheet.card_expiry.as_str()));
        Ok(())
    }
}
