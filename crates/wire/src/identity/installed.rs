//! A party's keys made in one store, and put into another that runs with them: a merchant's are made
//! in its vault, and its service has them under a key file (docs/adr/0010).

use super::{IDENTITY, Identity, IdentityError, KEY, SHARES, StoredShare};
use warifu_ports::Unit;

/// Everything that a party has of its own: keys, credential, shares. It is zeroized on drop.
pub struct Whole {
    identity: Identity,
    shares: Vec<(String, StoredShare)>,
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Whole({:?})", self.identity)
    }
}

/// Takes a copy of what an enrolled party has.
pub fn whole(unit: &mut dyn Unit) -> Result<Whole, IdentityError> {
    let identity = IDENTITY.get(unit, KEY)?.ok_or(IdentityError::Absent)?;
    if identity.enrolled.is_none() {
        return Err(IdentityError::NotEnrolled);
    }
    Ok(Whole { identity, shares: SHARES.all(unit)? })
}

/// Puts it into a store that has none of it, or another key of the same party; a running service
/// takes that up. Where the same key is in force, nothing changes: that store may have renewed
/// credential and shares since. Returns whether anything was put.
pub fn install(unit: &mut dyn Unit, whole: Whole) -> Result<bool, IdentityError> {
    let Whole { mut identity, shares } = whole;
    if let Some(known) = IDENTITY.get(unit, KEY)? {
        if known.sub != identity.sub || known.roles != identity.roles {
            return Err(IdentityError::Exists);
        }
        if known.signing_seed == identity.signing_seed && known.enrolled.is_some() {
            return Ok(false);
        }
        identity.changes = identity.changes.max(known.changes) + 1;
    }
    for (key, _) in SHARES.all(unit)? {
        SHARES.delete(unit, &key)?;
    }
    for (key, share) in &shares {
        SHARES.put(unit, key, share)?;
    }
    IDENTITY.put(unit, KEY, &identity)?;
    Ok(true)
}
