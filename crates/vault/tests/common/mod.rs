//! What the tests of the vault share.
#![allow(dead_code, reason = "each test binary uses its own share of this")]

use std::path::Path;
use warifu_protocol::{ChaCha20Rng, SeedableRng, signer::SigningKey};
use warifu_types::{Currency, Money, UnixTime};
use warifu_vault::{
    Cost, Entered, Entry, EntryKind, Password, Passwords, Vault, VaultAB, VaultError, signature_key,
};

pub const A: &str = "password of hanako";
pub const B: &str = "another for signing";
pub const NOW: UnixTime = UnixTime(1_790_000_000);

/// Reproducible entropy.
pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// Cheap enough to open a vault thousands of times.
pub fn cheap() -> Cost {
    Cost::new(64, 1, 1).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

pub fn two() -> Passwords {
    Passwords::two(password(A), password(B)).unwrap()
}

pub fn one() -> Passwords {
    Passwords::one(password(A)).unwrap()
}

pub fn key() -> SigningKey {
    signature_key(Entered::Text("花子"), &[9; 32])
}

pub fn create(path: &Path, passwords: &Passwords) -> VaultAB {
    Vault::at(path).create(passwords, cheap(), key(), &mut rng(1)).unwrap()
}

pub fn entry(goods: &str) -> Entry {
    Entry {
        at: NOW,
        kind: EntryKind::Purchase,
        party: "tea.example".to_string(),
        goods: goods.to_string(),
        amount: Some(Money::new(1980, Currency::JPY).unwrap()),
        reference: None,
    }
}

pub fn goods(history: &[Entry]) -> Vec<String> {
    history.iter().map(|entry| entry.goods.clone()).collect()
}

/// The one error of passwords and damage.
pub fn is_wrong<T>(result: Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::WrongPassword))
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
