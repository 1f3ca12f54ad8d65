//! The catalogue: imported from a file, read by everyone (row A5).

use crate::{
    merchant::Merchant,
    records::{FILES, ITEMS, STOCK, Stock},
    rules::catalogue::{self as rules, Item, Language},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};
use warifu_ports::{StoreError, Unit};
use warifu_protocol::{
    AtFault,
    encode::from_json,
    goods::{Content, Kind},
};
use warifu_types::Money;
use warifu_wire::Problem;

type Items = Arc<BTreeMap<String, Item>>;

/// The items in memory, read from the records when they are first needed.
#[derive(Default)]
pub struct Catalogue {
    items: RwLock<Option<Items>>,
}

impl Catalogue {
    fn known(&self) -> Option<Items> {
        self.items.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, items: Option<Items>) {
        *self.items.write().unwrap_or_else(PoisonError::into_inner) = items;
    }
}

/// One item as the catalogue shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// The item number.
    pub number: String,
    /// The name in the language that was asked for.
    pub name: String,
    /// What kind of thing it is.
    pub kind: String,
    /// One price for each currency.
    pub prices: Vec<Money>,
    /// How many are left.
    pub stock: u64,
    /// How it comes to the holder.
    #[serde(default)]
    pub goods: Kind,
    /// The file, where it is one and the merchant has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The seconds of one tick, where it is used in real time: the price is that of a tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_seconds: Option<u32>,
}

/// Some of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguePage {
    /// The items, by number.
    pub items: Vec<CatalogueEntry>,
    /// Where the next page begins: the last number here. None at the end.
    pub next: Option<String>,
}

/// Reads a catalogue file: a JSON array of [`Item`]s. A problem names the place.
pub fn parse_catalogue(json: &[u8]) -> Result<Vec<Item>, Problem> {
    Ok(from_json(json, AtFault::Sender, "items")?)
}

impl Merchant {
    /// Takes items into the catalogue, all or none; a problem names item and field. The same items
    /// again change nothing: `stock` is what was laid in altogether, and what was sold stays sold.
    /// Items that are not named stay as they are. Returns how many are new or changed.
    pub async fn import_catalogue(&self, items: Vec<Item>) -> Result<usize, Problem> {
        rules::check(&items)?;
        let changed = self.store.run(move |unit| write(unit, &items)).await?;
        self.catalogue.set(None);
        self.items().await?;
        Ok(changed)
    }

    /// Some items after the number `after`, those that `search` finds if there is one.
    pub async fn catalogue(
        &self,
        after: Option<&str>,
        limit: usize,
        search: Option<&str>,
        language: Language,
    ) -> Result<CataloguePage, Problem> {
        let items = self.items().await?;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found: Vec<Item> = items
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(_, item)| item)
            .filter(|item| search.is_none_or(|search| item.matches(search)))
            .take(limit.saturating_add(1))
            .cloned()
            .collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|item| item.number.clone());
        let entries = self.store.run(move |unit| entries(unit, found, language)).await?;
        Ok(CataloguePage { items: entries, next })
    }

    /// Every item by number.
    pub(crate) async fn items(&self) -> Result<Items, Problem> {
        if let Some(items) = self.catalogue.known() {
            return Ok(items);
        }
        let items = Arc::new(self.store.run(read_all).await?);
        self.catalogue.set(Some(items.clone()));
        Ok(items)
    }
}

fn write(unit: &mut dyn Unit, items: &[Item]) -> Result<usize, StoreError> {
    let mut changed = 0;
    for item in items {
        if ITEMS.get(unit, &item.number)?.as_ref() == Some(item) {
            continue;
        }
        changed += 1;
        ITEMS.put(unit, &item.number, item)?;
        let taken = STOCK.get(unit, &item.number)?.unwrap_or_default().taken;
        STOCK.put(unit, &item.number, &Stock { listed: item.stock, taken })?;
    }
    Ok(changed)
}

fn read_all(unit: &mut dyn Unit) -> Result<BTreeMap<String, Item>, StoreError> {
    let mut all = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = ITEMS.scan(unit, &after, 1000)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after.clone_from(last);
        all.extend(page);
    }
}

fn entries(
    unit: &mut dyn Unit,
    items: Vec<Item>,
    language: Language,
) -> Result<Vec<CatalogueEntry>, StoreError> {
    let entry = |item: Item| {
        let stock = STOCK.get(unit, &item.number)?.unwrap_or_default().left();
        let name = item.name_in(language).to_string();
        let content = match item.goods.kind() {
            Kind::Download => FILES.get(unit, &item.number)?,
            Kind::Later | Kind::Metered => None,
        };
        let Item { number, kind, prices, goods, .. } = item;
        let tick_seconds = goods.tick_seconds();
        let goods = goods.kind();
        Ok(CatalogueEntry { number, name, kind, prices, stock, goods, content, tick_seconds })
    };
    items.into_iter().map(entry).collect()
}
