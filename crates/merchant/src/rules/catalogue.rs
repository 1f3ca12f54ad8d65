//! The catalogue's items: which are good, and which a search finds.

use super::goods::Goods;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use warifu_types::{Currency, Money};
use warifu_wire::Problem;

/// One thing for sale, as the catalogue file lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The item number: 1 to 64 bytes.
    pub number: String,
    /// The names.
    pub name: ItemName,
    /// What kind of thing it is, such as `stationery`.
    pub kind: String,
    /// One price for each currency, above zero.
    pub prices: Vec<Money>,
    /// How many were laid in altogether; what was ordered since is counted apart.
    pub stock: u64,
    /// How it comes to the holder; later, unless said otherwise.
    #[serde(default)]
    pub goods: Goods,
}

/// An item's name in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemName {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

/// The languages of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

const MAX_NUMBER: usize = 64;
const MAX_NAME: usize = 512;
/// The greatest stock of one item.
pub const MAX_STOCK: u64 = 1_000_000_000;
/// The greatest catalogue that one import brings.
pub const MAX_ITEMS: usize = 100_000;

impl Language {
    /// Reads `en` or `ja`.
    pub fn parse(text: &str) -> Option<Language> {
        match text {
            "en" => Some(Language::En),
            "ja" => Some(Language::Ja),
            _ => None,
        }
    }
}

impl Item {
    /// The name in a language.
    pub fn name_in(&self, language: Language) -> &str {
        match language {
            Language::En => &self.name.en,
            Language::Ja => &self.name.ja,
        }
    }

    /// The price of one in a currency.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency() == currency)
    }

    /// Whether a search finds the item: by number, kind or either name, in any letter case.
    pub fn matches(&self, search: &str) -> bool {
        let wanted = search.trim().to_lowercase();
        [&self.number, &self.kind, &self.name.en, &self.name.ja]
            .into_iter()
            .any(|text| text.to_lowercase().contains(&wanted))
    }

    /// What is wrong with the item: the field, and a sentence.
    fn fault(&self) -> Option<(String, &'static str)> {
        if !is_line(&self.number, MAX_NUMBER) {
            return Some(("number".into(), "a number is 1 to 64 bytes of plain text"));
        }
        for (field, text) in [("name.en", &self.name.en), ("name.ja", &self.name.ja)] {
            if !is_line(text, MAX_NAME) {
                return Some((field.into(), "a name is 1 to 512 bytes of plain text"));
            }
        }
        if !is_line(&self.kind, MAX_NUMBER) {
            return Some(("kind".into(), "a kind is 1 to 64 bytes of plain text"));
        }
        if self.prices.is_empty() {
            return Some(("prices".into(), "an item has a price"));
        }
        let mut currencies = BTreeSet::new();
        for (place, price) in self.prices.iter().enumerate() {
            if price.minor() == 0 {
                return Some((format!("prices[{place}].minor"), "a price is above zero"));
            }
            if !currencies.insert(price.currency().code()) {
                let field = format!("prices[{place}].currency");
                return Some((field, "an item has one price for each currency"));
            }
        }
        if self.stock > MAX_STOCK {
            return Some(("stock".into(), "the stock is at most 1,000,000,000"));
        }
        self.goods.fault()
    }
}

/// Refuses a catalogue with a bad item; the problem names the item's place and field.
pub fn check(items: &[Item]) -> Result<(), Problem> {
    if items.len() > MAX_ITEMS {
        return Err(Problem::bad_value("items", "a catalogue has at most 100,000 items"));
    }
    let mut places = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some((field, title)) = item.fault() {
            return Err(Problem::bad_value(&format!("items[{place}].{field}"), title));
        }
        if places.insert(item.number.as_str(), place).is_some() {
            let field = format!("items[{place}].number");
            return Err(Problem::bad_value(&field, "this number stands twice in the catalogue"));
        }
    }
    Ok(())
}

fn is_line(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && !text.trim().is_empty()
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: &str) -> Item {
        Item {
            number: number.into(),
            name: ItemName { en: "Green Tea".into(), ja: "煎茶".into() },
            kind: "food".into(),
            prices: vec![Money::new(990, Currency::JPY).unwrap()],
            stock: 3,
            goods: Goods::Later {},
        }
    }

    #[test]
    fn a_bad_item_is_named_with_its_field() {
        assert_eq!(check(&[item("a"), item("b")]), Ok(()));
        let free = Money::zero(Currency::EUR);
        let yen = Money::new(1, Currency::JPY).unwrap();
        let name = ItemName { en: " ".into(), ja: "茶".into() };
        for (bad, field) in [
            (item(""), "items[1].number"),
            (item("a\u{7}"), "items[1].number"),
            (item("a"), "items[1].number"),
            (Item { name, ..item("b") }, "items[1].name.en"),
            (Item { kind: String::new(), ..item("b") }, "items[1].kind"),
            (Item { prices: vec![], ..item("b") }, "items[1].prices"),
            (Item { prices: vec![yen, free], ..item("b") }, "items[1].prices[1].minor"),
            (Item { prices: vec![yen, yen], ..item("b") }, "items[1].prices[1].currency"),
            (Item { stock: MAX_STOCK + 1, ..item("b") }, "items[1].stock"),
            (
                Item { goods: Goods::Download { media_type: "x".into() }, ..item("b") },
                "items[1].goods.download.type",
            ),
            (
                Item { goods: Goods::Metered { tick_seconds: 0 }, ..item("b") },
                "items[1].goods.metered.tick_seconds",
            ),
        ] {
            let problem = check(&[item("a"), bad]).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field));
        }
    }

    #[test]
    fn found_by_number_kind_and_either_name() {
        let tea = item("T-100");
        for search in ["t-1", "FOOD", "green", "煎", " tea "] {
            assert!(tea.matches(search), "{search}");
        }
        assert!(!tea.matches("coffee"));
    }
}
