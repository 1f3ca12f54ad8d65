//! What a person asks for.

use std::collections::BTreeMap;
use warifu_types::{Currency, FieldName, Identifier, Money, Role};
use warifu_wire::{FormAnswer, QuoteItem};

/// What is wanted: goods from a merchant, or to enter at a door.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Goods.
    Goods {
        /// Item numbers and quantities.
        items: Vec<QuoteItem>,
        /// The currency of the prices.
        currency: Currency,
        /// The language of the names: `en` or `ja`.
        language: String,
        /// `one` or `instalments:N`.
        payment_type: String,
        /// Where the goods go; none if they are not delivered.
        destination: Option<String>,
    },
    /// To enter.
    Entry(Entry),
    /// Value on a prepaid card, from a center (row B7).
    Value {
        /// How much.
        amount: Money,
        /// `one` or `instalments:N`.
        payment_type: String,
    },
}

/// A place to enter.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub zone: String,
}

/// A purchase, or an entry.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// Where the merchant (or the door) answers.
    pub url: String,
    /// Whom the person means to meet; anyone else there is an impostor.
    pub front: Option<Identifier>,
    /// The name of the disclosure rule.
    pub rule: String,
    /// A form from a file; otherwise it is asked for.
    pub form: Option<FormAnswer>,
    /// What is wanted.
    pub wanted: Wanted,
    /// The label of the card.
    pub card: String,
    /// Disclosures beyond the minimal rule that the person agrees to.
    pub allow: Vec<(Role, FieldName)>,
    /// Values of fields of the network's own.
    pub more: BTreeMap<FieldName, String>,
}
