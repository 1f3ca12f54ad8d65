//! The values of an order's fields, from what the person entered and the merchant quoted.

use crate::{Card, HolderError, Profile};
use std::collections::BTreeMap;
use warifu_protocol::{
    quote::{self, Quote},
    rule::Rule,
    value::{FieldValue, OrderLine},
};
use warifu_types::{FieldName, Money};

/// The item number of value on a prepaid card.
pub const VALUE_ITEM: &str = "prepaid-value";

/// What goes into an order.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The person.
    pub profile: &'a Profile,
    /// The card.
    pub card: Option<&'a Card>,
    /// The checked quote, and the token.
    pub quote: Option<(&'a Quote, &'a str)>,
    /// What is loaded on a prepaid card, where that is what is bought.
    pub value: Option<Money>,
    /// `one` or `instalments:N`.
    pub payment_type: &'a str,
    /// Where the goods go.
    pub destination: Option<&'a str>,
    /// The place to enter.
    pub zone: Option<&'a str>,
    /// Further fields of the network's own.
    pub more: &'a BTreeMap<FieldName, String>,
}

/// A value for each field of the rule.
pub fn values(
    rule: &Rule,
    from: Sources<'_>,
) -> Result<BTreeMap<FieldName, FieldValue>, HolderError> {
    rule.fields().into_iter().map(|field| Ok((field.clone(), value(field, from)?))).collect()
}

fn value(field: &FieldName, from: Sources<'_>) -> Result<FieldValue, HolderError> {
    use HolderError::Missing;
    let quote = || from.quote.ok_or(Missing("quote"));
    let card = || from.card.ok_or(Missing("card"));
    Ok(match field.as_str() {
        "holder_name" => FieldValue::text(&from.profile.name),
        "holder_address" => FieldValue::text(&from.profile.address),
        "holder_telephone" => FieldValue::text(&from.profile.telephone),
        "holder_fax" => FieldValue::text(&from.profile.fax),
        "card_number" => FieldValue::text(&card()?.number),
        "card_expiry" => FieldValue::text(&card()?.expiry),
        "item_numbers" if from.value.is_some() => FieldValue::Numbers(vec![VALUE_ITEM.to_string()]),
        "item_numbers" => {
            FieldValue::Numbers(quote()?.0.lines.iter().map(|line| line.number.clone()).collect())
        }
        "items" => FieldValue::Lines(
            quote()?
                .0
                .lines
                .iter()
                .map(|line| OrderLine { name: line.name.clone(), quantity: line.quantity })
                .collect(),
        ),
        "amount" => match from.value {
            Some(value) => FieldValue::Amount(value),
            None => FieldValue::Amount(quote()?.0.total),
        },
        "payment_type" => FieldValue::text(from.payment_type),
        "quote" => FieldValue::text(quote::hash(quote()?.1).to_string()),
        "destination" => FieldValue::text(from.destination.ok_or(Missing("destination"))?),
        "access_zone" => FieldValue::text(from.zone.ok_or(Missing("zone"))?),
        _ => FieldValue::text(from.more.get(field).cloned().unwrap_or_default()),
    })
}
