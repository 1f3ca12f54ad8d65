//! The registers: applications, members, letters, keys (rows B1 to B3). The store encrypts the
//! documents; their keys are numbers, identifiers and key ids.

use serde::{Deserialize, Serialize};
use warifu_ports::{Collection, StoreError, Unit};
use warifu_protocol::{
    joining::{Application, MemberKind},
    signer::VerifyingKey,
    telegram::Profile,
};
use warifu_types::{Digest, Identifier, UnixTime};

/// Application forms that were handed out, by their number.
pub(crate) const FORMS: Collection<FormRecord> = Collection::new("center_application_forms");
/// Applications, by the form's number.
pub(crate) const APPLICATIONS: Collection<ApplicationRecord> =
    Collection::new("center_applications");
/// Members and stores, by their number.
pub(crate) const MEMBERSHIPS: Collection<Membership> = Collection::new("center_memberships");
/// Numbers of members and stores, by identifier.
pub(crate) const NUMBERS: Collection<String> = Collection::new("center_numbers");
/// Letters, by number.
pub(crate) const LETTERS: Collection<LetterRecord> = Collection::new("center_letters");
/// Every verification key that a member has had, by identifier and key id: kept for evidence.
pub(crate) const KEYS: Collection<KeyRecord> = Collection::new("center_member_keys");
/// The terms, under `own`.
pub(crate) const TERMS: Collection<TermsRecord> = Collection::new("center_terms");

/// A form that was handed out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormRecord {
    pub kind: MemberKind,
    pub until: UnixTime,
}

/// What has become of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ApplicationState {
    /// The operator has not decided.
    Waiting {},
    /// Approved: the number that was given.
    Approved {
        /// The membership or store number.
        number: String,
    },
    /// Rejected.
    Rejected {},
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationRecord {
    pub application: Application,
    pub at: UnixTime,
    pub state: ApplicationState,
}

/// A member or a store, from the operator's approval on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    pub number: String,
    pub kind: MemberKind,
    /// As applied for; as registered, after that.
    pub profile: Profile,
    pub language: String,
    /// Under whom the member is registered; none before.
    pub identifier: Option<Identifier>,
    /// The id of the key that verifies; none before registration and after revocation.
    pub key: Option<String>,
    pub approved: UnixTime,
    pub registered: Option<UnixTime>,
}

/// The letter of a number. Its code is kept as a keyed hash only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterRecord {
    pub code: String,
    /// The hash of the terms that it brings.
    pub terms: Digest,
    pub at: UnixTime,
    /// Telegrams that came with a wrong code.
    pub tries: Vec<Digest>,
    /// The key that was registered with it.
    pub used: Option<String>,
}

/// Why a key no longer verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// The member changed it.
    Replaced,
    /// The operator revoked it.
    Revoked,
}

/// A member's verification key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRecord {
    pub key: VerifyingKey,
    pub from: UnixTime,
    pub ended: Option<(Ended, UnixTime)>,
}

/// The terms that letters bring.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsRecord {
    pub member: String,
    pub merchant: String,
}

/// Where a key lies. A key's id has 12 characters and no slash.
pub(crate) fn key_place(member: &Identifier, key: &str) -> String {
    format!("{member}/{key}")
}

/// Ends a key that is in force.
pub(crate) fn end_key(
    unit: &mut dyn Unit,
    member: &Identifier,
    key: &str,
    (why, at): (Ended, UnixTime),
) -> Result<(), StoreError> {
    let place = key_place(member, key);
    if let Some(mut record) = KEYS.get(unit, &place)? {
        record.ended = Some((why, at));
        KEYS.put(unit, &place, &record)?;
    }
    Ok(())
}

/// The member that is registered under an identifier.
pub(crate) fn membership_of(
    unit: &mut dyn Unit,
    member: &Identifier,
) -> Result<Option<Membership>, StoreError> {
    let Some(number) = NUMBERS.get(unit, member.as_str())? else { return Ok(None) };
    MEMBERSHIPS.get(unit, &number)
}
