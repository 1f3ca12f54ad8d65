//! What the authenticator says (section 6.1): hash of the site's name (32 bytes), flags (1), sign
//! counter (4, big-endian); for a new passkey then AAGUID (16), length of the id (2), id, public key;
//! and extensions, if any.

use super::{Fault, Key, LONGEST_ID, Site, cbor};
use warifu_protocol::encode::sha256;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const MAY_BE_BACKED_UP: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_PASSKEY: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Id and public key of a new passkey.
type IdAndKey = (Vec<u8>, Key);

/// What is left once site and flags are checked.
pub(super) struct AuthenticatorData {
    pub counter: u32,
    pub passkey: Option<IdAndKey>,
}

impl AuthenticatorData {
    /// Reads it: for this site, with a user who was present and verified, and nothing after it.
    pub fn read(bytes: &[u8], site: &Site) -> Result<AuthenticatorData, Fault> {
        let (site_hash, rest) = split::<32>(bytes)?;
        let (&[flags], rest) = split::<1>(rest)?;
        let (counter, rest) = split::<4>(rest)?;
        if *site_hash != sha256(site.id.as_bytes()).0 {
            return Err(Fault::RelyingParty);
        }
        if flags & USER_PRESENT == 0 {
            return Err(Fault::NotPresent);
        }
        if flags & USER_VERIFIED == 0 {
            return Err(Fault::NotVerified);
        }
        // A copy of what cannot be copied: the authenticator contradicts itself.
        if flags & BACKED_UP != 0 && flags & MAY_BE_BACKED_UP == 0 {
            return Err(Fault::AuthenticatorData);
        }
        let (passkey, rest) = match flags & HAS_PASSKEY {
            0 => (None, rest),
            _ => passkey(rest).map(|(passkey, rest)| (Some(passkey), rest))?,
        };
        let rest = match flags & HAS_EXTENSIONS {
            0 => rest,
            _ => cbor::map(rest).map(|(_, rest)| rest).ok_or(Fault::AuthenticatorData)?,
        };
        if !rest.is_empty() {
            return Err(Fault::AuthenticatorData);
        }
        Ok(AuthenticatorData { counter: u32::from_be_bytes(*counter), passkey })
    }
}

/// The attested credential data (section 6.5.1), and what follows it.
fn passkey(bytes: &[u8]) -> Result<(IdAndKey, &[u8]), Fault> {
    let (_aaguid, rest) = split::<16>(bytes)?;
    let (length, rest) = split::<2>(rest)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > LONGEST_ID {
        return Err(Fault::AuthenticatorData);
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(Fault::AuthenticatorData)?;
    let (key, rest) = Key::read(rest)?;
    Ok(((id.to_vec(), key), rest))
}

fn split<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), Fault> {
    bytes.split_first_chunk().ok_or(Fault::AuthenticatorData)
}
