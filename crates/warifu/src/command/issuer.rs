//! What the issuer's operator does: cards, acceptors, paying merchants, billing holders and taking what
//! they pay (row C8).

use super::operator::At;
use crate::{Failure, output::json, serve::Service, setup::read_text};
use clap::{Args, Subcommand};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};
use warifu_issuer::{CardId, Issuer};
use warifu_types::{Currency, Identifier, Money, OrderId, Role};

/// A month, `YYYY-MM`: its year and its number.
#[derive(Debug, Clone, Copy)]
pub struct Month(u32, u32);

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Month, &'static str> {
        let (year, month) = text.split_once('-').ok_or("a month is YYYY-MM")?;
        let number = |digits: &str| digits.parse().map_err(|_| "a month is YYYY-MM");
        Ok(Month(number(year)?, number(month)?))
    }
}

/// A card's statement for a month.
#[derive(Debug, Args)]
pub struct OneStatement {
    #[command(flatten)]
    at: At,
    /// The card's id, as `warifu issuer cards` lists it.
    #[arg(long, allow_hyphen_values = true)]
    card: String,
    /// The month (UTC), YYYY-MM.
    #[arg(long)]
    month: Month,
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
    /// Admit a card acceptor: its code on the card network, for a merchant.
    AdmitAcceptor {
        #[command(flatten)]
        at: At,
        /// The code of field 42: 1 to 15 letters and digits.
        #[arg(long)]
        code: String,
        /// The merchant.
        #[arg(long)]
        merchant: Identifier,
    },
    /// Pay a merchant all that it is owed in a currency.
    PayMerchant {
        #[command(flatten)]
        at: At,
        /// The payment's own id: the same id pays once.
        #[arg(long)]
        id: String,
        /// The merchant.
        #[arg(long)]
        merchant: Identifier,
        /// The currency.
        #[arg(long, default_value = "JPY")]
        currency: Currency,
    },
    /// Close a month that has begun, for every card: what was captured in it is billed, and what comes
    /// later stands on the next statement. Prints the statements. Again changes nothing.
    CloseMonth {
        #[command(flatten)]
        at: At,
        /// The month (UTC), YYYY-MM.
        #[arg(long)]
        month: Month,
    },
    /// Show a card's statement for a month, so far if the month is not closed.
    Statement(OneStatement),
    /// Record that all that is open of a closed statement was paid, at once. Again moves nothing.
    PayStatement(OneStatement),
    /// Record what a card's holder has paid of closed statements, the earliest first.
    TakePayment {
        #[command(flatten)]
        at: At,
        /// The payment's own id: the same id counts once.
        #[arg(long)]
        id: String,
        /// The card's id, as `warifu issuer cards` lists it.
        #[arg(long, allow_hyphen_values = true)]
        card: String,
        /// How much, in minor units.
        #[arg(long)]
        amount: u64,
        /// The currency.
        #[arg(long, default_value = "JPY")]
        currency: Currency,
    },
    /// Show the recorded steps of an order, with their times.
    Steps {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long, allow_hyphen_values = true)]
        order: OrderId,
    },
}

impl IssuerCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let (IssuerCommand::AddCard { at, .. }
        | IssuerCommand::Cards { at }
        | IssuerCommand::AdmitAcceptor { at, .. }
        | IssuerCommand::PayMerchant { at, .. }
        | IssuerCommand::CloseMonth { at, .. }
        | IssuerCommand::Statement(OneStatement { at, .. })
        | IssuerCommand::PayStatement(OneStatement { at, .. })
        | IssuerCommand::TakePayment { at, .. }
        | IssuerCommand::Steps { at, .. }) = &self;
        let Service::Issuer(issuer) = at.service(Role::Issuer).await? else {
            return Err(Failure::input("role", "not an issuer"));
        };
        match self {
            IssuerCommand::AddCard { application, .. } => add_card(&issuer, &application).await,
            IssuerCommand::Cards { .. } => json(&issuer.cards().await?),
            IssuerCommand::AdmitAcceptor { code, merchant, .. } => {
                Ok(issuer.admit_acceptor(&code, &merchant).await?)
            }
            IssuerCommand::PayMerchant { id, merchant, currency, .. } => {
                json(&issuer.pay_merchant(&merchant, currency, &id).await?)
            }
            IssuerCommand::CloseMonth { month: Month(year, month), .. } => {
                json(&issuer.close_month(year, month).await?)
            }
            IssuerCommand::Statement(OneStatement { card, month: Month(year, month), .. }) => {
                json(&issuer.statement(&CardId::from_key(card), year, month).await?)
            }
            IssuerCommand::PayStatement(OneStatement {
                card, month: Month(year, month), ..
            }) => json(&issuer.pay_statement(&CardId::from_key(card), year, month).await?),
            IssuerCommand::TakePayment { id, card, amount, currency, .. } => {
                let (card, amount) = (CardId::from_key(card), Money::new(amount, currency)?);
                json(&issuer.take_payment(&card, amount, &id).await?)
            }
            IssuerCommand::Steps { order, .. } => json(&issuer.steps(&order).await?),
        }
    }
}

async fn add_card(issuer: &Issuer, application: &Path) -> Result<(), Failure> {
    let text = zeroize::Zeroizing::new(read_text(application)?);
    // The parser's own words could repeat the card number.
    let application = serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Failure::input("application", format!("not a card application: {place}"))
    })?;
    issuer.add_card(application).await?;
    Ok(())
}
