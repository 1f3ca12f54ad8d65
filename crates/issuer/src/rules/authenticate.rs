//! Whether an order's holder is the card's holder.
//!
//! Every field is compared, in time that does not depend on where two values differ, and the answer
//! is one bit: it does not tell which field failed.

use crate::rules::card::{Card, plain, telephone_digits};
use subtle::{Choice, ConstantTimeEq};
use warifu_protocol::encode::sha256;
use warifu_types::Identifier;

/// What an order says of its holder and card.
pub(crate) struct Claim<'a> {
    /// None where a broker has ordered, or a card acceptor asks: then the card speaks for its holder.
    pub holder: Option<&'a Identifier>,
    pub card_number: &'a str,
    pub card_expiry: &'a str,
    /// None on the card network, which does not carry it.
    pub holder_name: Option<&'a str>,
    /// None where the disclosure rule keeps the telephone number from the authorizer.
    pub holder_telephone: Option<&'a str>,
}

/// Compares a claim with the card; without a card the same work is done in vain.
pub(crate) fn is_holder(card: Option<&Card>, claim: &Claim<'_>) -> bool {
    let known = card.map(|card| &card.application);
    let of = |text: Option<&String>| text.cloned().unwrap_or_default();
    let given = |given: Option<&str>, known: String, spell: fn(&str) -> String| match given {
        Some(given) => same(&spell(given), &spell(&known)),
        None => Choice::from(1),
    };
    let telephone = of(known.map(|card| &card.holder_telephone));
    let name = of(known.map(|card| &card.holder_name));
    let holder = known.map(|card| card.holder.to_string()).unwrap_or_default();
    let all = given(claim.holder.map(Identifier::as_str), holder, str::to_string)
        & given(claim.holder_telephone, telephone, telephone_digits)
        & given(claim.holder_name, name, plain)
        & same(claim.card_number, &of(known.map(|card| &card.card_number)))
        & same(claim.card_expiry, &of(known.map(|card| &card.expiry)));
    known.is_some() && bool::from(all)
}

/// Hashes first, so that lengths do not show either.
fn same(a: &str, b: &str) -> Choice {
    sha256(a.as_bytes()).0.ct_eq(&sha256(b.as_bytes()).0)
}
