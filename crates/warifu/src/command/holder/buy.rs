//! `warifu holder buy`, and the orders that came of it.

use crate::{
    Failure,
    command::terminal::place::At,
    output::{json, note, say},
    setup::{read_text, write_text},
};
use clap::Args;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use warifu_holder::{Entry, OrderRecord, Purchase, Wanted};
use warifu_protocol::{order::ORDER_LIFETIME, status::State};
use warifu_types::{Currency, FieldName, Identifier, OrderId, Role};
use warifu_wire::QuoteItem;

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
    /// Pay with a prepaid card.
    #[arg(long, conflicts_with = "zone")]
    prepaid: bool,
    /// The card's label; `card` unless named, or `prepaid` with --prepaid.
    #[arg(long)]
    card: Option<String>,
    /// The disclosure rule; `minimal` unless named, or `prepaid` with --prepaid.
    #[arg(long)]
    rule: Option<String>,
    /// A form from a file, instead of asking for it.
    #[arg(long, value_name = "FILE")]
    form: Option<PathBuf>,
    /// A disclosure beyond the minimal rule that you agree to, such as `merchant:destination`.
    #[arg(long, value_name = "ROLE:FIELD")]
    allow: Vec<String>,
    /// Only prepare and keep the order, with the merchant's quote; `send` sends it, within a quarter
    /// of an hour.
    #[arg(long)]
    later: bool,
    /// How many seconds to wait for the order to be settled.
    #[arg(long, default_value_t = 10)]
    wait: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
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
    fn purchase(&self) -> Result<Purchase, Failure> {
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
        let usual = if self.prepaid { ("prepaid", "prepaid") } else { ("card", "minimal") };
        Ok(Purchase {
            url: self.merchant.trim_end_matches('/').to_string(),
            front: self.identifier.clone(),
            rule: self.rule.clone().unwrap_or_else(|| usual.1.to_string()),
            form,
            wanted,
            card: self.card.clone().unwrap_or_else(|| usual.0.to_string()),
            allow: self.allow.iter().map(|text| consent(text)).collect::<Result<_, _>>()?,
            more: BTreeMap::new(),
        })
    }

    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let purchase = self.purchase()?;
        let holder = self.at.holder().await?;
        if self.later {
            let record = holder.prepare_order(&purchase).await?;
            note(&format!(
                "`warifu holder send` sends it, within {} minutes.",
                ORDER_LIFETIME / 60
            ));
            return show(&record, self.json);
        }
        let record = holder.buy(&purchase).await?;
        let patience = Duration::from_secs(self.wait);
        let record = holder.wait_for(record.id, State::Settled, patience).await?;
        show(&record, self.json)?;
        match record.state {
            Some(State::Refused) => Err(Failure::input(
                "order",
                format!("refused: {}", record.reason.as_deref().unwrap_or("no reason given")),
            )),
            _ => Ok(()),
        }
    }
}

fn show(record: &OrderRecord, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return json(&summary(record));
    }
    print(record);
    Ok(())
}

/// Show the orders.
pub async fn orders(at: &At, as_json: bool) -> Result<(), Failure> {
    let orders = at.holder().await?.orders().await?;
    if as_json {
        return json(&orders.iter().map(summary).collect::<Vec<_>>());
    }
    orders.iter().for_each(print);
    Ok(())
}

/// Write an order's receipt.
pub async fn receipt(at: &At, order: OrderId, out: &std::path::Path) -> Result<(), Failure> {
    let record = at.holder().await?.order(order).await?;
    write_text(out, &serde_json::to_string_pretty(&record.receipt)?)
}

/// Fetch the files of an order.
pub async fn download(at: &At, order: OrderId, to: &std::path::Path) -> Result<(), Failure> {
    for file in at.holder().await?.download(order, to).await? {
        say(&format!("{}  {}", file.number, file.path.display()));
    }
    Ok(())
}

fn summary(record: &OrderRecord) -> serde_json::Value {
    let mut summary = serde_json::json!({
        "order": record.id,
        "merchant": record.front,
        "sealed_at": record.sealed_at,
        "state": record.state,
        "reason": record.reason,
    });
    if record.payment.is_some() {
        summary["transaction"] = serde_json::json!(record.transaction);
        summary["balance"] = serde_json::json!(record.balance);
    }
    summary
}

/// Prints an order in a line, and in two more what was paid.
pub fn print(record: &OrderRecord) {
    print_state(record);
    if let (Some(transaction), Some(balance)) = (&record.transaction, record.balance) {
        say(&format!("transaction  {transaction}\nnew balance  {balance}"));
    }
}

/// Prints an order in a line.
pub fn print_state(record: &OrderRecord) {
    let state = record.state.map_or("sealed, not answered yet", State::as_str);
    let reason = record.reason.as_deref().map(|r| format!(" ({r})")).unwrap_or_default();
    say(&format!("{}  {}  {state}{reason}", record.id, record.front));
}
