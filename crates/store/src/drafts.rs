//! What a transaction has written to documents, kept here until it commits.
//!
//! A job's writes stay in memory, encrypted, so that taking a job back costs nothing, a document that
//! many jobs write is written once, and a commit writes all of them in the order of their keys.

use std::{collections::BTreeMap, ops::Bound};

/// A sealed value; `None` for a document that is removed.
pub(crate) type Draft = Option<Vec<u8>>;

/// A draft with its collection and key.
pub(crate) type Placed<'d> = (&'d str, &'d str, &'d Draft);

/// The drafts of one transaction.
#[derive(Default)]
pub(crate) struct Drafts {
    /// By collection and key.
    written: BTreeMap<String, BTreeMap<String, Draft>>,
    undo: Vec<Before>,
}

/// What a place had before this job wrote it.
struct Before {
    collection: String,
    key: String,
    draft: Option<Draft>,
}

impl Drafts {
    /// A job begins; the one before it is kept.
    pub(crate) fn begin_job(&mut self) {
        self.undo.clear();
    }

    /// The job is taken back.
    pub(crate) fn undo_job(&mut self) {
        while let Some(Before { collection, key, draft }) = self.undo.pop() {
            let written = self.written.entry(collection).or_default();
            match draft {
                Some(draft) => written.insert(key, draft),
                None => written.remove(&key),
            };
        }
    }

    /// The transaction has ended.
    pub(crate) fn clear(&mut self) {
        self.written.clear();
        self.undo.clear();
    }

    /// What is to be written, by collection and key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Placed<'_>> {
        self.written.iter().flat_map(|(collection, drafts)| {
            drafts.iter().map(move |(key, draft)| (collection.as_str(), key.as_str(), draft))
        })
    }

    /// What this transaction has written at a place, if anything.
    pub(crate) fn get(&self, collection: &str, key: &str) -> Option<&Draft> {
        self.written.get(collection)?.get(key)
    }

    pub(crate) fn set(&mut self, collection: &str, key: &str, draft: Draft) {
        if !self.written.contains_key(collection) {
            self.written.insert(collection.to_string(), BTreeMap::new());
        }
        let Some(drafts) = self.written.get_mut(collection) else { return };
        let (collection, key) = (collection.to_string(), key.to_string());
        let draft = drafts.insert(key.clone(), draft);
        self.undo.push(Before { collection, key, draft });
    }

    /// What is written in a collection, above a key.
    pub(crate) fn above<'d>(&'d self, collection: &str, after: &str) -> Vec<(&'d str, &'d Draft)> {
        let from = (Bound::Excluded(after), Bound::Unbounded);
        self.written
            .get(collection)
            .into_iter()
            .flat_map(|drafts| drafts.range::<str, _>(from))
            .map(|(key, draft)| (key.as_str(), draft))
            .collect()
    }
}
