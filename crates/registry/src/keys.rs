//! Encryption of cards: each under a data key of its own, which lies beside it, wrapped under one of
//! the registry's keys. The store encrypts both once more.
//!
//! AES-256-GCM-SIV (RFC 8452). What is sealed is bound to its place: a card to its record's key, a
//! data key to the registry key's id too.

use aes_gcm_siv::{
    Aes256GcmSiv, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

const NONCE: usize = 12;

/// A card in clear. `Debug` shows nothing; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardData {
    pub holder_name: Zeroizing<String>,
    pub number: Zeroizing<String>,
    pub expiry: Zeroizing<String>,
}

impl fmt::Debug for CardData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardData(…)")
    }
}

/// Why a card cannot be opened or sealed: the operator's to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The registry key that a record names is not among those that are configured.
    #[error("card_keys: a key that records are under is missing")]
    Missing,
    /// A record does not open: altered, or moved to another place.
    #[error("a card's record does not open")]
    DoesNotOpen,
}

/// The registry's keys by id, from files outside its database; one of them is current.
pub struct CardKeys {
    current: String,
    keys: BTreeMap<String, Aes256GcmSiv>,
}

impl CardKeys {
    /// Keys of 256 random bits; `current` wraps what is new, the others still open what is old.
    pub fn new(
        current: &str,
        keys: impl IntoIterator<Item = (String, Zeroizing<[u8; 32]>)>,
    ) -> Result<CardKeys, KeyError> {
        let keys: BTreeMap<_, _> =
            keys.into_iter().map(|(id, key)| (id, Aes256GcmSiv::new((&*key).into()))).collect();
        if !keys.contains_key(current) {
            return Err(KeyError::Missing);
        }
        Ok(CardKeys { current: current.to_string(), keys })
    }

    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// A card under a fresh data key: the wrapped key and the sealed card, in base64url.
    pub(crate) fn seal(
        &self,
        place: &str,
        card: &CardData,
        random: &mut impl Rng,
    ) -> Result<(String, String), KeyError> {
        let mut data = Zeroizing::new([0; 32]);
        random.fill_bytes(&mut *data);
        let length = warifu_protocol::encode::json_length(card).unwrap_or(256);
        let mut plain = Zeroizing::new(Vec::with_capacity(length));
        serde_json::to_writer(&mut *plain, card).map_err(|_| KeyError::DoesNotOpen)?;
        let cipher = Aes256GcmSiv::new((&*data).into());
        let sealed = seal(&cipher, place.as_bytes(), &plain, random)?;
        Ok((self.wrap(place, &data, random)?, sealed))
    }

    /// The card of a record.
    pub(crate) fn open(
        &self,
        place: &str,
        (key, wrapped, sealed): (&str, &str, &str),
    ) -> Result<CardData, KeyError> {
        let data = self.unwrap(place, key, wrapped)?;
        let plain = open(&Aes256GcmSiv::new((&*data).into()), place.as_bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| KeyError::DoesNotOpen)
    }

    /// The same data key, wrapped under the current registry key.
    pub(crate) fn rewrap(
        &self,
        place: &str,
        (key, wrapped): (&str, &str),
        random: &mut impl Rng,
    ) -> Result<String, KeyError> {
        let data = self.unwrap(place, key, wrapped)?;
        self.wrap(place, &data, random)
    }

    fn wrap(
        &self,
        place: &str,
        data: &[u8; 32],
        random: &mut impl Rng,
    ) -> Result<String, KeyError> {
        let cipher = self.keys.get(&self.current).ok_or(KeyError::Missing)?;
        seal(cipher, bound(&self.current, place).as_bytes(), data, random)
    }

    fn unwrap(
        &self,
        place: &str,
        key: &str,
        wrapped: &str,
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let cipher = self.keys.get(key).ok_or(KeyError::Missing)?;
        let opened = open(cipher, bound(key, place).as_bytes(), wrapped)?;
        let mut data = Zeroizing::new([0; 32]);
        if opened.len() != data.len() {
            return Err(KeyError::DoesNotOpen);
        }
        data.copy_from_slice(&opened);
        Ok(data)
    }
}

impl fmt::Debug for CardKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardKeys({} of {})", self.current, self.keys.len())
    }
}

/// Neither an id nor a place holds a line feed.
fn bound(key: &str, place: &str) -> String {
    format!("{key}\n{place}")
}

fn seal(
    cipher: &Aes256GcmSiv,
    aad: &[u8],
    plain: &[u8],
    random: &mut impl Rng,
) -> Result<String, KeyError> {
    let mut nonce = [0; NONCE];
    random.fill_bytes(&mut nonce);
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
        .map_err(|_| KeyError::DoesNotOpen)?;
    Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

fn open(cipher: &Aes256GcmSiv, aad: &[u8], sealed: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| KeyError::DoesNotOpen)?;
    let (nonce, msg) = bytes.split_first_chunk::<NONCE>().ok_or(KeyError::DoesNotOpen)?;
    let opened = cipher.decrypt(&Nonce::from(*nonce), Payload { msg, aad });
    opened.map(Zeroizing::new).map_err(|_| KeyError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_protocol::{ChaCha20Rng, SeedableRng};

    fn keys(current: &str) -> CardKeys {
        let key = |byte| Zeroizing::new([byte; 32]);
        CardKeys::new(current, [("a".to_string(), key(1)), ("b".to_string(), key(2))]).unwrap()
    }

    fn card() -> CardData {
        let text = |text: &str| Zeroizing::new(text.to_string());
        let (number, expiry) = (text("4111111111111111"), text("2029-12"));
        CardData { holder_name: text("花子"), number, expiry }
    }

    #[test]
    fn a_card_opens_in_its_place_under_its_key_alone() {
        let mut random = ChaCha20Rng::from_seed([7; 32]);
        let (wrapped, sealed) = keys("a").seal("here", &card(), &mut random).unwrap();
        let open = |keys: &CardKeys, place, key: &str, wrapped: &str| {
            keys.open(place, (key, wrapped, &sealed))
        };
        assert_eq!(open(&keys("b"), "here", "a", &wrapped), Ok(card()));
        assert_eq!(open(&keys("a"), "there", "a", &wrapped), Err(KeyError::DoesNotOpen));
        assert_eq!(open(&keys("a"), "here", "b", &wrapped), Err(KeyError::DoesNotOpen));
        assert_eq!(open(&keys("a"), "here", "c", &wrapped), Err(KeyError::Missing));
        let again = keys("b").rewrap("here", ("a", &wrapped), &mut random).unwrap();
        assert_eq!(open(&keys("a"), "here", "b", &again), Ok(card()));
        assert_eq!(CardKeys::new("z", []).err(), Some(KeyError::Missing));
        assert!(!format!("{:?}{:?}", keys("a"), card()).contains("4111"));
    }
}
