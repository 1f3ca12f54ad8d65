//! Prepaid cards: what they prove, what is on them, and having them again after a loss (row B8).

use crate::{
    Failure,
    command::{
        check_card::{describe, ending},
        terminal::place::At,
    },
    output::{json, note, say},
    setup::{read_text, write_text},
};
use clap::Args;
use std::path::PathBuf;
use warifu_holder::{Holder, PrepaidView};

/// Ask the center what a prepaid card holds.
pub async fn balance(at: &At, label: &str, as_json: bool) -> Result<(), Failure> {
    let balance = at.holder().await?.balance(label).await?;
    if as_json {
        return json(&serde_json::json!({"card": label, "balance": balance}));
    }
    say(&balance.to_string());
    Ok(())
}

/// List the prepaid cards, each verified offline with the center's pinned key.
#[derive(Debug, Args)]
pub struct Cards {
    #[command(flatten)]
    at: At,
    /// Ask the center first for every card of yours that has not expired, as after a lost terminal.
    #[arg(long)]
    refresh: bool,
    /// Write the signed document of the card of this label, for somebody who wants to check it.
    #[arg(long, value_name = "LABEL")]
    export: Option<String>,
    /// Where to write the document; printed unless named.
    #[arg(long, value_name = "FILE", requires = "export")]
    out: Option<PathBuf>,
    /// Check somebody's card, by the document in a file, with the pinned key of your center.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["refresh", "export"])]
    check: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Cards {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let holder = self.at.holder().await?;
        if let Some(file) = &self.check {
            let card = holder.check_card(read_text(file)?.trim())?;
            return describe(&card, self.json);
        }
        if self.refresh {
            holder.refresh_cards().await?;
        }
        if let Some(label) = &self.export {
            let document = holder.card_document(label).await?;
            note("It shows number and owner to whoever reads it, and pays for nothing.");
            return match &self.out {
                Some(out) => write_text(out, &document),
                None => {
                    say(&document);
                    Ok(())
                }
            };
        }
        let cards = holder.prepaid_cards().await?;
        if self.json {
            return json(&cards.iter().map(card_summary).collect::<Vec<_>>());
        }
        cards.iter().for_each(print_card);
        Ok(())
    }
}

/// After a registration: the cards that the member has at the center already, if this is not the
/// first terminal. That they could not be had undoes nothing.
pub async fn fetch(holder: &Holder) -> Result<(), Failure> {
    if let Err(error) = holder.refresh_cards().await {
        note(&format!(
            "Your cards did not come: {error}. `warifu holder cards --refresh` asks again."
        ));
    }
    holder.prepaid_cards().await?.iter().for_each(print_card);
    Ok(())
}

fn card_summary(view: &PrepaidView) -> serde_json::Value {
    let (balance, at) = view.balance.unzip();
    match &view.card {
        Ok(card) => serde_json::json!({
            "card": view.label, "good": true, "ending": ending(card),
            "expiry": card.expiry, "loaded": card.loaded, "serial": card.serial,
            "center": card.iss, "balance": balance, "balance_at": at,
        }),
        Err(error) => serde_json::json!({
            "card": view.label, "good": false, "problem": error.to_string(),
            "balance": balance, "balance_at": at,
        }),
    }
}

/// Prints a card in a line.
pub fn print_card(view: &PrepaidView) {
    say(&match &view.card {
        Ok(card) => format!(
            "{}  …{}  expires {}  loaded {}  of {}",
            view.label,
            ending(card),
            card.expiry,
            card.loaded,
            card.iss
        ),
        Err(error) => format!("{}  is not good: {error}", view.label),
    });
}
