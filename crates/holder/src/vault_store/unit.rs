//! One job's view of an opened vault.

use super::ledger::NoLedger;
use crate::records::{HISTORY, MEMBERSHIP, REGISTRATION};
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use sha2::Sha256;
use warifu_ledger::Ledger;
use warifu_ports::{Collection, KeyAndValue, StoreError, Unit};
use warifu_protocol::encode::{b64, sha256, to_json};
use warifu_vault::{BoxA, BoxB, Documents, Entry, VaultError};
use zeroize::Zeroizing;

/// What the store itself keeps.
pub(super) const OWN: &str = "vault_store";
/// The key of keyed hashes, among it.
pub(super) const HASH_KEY: &str = "hash_key";

/// Where the terminal's own keys are.
const IDENTITY: &str = "identity";
/// The longest name of a collection, so that a document's name fits the vault.
const MAX_COLLECTION: usize = 200;

/// The two boxes of a vault while a job runs.
pub(super) struct VaultUnit<'v> {
    a: &'v mut BoxA,
    b: &'v mut BoxB,
    ledger: NoLedger,
    /// Whether there is something to write.
    pub(super) changed: bool,
    /// Whether the terminal's own keys are among it.
    pub(super) changed_identity: bool,
}

/// A document that lies under A alone.
pub(super) fn under_a<T: DeserializeOwned>(
    a: &BoxA,
    collection: Collection<T>,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = a.documents().get(&name(collection.name(), key)?) else { return Ok(None) };
    let corrupt = || corrupt(collection.name());
    let (_, value) = parted(bytes).ok_or_else(corrupt)?;
    serde_json::from_slice(value).map(Some).map_err(|_| corrupt())
}

/// The name of a document: its key hashed, since names in a vault are short and keys need not be. The
/// key itself stands before the value.
fn name(collection: &str, key: &str) -> Result<String, StoreError> {
    if key.is_empty() {
        return Err(StoreError::EmptyName);
    }
    Ok(format!("{}{}", beginning(collection)?, sha256(key.as_bytes())))
}

/// How the names of a collection's documents begin.
fn beginning(collection: &str) -> Result<String, StoreError> {
    match collection.len() {
        0 => Err(StoreError::EmptyName),
        1..=MAX_COLLECTION => Ok(format!("store/{collection}/")),
        _ => Err(StoreError::Unwritable { collection: collection.to_string() }),
    }
}

fn corrupt(collection: &str) -> StoreError {
    StoreError::Corrupt { collection: collection.to_string() }
}

/// Key and value as they lie in one document: the key's length in 4 bytes (big-endian), the key, the
/// value.
fn joined(key: &str, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4 + key.len() + value.len()));
    bytes.extend_from_slice(&(key.len() as u32).to_be_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(value);
    bytes
}

fn parted(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (key, value) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some((std::str::from_utf8(key).ok()?, value))
}

impl<'v> VaultUnit<'v> {
    pub(super) fn new(a: &'v mut BoxA, b: &'v mut BoxB) -> VaultUnit<'v> {
        VaultUnit { a, b, ledger: NoLedger, changed: false, changed_identity: false }
    }

    fn is_under_a(collection: &str) -> bool {
        [MEMBERSHIP.name(), REGISTRATION.name()].contains(&collection)
    }

    fn documents(&self, collection: &str) -> &Documents {
        if VaultUnit::is_under_a(collection) { self.a.documents() } else { self.b.documents() }
    }

    /// The documents, to change them.
    fn changing(&mut self, collection: &str) -> &mut Documents {
        self.changed = true;
        self.changed_identity |= collection == IDENTITY;
        if VaultUnit::is_under_a(collection) {
            self.a.documents_mut()
        } else {
            self.b.documents_mut()
        }
    }

    /// The history's entry of this reference.
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.a.history().iter().find(|entry| entry.reference.as_deref() == Some(key))
    }

    /// Adds to the history, which only ever grows.
    fn append(&mut self, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        let unwritable = || StoreError::Unwritable { collection: HISTORY.name().to_string() };
        let entry: Entry = serde_json::from_slice(value).map_err(|_| unwritable())?;
        if entry.reference.as_deref() != Some(key) {
            return Err(unwritable());
        }
        if self.entry(key).is_some() {
            return Ok(false);
        }
        self.a.append(entry);
        self.changed = true;
        Ok(true)
    }
}

fn whole(entry: &Entry) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(to_json(entry))
}

impl Unit for VaultUnit<'_> {
    fn get(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let name = name(collection, key)?;
        if collection == HISTORY.name() {
            return Ok(self.entry(key).map(whole));
        }
        let Some(bytes) = self.documents(collection).get(&name) else { return Ok(None) };
        match parted(bytes) {
            Some((found, value)) if found == key => Ok(Some(Zeroizing::new(value.to_vec()))),
            _ => Err(corrupt(collection)),
        }
    }

    fn put(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let name = name(collection, key)?;
        if collection == HISTORY.name() {
            return match self.append(key, value)? {
                true => Ok(()),
                false => Err(StoreError::Unwritable { collection: collection.to_string() }),
            };
        }
        self.changing(collection).put(&name, &joined(key, value)).map_err(unwritable(collection))
    }

    fn insert(&mut self, collection: &str, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        let name = name(collection, key)?;
        if collection == HISTORY.name() {
            return self.append(key, value);
        }
        if self.documents(collection).get(&name).is_some() {
            return Ok(false);
        }
        self.put(collection, key, value).map(|()| true)
    }

    fn delete(&mut self, collection: &str, key: &str) -> Result<bool, StoreError> {
        let name = name(collection, key)?;
        if collection == HISTORY.name() {
            return Err(StoreError::Unwritable { collection: collection.to_string() });
        }
        if self.documents(collection).get(&name).is_none() {
            return Ok(false);
        }
        Ok(self.changing(collection).remove(&name))
    }

    fn scan(
        &mut self,
        collection: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KeyAndValue>, StoreError> {
        let beginning = beginning(collection)?;
        let mut found = Vec::new();
        if collection == HISTORY.name() {
            let keyed = |entry: &Entry| Some((entry.reference.clone()?, whole(entry)));
            found.extend(self.a.history().iter().filter_map(keyed));
            found.retain(|(key, _)| key.as_str() > after);
        } else {
            for (name, bytes) in self.documents(collection).under(&beginning) {
                // Another collection's name may begin like this one's.
                if name[beginning.len()..].contains('/') {
                    continue;
                }
                let (key, value) = parted(bytes).ok_or_else(|| corrupt(collection))?;
                if key > after {
                    found.push((key.to_string(), Zeroizing::new(value.to_vec())));
                }
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(limit);
        Ok(found)
    }

    fn keyed_hash(&mut self, purpose: &str, value: &[u8]) -> String {
        // The store has made the key before its first job.
        let key = self.get(OWN, HASH_KEY).ok().flatten().unwrap_or_default();
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(value);
        b64(&mac.finalize().into_bytes())
    }

    fn ledger(&mut self) -> &mut dyn Ledger {
        &mut self.ledger
    }
}

fn unwritable(collection: &str) -> impl Fn(VaultError) -> StoreError {
    let collection = collection.to_string();
    move |_| StoreError::Unwritable { collection: collection.clone() }
}
