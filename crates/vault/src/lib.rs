//! The terminal's file under two passwords (rows B4, B5, B6, B14), for holders and merchants.
//!
//! Password A opens the history and what is not money; password B within A opens the signature
//! key, shares, waiting payment telegrams and prepaid cards. In one-password mode A opens both.
//! `docs/vault.md` specifies the bytes and says what the vault protects and what not.
//!
//! - [`Vault`] is closed: it knows its file, and its [`Header`] is what anyone can see.
//! - [`VaultA`] is open under A: history can be shown and added; B's layer stays sealed.
//! - [`VaultAB`] is open under both, and is a [`warifu_protocol::signer::Signer`].
//!
//! Whatever is changed is durable when the call returns, and two programs on one file lose nothing
//! of each other's. There is no way back from a forgotten password. Time and entropy are arguments.

mod backup;
mod change;
mod contents;
mod cost;
mod documents;
mod error;
mod file;
mod header;
mod history;
mod keys;
mod open;
mod password;
mod seed;
mod signing;
mod state;
mod vault;

pub use backup::{Existing, Restoration, restore};
pub use change::Change;
#[doc(hidden)]
pub use contents::is_layer;
pub use contents::{BoxA, BoxB};
pub use cost::Cost;
pub use documents::Documents;
pub use error::{Fault, VaultError};
pub use file::MAX_FILE;
pub use header::{Header, Mode, inspect};
pub use history::{Entry, EntryKind};
pub use open::VaultA;
pub use password::{Password, Passwords};
pub use seed::{Entered, Point, signature_key, verification_key};
pub use signing::VaultAB;
pub use state::{LockOut, Restored};
pub use vault::Vault;
