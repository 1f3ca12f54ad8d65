//! What is kept of passkeys: nothing that lets anybody in.

use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, Unit};
use warifu_types::UnixTime;

/// A member's passkeys, by membership number.
pub(super) const PASSKEYS: Collection<Vec<PasskeyRecord>> = Collection::new("broker_passkeys");
/// Whose a passkey is, by its handle.
pub(super) const OWNERS: Collection<String> = Collection::new("broker_passkey_owners");
/// Challenges that were answered, by the end of their time, for as long as it lasts.
pub(super) const SPENT: Collection<bool> = Collection::new("broker_spent_challenges");

/// A passkey.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyRecord {
    /// What pages call it.
    pub handle: String,
    /// The authenticator's id of it, in base64url.
    pub id: String,
    /// The public key as COSE has it, in base64url.
    pub key: String,
    /// The sign counter that it last showed.
    pub counter: u32,
    /// What the member calls it.
    pub name: String,
    pub made: UnixTime,
    pub used: Option<UnixTime>,
}

/// The handle of a passkey with this id.
pub(super) fn handle(unit: &mut dyn Unit, id: &[u8]) -> String {
    unit.keyed_hash("broker passkey", id)
}

/// What authenticators know a member by (*user handle*): it says nothing of who that is.
pub(super) fn user_handle(unit: &mut dyn Unit, member: &str) -> String {
    unit.keyed_hash("broker passkey user", member.as_bytes())
}
