//! `warifu holder`: the buyer's terminal on the command line.

use crate::{
    Failure,
    config::{key_policy, suites},
    output::{json, note, say},
    setup::{
        KeySettings, Opened, Place, describe, read_enrolment, read_key, read_secret_line,
        read_text, write_text,
    },
};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use warifu_holder::{Card, Entry, Holder, OrderRecord, Profile, Purchase, Wanted};
use warifu_ports::Collection;
use warifu_protocol::{status::State, terminal::KeyPolicy};
use warifu_types::{Currency, FieldName, Identifier, OrderId, Role};
use warifu_wire::{QuoteItem, identity::Wish};

/// Where the terminal keeps how it reaches the center.
const SETTINGS: Collection<HolderSettings> = Collection::new("settings");

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderSettings {
    center: Identifier,
    center_url: String,
    keys: KeyPolicy,
}

/// Where the terminal keeps its things.
#[derive(Debug, Args)]
pub struct At {
    /// The folder of the terminal's database.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The key file; beside the database unless named.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// The buyer's commands.
#[derive(Debug, Subcommand)]
pub enum HolderCommand {
    /// Make the terminal's keys and write its request to the center.
    Init {
        #[command(flatten)]
        at: At,
        /// Your identifier, such as `mail:hanako@example.jp`. It travels in clear: no address.
        #[arg(long)]
        identifier: Identifier,
        /// The center's identifier.
        #[arg(long)]
        center: Identifier,
        /// Where the center answers.
        #[arg(long)]
        center_url: String,
        /// Where the network's keys come from: predistributed, agreed or handed_out.
        #[arg(long, default_value = "predistributed", value_parser = key_policy)]
        keys: KeyPolicy,
        /// Where to write the request.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Accept the center's answer.
    Accept {
        #[command(flatten)]
        at: At,
        /// The center's answer.
        #[arg(long, value_name = "FILE")]
        enrolment: PathBuf,
        /// The center's fingerprint.
        #[arg(long)]
        fingerprint: String,
    },
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
    Card {
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
    },
    /// Keep a key that was agreed beforehand with a party, in networks that work so.
    Agree {
        #[command(flatten)]
        at: At,
        /// The other party.
        #[arg(long)]
        peer: Identifier,
        /// The file with the key, 32 random bytes in base64url; `-` for standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        key_from: PathBuf,
    },
    /// Buy.
    Buy(Buy),
    /// Show an order, or all.
    Orders {
        #[command(flatten)]
        at: At,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Take up every order that has not come to its end.
    Resume {
        #[command(flatten)]
        at: At,
    },
    /// Write an order's receipt, which opens every field: keep it to yourself.
    Receipt {
        #[command(flatten)]
        at: At,
        /// The order.
        #[arg(long)]
        order: OrderId,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Save a merchant's form to a file, to order from it later.
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

/// What to buy.
#[derive(Debug, Args)]
pub struct Buy {
    #[command(flatten)]
    at: At,
    /// Where the merchant (or the door) answers.
    #[arg(long)]
    merchant: String,
    /// Whom you mean to meet there; anyone else is refused.
    #[arg(long)]
    identifier: Option<Identifier>,
    /// An item number and how many, such as `T-100:2`; repeat for more.
    #[arg(long = "item", value_name = "NUMBER[:COUNT]")]
    items: Vec<String>,
    /// The place to enter, instead of items.
    #[arg(long, conflicts_with = "items")]
    zone: Option<String>,
    /// The currency.
    #[arg(long, default_value = "JPY")]
    currency: Currency,
    /// The language of item names: en or ja.
    #[arg(long, default_value = "en")]
    language: String,
    /// `one` or `instalments:N`.
    #[arg(long, default_value = "one")]
    payment: String,
    /// Name and address that the goods go to.
    #[arg(long)]
    destination: Option<String>,
    /// The card's label.
    #[arg(long, default_value = "card")]
    card: String,
    /// The disclosure rule.
    #[arg(long, default_value = "minimal")]
    rule: String,
    /// A form from a file, instead of asking for it.
    #[arg(long, value_name = "FILE")]
    form: Option<PathBuf>,
    /// A disclosure beyond the minimal rule that you agree to, such as `merchant:destination`.
    #[arg(long, value_name = "ROLE:FIELD")]
    allow: Vec<String>,
    /// How many seconds to wait for the order to be settled.
    #[arg(long, default_value_t = 10)]
    wait: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl At {
    fn place(&self) -> Place {
        Place::new(&self.data, self.key_file.as_deref())
    }

    async fn holder(&self) -> Result<Arc<Holder>, Failure> {
        let opened = self.place().open()?;
        let settings = opened
            .port()
            .run(|unit| SETTINGS.get(unit, "own"))
            .await?
            .ok_or_else(|| Failure::input("data", "run `warifu holder init` first"))?;
        let keys = KeySettings {
            center: Some((settings.center, settings.center_url)),
            policy: settings.keys,
            ..KeySettings::default()
        };
        Ok(Holder::new(opened.party(&keys).await?, opened.port()))
    }
}

impl HolderCommand {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            HolderCommand::Init { at, identifier, center, center_url, keys, out } => {
                let opened = at.place().create()?;
                keep_settings(&opened, HolderSettings { center, center_url, keys }).await?;
                let wish = Wish {
                    sub: identifier,
                    roles: vec![Role::Holder],
                    suites: suites(None),
                    url: None,
                };
                write_text(&out, &opened.request(&wish).await?)?;
                note("Take the request to the center's operator: `warifu center issue`.");
                Ok(())
            }
            HolderCommand::Accept { at, enrolment, fingerprint } => {
                let answer = read_enrolment(&enrolment)?;
                at.place().open()?.accept(&answer, Some(&fingerprint)).await?;
                if answer.anchors.centers.len() > 1 {
                    note(
                        "This network has further centers: `warifu holder renew` asks for their shares.",
                    );
                }
                Ok(())
            }
            HolderCommand::Renew { at } => {
                let holder = at.holder().await?;
                say(&describe(&holder.party().renew().await?));
                Ok(())
            }
            HolderCommand::Profile { at, name, address, telephone, fax } => {
                let profile = Profile { name, address, telephone, fax };
                Ok(at.holder().await?.set_profile(profile).await?)
            }
            HolderCommand::Card { at, label, issuer, expiry, number_from } => {
                let number = read_secret_line(&number_from)?.to_string();
                Ok(at.holder().await?.add_card(Card { label, issuer, number, expiry }).await?)
            }
            HolderCommand::Agree { at, peer, key_from } => {
                at.place().open()?.agree(&peer, read_key(&key_from)?).await
            }
            HolderCommand::Buy(buy) => buy.run().await,
            HolderCommand::Orders { at, json: as_json } => {
                let orders = at.holder().await?.orders().await?;
                if as_json {
                    return json(&orders.iter().map(summary).collect::<Vec<_>>());
                }
                orders.iter().for_each(print);
                Ok(())
            }
            HolderCommand::Resume { at } => {
                at.holder().await?.resume().await?.iter().for_each(print);
                Ok(())
            }
            HolderCommand::Receipt { at, order, out } => {
                let record = at.holder().await?.order(order).await?;
                write_text(&out, &serde_json::to_string_pretty(&record.receipt)?)
            }
            HolderCommand::Form { at, merchant, rule, out } => {
                let form = at.holder().await?.form(&merchant, &rule).await?;
                write_text(&out, &serde_json::to_string(&form)?)
            }
        }
    }
}

async fn keep_settings(opened: &Opened, settings: HolderSettings) -> Result<(), Failure> {
    Ok(opened.port().run(move |unit| SETTINGS.put(unit, "own", &settings)).await?)
}

fn item(text: &str) -> Result<QuoteItem, Failure> {
    let (number, count) = text.rsplit_once(':').unwrap_or((text, "1"));
    let quantity = count
        .parse()
        .map_err(|_| Failure::input("item", format!("{text} is not NUMBER or NUMBER:COUNT")))?;
    Ok(QuoteItem { number: number.to_string(), quantity })
}

fn consent(text: &str) -> Result<(Role, FieldName), Failure> {
    let bad = || Failure::input("allow", format!("{text} is not ROLE:FIELD"));
    let (role, field) = text.split_once(':').ok_or_else(bad)?;
    Ok((role.parse().map_err(|_| bad())?, field.parse().map_err(|_| bad())?))
}

impl Buy {
    async fn run(self) -> Result<(), Failure> {
        let wanted = match &self.zone {
            Some(zone) => Wanted::Entry(Entry { zone: zone.clone() }),
            None => Wanted::Goods {
                items: self.items.iter().map(|text| item(text)).collect::<Result<_, _>>()?,
                currency: self.currency,
                language: self.language.clone(),
                payment_type: self.payment.clone(),
                destination: self.destination.clone(),
            },
        };
        let form = match &self.form {
            Some(path) => Some(
                serde_json::from_str(&read_text(path)?)
                    .map_err(|error| Failure::input("form", error.to_string()))?,
            ),
            None => None,
        };
        let purchase = Purchase {
            url: self.merchant.trim_end_matches('/').to_string(),
            front: self.identifier.clone(),
            rule: self.rule.clone(),
            form,
            wanted,
            card: self.card.clone(),
            allow: self.allow.iter().map(|text| consent(text)).collect::<Result<_, _>>()?,
            more: BTreeMap::new(),
        };
        let holder = self.at.holder().await?;
        let record = holder.buy(&purchase).await?;
        let patience = Duration::from_secs(self.wait);
        let record = holder.wait_for(record.id, State::Settled, patience).await?;
        if self.json {
            json(&summary(&record))?;
        } else {
            print(&record);
        }
        match record.state {
            Some(State::Refused) => Err(Failure::input(
                "order",
                format!("refused: {}", record.reason.as_deref().unwrap_or("no reason given")),
            )),
            _ => Ok(()),
        }
    }
}

fn summary(record: &OrderRecord) -> serde_json::Value {
    serde_json::json!({
        "order": record.id,
        "merchant": record.front,
        "sealed_at": record.sealed_at,
        "state": record.state,
        "reason": record.reason,
    })
}

fn print(record: &OrderRecord) {
    let state = record.state.map_or("sealed, not answered yet", State::as_str);
    let reason = record.reason.as_deref().map(|r| format!(" ({r})")).unwrap_or_default();
    say(&format!("{}  {}  {state}{reason}", record.id, record.front));
}
