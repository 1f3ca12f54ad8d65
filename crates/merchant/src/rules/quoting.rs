//! What a quote says, or why there is none.

use super::catalogue::{Item, Language};
use std::collections::BTreeSet;
use warifu_protocol::{
    form::Accepts,
    quote::{MAX_LINES, QuoteLine},
};
use warifu_types::{Currency, Money};
use warifu_wire::{Problem, QuoteItem};

/// More than this of one thing is no order of a shop.
pub const MAX_QUANTITY: u32 = 100_000;

/// The lines of a quote and their sum; a problem names the field at fault.
pub fn lines<'a>(
    items: &[QuoteItem],
    currency: Currency,
    language: Language,
    accepts: &Accepts,
    find: impl Fn(&str) -> Option<&'a Item>,
) -> Result<(Vec<QuoteLine>, Money), Problem> {
    if !accepts.currencies.contains(&currency) {
        return Err(Problem::bad_value("currency", "this currency is not accepted here"));
    }
    if items.is_empty() {
        return Err(Problem::bad_value("items", "nothing is asked for"));
    }
    if items.len() > MAX_LINES {
        return Err(Problem::bad_value("items", "a quote has at most 1,000 lines"));
    }
    let mut seen = BTreeSet::new();
    let mut total = Money::zero(currency);
    let mut lines = Vec::with_capacity(items.len());
    for (place, wish) in items.iter().enumerate() {
        let refuse =
            |field: &str, title| Err(Problem::bad_value(&format!("items[{place}].{field}"), title));
        let Some(item) = find(&wish.number) else {
            return refuse("number", "there is no such item");
        };
        if !seen.insert(&wish.number) {
            return refuse("number", "this item stands twice");
        }
        if !(1..=MAX_QUANTITY).contains(&wish.quantity) {
            return refuse("quantity", "a quantity is 1 to 100,000");
        }
        let Some(unit_price) = item.price(currency) else {
            return refuse("number", "this item has no price in this currency");
        };
        let line = unit_price.times(u64::from(wish.quantity));
        let Ok(more) = line.and_then(|line| total.plus(line)) else {
            return refuse("quantity", "the amount is too large");
        };
        total = more;
        lines.push(QuoteLine {
            number: item.number.clone(),
            name: item.name_in(language).to_string(),
            quantity: wish.quantity,
            unit_price,
        });
    }
    Ok((lines, total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::catalogue::ItemName;

    fn item(number: &str, minor: u64) -> Item {
        Item {
            number: number.into(),
            name: ItemName { en: "Tea".into(), ja: "茶".into() },
            kind: "food".into(),
            prices: vec![Money::new(minor, Currency::JPY).unwrap()],
            stock: 3,
        }
    }

    fn ask(wishes: &[(&str, u32)], currency: Currency) -> Result<Money, String> {
        let catalogue = [item("a", 10), item("b", 5), item("gold", Money::MAX_MINOR / 2)];
        let items: Vec<_> = wishes
            .iter()
            .map(|(number, quantity)| QuoteItem { number: number.to_string(), quantity: *quantity })
            .collect();
        let accepts = Accepts {
            currencies: vec![Currency::JPY, Currency::EUR],
            instalments: 1,
            issuers: vec![],
            suites: vec![],
        };
        let find = |number: &str| catalogue.iter().find(|item| item.number == number);
        lines(&items, currency, Language::Ja, &accepts, find)
            .map(|(_, total)| total)
            .map_err(|problem| problem.field.unwrap())
    }

    #[test]
    fn each_fault_names_its_field() {
        let yen = Currency::JPY;
        assert_eq!(ask(&[("a", 2), ("b", 1)], yen), Ok(Money::new(25, yen).unwrap()));
        for (wishes, field) in [
            (&[][..], "items"),
            (&[("a", 1), ("x", 1)], "items[1].number"),
            (&[("a", 1), ("a", 1)], "items[1].number"),
            (&[("a", 0)], "items[0].quantity"),
            (&[("a", MAX_QUANTITY + 1)], "items[0].quantity"),
            (&[("gold", 3)], "items[0].quantity"),
            (&[("gold", 2), ("a", 1)], "items[1].quantity"),
        ] {
            assert_eq!(ask(wishes, yen), Err(field.to_string()));
        }
        assert_eq!(ask(&[("a", 1)], Currency::USD), Err("currency".into()));
        assert_eq!(ask(&[("a", 1)], Currency::EUR), Err("items[0].number".into()));
        let many: Vec<_> = (0..=MAX_LINES).map(|_| ("a", 1)).collect();
        assert_eq!(ask(&many, yen), Err("items".into()));
    }
}
