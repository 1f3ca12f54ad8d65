//! The mails that a user gets (rows C4 to C8), in English and Japanese, as text and as HTML.
//!
//! What a letter is made of has no place for a card: the broker has none to put there (row C2).

mod device;
mod english;
mod japanese;
mod render;

pub use device::device_letter;
use warifu_types::Money;

/// A language that the letters are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language of a BCP 47 tag: Japanese for `ja` and `ja-…`, else English.
    pub fn of(tag: &str) -> Language {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("ja") { Language::Japanese } else { Language::English }
    }

    /// The BCP 47 tag, for a mail's `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Japanese => "ja",
        }
    }
}

/// What an order is about, as the user reads it. Texts come from others, so they are shown as they
/// are, on one line, and never as HTML.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The order's number, as the user knows it.
    pub order: &'a str,
    /// What is ordered.
    pub service: &'a str,
    /// Who provides it.
    pub provider: &'a str,
    /// How many; shown from two on.
    pub quantity: u64,
    /// What it costs in all.
    pub price: Money,
    /// Where, if the service has a place.
    pub place: Option<&'a str>,
    /// When, if the service has a date.
    pub date: Option<&'a str>,
}

/// How an order can be answered.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// The page with the buttons; opening it decides nothing.
    pub link: &'a str,
    /// Until when, as the user reads it, with its time zone.
    pub until: &'a str,
}

/// Why a letter is written.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    /// The order waits for the user's approval.
    Confirmation(Answering<'a>),
    /// It still waits.
    Reminder(Answering<'a>),
    /// The user's reply was not understood.
    AskedAgain(Answering<'a>),
    /// Nobody answered in time.
    Expired,
    /// The user has approved, and the order goes to the provider.
    Approved,
    /// The user has cancelled.
    Cancelled,
    /// The registry has refused the user's card (row C4).
    CardRefused,
    /// A service of ours did not answer in time, and the order has lapsed.
    OurFault,
    /// Somebody was faster, and there is none left for the day.
    SoldOut,
    /// The provider declines.
    Declined,
    /// The provider did not answer in its time.
    Silent,
    /// The provider has served.
    Served,
}

/// A mail's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject, one line.
    pub subject: String,
    /// The text, lines ending with `\n`.
    pub text: String,
    /// The same in HTML: no scripts, no pictures, nothing fetched from elsewhere.
    pub html: String,
}

/// Writes the letter for an occasion.
pub fn letter(language: Language, facts: &Facts<'_>, occasion: &Occasion<'_>) -> Letter {
    let phrases = match language {
        Language::English => english::phrases(occasion),
        Language::Japanese => japanese::phrases(occasion),
    };
    let labels = match language {
        Language::English => &english::LABELS,
        Language::Japanese => &japanese::LABELS,
    };
    render::letter(language, labels, &phrases, facts, occasion)
}

/// The parts of a letter that depend on language and occasion.
struct Phrases {
    /// Begins the subject; the order's number follows.
    subject: &'static str,
    /// What has happened.
    news: &'static str,
    /// What the user can do now, a paragraph each.
    advice: &'static [&'static str],
}

/// The names of the facts.
struct Labels {
    order: &'static str,
    service: &'static str,
    provider: &'static str,
    quantity: &'static str,
    price: &'static str,
    place: &'static str,
    date: &'static str,
    link: &'static str,
    until: &'static str,
    colon: &'static str,
}

impl<'a> Occasion<'a> {
    fn answering(&self) -> Option<&Answering<'a>> {
        match self {
            Occasion::Confirmation(answering)
            | Occasion::Reminder(answering)
            | Occasion::AskedAgain(answering) => Some(answering),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
