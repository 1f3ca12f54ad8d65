//! What each party saw and what stayed sealed to it, side by side for people, as JSON for scripts.

use crate::{Failure, output::say};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use warifu_protocol::{status::State, value::FieldValue, view::View};
use warifu_types::{FieldName, Money, OrderId};

/// The transcript of the demonstration.
#[derive(Debug, Serialize)]
pub struct Report {
    /// One for each kind.
    pub purchases: Vec<PurchaseReport>,
}

/// One purchase.
#[derive(Debug, Serialize)]
pub struct PurchaseReport {
    /// The kind.
    pub kind: String,
    /// The disclosure rule.
    pub rule: String,
    /// The order.
    pub order: OrderId,
    /// What each party could read.
    pub parties: BTreeMap<String, PartyReport>,
    /// How far it has come at each party.
    pub states: BTreeMap<String, State>,
}

/// One party's side.
#[derive(Debug, Serialize)]
pub struct PartyReport {
    /// The fields that it opened.
    pub view: BTreeMap<FieldName, Shown>,
    /// The fields that stayed sealed to it.
    pub sealed: Vec<FieldName>,
}

/// A value as the transcript shows it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// Text.
    Text(String),
    /// An amount.
    Amount(Money),
}

impl From<&FieldValue> for Shown {
    fn from(value: &FieldValue) -> Shown {
        match value {
            FieldValue::Text(text) => Shown::Text(text.clone()),
            FieldValue::Amount(amount) => Shown::Amount(*amount),
            FieldValue::Numbers(numbers) => Shown::Text(numbers.join(", ")),
            FieldValue::Lines(lines) => {
                let lines: Vec<String> =
                    lines.iter().map(|line| format!("{} × {}", line.name, line.quantity)).collect();
                Shown::Text(lines.join(", "))
            }
        }
    }
}

impl Shown {
    fn text(&self) -> String {
        match self {
            Shown::Text(text) => text.clone(),
            Shown::Amount(amount) => amount.to_string(),
        }
    }
}

impl From<&View> for PartyReport {
    /// The quote's hash links documents and says nothing of the order, so it is left out.
    fn from(view: &View) -> PartyReport {
        let shown = |field: &&FieldName| **field != FieldName::QUOTE;
        PartyReport {
            view: view
                .fields
                .iter()
                .filter(|(field, _)| shown(field))
                .map(|(field, value)| (field.clone(), value.into()))
                .collect(),
            sealed: view.sealed.iter().filter(shown).cloned().collect(),
        }
    }
}

impl PartyReport {
    /// Of a party that holds no part of the order.
    pub fn of(
        view: &BTreeMap<FieldName, FieldValue>,
        sealed: impl Iterator<Item = FieldName>,
    ) -> PartyReport {
        let view = view.iter().map(|(field, value)| (field.clone(), value.into())).collect();
        PartyReport { view, sealed: sealed.collect() }
    }

    /// Adds what came to the party beside its part.
    pub fn add(&mut self, field: FieldName, value: &str) {
        self.sealed.retain(|other| *other != field);
        self.view.insert(field, Shown::Text(value.to_string()));
    }
}

const COLUMN: usize = 26;

impl Report {
    /// Prints the purchases, a table each.
    pub fn print(&self) -> Result<(), Failure> {
        for purchase in &self.purchases {
            purchase.print();
        }
        say("Each column is what that party's own records hold; ▒▒▒ stayed sealed to it.");
        Ok(())
    }
}

impl PurchaseReport {
    fn print(&self) {
        say(&format!("{} — rule {}, order {}", self.kind, self.rule, self.order));
        let names: Vec<&String> = self.parties.keys().collect();
        let head: Vec<String> = names.iter().map(|name| fit(name)).collect();
        say(&format!("  {:<18}{}", "", head.join("")));
        let fields: BTreeSet<&FieldName> = self
            .parties
            .values()
            .flat_map(|party| party.view.keys().chain(&party.sealed))
            .collect();
        for field in fields {
            let cells: Vec<String> = self
                .parties
                .values()
                .map(|party| match party.view.get(field) {
                    Some(value) => fit(&value.text()),
                    None => fit("▒▒▒"),
                })
                .collect();
            say(&format!("  {:<18}{}", field.as_str(), cells.join("")));
        }
        let states: Vec<String> = self.states.values().map(|state| fit(state.as_str())).collect();
        say(&format!("  {:<18}{}", "state", states.join("")));
        say("");
    }
}

/// Cuts or fills a cell to its width; a wide (East Asian) character takes two places.
fn fit(text: &str) -> String {
    let width = |c: char| if (c as u32) < 0x1100 || "▒…×".contains(c) { 1 } else { 2 };
    let whole: usize = text.chars().map(width).sum();
    let (room, end) = if whole > COLUMN - 2 { (COLUMN - 3, "…") } else { (COLUMN - 2, "") };
    let mut cell = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + width(c) > room {
            break;
        }
        used += width(c);
        cell.push(c);
    }
    used += end.chars().count();
    format!("{cell}{end}{}", " ".repeat(COLUMN.saturating_sub(used)))
}
