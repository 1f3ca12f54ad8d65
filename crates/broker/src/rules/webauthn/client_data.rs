//! What the browser says about the page (section 5.8.1).

use super::{Fault, Site};
use serde::Deserialize;
use warifu_protocol::{
    AtFault,
    encode::{from_json_object, sha256},
};
use warifu_types::Digest;

/// Which ceremony it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A passkey was made.
    Create,
    /// Somebody came in with one.
    Get,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Create => "webauthn.create",
            Kind::Get => "webauthn.get",
        }
    }
}

/// The members that are checked; browsers may add others.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    /// Only there where a page stands within another site's.
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// Checks what was made on which page in answer to what. Returns the hash that is signed.
pub(super) fn check(
    bytes: &[u8],
    kind: Kind,
    challenge: &str,
    site: &Site,
) -> Result<Digest, Fault> {
    let data: ClientData = from_json_object(bytes, AtFault::Sender, "clientDataJSON")
        .map_err(|_| Fault::ClientData)?;
    if data.kind != kind.as_str() {
        return Err(Fault::Purpose);
    }
    // Both are unpadded base64url of the same bytes, or differ.
    if data.challenge != challenge {
        return Err(Fault::Challenge);
    }
    if data.origin != site.origin {
        return Err(Fault::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Fault::Framed);
    }
    Ok(sha256(bytes))
}
