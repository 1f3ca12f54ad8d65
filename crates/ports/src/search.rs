//! Finding services by their words (row C1): an index that is made anew from the records, so that
//! losing it loses nothing.

/// One service, as the index has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchEntry {
    /// The record's key. An entry takes the place of an earlier one of the same key.
    pub key: String,
    /// The grams of its texts, by which it is found: each once, in order.
    pub grams: Vec<String>,
    /// Its kind.
    pub kind: String,
    /// The currency of its price, ISO 4217 numeric.
    pub currency: u16,
    /// Its price in minor units.
    pub price: u64,
    /// Its place, folded for comparison; empty if it has none.
    pub place: String,
    /// The first day on which it is to be had, `YYYY-MM-DD`; empty if it is always.
    pub begins: String,
    /// The last day, `YYYY-MM-DD`; empty if it is always.
    pub ends: String,
}

/// What is looked for. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// The grams of the words; none to browse, by key.
    pub grams: Vec<String>,
    /// The kind.
    pub kind: Option<String>,
    /// A currency, and the least and the greatest price in its minor units.
    pub price: Option<(u16, u64, u64)>,
    /// A part of the place, folded as the entries are.
    pub place: Option<String>,
    /// A day on which it is to be had, `YYYY-MM-DD`. What has no dates is had on every day.
    pub date: Option<String>,
    /// Where the page before has ended.
    pub after: Option<String>,
    /// Hits on a page.
    pub limit: usize,
}

/// A page of hits, the best first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// The records' keys.
    pub keys: Vec<String>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// Why an index did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// `after` is no value of a page before.
    #[error("after: no end of a page")]
    BadCursor,
    /// The index failed: a fault of the program.
    #[error("the search index failed")]
    Failed,
}

/// An index of services.
pub trait SearchIndex: Send + Sync + 'static {
    /// From now on the entries whose keys begin with `prefix` are these. Searches go on meanwhile, and
    /// may find some of the old ones and some of the new.
    fn replace(&self, prefix: &str, entries: Vec<SearchEntry>) -> Result<(), SearchError>;

    /// A page of hits. It blocks for some milliseconds.
    fn search(&self, query: &SearchQuery) -> Result<SearchPage, SearchError>;

    /// Every kind, with the number of its entries.
    fn kinds(&self) -> Result<Vec<(String, u64)>, SearchError>;
}
