//! What a provider's clerk does with orders that came through a broker (rows C6 to C8).

use super::operator::At;
use crate::{
    Failure,
    output::{json, say},
    setup::read_secret_line,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use warifu_merchant::Merchant;
use warifu_ports::card_network::PresentedCard;
use warifu_types::OrderId;

/// How many are listed at most.
const LISTED: usize = 10_000;

/// Orders that came through a broker.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// List them.
    Orders {
        #[command(flatten)]
        at: At,
    },
    /// Accept an order.
    Accept(One),
    /// Decline an order that was not accepted.
    Decline(One),
    /// The user has been served: bill the issuer.
    Serve(One),
    /// Enter the card of a sheet that came by fax or telephone.
    Card {
        #[command(flatten)]
        one: One,
        /// The file whose first line is the card number and whose second is its expiry, YYYY-MM; `-`
        /// for standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        from: PathBuf,
    },
}

/// One order.
#[derive(Debug, Args)]
pub struct One {
    #[command(flatten)]
    at: At,
    /// The number that stands on the order, and on its card sheet.
    #[arg(long)]
    number: String,
}

impl ProviderCommand {
    /// Whose it is.
    pub fn at(&self) -> &At {
        match self {
            ProviderCommand::Orders { at } => at,
            ProviderCommand::Accept(one)
            | ProviderCommand::Decline(one)
            | ProviderCommand::Serve(one)
            | ProviderCommand::Card { one, .. } => &one.at,
        }
    }

    /// Runs the command.
    pub async fn run(self, merchant: &Merchant) -> Result<(), Failure> {
        let order = async |one: &One| -> Result<OrderId, Failure> {
            Ok(merchant.broker_order(&one.number).await?.order)
        };
        let state = match self {
            ProviderCommand::Orders { .. } => {
                return json(&merchant.broker_orders(None, LISTED).await?);
            }
            ProviderCommand::Accept(one) => merchant.accept(&order(&one).await?).await?,
            ProviderCommand::Decline(one) => merchant.decline(&order(&one).await?).await?,
            ProviderCommand::Serve(one) => merchant.serve(&order(&one).await?).await?,
            ProviderCommand::Card { one, from } => {
                merchant.take_card(&one.number, read_card(&from)?).await?
            }
        };
        say(state.as_str());
        Ok(())
    }
}

fn read_card(from: &std::path::Path) -> Result<PresentedCard, Failure> {
    let plain = |text: &str| text.chars().filter(|c| !" -".contains(*c)).collect::<String>();
    if from.as_os_str() == "-" {
        let number = read_secret_line(from)?;
        let number = zeroize::Zeroizing::new(plain(&number));
        return Ok(PresentedCard { number, expiry: read_secret_line(from)? });
    }
    let text = zeroize::Zeroizing::new(crate::setup::read_text(from)?);
    let mut lines = text.lines().map(str::trim);
    let (number, expiry) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    Ok(PresentedCard { number: plain(number).into(), expiry: expiry.to_string().into() })
}
