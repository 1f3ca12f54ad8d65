//! What a provider offers: checked, whichever file it came from.

use crate::rules::{calendar, grams, picture};
use serde::{Deserialize, Serialize};
use warifu_ports::search::SearchEntry;
use warifu_types::Money;

/// A text in two languages; one of them may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    #[serde(default)]
    pub en: String,
    /// Japanese.
    #[serde(default)]
    pub ja: String,
}

impl Text {
    /// The text in a language, or in the other if there is none.
    pub fn in_language(&self, language: &str) -> &str {
        let (first, second) =
            if language == "ja" { (&self.ja, &self.en) } else { (&self.en, &self.ja) };
        if first.is_empty() { second } else { first }
    }
}

/// A service: a hotel night, a seat, a table, a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The provider's own item number, by which its merchant quotes.
    pub number: String,
    /// The kind, by which people browse.
    pub kind: String,
    /// The name.
    pub name: Text,
    /// What there is to say.
    #[serde(default)]
    pub text: Text,
    /// What one costs.
    pub price: Money,
    /// Where it is.
    #[serde(default)]
    pub place: String,
    /// The first day, `YYYY-MM-DD`; empty if it has none.
    #[serde(default)]
    pub begins: String,
    /// The last day, `YYYY-MM-DD`; empty if it has none.
    #[serde(default)]
    pub ends: String,
    /// How many there are on each day, those that are sold included; none if nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Pictures: `https` addresses, or `data:` ones with a PNG, JPEG or WebP picture.
    #[serde(default)]
    pub pictures: Vec<String>,
}

/// What is wrong with a service: the field, and a sentence that repeats no value.
pub type Wrong = (&'static str, &'static str);

/// Pictures of a service at most.
pub const MAX_PICTURES: usize = 8;
/// The longest `data:` picture, in bytes of its address: about 190 KB of picture.
pub const MAX_PICTURE: usize = 256 * 1024;
/// The greatest capacity of a day.
pub const MAX_CAPACITY: u32 = 1_000_000;
const MAX_NAME: usize = 200;
const MAX_TEXT: usize = 5_000;

impl Service {
    /// Refuses what cannot be offered.
    pub fn check(&self) -> Result<(), Wrong> {
        let number = self.number.as_str();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&number.len()) || !number.chars().all(plain) {
            return Err(("number", "1 to 64 of A-Z, a-z, 0-9, -, _ and ."));
        }
        if !is_line(&self.kind, 60) || self.kind.is_empty() {
            return Err(("kind", "1 to 60 characters on one line"));
        }
        let name = &self.name;
        if name.en.is_empty() && name.ja.is_empty() {
            return Err(("name", "a service has a name in English or Japanese"));
        }
        if !is_line(&name.en, MAX_NAME) || !is_line(&name.ja, MAX_NAME) {
            return Err(("name", "at most 200 characters on one line"));
        }
        if !is_text(&self.text.en) || !is_text(&self.text.ja) {
            return Err(("text", "at most 5,000 characters of plain text"));
        }
        if self.price.minor() == 0 {
            return Err(("price", "a price is above zero"));
        }
        if !is_line(&self.place, MAX_NAME) {
            return Err(("place", "at most 200 characters on one line"));
        }
        let day = |text: &str| text.is_empty() || calendar::is_day(text);
        if !day(&self.begins) {
            return Err(("begins", "a day is YYYY-MM-DD"));
        }
        let backwards = !self.begins.is_empty() && !self.ends.is_empty() && self.ends < self.begins;
        if !day(&self.ends) || backwards {
            return Err(("ends", "a day, YYYY-MM-DD, not before the first"));
        }
        if self.capacity.is_some_and(|capacity| capacity > MAX_CAPACITY) {
            return Err(("capacity", "0 to 1,000,000"));
        }
        if self.pictures.len() > MAX_PICTURES {
            return Err(("pictures", "at most 8 pictures"));
        }
        self.pictures.iter().try_for_each(|address| picture::check(address))
    }

    /// The service as the index has it, under its record's key.
    pub fn entry(&self, key: &str) -> SearchEntry {
        let (name, text) = (&self.name, &self.text);
        let words = [&name.en, &name.ja, &text.en, &text.ja, &self.kind, &self.place];
        let words: Vec<&str> = words.iter().map(|text| text.as_str()).collect();
        SearchEntry {
            key: key.to_string(),
            grams: grams::grams(&words.join("\n")),
            kind: self.kind.clone(),
            currency: self.price.currency().numeric(),
            price: self.price.minor(),
            place: grams::folded(&self.place),
            begins: self.begins.clone(),
            ends: self.ends.clone(),
        }
    }

    /// Whether it is to be had on a day; on no day in particular unless it has dates.
    pub fn is_on(&self, day: Option<&str>) -> bool {
        match day {
            None => true,
            Some(day) => {
                (self.begins.is_empty() || self.begins.as_str() <= day)
                    && (self.ends.is_empty() || self.ends.as_str() >= day)
            }
        }
    }
}

fn is_line(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(|c| c.is_control() && c != '\n')
}

/// What is wrong with a file: the line, the field, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportFault {
    /// The line of the file, from 1; in a JSON file, the entry, from 1.
    pub line: u64,
    /// The column or property.
    pub field: String,
    /// What it should be.
    pub problem: String,
}

/// Services of one file at most.
pub const MAX_SERVICES: usize = 20_000;
/// So many faults are told at most.
pub const MAX_FAULTS: usize = 100;

/// All services of a file, or all that is wrong with it.
pub fn all_or_nothing(
    read: Vec<Result<(u64, Service), ImportFault>>,
) -> Result<Vec<Service>, Vec<ImportFault>> {
    let (mut services, mut faults) = (Vec::new(), Vec::new());
    let mut numbers = std::collections::BTreeSet::new();
    for read in read {
        let fault = |line, (field, problem): Wrong| ImportFault {
            line,
            field: field.to_string(),
            problem: problem.to_string(),
        };
        match read {
            Err(fault) => faults.push(fault),
            Ok((line, service)) => match service.check() {
                Err(wrong) => faults.push(fault(line, wrong)),
                Ok(()) if !numbers.insert(service.number.clone()) => {
                    faults.push(fault(line, ("number", "this number stands twice")));
                }
                Ok(()) => services.push(service),
            },
        }
        if faults.len() >= MAX_FAULTS {
            break;
        }
    }
    if services.is_empty() && faults.is_empty() {
        faults.push(ImportFault {
            line: 1,
            field: "file".to_string(),
            problem: "the file holds no service".to_string(),
        });
    }
    if faults.is_empty() { Ok(services) } else { Err(faults) }
}
