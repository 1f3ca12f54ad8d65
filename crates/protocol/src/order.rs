//! The order: an SD-JWT (RFC 9901) in a strict profile. Each field stands at one fixed path and
//! holds exactly one digest, so that two parties cannot be told different values (row D2).

use crate::{
    encode::{Object, UniqueMap, b64, check_times, from_json, sha256, unb64},
    error::{AtFault, ProtocolError, Reason, Result},
    form::CheckedFormRef,
    jws::TokenType,
    value::FieldValue,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, FieldName, Identifier, OrderId, Role, UnixTime};
use zeroize::Zeroizing;

/// The token's type.
pub const ORDER: TokenType = TokenType { typ: "warifu-order+sd-jwt", word: "order" };

/// How long an order is good for, in seconds.
pub const ORDER_LIFETIME: u64 = 900;

/// As [`ORDER_LIFETIME`], for an order of a broker, in seconds: three days. Its provider may take a
/// day to accept it, and the card comes by another channel (row C8).
pub const BROKER_ORDER_LIFETIME: u64 = 3 * 86_400;

/// An array element that stands for a disclosure: `{"...": digest}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Object<Named>")]
pub struct Slot {
    /// The digest of the disclosure.
    #[serde(rename = "...")]
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(rename = "...")]
    digest: Digest,
}

impl From<Object<Named>> for Slot {
    fn from(Object(Named { digest }): Object<Named>) -> Slot {
        Slot { digest }
    }
}

/// The only hash that the profile allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SdAlg {
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
}

/// The claims of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderClaims {
    /// The holder.
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// The order's id.
    pub jti: OrderId,
    /// The hash of the form.
    pub form: Digest,
    /// Every party with a part.
    pub parties: UniqueMap<Role, Identifier>,
    /// One digest for each field of the rule.
    pub fields: UniqueMap<FieldName, [Slot; 1]>,
    /// The hash of each part's JWE.
    pub parts: UniqueMap<Role, Digest>,
    /// The digests' hash function.
    #[serde(rename = "_sd_alg")]
    pub sd_alg: SdAlg,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl OrderClaims {
    /// The digest of a field.
    pub fn digest(&self, field: &FieldName) -> Option<Digest> {
        self.fields.get(field).map(|[slot]| slot.digest)
    }

    /// Checks the claims against the holder's identifier, the form and the clock. Every fault here
    /// is the holder's, who signed them.
    pub fn check(
        &self,
        holder: &Identifier,
        form: CheckedFormRef<'_>,
        now: UnixTime,
    ) -> Result<()> {
        let refuse = |reason, field: String| Err(ProtocolError::holder(reason, field));
        let rule = &form.form.rule;
        if self.iss != *holder {
            return refuse(Reason::WrongParty, "order.iss".into());
        }
        if self.network != form.form.network {
            return refuse(Reason::WrongNetwork, "order.network".into());
        }
        if self.form != *form.hash {
            return refuse(Reason::Mismatch, "order.form".into());
        }
        let expected = rule.fields();
        if let Some(extra) = self.fields.keys().find(|field| !expected.contains(field)) {
            return refuse(Reason::OutsideRule, format!("order.fields.{extra}"));
        }
        if let Some(missing) = expected.iter().find(|field| !self.fields.contains_key(**field)) {
            return refuse(Reason::OutsideRule, format!("order.fields.{missing}"));
        }
        self.check_digests_differ()?;
        for (role, _) in rule.parts.iter() {
            if !self.parties.contains_key(role) {
                return refuse(Reason::OutsideRule, format!("order.parties.{role}"));
            }
            if !self.parts.contains_key(role) {
                return refuse(Reason::OutsideRule, format!("order.parts.{role}"));
            }
        }
        if self.parties.len() != rule.parts.len() || self.parts.len() != rule.parts.len() {
            return refuse(Reason::OutsideRule, "order.parties".into());
        }
        form.check_designations(&self.parties)?;
        // Recipients remember ids until the order expires, so it cannot be for ever.
        if self.exp > self.iat.plus(rule.order_lifetime()) {
            return refuse(Reason::BadValue, "order.exp".into());
        }
        check_times(self.iat, self.exp, now, AtFault::Role(Role::Holder), ORDER.word)
    }

    /// Refuses one digest for two fields.
    fn check_digests_differ(&self) -> Result<()> {
        let mut digests: Vec<_> =
            self.fields.iter().map(|(field, [slot])| (slot.digest, field)).collect();
        digests.sort_unstable();
        match digests.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(ProtocolError::holder(
                Reason::OutsideRule,
                format!("order.fields.{}", pair[1].1),
            )),
            None => Ok(()),
        }
    }
}

/// A salted value: base64url of the JSON array `[salt, value]`, as SD-JWT discloses array elements.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The encoded text, whose hash is the digest.
    pub text: Zeroizing<String>,
    /// Its digest.
    pub digest: Digest,
}

impl Disclosure {
    /// Salts a value with 128 bits.
    pub fn new(salt: &[u8; 16], value: &FieldValue) -> Disclosure {
        let json = Zeroizing::new(crate::encode::to_json(&(b64(salt), value)));
        let text = Zeroizing::new(b64(&json));
        let digest = sha256(text.as_bytes());
        Disclosure { text, digest }
    }

    /// Reads a disclosure's value. The caller has compared its digest.
    pub fn read(text: &str, field: &FieldName) -> Result<FieldValue> {
        let at_fault = AtFault::Role(Role::Holder);
        let json = Zeroizing::new(unb64(text, at_fault, "part.disclosures")?);
        let (salt, value): (String, FieldValue) = from_json(&json, at_fault, "part.disclosures")?;
        if unb64(&salt, at_fault, "part.disclosures")?.len() < 16 {
            return Err(ProtocolError::new(at_fault, Reason::BadValue, "part.disclosures.salt"));
        }
        value.check(field, at_fault)?;
        Ok(value)
    }
}
