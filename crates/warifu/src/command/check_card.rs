//! `warifu check-card`: what a prepaid card's document proves, and what not (row B8). Whoever has the
//! center's fingerprint can ask it; nobody has to be a member.

use super::terminal::joining::GuideFrom;
use crate::{
    Failure,
    output::{json, say},
    setup::{now, read_text},
};
use clap::Args;
use std::path::PathBuf;
use warifu_holder::joining::CheckedGuide;
use warifu_protocol::prepaid::PrepaidCard;

/// Check the signed document of somebody's prepaid card.
#[derive(Debug, Args)]
pub struct CheckCard {
    /// The document, as `warifu holder cards --export` wrote it.
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
    #[command(flatten)]
    from: GuideFrom,
    /// The center's fingerprint, which you have by another way than the network.
    #[arg(long)]
    fingerprint: String,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl CheckCard {
    /// Runs the command. A card that is not good is a failure.
    pub async fn run(self) -> Result<(), Failure> {
        let guide = CheckedGuide::new(self.from.read().await?, now())?;
        guide.compare(&self.fingerprint)?;
        let document = read_text(&self.document)?;
        let card = PrepaidCard::verify(document.trim(), guide.center(), now())?;
        describe(&card, self.json)
    }
}

/// Says what a good card proves, and what it does not.
pub fn describe(card: &PrepaidCard, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return json(&serde_json::json!({
            "good": true, "center": card.iss, "network": card.network, "member": card.sub,
            "ending": ending(card), "expiry": card.expiry, "loaded": card.loaded,
            "serial": card.serial, "issued": card.iat, "expires": card.exp,
        }));
    }
    say(&format!("center       {} of {}", card.iss, card.network));
    say(&format!("member       {}", card.sub));
    say(&format!("card         …{}, expires {}", ending(card), card.expiry));
    say(&format!("loaded       {} in all, by load number {}", card.loaded, card.serial));
    say(
        "\nIt proves that this center issued the card to this member, and what was loaded on it in \
         all when the document was signed.\nIt does not prove what is left on it today, that no \
         later document of it exists, or that whoever shows it is the member: a document can be \
         copied. Only the member's key pays with the card, and only the center knows the balance.",
    );
    Ok(())
}

/// The last four digits.
pub fn ending(card: &PrepaidCard) -> &str {
    card.number.get(card.number.len().saturating_sub(4)..).unwrap_or_default()
}
