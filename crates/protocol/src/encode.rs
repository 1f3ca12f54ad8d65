//! base64url, hashes, and JSON that says everything once.

use crate::error::{AtFault, ProtocolError, Reason, Result};
use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt, io, marker::PhantomData, ops::Deref, str::FromStr};
use warifu_types::{Digest, UnixTime};

/// Unpadded base64url (RFC 4648, section 5; RFC 7515).
pub fn b64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// As [`b64`], appended to a text.
pub(crate) fn b64_onto(bytes: &[u8], text: &mut String) {
    base64_simd::URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Reads canonical unpadded base64url.
pub fn unb64(text: &str, at_fault: AtFault, field: &'static str) -> Result<Vec<u8>> {
    base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(text)
        .map_err(|_| ProtocolError::new(at_fault, Reason::Malformed, field))
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Reads JSON strictly; the error names the place, never a value.
pub fn from_json<T: DeserializeOwned>(
    bytes: &[u8],
    at_fault: AtFault,
    field: &'static str,
) -> Result<T> {
    // Only what is wrong is read again to find the place, so that good messages do not pay for it.
    serde_json::from_slice(bytes).map_err(|_| malformed::<T>(bytes, at_fault, field))
}

/// As [`from_json`], and refuses anything but an object.
pub fn from_json_object<T: DeserializeOwned>(
    bytes: &[u8],
    at_fault: AtFault,
    field: &'static str,
) -> Result<T> {
    from_json::<Object<T>>(bytes, at_fault, field).map(|object| object.0)
}

/// A value that stands as a JSON object. serde would also take an array of a struct's fields in
/// their order, a second spelling that other implementations do not know.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        d.deserialize_map(Visitor(PhantomData)).map(Object)
    }
}

/// For `deserialize_with`: a field that is an object.
pub(crate) fn object<'de, D, T>(d: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(d).map(|object| object.0)
}

/// For `deserialize_with`: a field that is an array of objects.
pub(crate) fn objects<'de, D, T>(d: D) -> std::result::Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(d)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// Writes JSON. The types of this crate have string keys only, so this cannot fail for them.
pub fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    // Most messages fit, so that few are copied while they grow.
    let mut json = Vec::with_capacity(1024);
    match serde_json::to_writer(&mut json, value) {
        Ok(()) => json,
        Err(_) => Vec::new(),
    }
}

/// How long a value is as JSON. Whoever keeps secrets in it makes room first: a buffer that grows
/// leaves copies of them behind.
pub fn json_length<T: Serialize>(value: &T) -> serde_json::Result<usize> {
    struct Length(usize);
    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    Ok(length.0)
}

/// A JSON error as ours: the path to it, and the field that serde names, but no value.
fn malformed<T: DeserializeOwned>(
    bytes: &[u8],
    at_fault: AtFault,
    field: &'static str,
) -> ProtocolError {
    let mut place = field.to_string();
    let json = &mut serde_json::Deserializer::from_slice(bytes);
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(json) {
        let path = error.path().to_string();
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let text = error.inner().to_string();
        let named = ["unknown field `", "missing field `", "duplicate field `"]
            .iter()
            .find_map(|start| text.strip_prefix(start)?.split_once('`'));
        for step in [Some(path), named.map(|(name, _)| name)].into_iter().flatten() {
            let plain = step.len() <= 128 && step.bytes().all(|b| b.is_ascii_graphic());
            // serde's own place for an unknown field may end with its name already.
            if plain && !step.is_empty() && !place.ends_with(&format!(".{step}")) {
                place.push_str(if step.starts_with('[') { "" } else { "." });
                place.push_str(step);
            }
        }
    }
    ProtocolError::new(at_fault, Reason::Malformed, place)
}

/// A JSON object in which no key may stand twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UniqueMap<K: Ord, V>(BTreeMap<K, V>);

impl<K: Ord, V> Deref for UniqueMap<K, V> {
    type Target = BTreeMap<K, V>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The map itself, to change it.
impl<K: Ord, V> AsMut<BTreeMap<K, V>> for UniqueMap<K, V> {
    fn as_mut(&mut self) -> &mut BTreeMap<K, V> {
        &mut self.0
    }
}

impl<K: Ord, V> Default for UniqueMap<K, V> {
    fn default() -> Self {
        UniqueMap(BTreeMap::new())
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for UniqueMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        UniqueMap(iter.into_iter().collect())
    }
}

impl<'de, K, V> Deserialize<'de> for UniqueMap<K, V>
where
    K: Ord + FromStr,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Visitor<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> de::Visitor<'de> for Visitor<K, V>
        where
            K: Ord + FromStr,
            V: Deserialize<'de>,
        {
            type Value = UniqueMap<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without repeated keys")
            }
            fn visit_map<A: de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut unique = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let wrong = |what| de::Error::custom(format_args!("{what} field `{name}`"));
                    let key = name.parse().map_err(|_| wrong("unknown"))?;
                    if unique.contains_key(&key) {
                        return Err(wrong("duplicate"));
                    }
                    unique.insert(key, map.next_value()?);
                }
                Ok(UniqueMap(unique))
            }
        }
        d.deserialize_map(Visitor(PhantomData))
    }
}

/// Checks a message's times against the clock, with [`crate::CLOCK_SKEW`].
pub fn check_times(
    issued: UnixTime,
    expires: UnixTime,
    now: UnixTime,
    at_fault: AtFault,
    field: &'static str,
) -> Result<()> {
    if issued > now.plus(crate::CLOCK_SKEW) {
        return Err(ProtocolError::new(at_fault, Reason::NotYetValid, format!("{field}.iat")));
    }
    if expires.plus(crate::CLOCK_SKEW) <= now {
        return Err(ProtocolError::new(at_fault, Reason::Expired, format!("{field}.exp")));
    }
    Ok(())
}
