//! Services from a CSV file (RFC 4180, UTF-8, with a header line).

use crate::rules::{
    price,
    service::{ImportFault, MAX_SERVICES, Service, Text, all_or_nothing},
};
use std::collections::BTreeMap;
use warifu_types::Currency;

/// The columns, in any order. `number`, `kind`, `price`, `currency` and a name must be there.
const COLUMNS: [&str; 13] = [
    "number", "kind", "name_en", "name_ja", "text_en", "text_ja", "price", "currency", "place",
    "begins", "ends", "capacity", "pictures",
];
const NEEDED: [&str; 4] = ["number", "kind", "price", "currency"];

/// Reads a file; `pictures` are addresses with spaces between them. All or nothing.
pub fn read(file: &[u8]) -> Result<Vec<Service>, Vec<ImportFault>> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_string).collect(),
        Err(_) => return Err(vec![fault(1, "header", "a CSV file in UTF-8 with a header line")]),
    };
    let mut faults = Vec::new();
    for (place, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name.as_str()) {
            faults.push(fault(1, name, "there is no column of this name"));
        } else if header[..place].contains(name) {
            faults.push(fault(1, name, "this column stands twice"));
        }
    }
    let missing = NEEDED.iter().filter(|name| !header.iter().any(|known| known == *name));
    faults.extend(missing.map(|name| fault(1, name, "this column is missing")));
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut read = Vec::new();
    for record in reader.records() {
        if read.len() >= MAX_SERVICES {
            return Err(vec![fault(0, "file", "at most 20,000 services")]);
        }
        read.push(match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let columns = header.iter().map(String::as_str).zip(record.iter()).collect();
                service(&columns)
                    .map(|service| (line, service))
                    .map_err(|(field, problem)| fault(line, field, problem))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Err(fault(line, "line", "as many columns as the header, in UTF-8"))
            }
        });
    }
    all_or_nothing(read)
}

fn service(columns: &BTreeMap<&str, &str>) -> Result<Service, (&'static str, &'static str)> {
    let text = |name: &str| columns.get(name).copied().unwrap_or_default().to_string();
    let currency: Currency =
        text("currency").parse().map_err(|_| ("currency", "a currency of ISO 4217"))?;
    let price = price::parse(&text("price"), currency)
        .ok_or(("price", "digits, with a point before the currency's decimals"))?;
    let capacity = match text("capacity").as_str() {
        "" => None,
        digits => Some(digits.parse().map_err(|_| ("capacity", "a number, or nothing"))?),
    };
    Ok(Service {
        number: text("number"),
        kind: text("kind"),
        name: Text { en: text("name_en"), ja: text("name_ja") },
        text: Text { en: text("text_en"), ja: text("text_ja") },
        price,
        place: text("place"),
        begins: text("begins"),
        ends: text("ends"),
        capacity,
        pictures: text("pictures").split_whitespace().map(str::to_string).collect(),
    })
}

fn fault(line: u64, field: &str, problem: &str) -> ImportFault {
    let field = field.chars().filter(|c| !c.is_control()).take(64).collect();
    ImportFault { line, field, problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "number,kind,name_en,name_ja,price,currency,place,begins,ends,capacity\n\
        N-1,inn,\"Night, with dinner\",一泊二食,19800,JPY,別府,2026-12-01,2026-12-31,12\n\
        N-2,inn,Night,,120.50,EUR,,,,\n";

    #[test]
    fn a_file_is_read_whole() {
        let services = read(GOOD.as_bytes()).unwrap();
        assert_eq!(services[0].name.en, "Night, with dinner");
        assert_eq!((services[0].price.minor(), services[1].price.minor()), (19_800, 12_050));
        assert_eq!((services[0].capacity, services[1].capacity), (Some(12), None));
        assert_eq!(read(format!("\u{feff}{GOOD}").as_bytes()).unwrap(), services);
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_field() {
        let told = |file: &str| {
            let faults = read(file.as_bytes()).unwrap_err();
            faults.into_iter().map(|f| (f.line, f.field)).collect::<Vec<_>>()
        };
        let head = "number,kind,name_en,price,currency\n";
        for (file, line, field) in [
            ("", 1, "number"),
            ("number,kind,price\n", 1, "currency"),
            ("number,kind,price,currency,fax\n", 1, "fax"),
            ("number,kind,price,currency,kind\n", 1, "kind"),
            (head, 1, "file"),
            (&format!("{head}a,b,c,1,JPY\na,b,c,1,JPY\n"), 3, "number"),
            (&format!("{head}a,b,c,1,JPY\nb,b,c,1.5,JPY\n"), 3, "price"),
            (&format!("{head}a,b,c,1,XXX\n"), 2, "currency"),
            (&format!("{head}a,b,c,0,JPY\n"), 2, "price"),
            (&format!("{head}a,,c,1,JPY\n"), 2, "kind"),
            (&format!("{head}a,b,,1,JPY\n"), 2, "name"),
            (&format!("{head}a b,b,c,1,JPY\n"), 2, "number"),
            (&format!("{head}a,b\n"), 2, "line"),
            ("number,kind,name_en,price,currency,capacity\na,b,c,1,JPY,many\n", 2, "capacity"),
            ("number,kind,name_en,price,currency,capacity\na,b,c,1,JPY,1000001\n", 2, "capacity"),
        ] {
            assert_eq!(told(file).first(), Some(&(line, field.to_string())), "{file}");
        }
        let two = format!("{head}a,b,c,x,JPY\nb,b,c,1,x\n");
        assert_eq!(told(&two), [(2, "price".to_string()), (3, "currency".to_string())]);
        assert!(read(b"number,kind,name_en,price,currency\n\xff,b,c,1,JPY\n").is_err());
    }
}
