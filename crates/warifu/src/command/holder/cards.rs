//! Cards of issuers, and value on prepaid ones (row B7).

use super::prepaid::print_card;
use crate::{
    Failure,
    command::terminal::place::At,
    output::{json, note, say},
    setup::read_secret_line,
};
use clap::{Args, ValueEnum};
use std::{path::PathBuf, time::Duration};
use warifu_holder::{Card, Holder, Source, Standing, TopUpRecord, TopUpWish, Way};
use warifu_types::{Currency, Identifier, Money, Nonce};

/// Enter a card. Its number is read from a file or standard input, never from the command line.
#[derive(Debug, Args)]
pub struct AddCard {
    #[command(flatten)]
    at: At,
    /// What you call it.
    #[arg(long, default_value = "card")]
    label: String,
    /// Who issued it.
    #[arg(long)]
    issuer: Identifier,
    /// Its expiry, YYYY-MM.
    #[arg(long)]
    expiry: String,
    /// The file with the number; `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    number_from: PathBuf,
}

impl AddCard {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let AddCard { at, label, issuer, expiry, number_from } = self;
        let number = read_secret_line(&number_from)?.to_string();
        Ok(at.holder().await?.add_card(Card { label, issuer, number, expiry }).await?)
    }
}

/// Register a card at a card registry.
#[derive(Debug, Args)]
pub struct RegisterCard {
    #[command(flatten)]
    at: At,
    /// The registry, by its identifier.
    #[arg(long)]
    registry: Identifier,
    /// Your membership number at the broker.
    #[arg(long)]
    member: String,
    /// The card's label.
    #[arg(long, default_value = "card")]
    card: String,
    /// The file with the one-time code that the broker gave you; `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    code_from: PathBuf,
}

impl RegisterCard {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let code = read_secret_line(&self.code_from)?;
        let holder = self.at.holder().await?;
        holder.register_card(&self.registry, (&self.member, code), &self.card).await?;
        say("registered");
        Ok(())
    }
}

/// How the money comes to the center, where no issuer pays.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum By {
    /// Your bank or post office transfers it.
    Transfer,
    /// You pay in at the center's bank or post office.
    PayIn,
    /// Cash by registered mail.
    RegisteredMail,
}

/// Load a prepaid card.
#[derive(Debug, Args)]
pub struct TopUp {
    #[command(flatten)]
    at: At,
    /// How much, in minor units: yen, cents.
    #[arg(long)]
    amount: u64,
    /// The currency.
    #[arg(long, default_value = "JPY")]
    currency: Currency,
    /// The label of the card that pays, through its issuer.
    #[arg(long, required_unless_present = "by", conflicts_with = "by")]
    card: Option<String>,
    /// How the money comes instead.
    #[arg(long)]
    by: Option<By>,
    /// `one` or `instalments:N`, where an issuer pays.
    #[arg(long, default_value = "one")]
    payment: String,
    /// The label of the prepaid card to load. One that is not there yet is made.
    #[arg(long, default_value = "prepaid")]
    onto: String,
    /// Only prepare and keep the telegram; `send` sends it.
    #[arg(long)]
    later: bool,
    /// How many seconds to wait for the issuer.
    #[arg(long, default_value_t = 30)]
    wait: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl TopUp {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let source = match (self.by, &self.card) {
            (Some(By::Transfer), _) => Source::Transfer,
            (Some(By::PayIn), _) => Source::PayIn,
            (Some(By::RegisteredMail), _) => Source::RegisteredMail,
            (None, Some(card)) => {
                Source::Issuer { card: card.clone(), payment_type: self.payment.clone() }
            }
            (None, None) => return Err(Failure::input("card", "name a card, or --by")),
        };
        let amount = Money::new(self.amount, self.currency)?;
        let wish = TopUpWish { amount, onto: self.onto.clone(), source };
        let holder = self.at.holder().await?;
        let mut record = holder.prepare_top_up(&wish).await?;
        if !self.later {
            record = holder.refresh_top_up(record.telegram).await?;
            if record.way == Way::Issuer && matches!(record.standing, Standing::Waiting { .. }) {
                note("The issuer is being asked.");
                let patience = Duration::from_secs(self.wait);
                record = holder.wait_for_top_up(record.telegram, patience).await?;
            }
        }
        show(&holder, &record, self.json).await
    }
}

/// Prints a top-up; a refusal is a failure.
async fn show(holder: &Holder, record: &TopUpRecord, as_json: bool) -> Result<(), Failure> {
    if as_json {
        json(&summary(record))?;
    } else {
        say(&line(record));
        if let Standing::Issued {} = record.standing {
            for view in holder.prepaid_cards().await? {
                if view.label == record.onto {
                    print_card(&view);
                }
            }
        }
        if let Some(text) = what_to_do(record) {
            note(&text);
        }
    }
    match &record.standing {
        Standing::Refused { reason } => Err(Failure::input("top-up", format!("refused: {reason}"))),
        _ => Ok(()),
    }
}

fn summary(record: &TopUpRecord) -> serde_json::Value {
    serde_json::json!({
        "top_up": record.telegram,
        "amount": record.amount,
        "onto": record.onto,
        "way": record.way,
        "asked": record.asked,
        "standing": record.standing,
    })
}

/// A top-up in a line.
pub fn line(record: &TopUpRecord) -> String {
    let standing = match &record.standing {
        Standing::Asked {} => "not sent or not answered yet".to_string(),
        Standing::Waiting { reference } => format!("waits  reference {reference}"),
        Standing::Issued {} => "issued".to_string(),
        Standing::Refused { reason } => format!("refused ({reason})"),
    };
    format!("{}  {}  {}  {standing}", record.telegram, record.onto, record.amount)
}

/// What the person has to do so that the money comes.
fn what_to_do(record: &TopUpRecord) -> Option<String> {
    let Standing::Waiting { reference } = &record.standing else { return None };
    let amount = record.amount;
    Some(match record.way {
        Way::Issuer => {
            "The issuer has not answered yet: `warifu holder top-up-status`.".to_string()
        }
        Way::Transfer => format!(
            "Have your bank or post office transfer {amount} to the center's account, with the \
             reference {reference}."
        ),
        Way::PayIn => format!(
            "Pay {amount} in at the center's bank or post office, and say the reference {reference}."
        ),
        Way::RegisteredMail => format!(
            "Send {amount} to the center by registered mail, with a note that has the reference \
             {reference}."
        ),
    })
}

/// How top-ups stand: one, or all that are open.
#[derive(Debug, Args)]
pub struct TopUpStatus {
    #[command(flatten)]
    at: At,
    /// The top-up, as `top-up` printed it; all unless named.
    #[arg(long, allow_hyphen_values = true)]
    top_up: Option<Nonce>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl TopUpStatus {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let holder = self.at.holder().await?;
        if let Some(top_up) = self.top_up {
            let record = holder.refresh_top_up(top_up).await?;
            return show(&holder, &record, self.json).await;
        }
        holder.resume_top_ups().await?;
        let all = holder.top_ups().await?;
        if self.json {
            return json(&all.iter().map(summary).collect::<Vec<_>>());
        }
        all.iter().for_each(|record| say(&line(record)));
        Ok(())
    }
}
