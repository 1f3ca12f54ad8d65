//! A document as an audit of a store lists it, and what every engine does with documents.

use crate::{documents::DocumentRows, seal::Sealer};
use std::fmt;
use warifu_ports::StoreError;
use zeroize::Zeroizing;

/// A document as `dump` lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it lies.
    pub collection: String,
    /// Under which key.
    pub key: String,
    /// Decrypted.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}/{}, {} bytes)", self.collection, self.key, self.value.len())
    }
}

/// Documents that are read at once.
const PAGE: usize = 1000;

/// Every document of these collections.
pub(crate) fn dumped(
    sealer: &Sealer,
    collections: Vec<String>,
    rows: &impl DocumentRows,
) -> Result<Vec<Document>, StoreError> {
    let mut all = Vec::new();
    for collection in collections {
        let mut after = String::new();
        loop {
            let page = rows.scan(&collection, &after, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (key, sealed) in page {
                let value = open(sealer, &collection, &key, &sealed)?;
                all.push(Document { collection: collection.clone(), key, value });
            }
        }
    }
    Ok(all)
}

/// Refuses empty names.
pub(crate) fn check(collection: &str, key: &str) -> Result<(), StoreError> {
    if collection.is_empty() || key.is_empty() { Err(StoreError::EmptyName) } else { Ok(()) }
}

/// What cannot be read in `collection`.
pub(crate) fn corrupt(collection: &str) -> StoreError {
    StoreError::Corrupt { collection: collection.to_string() }
}

/// Encrypts a value for its place.
pub(crate) fn seal(
    sealer: &Sealer,
    collection: &str,
    key: &str,
    value: &[u8],
) -> Result<Vec<u8>, StoreError> {
    sealer
        .seal(collection, key, value)
        .map_err(|_| StoreError::Unwritable { collection: collection.to_string() })
}

/// Decrypts a value from its place.
pub(crate) fn open(
    sealer: &Sealer,
    collection: &str,
    key: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    sealer.open(collection, key, sealed).map_err(|_| corrupt(collection))
}
