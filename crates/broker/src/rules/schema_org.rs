//! Services from a JSON file in the words of schema.org: a `Product`, `Event`, `Offer` or
//! `LodgingReservation`-like object, a list of them, or a `@graph`.
//!
//! What is read: `identifier` (or `sku`), `category` (or `@type`), `name` and `description` (a text, or
//! texts by language), `offers.price`, `offers.priceCurrency`, `location` (a text, or its `name`),
//! `startDate`, `endDate` (or `checkinTime`, `checkoutTime`), `offers.inventoryLevel` (a number, or its
//! `value`: how many there are on each day), `image` (an address or several). Other properties are left
//! alone, as schema.org has it.

use crate::rules::{
    price,
    service::{ImportFault, MAX_SERVICES, Service, Text, Wrong, all_or_nothing},
};
use serde_json::Value;
use warifu_types::Currency;

/// Reads a file. All or nothing; faults name the entry, from 1.
pub fn read(file: &[u8]) -> Result<Vec<Service>, Vec<ImportFault>> {
    let whole = |problem: &str| {
        vec![ImportFault { line: 1, field: "file".to_string(), problem: problem.to_string() }]
    };
    let parsed: Value = serde_json::from_slice(file).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(0);
        let problem = "the file is not JSON in UTF-8".to_string();
        vec![ImportFault { line, field: "file".to_string(), problem }]
    })?;
    let entries = match parsed {
        Value::Array(entries) => entries,
        Value::Object(mut object) => match object.remove("@graph") {
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(whole("@graph is a list")),
            None => vec![Value::Object(object)],
        },
        _ => return Err(whole("an object of schema.org, or a list of them")),
    };
    if entries.len() > MAX_SERVICES {
        return Err(whole("at most 20,000 services"));
    }
    let read = (1..).zip(&entries).map(|(line, entry)| match service(entry) {
        Ok(service) => Ok((line, service)),
        Err((field, problem)) => {
            Err(ImportFault { line, field: field.to_string(), problem: problem.to_string() })
        }
    });
    all_or_nothing(read.collect())
}

fn service(entry: &Value) -> Result<Service, Wrong> {
    if !entry.is_object() {
        return Err(("@type", "an object of schema.org"));
    }
    let offer = match entry.get("offers") {
        Some(Value::Array(offers)) => offers.first().unwrap_or(entry),
        Some(offer) => offer,
        None => entry,
    };
    let currency: Currency = offer
        .get("priceCurrency")
        .and_then(Value::as_str)
        .and_then(|code| code.parse().ok())
        .ok_or(("offers.priceCurrency", "a currency of ISO 4217"))?;
    let price = match offer.get("price") {
        Some(Value::String(text)) => price::parse(text, currency),
        // serde_json keeps the digits as they were written, so nothing is rounded here.
        Some(Value::Number(number)) => price::parse(&number.to_string(), currency),
        _ => None,
    };
    let price = price.ok_or(("offers.price", "a price with no more decimals than its currency"))?;
    Ok(Service {
        number: line(entry, &["identifier", "sku"]).ok_or(("identifier", "a text"))?,
        kind: line(entry, &["category", "@type"]).ok_or(("category", "a text"))?,
        name: texts(entry.get("name")).ok_or(("name", "a text, or texts by language"))?,
        text: texts(entry.get("description"))
            .ok_or(("description", "a text, or texts by language"))?,
        price,
        place: place(entry.get("location")).ok_or(("location", "a text, or an object's name"))?,
        begins: day(entry, &["startDate", "checkinTime"]).ok_or(("startDate", "a day or time"))?,
        ends: day(entry, &["endDate", "checkoutTime"]).ok_or(("endDate", "a day or time"))?,
        capacity: capacity(offer.get("inventoryLevel"))
            .ok_or(("offers.inventoryLevel", "a whole number, or an object's value"))?,
        pictures: pictures(entry.get("image")).ok_or(("image", "an address, or several"))?,
    })
}

/// The first of these properties that is there, a text or a number.
fn line(entry: &Value, names: &[&str]) -> Option<String> {
    match names.iter().find_map(|name| entry.get(name))? {
        Value::String(text) => Some(text.trim().to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(value) => Some(value.get("value")?.as_str()?.trim().to_string()),
        _ => None,
    }
}

/// A text (Japanese if it has Japanese characters), or `{"@language", "@value"}` objects, or
/// `{"en": …, "ja": …}`.
fn texts(value: Option<&Value>) -> Option<Text> {
    let mut text = Text::default();
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(one)) => {
            let japanese = one.chars().any(|c| ('\u{3041}'..='\u{9fff}').contains(&c));
            *(if japanese { &mut text.ja } else { &mut text.en }) = one.trim().to_string();
        }
        Some(Value::Array(several)) => {
            for one in several {
                let said = one.get("@value")?.as_str()?.trim().to_string();
                match one.get("@language")?.as_str()? {
                    "ja" => text.ja = said,
                    "en" => text.en = said,
                    _ => {}
                }
            }
        }
        Some(Value::Object(by)) if by.contains_key("@value") => {
            return texts(Some(&Value::Array(vec![Value::Object(by.clone())])));
        }
        Some(Value::Object(by)) => {
            let of = |name: &str| by.get(name).map_or(Some(""), Value::as_str);
            text = Text { en: of("en")?.trim().to_string(), ja: of("ja")?.trim().to_string() };
        }
        Some(_) => return None,
    }
    Some(text)
}

fn place(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.trim().to_string()),
        Some(Value::Object(place)) => {
            let named = place.get("name").or_else(|| place.get("address"))?;
            Some(named.as_str()?.trim().to_string())
        }
        Some(_) => None,
    }
}

/// The day of a date or a time (ISO 8601).
fn day(entry: &Value, names: &[&str]) -> Option<String> {
    match names.iter().find_map(|name| entry.get(name)) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => {
            let (day, rest) = text.trim().split_at_checked(10).unwrap_or((text, ""));
            (rest.is_empty() || rest.starts_with('T')).then(|| day.to_string())
        }
        Some(_) => None,
    }
}

/// A number, or a `QuantitativeValue`.
fn capacity(value: Option<&Value>) -> Option<Option<u32>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::Object(quantity)) => capacity(quantity.get("value")),
        Some(number) => Some(Some(number.as_u64()?.try_into().ok()?)),
    }
}

fn pictures(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(Value::Object(one)) => Some(vec![one.get("url")?.as_str()?.to_string()]),
        Some(Value::Array(several)) => {
            several.iter().map(|one| pictures(Some(one))?.pop()).collect()
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONCERT: &str = r#"{"@context": "https://schema.org", "@type": "Event",
        "identifier": "C-1", "category": "concert", "name": {"en": "Piano", "ja": "ピアノ"},
        "description": "夜の演奏会", "offers": {"price": "45.50", "priceCurrency": "EUR", "inventoryLevel": {"value": 7}},
        "location": {"@type": "Place", "name": "市民会館"}, "startDate": "2026-12-24T19:00+09:00",
        "endDate": "2026-12-24", "image": ["https://a.example/1.png"], "performer": {}}"#;

    #[test]
    fn one_several_and_a_graph_are_read() {
        let one = read(CONCERT.as_bytes()).unwrap();
        let concert = &one[0];
        assert_eq!((concert.number.as_str(), concert.kind.as_str()), ("C-1", "concert"));
        assert_eq!((concert.name.ja.as_str(), concert.text.ja.as_str()), ("ピアノ", "夜の演奏会"));
        assert_eq!((concert.place.as_str(), concert.price.minor()), ("市民会館", 4_550));
        assert_eq!((concert.begins.as_str(), concert.ends.as_str()), ("2026-12-24", "2026-12-24"));
        assert_eq!(concert.capacity, Some(7));
        assert_eq!(concert.pictures, ["https://a.example/1.png"]);
        assert_eq!(read(format!("[{CONCERT}]").as_bytes()).unwrap(), one);
        assert_eq!(read(format!(r#"{{"@graph": [{CONCERT}]}}"#).as_bytes()).unwrap(), one);
    }

    #[test]
    fn what_is_wrong_is_named_by_entry_and_property() {
        for (from, to, field) in [
            ("\"C-1\"", "[]", "identifier"),
            ("\"C-1\"", "\"C 1\"", "number"),
            ("\"concert\"", "7.5e", "file"),
            ("\"EUR\"", "\"EURO\"", "offers.priceCurrency"),
            ("\"45.50\"", "\"45.505\"", "offers.price"),
            ("\"45.50\"", "-1", "offers.price"),
            ("\"2026-12-24T19:00+09:00\"", "\"24 December\"", "startDate"),
            ("\"endDate\": \"2026-12-24\"", "\"endDate\": \"2026-12-23\"", "ends"),
            ("https://a", "javascript:a", "pictures"),
            ("[\"https://a.example/1.png\"]", "7", "image"),
            ("{\"value\": 7}", "\"some\"", "offers.inventoryLevel"),
            ("{\"value\": 7}", "1.5", "offers.inventoryLevel"),
            ("\"夜の演奏会\"", "7", "description"),
        ] {
            let wrong = CONCERT.replacen(from, to, 1);
            let file = format!("[{},{wrong}]", CONCERT.replace("C-1", "C-0"));
            let faults = read(file.as_bytes()).unwrap_err();
            assert_eq!(faults[0].field, field, "{to}");
            assert!(field == "file" || faults[0].line == 2, "{faults:?}");
        }
        for bad in ["", "7", "[]", "[7]", r#"{"@graph": 1}"#] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
