//! What a page's script hands to `navigator.credentials` (sections 5.4 and 5.5 of Web Authentication,
//! in the JSON form of Level 3: bytes are unpadded base64url).

use super::challenges::LIFETIME;
use crate::rules::webauthn::{ALGORITHMS, Site};
use serde::Serialize;

/// How long the browser waits for the user, in milliseconds: as long as the challenge lasts.
const TIMEOUT: u64 = LIFETIME * 1_000;

/// For `navigator.credentials.get`: any passkey of this site, with its user verified.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    challenge: String,
    rp_id: String,
    timeout: u64,
    user_verification: &'static str,
}

impl RequestOptions {
    pub(super) fn new(site: Site, challenge: String) -> RequestOptions {
        RequestOptions {
            challenge,
            rp_id: site.id,
            timeout: TIMEOUT,
            user_verification: "required",
        }
    }
}

/// For `navigator.credentials.create`: a discoverable passkey, with its user verified, and without
/// attestation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    challenge: String,
    rp: RelyingParty,
    user: User,
    pub_key_cred_params: Vec<Parameter>,
    timeout: u64,
    attestation: &'static str,
    authenticator_selection: Selection,
    exclude_credentials: Vec<Descriptor>,
}

#[derive(Debug, Clone, Serialize)]
struct RelyingParty {
    id: String,
    name: String,
}

/// Whose the passkey is, as the browser's list shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub id: String,
    /// The membership number.
    pub name: String,
    pub display_name: String,
}

#[derive(Debug, Clone, Serialize)]
struct Parameter {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    /// As Level 1 asks for the same.
    require_resident_key: bool,
    user_verification: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

const PUBLIC_KEY: &str = "public-key";

impl CreationOptions {
    /// `known` are the ids of the member's passkeys: an authenticator makes no second one.
    pub(super) fn new(site: Site, challenge: String, user: User, known: Vec<String>) -> Self {
        CreationOptions {
            challenge,
            rp: RelyingParty { name: site.id.clone(), id: site.id },
            user,
            pub_key_cred_params: ALGORITHMS.map(|alg| Parameter { kind: PUBLIC_KEY, alg }).to_vec(),
            timeout: TIMEOUT,
            attestation: "none",
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification: "required",
            },
            exclude_credentials: known
                .into_iter()
                .map(|id| Descriptor { kind: PUBLIC_KEY, id })
                .collect(),
        }
    }
}
