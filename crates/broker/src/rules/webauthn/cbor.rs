//! CBOR (RFC 8949), as far as authenticators write it.

use super::Fault;
use ciborium::{Value, de::from_reader_with_recursion_limit};

/// Maps within maps; what authenticators write has two or three levels.
const DEPTH: usize = 8;

/// The members of a map, each taken once.
pub(super) struct Members(Vec<(Value, Value)>);

impl Members {
    /// Takes a member out; none if it is not there.
    pub fn take(&mut self, name: impl Into<Value>) -> Option<Value> {
        let name = name.into();
        let at = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Whether all were taken: none is unknown, and none was there twice.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads one map, and returns what follows it; none for anything else.
pub(super) fn map(bytes: &[u8]) -> Option<(Members, &[u8])> {
    let mut rest = bytes;
    let value: Value = from_reader_with_recursion_limit(&mut rest, DEPTH).ok()?;
    let members = value.into_map().ok()?;
    Some((Members(members), rest))
}

/// The authenticator's data from an attestation object (section 6.5.4) in the format `none`
/// (section 8.7). Others are refused: nobody asked for them, and nobody would check them.
pub(super) fn unattested(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let read = || {
        let (mut members, rest) = map(bytes)?;
        let format = members.take("fmt")?.into_text().ok()?;
        let statement = members.take("attStmt")?.into_map().ok()?;
        let data = members.take("authData")?.into_bytes().ok()?;
        let whole = members.is_empty() && rest.is_empty();
        (whole && format == "none" && statement.is_empty()).then_some(data)
    };
    read().ok_or(Fault::Attestation)
}
