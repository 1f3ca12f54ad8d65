//! A box of documents by name.

use crate::error::{Result, VaultError};
use base64::{Engine, display::Base64Display, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use warifu_protocol::encode::UniqueMap;
use zeroize::Zeroizing;

/// Bytes that are wiped when dropped, base64url in JSON.
#[derive(Clone)]
pub(crate) struct Bytes(pub(crate) Zeroizing<Vec<u8>>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        // Written straight into the JSON, so that no text is left behind.
        s.collect_str(&Base64Display::new(&self.0, &URL_SAFE_NO_PAD))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Bytes, E> {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| E::custom("not base64url"))?;
                Ok(Bytes(Zeroizing::new(bytes)))
            }
        }
        d.deserialize_str(Visitor)
    }
}

/// Documents by name, in the order of their names. Their bytes are wiped when dropped, and neither
/// names nor bytes are shown.
///
/// Names are paths of the caller's choice, such as `share/center-1/1/0` or `telegram/000017`; those
/// with one beginning are read together with [`Documents::under`].
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Documents(UniqueMap<String, Bytes>);

impl Documents {
    /// The longest name, in bytes.
    pub const MAX_NAME: usize = 256;

    /// The document of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|bytes| bytes.0.as_slice())
    }

    /// Keeps a document, in place of an earlier one of this name. A name has 1 to 256 bytes.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        if !(1..=Documents::MAX_NAME).contains(&name.len()) {
            return Err(VaultError::BadName);
        }
        self.0.as_mut().insert(name.to_string(), Bytes(Zeroizing::new(bytes.to_vec())));
        Ok(())
    }

    /// Lets a document go; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.as_mut().remove(name).is_some()
    }

    /// Names and documents whose name begins so, in the order of names.
    pub fn under<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0
            .range::<str, _>((std::ops::Bound::Included(beginning), std::ops::Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(beginning))
            .map(|(name, bytes)| (name.as_str(), bytes.0.as_slice()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Documents({}, secret)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_together_by_the_beginning_of_their_names() {
        let mut documents = Documents::default();
        for name in ["card/2", "card/1", "carder", "share/1", "a"] {
            documents.put(name, name.as_bytes()).unwrap();
        }
        let names: Vec<&str> = documents.under("card/").map(|(name, _)| name).collect();
        assert_eq!(names, ["card/1", "card/2"]);
        assert_eq!(documents.under("").count(), 5);
        assert_eq!(documents.under("none/").count(), 0);
        assert!(documents.remove("card/1") && !documents.remove("card/1"));
        assert_eq!(documents.get("card/2"), Some(&b"card/2"[..]));
        assert_eq!(format!("{documents:?}"), "Documents(4, secret)");
    }

    #[test]
    fn names_are_bounded() {
        let mut documents = Documents::default();
        assert!(matches!(documents.put("", b""), Err(VaultError::BadName)));
        assert!(matches!(documents.put(&"x".repeat(257), b""), Err(VaultError::BadName)));
        documents.put(&"x".repeat(256), b"").unwrap();
    }
}
