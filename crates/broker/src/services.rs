//! Services: registered by providers from files, all or nothing, and found by users (row C1).

use crate::{
    broker::Broker,
    records::{CHANGED, COUNTS, PROVIDERS, SERVICES, Standing},
    rules::{
        calendar, csv_file, grams, schema_org,
        service::{ImportFault, Service},
    },
    stock,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use warifu_ports::{
    StoreError, Unit,
    search::{SearchError, SearchQuery},
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
    /// How many are left on the day that was asked for, or on its only day, where it has a capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
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
        let (number, prefix) = (provider.to_string(), format!("{provider}/"));
        // One job: users see the old list or the new one, also after a crash.
        let work = move |unit: &mut dyn Unit| {
            let before: BTreeSet<String> = keys_of(unit, &prefix)?.into_iter().collect();
            let mut now = BTreeSet::new();
            for service in &services {
                let key = format!("{prefix}{}", service.number);
                SERVICES.put(unit, &key, service)?;
                now.insert(key);
            }
            for key in before.difference(&now) {
                SERVICES.delete(unit, key)?;
            }
            Ok::<_, Problem>(note_change(unit, &number)?)
        };
        let change = self.store.run(work).await?;
        self.follow_change(provider, change).await?;
        Ok(Ok(count))
    }

    /// What a user looks for.
    pub async fn search(&self, wish: &SearchWish) -> Result<FoundPage, Problem> {
        let query = query(wish)?;
        let index = self.index.clone();
        let searched = tokio::task::spawn_blocking(move || index.search(&query)).await;
        let page = searched.map_err(|_| Problem::internal())?.map_err(problem)?;
        let (keys, day) = (page.keys, wish.date.clone());
        let work = move |unit: &mut dyn Unit| {
            let mut found = Vec::with_capacity(keys.len());
            for id in keys {
                found.extend(offered_on(unit, &id, day.as_deref())?);
            }
            Ok::<_, Problem>(found)
        };
        Ok(FoundPage { services: self.store.run(work).await?, next: page.next })
    }

    /// A service that is offered.
    pub async fn service(&self, id: &str) -> Result<Found, Problem> {
        let id = id.to_string();
        let found = self.store.run(move |unit| offered_on(unit, &id, None)).await?;
        found.ok_or_else(|| Problem::not_found("service"))
    }

    /// Every kind, with the number of its services.
    pub fn kinds(&self) -> Result<Vec<(String, u64)>, Problem> {
        self.index.kinds().map_err(problem)
    }

    /// Brings the index up to a change that this process has made.
    pub(crate) async fn follow_change(&self, provider: &str, change: u64) -> Result<(), Problem> {
        let mut indexed = self.indexed.lock().await;
        self.index_provider(provider).await?;
        // What others have changed meanwhile is still to be followed.
        if *indexed + 1 == change {
            *indexed = change;
        }
        Ok(())
    }

    /// Brings the index up to what was changed beside this process, as by an operator's command; the
    /// whole of it at the beginning.
    pub(crate) async fn follow_changes(&self) -> Result<(), Problem> {
        let mut indexed = self.indexed.lock().await;
        let seen = *indexed;
        let (now, changed) = self.store.run(move |unit| changed_since(unit, seen)).await?;
        for provider in changed {
            self.index_provider(&provider).await?;
        }
        *indexed = now;
        Ok(())
    }

    /// The index has a provider's services as the records have them; none unless it is admitted.
    async fn index_provider(&self, provider: &str) -> Result<(), Problem> {
        let prefix = format!("{provider}/");
        let services = match self.provider(provider).await?.standing {
            Standing::Admitted => {
                let prefix = prefix.clone();
                self.store.run(move |unit| all_of(unit, &prefix)).await?
            }
            _ => Vec::new(),
        };
        let index = self.index.clone();
        let filled = tokio::task::spawn_blocking(move || {
            let entry = |(key, service): &(String, Service)| service.entry(key);
            index.replace(&prefix, services.iter().map(entry).collect())
        });
        filled.await.map_err(|_| Problem::internal())?.map_err(problem)
    }
}

/// How often services and providers have changed.
const CHANGES: &str = "changes";

fn changes(unit: &mut dyn Unit) -> Result<u64, StoreError> {
    Ok(COUNTS.get(unit, CHANGES)?.unwrap_or(0))
}

/// Counts a change of a provider or its services, in the job that makes it; the count after.
pub(crate) fn note_change(unit: &mut dyn Unit, provider: &str) -> Result<u64, StoreError> {
    let next = changes(unit)? + 1;
    COUNTS.put(unit, CHANGES, &next)?;
    CHANGED.put(unit, provider, &next)?;
    Ok(next)
}

/// The count of changes, and the providers that have changed since it was `seen`.
fn changed_since(unit: &mut dyn Unit, seen: u64) -> Result<(u64, Vec<String>), StoreError> {
    let now = changes(unit)?;
    let since = |(provider, at): (String, u64)| (at > seen).then_some(provider);
    let changed = match now == seen {
        true => Vec::new(),
        false => CHANGED.all(unit)?.into_iter().filter_map(since).collect(),
    };
    Ok((now, changed))
}

/// A service of an admitted provider.
pub(crate) fn offered(unit: &mut dyn Unit, id: &str) -> Result<Option<Found>, Problem> {
    let Some((provider, _)) = id.split_once('/') else { return Ok(None) };
    let Some(record) = PROVIDERS.get(unit, provider)? else { return Ok(None) };
    let Some(service) = SERVICES.get(unit, id)? else { return Ok(None) };
    let offered = record.standing == Standing::Admitted;
    let left = None;
    Ok(offered.then(|| Found { id: id.to_string(), provider: record.name, service, left }))
}

/// A service of an admitted provider, with what is left of it on a day, or on its only one.
fn offered_on(unit: &mut dyn Unit, id: &str, day: Option<&str>) -> Result<Option<Found>, Problem> {
    let Some(mut found) = offered(unit, id)? else { return Ok(None) };
    let service = &found.service;
    let only = Some(service.begins.as_str()).filter(|day| !day.is_empty() && *day == service.ends);
    if let Some(day) = day.or(only) {
        found.left = stock::left(unit, (id, service), day)?;
    }
    Ok(Some(found))
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
