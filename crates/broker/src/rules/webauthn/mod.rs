//! Passkeys by Web Authentication (W3C, Level 3): what a relying party checks of what a browser hands
//! over, when a passkey is made (section 7.1) and when somebody comes in with it (section 7.2).
//!
//! No attestation is asked for: a broker does not care who built an authenticator. The user has to be
//! verified (PIN, finger, face) each time, since a passkey stands in place of number *and* password.

mod authenticator_data;
mod cbor;
mod client_data;
mod key;
mod site;
#[cfg(test)]
mod tests;

pub use key::{ALGORITHMS, Key};
pub use site::Site;

use authenticator_data::AuthenticatorData;
use client_data::Kind;
use thiserror::Error;

/// The longest id of a passkey, in bytes (section 4, *credential ID*).
pub const LONGEST_ID: usize = 1_023;

/// What is wrong with what a browser handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// `clientDataJSON` is not the JSON object that browsers write.
    #[error("clientDataJSON is not what browsers write")]
    ClientData,
    /// It was made for the other ceremony.
    #[error("made for another purpose")]
    Purpose,
    /// It answers another challenge.
    #[error("another challenge is answered")]
    Challenge,
    /// It was made on another site's page.
    #[error("made for another site")]
    Origin,
    /// It was made on this site's page within another site's.
    #[error("made within another site's page")]
    Framed,
    /// The authenticator's data does not have the form of section 6.1.
    #[error("the authenticator's data is malformed")]
    AuthenticatorData,
    /// The authenticator made it for another relying party.
    #[error("the authenticator made it for another site")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody was present at the authenticator")]
    NotPresent,
    /// The authenticator did not verify who was there.
    #[error("the authenticator did not verify the user")]
    NotVerified,
    /// The attestation object is malformed, or an attestation that was not asked for.
    #[error("an attestation object without attestation")]
    Attestation,
    /// The public key is none, or of an algorithm that was not offered.
    #[error("not a public key of an algorithm that was offered")]
    Key,
    /// The signature is not the passkey's.
    #[error("the signature is not this passkey's")]
    Signature,
    /// The sign counter has not gone up: there may be two of this authenticator.
    #[error("the sign counter has not gone up")]
    Counter,
}

impl Fault {
    /// The field that is at fault, as Web Authentication calls it.
    pub fn field(self) -> &'static str {
        match self {
            Fault::ClientData => "clientDataJSON",
            Fault::Purpose => "clientDataJSON.type",
            Fault::Challenge => "clientDataJSON.challenge",
            Fault::Origin => "clientDataJSON.origin",
            Fault::Framed => "clientDataJSON.crossOrigin",
            Fault::AuthenticatorData => "authenticatorData",
            Fault::RelyingParty => "authenticatorData.rpIdHash",
            Fault::NotPresent | Fault::NotVerified => "authenticatorData.flags",
            Fault::Attestation => "attestationObject",
            Fault::Key => "credentialPublicKey",
            Fault::Signature => "signature",
            Fault::Counter => "authenticatorData.signCount",
        }
    }
}

/// A passkey that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its id (*credential ID*), 1 to 1,023 bytes.
    pub id: Vec<u8>,
    /// Its public key.
    pub key: Key,
    /// Its sign counter.
    pub counter: u32,
}

/// What a browser hands over when somebody comes in with a passkey.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// `clientDataJSON`, as it was signed.
    pub client_data: &'a [u8],
    /// `authenticatorData`, as it was signed.
    pub authenticator_data: &'a [u8],
    /// The signature over both.
    pub signature: &'a [u8],
}

/// Reads a new passkey (section 7.1), made on this site in answer to this challenge (base64url).
pub fn made(
    site: &Site,
    challenge: &str,
    client_data: &[u8],
    attestation_object: &[u8],
) -> Result<NewPasskey, Fault> {
    client_data::check(client_data, Kind::Create, challenge, site)?;
    let data = cbor::unattested(attestation_object)?;
    let AuthenticatorData { counter, passkey } = AuthenticatorData::read(&data, site)?;
    let (id, key) = passkey.ok_or(Fault::AuthenticatorData)?;
    Ok(NewPasskey { id, key, counter })
}

/// Checks an assertion (section 7.2), made on this site in answer to this challenge (base64url), against
/// the passkey's key. Returns the sign counter that it shows.
pub fn asserted(
    site: &Site,
    challenge: &str,
    key: &Key,
    assertion: &Assertion<'_>,
) -> Result<u32, Fault> {
    let hash = client_data::check(assertion.client_data, Kind::Get, challenge, site)?;
    let data = AuthenticatorData::read(assertion.authenticator_data, site)?;
    let signed = [assertion.authenticator_data, &hash.0].concat();
    key.verify(&signed, assertion.signature)?;
    Ok(data.counter)
}

/// Refuses a sign counter that has not gone up, unless the authenticator has none and always shows 0
/// (section 6.1.1).
pub fn check_counter(kept: u32, shown: u32) -> Result<(), Fault> {
    if shown > kept || (kept == 0 && shown == 0) { Ok(()) } else { Err(Fault::Counter) }
}
