//! The holder's own receipt: everything that a later dispute needs, verifiable offline and after
//! keys have changed, since it carries the credentials that were valid then (row D3).

use crate::{
    credential::Credential,
    encode::{UniqueMap, sha256},
    error::{AtFault, ProtocolError, Reason, Result},
    order::Disclosure,
    sealed::{self, Sealed, SealedOrder},
    status::Status,
    terminal::Terminal,
    value::FieldValue,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use warifu_types::{FieldName, UnixTime};

/// A receipt. It opens every field, so it is kept encrypted and shown to nobody whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The sealed order as it was sent.
    pub sealed: SealedOrder,
    /// Every field's disclosure.
    pub disclosures: UniqueMap<FieldName, String>,
    /// The merchant's quote, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The front's credential at the time.
    pub front_credential: String,
    /// The front's last status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(…)")
    }
}

/// What a verified receipt says.
#[derive(Debug)]
pub struct Verified {
    /// Every field's value.
    pub fields: BTreeMap<FieldName, FieldValue>,
    /// The front's last word, if it gave one.
    pub status: Option<Status>,
}

impl Receipt {
    /// The receipt of an order that was just sealed.
    pub fn new(sealed: &Sealed, quote: Option<String>, front_credential: String) -> Receipt {
        Receipt {
            sealed: sealed.bundle.clone(),
            disclosures: sealed
                .disclosures
                .iter()
                .map(|(field, disclosure)| (field.clone(), disclosure.text.to_string()))
                .collect(),
            quote,
            front_credential,
            status: None,
        }
    }

    /// Verifies order, form, credentials, disclosures and status as of `at`, a time at which they
    /// were valid (the order's own, say).
    pub fn verify(&self, terminal: &Terminal, at: UnixTime) -> Result<Verified> {
        let front: std::sync::Arc<Credential> =
            terminal.trust.credential(&self.front_credential, at, AtFault::Sender)?;
        let checked = sealed::check(terminal, &self.sealed, &front, at)?;
        let mut fields = BTreeMap::new();
        for field in checked.claims.fields.keys() {
            let wrong = || ProtocolError::sender(Reason::WrongDigest, format!("fields.{field}"));
            let text = self.disclosures.get(field).ok_or_else(wrong)?;
            if checked.claims.digest(field) != Some(sha256(text.as_bytes())) {
                return Err(wrong());
            }
            fields.insert(field.clone(), Disclosure::read(text, field)?);
        }
        let at_fault = AtFault::Role(checked.form.form.rule.front);
        let status = match &self.status {
            Some(token) => Some(Status::verify(
                token,
                &front,
                &checked.claims.iss,
                &checked.identity,
                at_fault,
            )?),
            None => None,
        };
        Ok(Verified { fields, status })
    }

    /// The order as a full SD-JWT (RFC 9901): `<JWS>~<disclosure>~…~`, for other libraries.
    pub fn presentation(&self) -> String {
        presentation(&self.sealed.order, self.disclosures.values().map(String::as_str))
    }
}

/// An SD-JWT of the order with some disclosures.
pub fn presentation<'a>(order: &str, disclosures: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = format!("{order}~");
    for disclosure in disclosures {
        text.push_str(disclosure);
        text.push('~');
    }
    text
}
