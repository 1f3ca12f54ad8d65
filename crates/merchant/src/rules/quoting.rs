//! What a quote says, or why there is none.

use super::catalogue::{Item, Language};
use std::collections::BTreeSet;
use warifu_protocol::{
    form::Accepts,
    goods::{Content, Kind},
    quote::{MAX_LINES, QuoteLine},
};
use warifu_types::{Currency, Money};
use warifu_wire::{Problem, QuoteItem};

/// More than this of one thing is no order of a shop.
pub const MAX_QUANTITY: u32 = 100_000;

/// What is asked for.
pub struct Wish<'a> {
    /// The items.
    pub items: &'a [QuoteItem],
    /// The currency of the prices.
    pub currency: Currency,
    /// The language of the names.
    pub language: Language,
    /// What the form accepts.
    pub accepts: &'a Accepts,
    /// The kind of goods that the form is for.
    pub kind: Kind,
}

/// The lines of a quote and their sum; a problem names the field at fault. `find` finds an item, and
/// `content` its file.
pub fn lines<'a>(
    wish: &Wish<'_>,
    find: impl Fn(&str) -> Option<&'a Item>,
    content: impl Fn(&str) -> Option<Content>,
) -> Result<(Vec<QuoteLine>, Money), Problem> {
    let Wish { items, currency, .. } = *wish;
    if !wish.accepts.currencies.contains(&currency) {
        return Err(Problem::bad_value("currency", "this currency is not accepted here"));
    }
    if items.is_empty() {
        return Err(Problem::bad_value("items", "nothing is asked for"));
    }
    if items.len() > MAX_LINES {
        return Err(Problem::bad_value("items", "a quote has at most 1,000 lines"));
    }
    if wish.kind == Kind::Metered && items.len() > 1 {
        return Err(Problem::bad_value("items[1].number", "one thing is used at a time"));
    }
    let mut seen = BTreeSet::new();
    let mut total = Money::zero(currency);
    let mut lines = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let refuse = |(field, title): (&str, &str)| {
            Problem::bad_value(&format!("items[{place}].{field}"), title)
        };
        if !seen.insert(&item.number) {
            return Err(refuse(("number", "this item stands twice")));
        }
        let line = line(wish, item, &find, &content).map_err(refuse)?;
        let price = line.unit_price.times(u64::from(line.quantity));
        let Ok(more) = price.and_then(|price| total.plus(price)) else {
            return Err(refuse(("quantity", "the amount is too large")));
        };
        total = more;
        lines.push(line);
    }
    Ok((lines, total))
}

/// One line, or the field at fault and a sentence.
fn line<'a>(
    wish: &Wish<'_>,
    asked: &QuoteItem,
    find: &impl Fn(&str) -> Option<&'a Item>,
    content: &impl Fn(&str) -> Option<Content>,
) -> Result<QuoteLine, (&'static str, &'static str)> {
    let item = find(&asked.number).ok_or(("number", "there is no such item"))?;
    if item.goods.kind() != wish.kind {
        return Err(("number", "this item is not of the kind that the form is for"));
    }
    if !(1..=MAX_QUANTITY).contains(&asked.quantity) {
        return Err(("quantity", "a quantity is 1 to 100,000"));
    }
    if wish.kind == Kind::Download && asked.quantity != 1 {
        return Err(("quantity", "a file is handed over once"));
    }
    let content = match wish.kind {
        Kind::Download => {
            Some(content(&item.number).ok_or(("number", "this item's file is not there yet"))?)
        }
        Kind::Later | Kind::Metered => None,
    };
    let no_price = ("number", "this item has no price in this currency");
    Ok(QuoteLine {
        number: item.number.clone(),
        name: item.name_in(wish.language).to_string(),
        quantity: asked.quantity,
        unit_price: item.price(wish.currency).ok_or(no_price)?,
        content,
        tick_seconds: item.goods.tick_seconds(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{catalogue::ItemName, goods::Goods};

    fn item(number: &str, minor: u64) -> Item {
        Item {
            number: number.into(),
            name: ItemName { en: "Tea".into(), ja: "茶".into() },
            kind: "food".into(),
            prices: vec![Money::new(minor, Currency::JPY).unwrap()],
            stock: 3,
            goods: Goods::Later {},
        }
    }

    fn ask(wishes: &[(&str, u32)], currency: Currency) -> Result<Money, String> {
        ask_for(Kind::Later, wishes, currency)
    }

    fn ask_for(kind: Kind, wishes: &[(&str, u32)], currency: Currency) -> Result<Money, String> {
        let file = Goods::Download { media_type: "text/plain".into() };
        let catalogue = [
            item("a", 10),
            item("b", 5),
            item("gold", Money::MAX_MINOR / 2),
            Item { goods: file.clone(), ..item("file", 7) },
            Item { goods: file, ..item("no-file", 7) },
            Item { goods: Goods::Metered { tick_seconds: 60 }, ..item("game", 2) },
            Item { goods: Goods::Metered { tick_seconds: 60 }, ..item("film", 2) },
        ];
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
        let content = |number: &str| {
            let sha256 = warifu_protocol::encode::sha256(number.as_bytes());
            let content = Content { media_type: "text/plain".into(), size: 4, sha256 };
            (number == "file").then_some(content)
        };
        let wish =
            Wish { items: &items, currency, language: Language::Ja, accepts: &accepts, kind };
        lines(&wish, find, content)
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

    #[test]
    fn each_form_is_for_its_kind_of_goods() {
        let yen = Currency::JPY;
        let sum = |minor| Ok(Money::new(minor, yen).unwrap());
        assert_eq!(ask_for(Kind::Download, &[("file", 1)], yen), sum(7));
        assert_eq!(ask_for(Kind::Metered, &[("game", 30)], yen), sum(60));
        for (kind, wishes, field) in [
            (Kind::Later, &[("a", 1), ("file", 1)][..], "items[1].number"),
            (Kind::Later, &[("game", 1)], "items[0].number"),
            (Kind::Download, &[("file", 1), ("a", 1)], "items[1].number"),
            (Kind::Download, &[("no-file", 1)], "items[0].number"),
            (Kind::Download, &[("file", 2)], "items[0].quantity"),
            (Kind::Metered, &[("file", 1)], "items[0].number"),
            (Kind::Metered, &[("game", 1), ("film", 1)], "items[1].number"),
        ] {
            assert_eq!(ask_for(kind, wishes, yen), Err(field.to_string()), "{kind} {wishes:?}");
        }
    }
}
