//! `warifu holder`: the buyer's terminal on the command line.

mod buy;
mod cards;
mod enrol;
mod join;
mod play;
mod prepaid;

use super::terminal::{history, place::At, vault};
use crate::{Failure, output::say, setup::write_text};
use clap::Subcommand;
use std::path::PathBuf;
use warifu_holder::{HolderError, OrderRecord, Profile, TopUpRecord};
use warifu_protocol::rule::Rule;
use warifu_types::{FieldName, OrderId, Role};

/// The buyer's commands.
#[derive(Debug, Subcommand)]
pub enum HolderCommand {
    /// Become a member of a settlement center: guide, application, registration.
    #[command(subcommand)]
    Join(Box<join::JoinCommand>),
    /// Make the terminal's keys and write its request to the center.
    Init(Box<enrol::Init>),
    /// Accept the center's answer.
    Accept(enrol::Accept),
    /// Ask every center of the network for what is new: shares of a new epoch, shares of a further
    /// center, a credential that comes to its end.
    Renew {
        #[command(flatten)]
        at: At,
    },
    /// Enter who you are.
    Profile {
        #[command(flatten)]
        at: At,
        /// Your name.
        #[arg(long)]
        name: String,
        /// Your postal address.
        #[arg(long, default_value = "")]
        address: String,
        /// Your telephone number, as your card's issuer knows it.
        #[arg(long)]
        telephone: String,
        /// Your fax number.
        #[arg(long, default_value = "")]
        fax: String,
    },
    /// Enter a card. Its number is read from a file or standard input, never from the command line.
    Card(Box<cards::AddCard>),
    /// Keep a key that was agreed beforehand with a party, in networks that work so.
    Agree(enrol::Agree),
    /// Load a prepaid card: by a card of an issuer, a transfer, a payment at the counter, or mail.
    TopUp(Box<cards::TopUp>),
    /// How top-ups stand; takes cards that have come.
    TopUpStatus(cards::TopUpStatus),
    /// Ask the center what a prepaid card holds.
    Balance {
        #[command(flatten)]
        at: At,
        /// The card's label.
        #[arg(long, default_value = "prepaid")]
        card: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// List the prepaid cards, each verified offline with the center's pinned key; or have them again,
    /// hand one out to be checked, check another's.
    Cards(prepaid::Cards),
    /// Buy.
    Buy(Box<buy::Buy>),
    /// Show an order, or all.
    Orders {
        #[command(flatten)]
        at: At,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Send what waits: orders and telegrams that were prepared with `--later`, or that nobody has
    /// answered. The same bytes again move nothing twice.
    Send {
        #[command(flatten)]
        at: At,
    },
    /// Take up every order and top-up that has not come to its end; waiting telegrams are sent.
    Resume {
        #[command(flatten)]
        at: At,
    },
    /// Fetch the files that an order bought, and acknowledge them.
    Download {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long, allow_hyphen_values = true)]
        order: OrderId,
        /// The folder to put them in.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Use what an order bought in real time, until Ctrl-C or the last tick; then stop, so that only
    /// what was used is paid for. A merchant that does not answer for a while is asked again.
    Play(play::Play),
    /// Stop the use of an order, where a terminal that played has died.
    Stop(play::Which),
    /// Register a card at a card registry, for orders through a broker. The broker never sees it.
    RegisterCard(Box<cards::RegisterCard>),
    /// Show the history. Needs password A only, and no network.
    History(history::History),
    /// The vault's passwords.
    #[command(subcommand)]
    Password(vault::PasswordCommand),
    /// The signature key.
    #[command(subcommand)]
    Key(vault::KeyCommand),
    /// Write a copy of the vault, under its passwords.
    Backup(vault::Backup),
    /// Put a backup in the vault's place.
    Restore(vault::Restore),
    /// Write an order's receipt, which opens every field: keep it to yourself.
    Receipt {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long, allow_hyphen_values = true)]
        order: OrderId,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Save a merchant's form to a file, to order from it later, and show which party is given what by
    /// its disclosure rule.
    Form {
        #[command(flatten)]
        at: At,
        /// Where the merchant answers.
        #[arg(long)]
        merchant: String,
        /// The disclosure rule.
        #[arg(long, default_value = "minimal")]
        rule: String,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl HolderCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            HolderCommand::Join(command) => command.run().await,
            HolderCommand::Init(init) => init.run().await,
            HolderCommand::Accept(accept) => accept.run().await,
            HolderCommand::Renew { at } => enrol::renew(&at).await,
            HolderCommand::Profile { at, name, address, telephone, fax } => {
                let profile = Profile { name, address, telephone, fax };
                Ok(at.holder().await?.set_profile(profile).await?)
            }
            HolderCommand::Card(card) => card.run().await,
            HolderCommand::Agree(agree) => agree.run().await,
            HolderCommand::TopUp(top_up) => top_up.run().await,
            HolderCommand::TopUpStatus(status) => status.run().await,
            HolderCommand::Balance { at, card, json } => prepaid::balance(&at, &card, json).await,
            HolderCommand::Cards(cards) => cards.run().await,
            HolderCommand::Buy(buy) => buy.run().await,
            HolderCommand::Orders { at, json } => buy::orders(&at, json).await,
            HolderCommand::Send { at } => send(&at).await,
            HolderCommand::Resume { at } => resume(&at).await,
            HolderCommand::Download { at, order, to } => buy::download(&at, order, &to).await,
            HolderCommand::Play(play) => play.run().await,
            HolderCommand::Stop(which) => which.stop().await,
            HolderCommand::RegisterCard(register) => register.run().await,
            HolderCommand::History(history) => history.run().await,
            HolderCommand::Password(command) => command.run(),
            HolderCommand::Key(command) => command.run().await,
            HolderCommand::Backup(backup) => backup.run(),
            HolderCommand::Restore(restore) => restore.run(),
            HolderCommand::Receipt { at, order, out } => buy::receipt(&at, order, &out).await,
            HolderCommand::Form { at, merchant, rule, out } => {
                let holder = at.holder().await?;
                let form = holder.form(&merchant, &rule).await?;
                let (rule, asked) = holder.disclosures(&form)?;
                write_text(&out, &serde_json::to_string(&form)?)?;
                show_rule(&rule, &asked);
                Ok(())
            }
        }
    }
}

/// Prints each party's fields, and what the person has to agree to.
fn show_rule(rule: &Rule, asked: &[(Role, FieldName)]) {
    say(&format!("rule  {}", rule.name));
    for (role, fields) in rule.parts.iter() {
        let fields: Vec<&str> = fields.iter().map(FieldName::as_str).collect();
        say(&format!("{role}  {}", fields.join(" ")));
    }
    for (role, field) in asked {
        say(&format!("more than usual: --allow {role}:{field} agrees to it"));
    }
}

/// Sends what waits; what fails holds up nothing else.
async fn send(at: &At) -> Result<(), Failure> {
    let terminal = at.open()?;
    let holder = terminal.holder().await?;
    let orders = holder.send_waiting().await;
    let top_ups = match terminal.membership().await? {
        Some(_) => holder.send_waiting_top_ups().await,
        None => Ok(Vec::new()),
    };
    if matches!((&orders, &top_ups), (Ok(orders), Ok(top_ups)) if orders.len() + top_ups.len() == 0)
    {
        say("nothing waits");
    }
    taken_up(orders, top_ups)
}

/// Takes up what is open; what fails holds up nothing else.
async fn resume(at: &At) -> Result<(), Failure> {
    let terminal = at.open()?;
    let holder = terminal.holder().await?;
    let orders = holder.resume().await;
    let top_ups = match terminal.membership().await? {
        Some(_) => holder.resume_top_ups().await,
        None => Ok(Vec::new()),
    };
    taken_up(orders, top_ups)
}

/// Prints what was taken up; a failure comes after all that went well.
fn taken_up(
    orders: Result<Vec<OrderRecord>, HolderError>,
    top_ups: Result<Vec<TopUpRecord>, HolderError>,
) -> Result<(), Failure> {
    orders.iter().flatten().for_each(buy::print);
    for record in top_ups.iter().flatten() {
        say(&cards::line(record));
    }
    orders?;
    top_ups?;
    Ok(())
}
