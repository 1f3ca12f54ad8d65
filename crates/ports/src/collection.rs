//! Typed collections of JSON documents.

use crate::{StoreError, Unit};
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, fmt, io, marker::PhantomData};
use warifu_protocol::encode::json_length;
use zeroize::{Zeroize, Zeroizing};

/// Most documents are shorter than this, in bytes.
const BUFFER_SIZE: usize = 32 * 1024;

thread_local! {
    static BUFFER: RefCell<Zeroizing<Vec<u8>>> = RefCell::new(Zeroizing::new(vec![0; BUFFER_SIZE]));
}

/// A buffer that never grows.
struct Fixed<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl io::Write for Fixed<'_> {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let end = self.length + more.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(io::ErrorKind::WriteZero)?;
        room.copy_from_slice(more);
        self.length = end;
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A collection whose documents are `T` as JSON.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use warifu_ports::{Collection, StoreError, Unit};
/// #[derive(Serialize, Deserialize)]
/// struct Note { text: String }
/// const NOTES: Collection<Note> = Collection::new("notes");
///
/// fn remember(unit: &mut dyn Unit) -> Result<bool, StoreError> {
///     NOTES.insert(unit, "first", &Note { text: "hello".into() })
/// }
/// ```
pub struct Collection<T> {
    name: &'static str,
    documents: PhantomData<fn() -> T>,
}

impl<T> Collection<T> {
    /// The collection of this name.
    pub const fn new(name: &'static str) -> Collection<T> {
        Collection { name, documents: PhantomData }
    }

    /// The collection's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Removes a document: `false` if there was none.
    pub fn delete(&self, unit: &mut dyn Unit, key: &str) -> Result<bool, StoreError> {
        unit.delete(self.name, key)
    }
}

impl<T: DeserializeOwned> Collection<T> {
    /// A document.
    pub fn get(&self, unit: &mut dyn Unit, key: &str) -> Result<Option<T>, StoreError> {
        unit.get(self.name, key)?.map(|value| self.read(&value)).transpose()
    }

    /// At most `limit` documents with keys above `after`, by key; `""` begins at the first.
    pub fn scan(
        &self,
        unit: &mut dyn Unit,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, T)>, StoreError> {
        unit.scan(self.name, after, limit)?
            .into_iter()
            .map(|(key, value)| Ok((key, self.read(&value)?)))
            .collect()
    }

    /// Every document, by key; all of them in memory.
    pub fn all(&self, unit: &mut dyn Unit) -> Result<Vec<(String, T)>, StoreError> {
        let mut all: Vec<(String, T)> = Vec::new();
        loop {
            let after = all.last().map_or("", |(key, _)| key.as_str()).to_string();
            let page = self.scan(unit, &after, 500)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    // serde_json's message would quote the value, so it is dropped.
    fn read(&self, value: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(value)
            .map_err(|_| StoreError::Corrupt { collection: self.name.to_string() })
    }
}

impl<T: Serialize> Collection<T> {
    /// Writes a document, over an earlier one if there is one.
    pub fn put(&self, unit: &mut dyn Unit, key: &str, value: &T) -> Result<(), StoreError> {
        self.written(value, |bytes| unit.put(self.name, key, bytes))
    }

    /// Writes a document where there is none: `false` if the key exists, and nothing changes.
    pub fn insert(&self, unit: &mut dyn Unit, key: &str, value: &T) -> Result<bool, StoreError> {
        self.written(value, |bytes| unit.insert(self.name, key, bytes))
    }

    /// Writes into the thread's own buffer, where the value fits; the buffer is cleared afterwards.
    fn written<R>(
        &self,
        value: &T,
        keep: impl FnOnce(&[u8]) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        BUFFER.with(|buffer| {
            // A store may itself write into a collection while it keeps something.
            let Ok(mut buffer) = buffer.try_borrow_mut() else {
                return self.write(value).and_then(|bytes| keep(&bytes));
            };
            let mut fixed = Fixed { bytes: &mut buffer, length: 0 };
            let outcome = match serde_json::to_writer(&mut fixed, value) {
                Ok(()) => keep(&fixed.bytes[..fixed.length]),
                // Too long, or not to be written at all.
                Err(_) => self.write(value).and_then(|bytes| keep(&bytes)),
            };
            fixed.bytes[..fixed.length].zeroize();
            outcome
        })
    }

    /// The length is counted first, so that the buffer never grows: a buffer that grows leaves
    /// copies of the value behind in memory.
    fn write(&self, value: &T) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let unwritable = |_| StoreError::Unwritable { collection: self.name.to_string() };
        let length = json_length(value).map_err(unwritable)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        serde_json::to_writer(&mut *bytes, value).map_err(unwritable)?;
        Ok(bytes)
    }
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Collection<T> {}

impl<T> fmt::Debug for Collection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collection({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn written_into_a_buffer_of_its_length() {
        let words: Collection<Vec<String>> = Collection::new("words");
        let bytes = words.write(&vec!["a\"b".to_string(), "山".to_string()]).unwrap();
        assert_eq!(bytes.as_slice(), "[\"a\\\"b\",\"山\"]".as_bytes());
        assert_eq!(words.read(&bytes).unwrap()[1], "山");
    }

    #[test]
    fn errors_name_the_collection_and_no_value() {
        let numbers: Collection<u32> = Collection::new("numbers");
        let error = numbers.read(b"\"4111111111111111\"").unwrap_err();
        assert_eq!(error, StoreError::Corrupt { collection: "numbers".to_string() });
        assert!(!format!("{error:?} {error}").contains("4111"));

        // JSON has no keys that are lists.
        let maps: Collection<BTreeMap<Vec<u8>, u8>> = Collection::new("maps");
        let error = maps.write(&BTreeMap::from([(vec![1], 1)])).unwrap_err();
        assert_eq!(error, StoreError::Unwritable { collection: "maps".to_string() });
    }
}
