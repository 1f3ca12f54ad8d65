//! Encryption at rest.
//!
//! A random *data key* is made with the store and stays for its life. It lies in the database,
//! encrypted under a key derived from the master key, so that a new key file only has this one
//! record written again. From the data key come, by HKDF-SHA-256, the key for documents
//! (AES-256-GCM-SIV, RFC 8452, which forgives a repeated nonce) and the key for hashes.

use crate::{MasterKey, OsEntropy};
use aes_gcm_siv::{
    Aes256GcmSiv, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use warifu_ports::Entropy;
use zeroize::Zeroizing;

const SALT: usize = 32;
const NONCE: usize = 12;
const WRAPPED: &[u8] = b"warifu store 1: data key";

type Key = Zeroizing<[u8; 32]>;

/// A ciphertext that does not open: another key, another place, or altered bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoesNotOpen;

/// The key that everything in a store depends on.
pub(crate) struct DataKey(Key);

impl DataKey {
    pub(crate) fn random() -> DataKey {
        let mut key = Zeroizing::new([0; 32]);
        OsEntropy.fill(&mut *key);
        DataKey(key)
    }

    /// Encrypted under the master key: salt, nonce, ciphertext.
    pub(crate) fn wrap(&self, master: &MasterKey) -> Result<Vec<u8>, DoesNotOpen> {
        let mut wrapped = vec![0; SALT];
        OsEntropy.fill(&mut wrapped);
        let cipher = wrapping(master, &wrapped);
        seal(&cipher, WRAPPED, &*self.0, &mut wrapped)?;
        Ok(wrapped)
    }

    pub(crate) fn unwrap(wrapped: &[u8], master: &MasterKey) -> Result<DataKey, DoesNotOpen> {
        let (salt, sealed) = wrapped.split_at_checked(SALT).ok_or(DoesNotOpen)?;
        let opened = open(&wrapping(master, salt), WRAPPED, sealed)?;
        let mut key = Zeroizing::new([0; 32]);
        if opened.len() != key.len() {
            return Err(DoesNotOpen);
        }
        key.copy_from_slice(&opened);
        Ok(DataKey(key))
    }
}

fn wrapping(master: &MasterKey, salt: &[u8]) -> Aes256GcmSiv {
    let key = derive(Some(salt), master.bytes(), &[b"warifu store 1: key encryption"]);
    Aes256GcmSiv::new((&*key).into())
}

/// Seals and opens the documents of one store.
pub(crate) struct Sealer {
    documents: Aes256GcmSiv,
    hashes: Key,
}

impl Sealer {
    pub(crate) fn new(data: &DataKey) -> Sealer {
        let documents = derive(None, &data.0, &[b"warifu store 1: documents"]);
        let hashes = derive(None, &data.0, &[b"warifu store 1: hashes"]);
        Sealer { documents: Aes256GcmSiv::new((&*documents).into()), hashes }
    }

    /// Nonce and ciphertext, bound to the document's place.
    pub(crate) fn seal(
        &self,
        collection: &str,
        key: &str,
        value: &[u8],
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let mut sealed = Vec::with_capacity(NONCE + value.len() + 16);
        seal(&self.documents, &place(collection, key), value, &mut sealed)?;
        Ok(sealed)
    }

    pub(crate) fn open(
        &self,
        collection: &str,
        key: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        open(&self.documents, &place(collection, key), sealed)
    }

    /// HMAC-SHA-256 under a key of its own for each purpose, in unpadded base64url.
    pub(crate) fn keyed_hash(&self, purpose: &str, value: &[u8]) -> String {
        let key = derive(None, &self.hashes, &[b"purpose: ", purpose.as_bytes()]);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*block(&key)).into());
        mac.update(value);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// HMAC takes a block of 64 bytes; a shorter key is padded with zeros (RFC 2104).
fn block(key: &Key) -> Zeroizing<[u8; 64]> {
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&**key);
    block
}

/// The collection's length keeps "ab" + "c" apart from "a" + "bc".
fn place(collection: &str, key: &str) -> Vec<u8> {
    let mut place = (collection.len() as u64).to_be_bytes().to_vec();
    place.extend_from_slice(collection.as_bytes());
    place.extend_from_slice(key.as_bytes());
    place
}

fn seal(
    cipher: &Aes256GcmSiv,
    aad: &[u8],
    value: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), DoesNotOpen> {
    let mut nonce = [0; NONCE];
    OsEntropy.fill(&mut nonce);
    let payload = Payload { msg: value, aad };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| DoesNotOpen)?;
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(())
}

fn open(
    cipher: &Aes256GcmSiv,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>().ok_or(DoesNotOpen)?;
    cipher
        .decrypt(&Nonce::from(*nonce), Payload { msg: ciphertext, aad })
        .map(Zeroizing::new)
        .map_err(|_| DoesNotOpen)
}

fn derive(salt: Option<&[u8]>, secret: &[u8; 32], info: &[&[u8]]) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    // The only error is an output of more than 8,160 bytes.
    let _ = Hkdf::<Sha256>::new(salt, secret).expand_multi_info(info, &mut *key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&DataKey(Zeroizing::new([1; 32])))
    }

    #[test]
    fn opens_only_in_its_place() {
        let sealed = sealer().seal("ab", "c", b"secret").unwrap();
        assert_eq!(sealer().open("ab", "c", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(sealer().open("a", "bc", &sealed), Err(DoesNotOpen));
        assert_eq!(sealer().open("ab", "d", &sealed), Err(DoesNotOpen));
        let other = Sealer::new(&DataKey(Zeroizing::new([2; 32])));
        assert_eq!(other.open("ab", "c", &sealed), Err(DoesNotOpen));
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let sealed = sealer().seal("a", "b", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(sealer().open("a", "b", &altered), Err(DoesNotOpen), "byte {at}");
        }
        assert_eq!(sealer().open("a", "b", &sealed[..NONCE]), Err(DoesNotOpen));
        assert_eq!(sealer().open("a", "b", &[]), Err(DoesNotOpen));
    }

    #[test]
    fn same_value_is_never_sealed_alike() {
        assert_ne!(sealer().seal("a", "b", b"x").unwrap(), sealer().seal("a", "b", b"x").unwrap());
    }

    #[test]
    fn data_key_needs_its_master_key() {
        let (right, wrong) = (MasterKey::from_bytes([3; 32]), MasterKey::from_bytes([4; 32]));
        let wrapped = DataKey(Zeroizing::new([1; 32])).wrap(&right).unwrap();
        assert_eq!(*DataKey::unwrap(&wrapped, &right).unwrap().0, [1; 32]);
        assert!(DataKey::unwrap(&wrapped, &wrong).is_err());
        assert!(DataKey::unwrap(&wrapped[..40], &right).is_err());
        assert!(!wrapped.windows(32).any(|bytes| bytes == [1; 32]));
    }

    #[test]
    fn hashes_are_those_of_rfc_2104_under_a_key_per_purpose() {
        let one = sealer().keyed_hash("card", b"4111");
        assert_eq!(one.len(), 43);
        assert_eq!(one, sealer().keyed_hash("card", b"4111"));
        assert_ne!(one, sealer().keyed_hash("card", b"4112"));
        assert_ne!(one, sealer().keyed_hash("mail", b"4111"));
        // The library's own way in, which pads by itself.
        let key = derive(None, &sealer().hashes, &[b"purpose: ", b"card"]);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&*key).unwrap();
        mac.update(b"4111");
        assert_eq!(one, URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    }
}
