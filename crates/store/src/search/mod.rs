//! The search index in memory: SQLite's full-text search (FTS5) over grams.

mod cursor;

use cursor::Cursor;
use rusqlite::{Connection, Transaction, params, params_from_iter, types::Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use warifu_ports::search::{SearchEntry, SearchError, SearchIndex, SearchPage, SearchQuery};

/// A query looks for at most so many grams, the rarest of it: common ones cost much and tell little.
const MOST_GRAMS: usize = 10;
/// No gram is added to those that stand in so many entries together; but some always are, since a
/// typing error spoils as many as three of a word's grams.
const MOST_ROWS: u32 = 4_000;
const FEWEST_GRAMS: usize = 5;
/// A hit has at least one in so many of the query's grams: fewer are chance, not a typing error.
const LEAST_SHARE: usize = 4;
/// Entries that are written at once; a search waits for no more.
const BATCH: usize = 50;

/// The tokenizer `ascii` splits at ASCII characters that are no letters and digits, and takes all
/// others as they are: grams come through whole.
const SCHEMA: &str = "
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, currency INTEGER NOT NULL,
    price INTEGER NOT NULL, place TEXT NOT NULL, begins TEXT NOT NULL, ends TEXT NOT NULL
);
CREATE INDEX entries_by_kind ON entries (kind, key);
CREATE VIRTUAL TABLE words USING fts5 (
    grams, content = '', contentless_delete = 1, tokenize = 'ascii'
);
";

/// An index in memory.
pub struct MemoryIndex {
    inner: Mutex<Inner>,
    /// Held by whoever replaces entries, from the first batch to the last.
    writing: Mutex<()>,
}

struct Inner {
    connection: Connection,
    /// Row and entry of each key.
    entries: BTreeMap<String, (i64, SearchEntry)>,
    /// The key of each row.
    keys: HashMap<i64, String>,
    /// In how many entries a gram stands.
    counts: HashMap<String, u32>,
    last: i64,
}

impl MemoryIndex {
    /// An empty index.
    pub fn new() -> Result<MemoryIndex, SearchError> {
        let connection = Connection::open_in_memory().map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(32);
        let inner = Inner {
            connection,
            entries: BTreeMap::new(),
            keys: HashMap::new(),
            counts: HashMap::new(),
            last: 0,
        };
        Ok(MemoryIndex { inner: Mutex::new(inner), writing: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryIndex({})", self.lock().entries.len())
    }
}

fn failed(error: rusqlite::Error) -> SearchError {
    tracing::error!(%error, "search");
    SearchError::Failed
}

impl SearchIndex for MemoryIndex {
    fn replace(&self, prefix: &str, entries: Vec<SearchEntry>) -> Result<(), SearchError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, changed) = self.lock().difference(prefix, entries);
        for keys in gone.chunks(BATCH) {
            self.lock().write(keys, &[]).map_err(failed)?;
        }
        for entries in changed.chunks(BATCH) {
            let keys: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
            self.lock().write(&keys, entries).map_err(failed)?;
        }
        Ok(())
    }

    fn search(&self, query: &SearchQuery) -> Result<SearchPage, SearchError> {
        let guard = self.lock();
        let after = query.after.as_deref().map(Cursor::read).transpose()?;
        if query.grams.is_empty() {
            return guard.browse(query, after).map_err(failed);
        }
        let Some(words) = guard.words(&query.grams) else { return Ok(SearchPage::default()) };
        guard.ranked(query, &words, after).map_err(failed)
    }

    fn kinds(&self) -> Result<Vec<(String, u64)>, SearchError> {
        let guard = self.lock();
        let mut statement = guard
            .connection
            .prepare_cached("SELECT kind, count(*) FROM entries GROUP BY kind ORDER BY kind")
            .map_err(failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

impl Inner {
    /// The keys that are no more, and the entries that are new or others.
    fn difference(
        &self,
        prefix: &str,
        entries: Vec<SearchEntry>,
    ) -> (Vec<String>, Vec<SearchEntry>) {
        let wanted: BTreeMap<String, SearchEntry> =
            entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let before = self.entries.range(prefix.to_string()..);
        let before = before.map(|(key, _)| key).take_while(|key| key.starts_with(prefix));
        let gone = before.filter(|key| !wanted.contains_key(*key)).cloned().collect();
        let is_new = |entry: &SearchEntry| {
            self.entries.get(&entry.key).is_none_or(|(_, known)| known != entry)
        };
        (gone, wanted.into_values().filter(is_new).collect())
    }

    /// Removes entries by key and adds others, all at once.
    fn write(&mut self, remove: &[String], add: &[SearchEntry]) -> Result<(), rusqlite::Error> {
        let first = self.last + 1;
        let unit = self.connection.transaction()?;
        for (id, _) in remove.iter().filter_map(|key| self.entries.get(key)) {
            delete(&unit, *id)?;
        }
        for (id, entry) in (first..).zip(add) {
            insert(&unit, id, entry)?;
        }
        unit.commit()?;
        for key in remove {
            self.forget(key);
        }
        for (id, entry) in (first..).zip(add) {
            self.last = id;
            for gram in &entry.grams {
                *self.counts.entry(gram.clone()).or_default() += 1;
            }
            self.keys.insert(id, entry.key.clone());
            self.entries.insert(entry.key.clone(), (id, entry.clone()));
        }
        Ok(())
    }

    fn forget(&mut self, key: &str) {
        let Some((id, entry)) = self.entries.remove(key) else { return };
        self.keys.remove(&id);
        for gram in &entry.grams {
            if let Some(count) = self.counts.get_mut(gram) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(gram);
                }
            }
        }
    }

    /// The rarest known grams as an FTS5 expression; none if no gram is known.
    fn words(&self, grams: &[String]) -> Option<String> {
        let mut known: Vec<(u32, &String)> =
            grams.iter().filter_map(|gram| Some((*self.counts.get(gram)?, gram))).collect();
        known.sort_unstable();
        known.dedup();
        let mut rows = 0_u32;
        let chosen = known.iter().take(MOST_GRAMS).enumerate().take_while(|(n, (count, _))| {
            rows = rows.saturating_add(*count);
            *n < FEWEST_GRAMS || rows <= MOST_ROWS
        });
        let quoted: Vec<String> =
            chosen.map(|(_, (_, gram))| format!("\"{}\"", gram.replace('"', ""))).collect();
        (!quoted.is_empty()).then(|| quoted.join(" OR "))
    }

    fn browse(
        &self,
        query: &SearchQuery,
        after: Option<Cursor>,
    ) -> Result<SearchPage, rusqlite::Error> {
        let mut filter = Filter::of(query);
        if let Some(Cursor::Key(key)) = after {
            filter.and("key > ?", [Value::Text(key)]);
        }
        let sql = format!(
            "SELECT key FROM entries WHERE {} ORDER BY key LIMIT {}",
            filter.sql,
            query.limit.saturating_add(1)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(filter.values), |row| row.get(0))?;
        let mut keys: Vec<String> = rows.collect::<Result<_, _>>()?;
        let more = keys.len() > query.limit;
        keys.truncate(query.limit);
        let next = keys.last().filter(|_| more).map(|key| Cursor::Key(key.clone()).write());
        Ok(SearchPage { keys, next })
    }

    fn ranked(
        &self,
        query: &SearchQuery,
        words: &str,
        after: Option<Cursor>,
    ) -> Result<SearchPage, rusqlite::Error> {
        let filter = Filter::of(query);
        // Rows alone: what else is wanted of a hit is looked up for those on the page. The `+` keeps
        // SQLite from asking for the words once for each row of the condition.
        let among = match filter.values.is_empty() {
            true => String::new(),
            false => format!("AND +rowid IN (SELECT id FROM entries WHERE {})", filter.sql),
        };
        let sql = format!("SELECT rowid, bm25(words) FROM words WHERE words MATCH ? {among}");
        let values = std::iter::once(Value::Text(words.to_string())).chain(filter.values);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(Hit { id: row.get(0)?, rank: row.get(1)? })
        })?;
        let mut hits: Vec<Hit> = rows.collect::<Result<_, _>>()?;
        // The better a hit, the further below zero is its rank.
        hits.sort_unstable_by(|a, b| a.rank.total_cmp(&b.rank).then(a.id.cmp(&b.id)));
        if let Some(Cursor::Rank(rank, id)) = after {
            hits.retain(|hit| hit.rank.total_cmp(&rank).then(hit.id.cmp(&id)).is_gt());
        }
        let wanted = query.grams.len().div_ceil(LEAST_SHARE);
        let near = |hit: &Hit| self.shared(hit.id, &query.grams) >= wanted;
        // Looked at only until the page is full: there may be thousands of hits.
        let mut page: Vec<Hit> =
            hits.into_iter().filter(near).take(query.limit.saturating_add(1)).collect();
        let more = page.len() > query.limit;
        page.truncate(query.limit);
        let next = page.last().filter(|_| more).map(|hit| Cursor::Rank(hit.rank, hit.id).write());
        Ok(SearchPage {
            keys: page.iter().filter_map(|hit| self.keys.get(&hit.id).cloned()).collect(),
            next,
        })
    }

    /// How many of the grams an entry has.
    fn shared(&self, id: i64, grams: &[String]) -> usize {
        let own = self.keys.get(&id).and_then(|key| self.entries.get(key));
        let Some((_, own)) = own else { return 0 };
        grams.iter().filter(|gram| own.grams.binary_search(gram).is_ok()).count()
    }
}

struct Hit {
    id: i64,
    rank: f64,
}

/// The conditions beside the words.
struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    fn of(query: &SearchQuery) -> Filter {
        let mut filter = Filter { sql: "1".to_string(), values: Vec::new() };
        if let Some(kind) = &query.kind {
            filter.and("kind = ?", [Value::Text(kind.clone())]);
        }
        if let Some((currency, least, most)) = query.price {
            let number = |value: u64| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
            let values = [number(currency.into()), number(least), number(most)];
            filter.and("currency = ? AND price BETWEEN ? AND ?", values);
        }
        if let Some(place) = &query.place {
            filter.and("instr(place, ?) > 0", [Value::Text(place.clone())]);
        }
        if let Some(date) = &query.date {
            let date = Value::Text(date.clone());
            let values = [date.clone(), date];
            filter.and("(begins = '' OR begins <= ?) AND (ends = '' OR ends >= ?)", values);
        }
        filter
    }

    fn and<const N: usize>(&mut self, sql: &str, values: [Value; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

fn delete(unit: &Transaction<'_>, id: i64) -> Result<(), rusqlite::Error> {
    unit.prepare_cached("DELETE FROM words WHERE rowid = ?")?.execute([id])?;
    unit.prepare_cached("DELETE FROM entries WHERE id = ?")?.execute([id])?;
    Ok(())
}

fn insert(unit: &Transaction<'_>, id: i64, entry: &SearchEntry) -> Result<(), rusqlite::Error> {
    unit.prepare_cached("INSERT INTO words (rowid, grams) VALUES (?, ?)")?
        .execute(params![id, entry.grams.join(" ")])?;
    unit.prepare_cached("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            id,
            entry.key,
            entry.kind,
            entry.currency,
            i64::try_from(entry.price).unwrap_or(i64::MAX),
            entry.place,
            entry.begins,
            entry.ends,
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
