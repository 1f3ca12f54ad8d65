//! Trades of every kind, in which every field of every order is a canary.

use crate::{
    canary::{Canary, Source},
    disclosure,
    files::ITEM_NUMBER,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use warifu_holder::{Card, Entry, OrderRecord, Profile, Purchase, Wanted};
use warifu_issuer::{CardApplication, CardKind};
use warifu_protocol::{
    AtFault,
    encode::{sha256, unb64},
};
use warifu_types::{Currency, FieldName, Identifier, Money, Role};
use warifu_wire::QuoteItem;

/// What sort of trade it is.
#[derive(Clone, Copy)]
pub struct Script {
    /// Its name in findings.
    pub name: &'static str,
    /// The disclosure rule.
    pub rule: &'static str,
    /// The currency.
    pub currency: Currency,
    /// Whether the authorizer refuses: the issuer knows the holder under another telephone number, or
    /// the order is dearer than the prepaid card.
    pub refused: bool,
}

const fn script(name: &'static str, rule: &'static str) -> Script {
    Script { name, rule, currency: Currency::JPY, refused: false }
}

/// One of each kind.
pub const SCRIPTS: [Script; 12] = [
    script("card", "minimal"),
    Script { currency: Currency::EUR, ..script("card-classic", "classic") },
    Script { currency: Currency::USD, ..script("card-no-carrier", "no-carrier") },
    script("card-direct-issuer", "direct"),
    script("card-gateway", "gateway"),
    script("card-certifier", "certifier"),
    script("card-no-fax", "no-fax"),
    script("card-no-item-number", "no-item-number"),
    script("card-destination-to-merchant", "destination-to-merchant"),
    script("card-own-rule", "customs"),
    Script { refused: true, ..script("card-refused", "gateway") },
    script("badge", "badge"),
];

/// One of each kind with a prepaid card.
pub const PREPAID_SCRIPTS: [Script; 5] = [
    script("prepaid-later", "prepaid"),
    script("prepaid-download", "prepaid-download"),
    script("prepaid-metered", "prepaid-metered"),
    Script { refused: true, ..script("prepaid-refused", "prepaid") },
    // Given up by the merchant between authorization and delivery.
    script("prepaid-cancelled", "prepaid-download"),
];

/// The plainest trade.
pub const CARD: Script = SCRIPTS[0];

/// The payment type of every purchase: merchant and issuer read it, and nobody else.
const PAYMENT_TYPE: &str = "instalments:12";

struct Item {
    number: String,
    name: String,
    other_name: String,
    price: Money,
    quantity: u32,
    /// What the file says, if it is one.
    file: String,
}

/// A trade with its values.
pub struct Trade {
    /// What sort.
    pub script: Script,
    profile: Profile,
    card: Card,
    zone: String,
    destination: String,
    items: Vec<Item>,
}

impl Trade {
    /// The `number`th trade of a network whose values are drawn from `seed`.
    pub fn new(script: Script, seed: &[u8; 32], number: u32) -> Trade {
        let mut source = Source::new(seed, &format!("{number} {}", script.name));
        let mut phone = || format!("+81-90-{}-{}", source.digits(4), source.digits(4));
        let (telephone, fax) = (phone(), phone());
        let item = |source: &mut Source, quantity| Item {
            number: source.letters(ITEM_NUMBER),
            name: format!("急須 {}", source.letters(12)),
            other_name: format!("Teapot {}", source.letters(12)),
            price: Money::new(source.digits(9).parse().unwrap(), script.currency).unwrap(),
            quantity,
            file: source.letters(30),
        };
        let manager =
            if script.rule == "badge" { "domain:badge.example" } else { "domain:card.example" };
        Trade {
            script,
            profile: Profile {
                name: format!("金糸雀 {}", source.letters(14)),
                address: format!("長崎県 \"島\" {} 7/8", source.letters(14)),
                telephone,
                fax,
            },
            card: Card {
                label: format!("{} {number}", script.name),
                issuer: Identifier::parse(manager).unwrap(),
                number: source.card_number(),
                expiry: format!("{}-{:02}", 2041 + number, 1 + number % 12),
            },
            zone: format!("実験室 {}", source.letters(12)),
            destination: format!("金糸雀 次郎 那覇市 {}", source.letters(14)),
            items: vec![item(&mut source, 2), item(&mut source, 1)],
        }
    }

    /// As [`Trade::new`], paid with this prepaid card.
    pub fn prepaid(script: Script, seed: &[u8; 32], number: u32, card: Card) -> Trade {
        let mut trade = Trade { card, ..Trade::new(script, seed, number) };
        if trade.is_metered() {
            // Several ticks of one thing.
            trade.items.truncate(1);
        }
        if script.rule == "prepaid-download" {
            // A file is handed over once.
            trade.items.iter_mut().for_each(|item| item.quantity = 1);
        }
        if script.refused {
            for item in &mut trade.items {
                item.price = item.price.times(1_000_000).unwrap();
            }
        }
        trade
    }

    fn is_prepaid(&self) -> bool {
        self.script.rule.starts_with("prepaid")
    }

    /// Whether the goods are used in real time.
    pub fn is_metered(&self) -> bool {
        self.script.rule == "prepaid-metered"
    }

    /// The files that are sold, by item number; none unless the goods are files.
    pub fn files(&self) -> Vec<(&str, String)> {
        let wanted = self.script.rule == "prepaid-download";
        let items = self.items.iter().filter(|_| wanted);
        items.map(|item| (item.number.as_str(), format!("手引き {} \n", item.file))).collect()
    }

    /// Whether it is an entry and not a purchase.
    pub fn is_badge(&self) -> bool {
        self.script.rule == "badge"
    }

    /// What the holder enters.
    pub fn entered(&self) -> (Profile, Card) {
        (self.profile.clone(), self.card.clone())
    }

    /// The items, as the merchant's catalogue has them.
    pub fn catalogue(&self) -> Value {
        let goods = match self.script.rule {
            "prepaid-download" => json!({"download": {"type": "text/plain"}}),
            "prepaid-metered" => json!({"metered": {"tick_seconds": 60}}),
            _ => json!({"later": {}}),
        };
        let entry = |item: &Item| {
            json!({
                "goods": goods,
                "number": item.number,
                "name": {"en": item.other_name, "ja": item.name},
                "kind": "tea",
                "prices": [item.price],
                "stock": 100,
            })
        };
        self.items.iter().map(entry).collect()
    }

    /// What the issuer, or the card manager, knows of the card.
    pub fn application(&self, holder: &Identifier) -> CardApplication {
        let badge = self.is_badge();
        let known = if self.script.refused { "+81-3-5555-0000" } else { &self.profile.telephone };
        CardApplication {
            kind: if badge { CardKind::Badge } else { CardKind::Credit },
            card_number: self.card.number.clone(),
            expiry: self.card.expiry.clone(),
            holder: holder.clone(),
            holder_name: self.profile.name.clone(),
            holder_telephone: if badge { String::new() } else { known.to_string() },
            limits: if badge {
                Vec::new()
            } else {
                vec![Money::new(1_000_000_000_000, self.script.currency).unwrap()]
            },
            zones: if badge { vec![self.zone.clone()] } else { Vec::new() },
            max_instalments: if badge { 0 } else { 12 },
        }
    }

    /// What the holder asks for, of the front that answers at `url`.
    pub fn purchase(&self, url: String) -> Purchase {
        let wish = |item: &Item| QuoteItem { number: item.number.clone(), quantity: item.quantity };
        let wanted = if self.is_badge() {
            Wanted::Entry(Entry { zone: self.zone.clone() })
        } else {
            Wanted::Goods {
                items: self.items.iter().map(wish).collect(),
                currency: self.script.currency,
                language: "ja".to_string(),
                payment_type: self.payment_type().to_string(),
                // No rule without a carrier has a place for it: then it stays with the holder.
                destination: Some(self.destination.clone()),
            }
        };
        let allow = match self.script.rule {
            "destination-to-merchant" => vec![(Role::Merchant, FieldName::DESTINATION)],
            "customs" => {
                vec![(Role::Carrier, FieldName::ITEMS), (Role::Carrier, FieldName::AMOUNT)]
            }
            _ => Vec::new(),
        };
        Purchase {
            url,
            front: None,
            rule: self.script.rule.to_string(),
            form: None,
            wanted,
            card: self.card.label.clone(),
            allow,
            more: BTreeMap::new(),
        }
    }

    fn payment_type(&self) -> &'static str {
        if self.is_prepaid() { "one" } else { PAYMENT_TYPE }
    }

    /// Who ever learns a field: the parties of the rule, and after a refusal only those who were
    /// asked until then.
    fn readers(&self, field: &str) -> BTreeSet<&'static str> {
        disclosure::parts(self.script.rule)
            .iter()
            .filter(|(party, _)| {
                !self.script.refused || ["merchant", "issuer", "center"].contains(party)
            })
            .filter(|(_, fields)| fields.contains(&field))
            .map(|(party, _)| *party)
            .collect()
    }

    fn canary(
        &self,
        what: &str,
        value: impl Into<Vec<u8>>,
        readers: &BTreeSet<&'static str>,
    ) -> Canary {
        let (mut may, mut must) = (readers.clone(), readers.clone());
        may.insert(if self.is_prepaid() { "member" } else { "holder" });
        if self.is_prepaid() && self.script.refused {
            // The center keeps the telegram as it came, which is sealed, and the refusal.
            must.remove("center");
        }
        let name = format!("{}: {what}", self.script.name);
        Canary { name, value: value.into(), may, must }
    }

    /// Every canary of the trade; some are known only once the order is sealed.
    pub fn canaries(&self, record: &OrderRecord) -> Vec<Canary> {
        let mut canaries = Vec::new();
        for (field, values) in self.fields() {
            let readers = self.readers(field);
            for value in values {
                canaries.push(self.canary(field, value, &readers));
            }
        }
        let merchant: BTreeSet<_> = if self.is_badge() { [].into() } else { ["merchant"].into() };
        for item in self.items.iter().filter(|_| !self.is_badge()) {
            let price = self.canary("price", item.price.minor().to_string(), &merchant);
            // One tick is used, and the center is told what is to be paid for it.
            let told: &[_] = if self.is_metered() { &["center"] } else { &[] };
            canaries.push(price.seen_by(told));
            canaries.push(self.canary("other name", item.other_name.clone(), &merchant));
        }
        for (_, content) in self.files() {
            canaries.push(self.canary("file", content.trim_end(), &merchant));
        }
        if let Some(quote) = &record.receipt.quote {
            let hash = sha256(quote.as_bytes()).to_string();
            canaries.push(self.canary("quote", hash, &merchant));
        }
        for (field, disclosure) in record.receipt.disclosures.iter() {
            let readers = match field.as_str() {
                "quote" => merchant.clone(),
                field => self.readers(field),
            };
            canaries.push(self.canary(&format!("salt of {field}"), salt(disclosure), &readers));
        }
        canaries.extend(self.other_spellings());
        canaries
    }

    fn fields(&self) -> Vec<(&'static str, Vec<String>)> {
        let profile = &self.profile;
        let mut fields = vec![
            ("holder_name", vec![profile.name.clone()]),
            ("holder_address", vec![profile.address.clone()]),
            ("holder_telephone", vec![profile.telephone.clone()]),
            ("holder_fax", vec![profile.fax.clone()]),
            ("card_number", vec![self.card.number.clone()]),
            // Alone it would be too short; as a JSON text it stands in quotes.
            ("card_expiry", vec![format!("\"{}\"", self.card.expiry)]),
        ];
        if self.is_badge() {
            fields.push(("access_zone", vec![self.zone.clone()]));
            return fields;
        }
        let items = self.items.iter();
        fields.extend([
            ("destination", vec![self.destination.clone()]),
            ("item_numbers", items.clone().map(|item| item.number.clone()).collect()),
            ("items", items.map(|item| item.name.clone()).collect()),
            ("amount", vec![self.total().minor().to_string()]),
        ]);
        if !self.is_prepaid() {
            fields.push(("payment_type", vec![PAYMENT_TYPE.to_string()]));
        }
        fields
    }

    fn total(&self) -> Money {
        let line = |item: &Item| item.price.times(u64::from(item.quantity)).unwrap();
        let zero = Money::zero(self.script.currency);
        self.items.iter().map(line).fold(zero, |sum, line| sum.plus(line).unwrap())
    }

    /// Spellings that nobody needs to hold, and that leak all the same.
    fn other_spellings(&self) -> Vec<Canary> {
        let digits = |text: &str| text.replace(['+', '-'], "");
        let total = self.total().to_string();
        let number = self.card.number.as_bytes();
        let groups: Vec<&str> =
            number.chunks(4).map(|four| std::str::from_utf8(four).unwrap()).collect();
        let spellings = [
            ("holder_telephone", digits(&self.profile.telephone)),
            ("holder_fax", digits(&self.profile.fax)),
            ("card_number", groups.join(" ")),
            ("card_number", groups.join("-")),
            ("amount", total.split(' ').next().unwrap().to_string()),
        ];
        spellings
            .into_iter()
            .map(|(field, value)| Canary {
                must: BTreeSet::new(),
                ..self.canary(field, value, &self.readers(field))
            })
            .collect()
    }
}

/// A disclosure's salt: with the public digest it would let one guess the value.
fn salt(disclosure: &str) -> String {
    let json = unb64(disclosure, AtFault::Own, "disclosure").unwrap();
    let (salt, _): (String, Value) = serde_json::from_slice(&json).unwrap();
    salt
}
