//! Services: registered by providers from files, all or nothing, and found by users (row C1).

use crate::{
    broker::Broker,
    records::{COUNTS, PROVIDERS, SERVICES, Standing},
    rules::{
        calendar, csv_file, grams, schema_org,
        service::{ImportFault, Service},
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::atomic::Ordering};
use warifu_ports::{
    StoreError, Unit,
    search::{SearchEntry, SearchError, SearchQuery},
};
use warifu_types::Currency;
use warifu_wire::Problem;

/// A file of services.
#[derive(Debug, Clone, Copy)]
pub enum Import<'a> {
    /// CSV: see [`crate::rules::csv_file`].
    Csv(&'a [u8]),
    /// JSON in the words of schema.org: see [`crate::rules::schema_org`].
    SchemaOrg(&'a [u8]),
}

/// What a user looks for. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchWish {
    /// Words, in English or Japanese.
    pub words: String,
    /// The kind.
    pub kind: Option<String>,
    /// The place, or a part of its name.
    pub place: Option<String>,
    /// A day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The currency of the prices.
    pub currency: Option<String>,
    /// The least price, in minor units.
    pub from: Option<u64>,
    /// The greatest price, in minor units.
    pub to: Option<u64>,
    /// Where the page before has ended.
    pub after: Option<String>,
    /// Hits on a page: 1 to 100.
    pub limit: Option<usize>,
}

/// A service that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// How it is ordered: the provider's number and the item number.
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// The service.
    pub service: Service,
}

/// A page of services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundPage {
    /// The services, the best first.
    pub services: Vec<Found>,
    /// The value of `after` for the next page; none at the end.
    pub next: Option<String>,
}

/// Services written in one job.
const PAGE: usize = 1_000;

impl Broker {
    /// Registers a provider's services: those of the file are all that it offers from now on. One
    /// fault anywhere, and nothing changes. Returns how many there are.
    pub async fn import(
        &self,
        provider: &str,
        file: Import<'_>,
    ) -> Result<Result<usize, Vec<ImportFault>>, Problem> {
        self.provider(provider).await?;
        let read = match file {
            Import::Csv(bytes) => csv_file::read(bytes),
            Import::SchemaOrg(bytes) => schema_org::read(bytes),
        };
        let services = match read {
            Ok(services) => services,
            Err(faults) => return Ok(Err(faults)),
        };
        let count = services.len();
        let prefix = format!("{provider}/");
        // One job: users see the old list or the new one, also after a crash.
        let work = move |unit: &mut dyn Unit| {
            let before: BTreeSet<String> = keys_of(unit, &prefix)?.into_iter().collect();
            let mut now = BTreeSet::new();
            for service in &services {
                let key = format!("{prefix}{}", service.number);
                SERVICES.put(unit, &key, service)?;
                now.insert(key);
            }
            let gone: Vec<String> = before.difference(&now).cloned().collect();
            for key in &gone {
                SERVICES.delete(unit, key)?;
            }
            note_change(unit)?;
            Ok::<_, Problem>(gone)
        };
        let gone = self.store.run(work).await?;
        self.index_provider(provider, gone).await?;
        Ok(Ok(count))
    }

    /// What a user looks for.
    pub async fn search(&self, wish: &SearchWish) -> Result<FoundPage, Problem> {
        let query = query(wish)?;
        let index = self.index.clone();
        let searched = tokio::task::spawn_blocking(move || index.search(&query)).await;
        let page = searched.map_err(|_| Problem::internal())?.map_err(problem)?;
        let keys = page.keys;
        let work = move |unit: &mut dyn Unit| {
            let mut found = Vec::with_capacity(keys.len());
            for id in keys {
                found.extend(offered(unit, &id)?);
            }
            Ok::<_, Problem>(found)
        };
        Ok(FoundPage { services: self.store.run(work).await?, next: page.next })
    }

    /// A service that is offered.
    pub async fn service(&self, id: &str) -> Result<Found, Problem> {
        let id = id.to_string();
        let found = self.store.run(move |unit| offered(unit, &id)).await?;
        found.ok_or_else(|| Problem::not_found("service"))
    }

    /// Every kind, with the number of its services.
    pub fn kinds(&self) -> Result<Vec<(String, u64)>, Problem> {
        self.index.kinds().map_err(problem)
    }

    /// Fills the index anew if services or providers were changed beside this process, as by an
    /// operator's command.
    pub(crate) async fn follow_changes(&self) -> Result<(), Problem> {
        let now = self.store.run(changes).await?;
        if now != self.indexed.load(Ordering::Relaxed) {
            self.fill_index().await?;
        }
        Ok(())
    }

    /// Fills the index from the records.
    pub(crate) async fn fill_index(&self) -> Result<(), Problem> {
        // First: what changes meanwhile is looked at again.
        self.indexed.store(self.store.run(changes).await?, Ordering::Relaxed);
        let all = self.store.run(|unit| PROVIDERS.all(unit)).await?;
        for (number, provider) in all {
            let key = format!("{number}/");
            if provider.standing == Standing::Admitted {
                self.index_provider(&number, Vec::new()).await?;
            } else {
                let gone = self.store.run(move |unit| keys_of(unit, &key)).await?;
                self.index.replace(&gone, Vec::new()).map_err(problem)?;
            }
        }
        Ok(())
    }

    async fn index_provider(&self, provider: &str, gone: Vec<String>) -> Result<(), Problem> {
        let record = self.provider(provider).await?;
        if record.standing != Standing::Admitted {
            return Ok(());
        }
        let prefix = format!("{provider}/");
        let services = self.store.run(move |unit| all_of(unit, &prefix)).await?;
        let index = self.index.clone();
        let filled = tokio::task::spawn_blocking(move || {
            let entry = |(key, service): &(String, Service)| service.entry(key);
            let entries: Vec<SearchEntry> = services.iter().map(entry).collect();
            index.replace(&gone, entries)
        });
        filled.await.map_err(|_| Problem::internal())?.map_err(problem)
    }
}

/// How often services and providers have changed.
const CHANGES: &str = "changes";

fn changes(unit: &mut dyn Unit) -> Result<u64, StoreError> {
    Ok(COUNTS.get(unit, CHANGES)?.unwrap_or(0))
}

/// Counts a change, in the job that makes it.
pub(crate) fn note_change(unit: &mut dyn Unit) -> Result<(), StoreError> {
    let next = changes(unit)? + 1;
    COUNTS.put(unit, CHANGES, &next)
}

/// A service of an admitted provider.
pub(crate) fn offered(unit: &mut dyn Unit, id: &str) -> Result<Option<Found>, Problem> {
    let Some((provider, _)) = id.split_once('/') else { return Ok(None) };
    let Some(record) = PROVIDERS.get(unit, provider)? else { return Ok(None) };
    let Some(service) = SERVICES.get(unit, id)? else { return Ok(None) };
    let offered = record.standing == Standing::Admitted;
    Ok(offered.then(|| Found { id: id.to_string(), provider: record.name, service }))
}

fn keys_of(unit: &mut dyn Unit, prefix: &str) -> Result<Vec<String>, Problem> {
    Ok(all_of(unit, prefix)?.into_iter().map(|(key, _)| key).collect())
}

fn all_of(unit: &mut dyn Unit, prefix: &str) -> Result<Vec<(String, Service)>, Problem> {
    let mut all: Vec<(String, Service)> = Vec::new();
    loop {
        let after = all.last().map_or(prefix, |(key, _)| key.as_str()).to_string();
        let page = SERVICES.scan(unit, &after, PAGE)?;
        let full = page.len() == PAGE;
        let before = all.len();
        all.extend(page.into_iter().take_while(|(key, _)| key.starts_with(prefix)));
        if !full || all.len() < before + PAGE {
            return Ok(all);
        }
    }
}

fn query(wish: &SearchWish) -> Result<SearchQuery, Problem> {
    let bad = |field, title| Problem::bad_value(field, title);
    if wish.words.chars().count() > 200 {
        return Err(bad("words", "at most 200 characters"));
    }
    let limit = wish.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(bad("limit", "a limit is 1 to 100"));
    }
    if wish.date.as_deref().is_some_and(|day| !calendar::is_day(day)) {
        return Err(bad("date", "a day is YYYY-MM-DD"));
    }
    let price = match (&wish.currency, wish.from, wish.to) {
        (None, None, None) => None,
        (None, ..) => return Err(bad("currency", "prices have a currency")),
        (Some(code), from, to) => {
            let currency: Currency =
                code.parse().map_err(|_| bad("currency", "a currency of ISO 4217"))?;
            Some((currency.numeric(), from.unwrap_or(0), to.unwrap_or(u64::MAX)))
        }
    };
    let grams = grams::wanted(&wish.words);
    if grams.is_empty() && !wish.words.trim().is_empty() {
        return Err(bad("words", "letters or digits"));
    }
    let place = wish.place.as_deref().map(grams::folded);
    let (kind, date, after) = (wish.kind.clone(), wish.date.clone(), wish.after.clone());
    Ok(SearchQuery { grams, kind, price, place, date, after, limit })
}

fn problem(error: SearchError) -> Problem {
    match error {
        SearchError::BadCursor => Problem::bad_value("after", "the end of a page before"),
        SearchError::Failed => Problem::internal(),
    }
}
