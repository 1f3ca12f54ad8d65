//! `warifu center`: members, letters, money that came in. By the operator at the machine, beside
//! the running center.

use crate::{
    Failure,
    output::{json, note, say},
    setup::{read_text, write_text},
};
use clap::{Args, Subcommand};
use std::{path::PathBuf, sync::Arc};
use warifu_center::{Center, Letter, MoneyOutcome, MoneyReceived, Terms, Way};
use warifu_types::{Currency, Money};

/// The commands about members and their money.
#[derive(Debug, Subcommand)]
pub enum MembersCommand {
    /// List the applications to join.
    Applications {
        #[command(flatten)]
        at: super::center::At,
    },
    /// List the members and stores.
    Members {
        #[command(flatten)]
        at: super::center::At,
    },
    /// Approve an application; prints the membership or store number.
    Approve {
        #[command(flatten)]
        at: super::center::At,
        /// The application, by its number or the beginning of it.
        #[arg(allow_hyphen_values = true)]
        application: String,
        /// Where to write the letter at once.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Set the terms that letters bring and registrations confirm, in every language in one text.
    Terms {
        #[command(flatten)]
        at: super::center::At,
        /// For general members, a text file.
        #[arg(long, value_name = "FILE")]
        member: PathBuf,
        /// For merchants, a text file.
        #[arg(long, value_name = "FILE")]
        merchant: PathBuf,
    },
    /// Reject an application.
    Reject {
        #[command(flatten)]
        at: super::center::At,
        /// The application, by its number or the beginning of it.
        #[arg(allow_hyphen_values = true)]
        application: String,
    },
    /// Write the letter with the one-time code: a page to print and post.
    Letter {
        #[command(flatten)]
        at: super::center::At,
        /// The membership or store number.
        number: String,
        /// Where to write the page.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Write it again, with a new code; the earlier letter is worth nothing then.
        #[arg(long)]
        again: bool,
    },
    /// Record money that came in for a prepaid card. The same id counts once.
    MoneyReceived(Received),
    /// List the money that came in.
    Money {
        #[command(flatten)]
        at: super::center::At,
    },
    /// Give money that belonged to no request to the request of a reference.
    MatchMoney {
        #[command(flatten)]
        at: super::center::At,
        /// The id under which it was recorded.
        #[arg(long)]
        id: String,
        /// The request's reference.
        #[arg(long)]
        reference: String,
    },
}

/// Money that came in.
#[derive(Debug, Args)]
pub struct Received {
    #[command(flatten)]
    at: super::center::At,
    /// Names the incoming payment for ever, such as the bank's own reference.
    #[arg(long)]
    id: String,
    /// What the payer wrote.
    #[arg(long)]
    reference: String,
    /// How much, in minor units: yen, cents.
    #[arg(long)]
    amount: u64,
    /// The currency, by its code.
    #[arg(long, default_value = "JPY")]
    currency: Currency,
    /// How it came: transfer, pay_in or registered_mail.
    #[arg(long)]
    way: Way,
}

impl MembersCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            MembersCommand::Applications { at } => {
                json(&at.center().await?.settlement().applications().await?)
            }
            MembersCommand::Members { at } => {
                json(&at.center().await?.settlement().members().await?)
            }
            MembersCommand::Approve { at, application, out } => {
                approve(&at.center().await?, &application, out).await
            }
            MembersCommand::Terms { at, member, merchant } => {
                let terms = Terms { member: read_text(&member)?, merchant: read_text(&merchant)? };
                Ok(at.center().await?.settlement().set_terms(terms).await?)
            }
            MembersCommand::Reject { at, application } => {
                Ok(at.center().await?.settlement().reject(&application).await?)
            }
            MembersCommand::Letter { at, number, out, again } => {
                post(&out, &at.center().await?.settlement().letter(&number, again).await?)
            }
            MembersCommand::MoneyReceived(received) => received.run().await,
            MembersCommand::Money { at } => json(&at.center().await?.settlement().money().await?),
            MembersCommand::MatchMoney { at, id, reference } => {
                Ok(at.center().await?.settlement().match_money(&id, &reference).await?)
            }
        }
    }
}

async fn approve(
    center: &Arc<Center>,
    application: &str,
    out: Option<PathBuf>,
) -> Result<(), Failure> {
    let number = center.settlement().approve(application).await?;
    say(&format!("number       {number}"));
    match out {
        Some(out) => post(&out, &center.settlement().letter(&number, false).await?),
        None => Ok(()),
    }
}

/// Writes the page; the code is nowhere else.
fn post(out: &std::path::Path, letter: &Letter) -> Result<(), Failure> {
    write_text(out, &letter.page)?;
    note("The page has the one-time code: print it, post it, delete it.");
    Ok(())
}

impl Received {
    async fn run(self) -> Result<(), Failure> {
        let received = MoneyReceived {
            id: self.id,
            reference: self.reference,
            amount: Money::new(self.amount, self.currency)?,
            way: self.way,
        };
        match self.at.center().await?.settlement().money_received(received).await? {
            MoneyOutcome::Issued {} => say("issued"),
            MoneyOutcome::Unmatched { reason } => say(&format!("unmatched    {reason}")),
            MoneyOutcome::SetAside { reason } => say(&format!("set aside    {reason}")),
        }
        Ok(())
    }
}
