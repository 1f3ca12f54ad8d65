//! `warifu holder history`: what the person did, under password A alone and offline (row B5).

use super::place::{At, Place, open_a};
use crate::{
    Failure,
    output::{json, note, say},
};
use clap::Args;
use warifu_holder::HISTORY;
use warifu_vault::{Entry, EntryKind};

/// Show the history. Needs password A only, and no network.
#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    at: At,
    /// How far your clock is ahead of UTC, such as `+09:00`.
    #[arg(long, default_value = "+00:00", value_parser = offset, allow_hyphen_values = true)]
    utc_offset: i32,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Minutes, from `+09:00` or `-03:30`.
fn offset(text: &str) -> Result<i32, String> {
    let bad = || "hours and minutes, such as +09:00".to_string();
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(bad()),
    };
    let number = |text: &str, least: i32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<i32>().ok().filter(|number| digits && *number < least);
        number.ok_or_else(bad)
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(bad)?;
    Ok(sign * (number(hours, 15)? * 60 + number(minutes, 60)?))
}

impl History {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let entries = self.entries().await?;
        if self.json {
            let summary = |entry: &Entry| {
                serde_json::json!({
                    "date": entry.date(self.utc_offset),
                    "at": entry.at,
                    "kind": entry.kind,
                    "party": entry.party,
                    "goods": entry.goods,
                    "amount": entry.amount,
                    "reference": entry.reference,
                })
            };
            return json(&entries.iter().map(summary).collect::<Vec<_>>());
        }
        entries.iter().for_each(|entry| say(&line(entry, self.utc_offset)));
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<Entry>, Failure> {
        match self.at.place()? {
            Place::Vault(vault) => {
                let a = open_a(&vault, &mut self.at.passwords()?)?;
                if a.restored().is_some() {
                    note(
                        "The vault is a backup or came from elsewhere: what came later is missing.",
                    );
                }
                Ok(a.history().to_vec())
            }
            Place::Folder(folder) => {
                let store = folder.open()?.port();
                let found = store.run(|unit| HISTORY.scan(unit, "", usize::MAX)).await?;
                let mut entries: Vec<Entry> = found.into_iter().map(|(_, entry)| entry).collect();
                entries.sort_by_key(|entry| entry.at);
                Ok(entries)
            }
        }
    }
}

/// Date, merchant, goods, amount.
fn line(entry: &Entry, offset: i32) -> String {
    let what = match entry.kind {
        EntryKind::TopUp => format!("top-up of {}", entry.goods),
        EntryKind::Refund => format!("refund: {}", entry.goods),
        _ => entry.goods.clone(),
    };
    let amount = entry.amount.map_or_else(String::new, |amount| format!("  {amount}"));
    format!("{}  {}  {what}{amount}", entry.date(offset), entry.party)
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn offsets() {
        assert_eq!(offset("+09:00"), Ok(540));
        assert_eq!(offset("-03:30"), Ok(-210));
        assert_eq!(offset("+00:00"), Ok(0));
        for bad in ["", "9", "+9:00", "+09", "09:00", "+15:00", "+09:60", "+0a:00", "±09:00"] {
            assert!(offset(bad).is_err(), "{bad}");
        }
    }
}
