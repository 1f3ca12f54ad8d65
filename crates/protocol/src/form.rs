//! The merchant's form: rule, designated parties, what is accepted, and no goods (row A5).

use crate::{
    credential::Credential,
    encode::{UniqueMap, check_times},
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    rule::Rule,
    signer::Signer,
    suite::Suite,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Currency, Digest, Identifier, Nonce, Role, UnixTime};

/// The token's type.
pub const FORM: TokenType = TokenType { typ: "warifu-form+jwt", word: "form" };

/// How the merchant designates a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Designation {
    /// By identifier.
    Identifier(Identifier),
    /// By a name that the center's directory resolves.
    Name(String),
    /// The holder chooses.
    Holder {},
}

/// What the merchant accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepts {
    /// Currencies.
    pub currencies: Vec<Currency>,
    /// The greatest number of instalments; 1 means one payment only.
    pub instalments: u32,
    /// Issuers; empty means any of the network.
    pub issuers: Vec<Identifier>,
    /// Suites for the merchant's own part.
    pub suites: Vec<Suite>,
}

/// The claims of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The merchant (or the door).
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// Makes the form unique.
    pub jti: Nonce,
    /// The disclosure rule.
    #[serde(deserialize_with = "crate::encode::object")]
    pub rule: Rule,
    /// Who takes each other part; the authorizer is usually left to the holder.
    pub parties: UniqueMap<Role, Designation>,
    /// What is accepted.
    #[serde(deserialize_with = "crate::encode::object")]
    pub accepts: Accepts,
    /// Whether the authorizer's part goes to it directly from the holder (claim 1), not through the
    /// front (claim 2).
    #[serde(default)]
    pub direct: bool,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl Form {
    /// Signs the form.
    pub fn sign(&self, merchant: &dyn Signer) -> String {
        jws::sign(FORM, self, merchant)
    }

    /// Checks claims that do not need the signature: network, issuer, role, rule, time.
    pub fn check(
        &self,
        network: &str,
        merchant: &Credential,
        now: UnixTime,
        at_fault: AtFault,
    ) -> Result<()> {
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if self.network != network {
            return refuse(Reason::WrongNetwork, "form.network");
        }
        if self.iss != merchant.sub {
            return refuse(Reason::WrongParty, "form.iss");
        }
        merchant.require_role(self.rule.front, at_fault)?;
        self.rule.check(at_fault)?;
        if self.parties.contains_key(&self.rule.front)
            || self
                .rule
                .parts
                .keys()
                .any(|role| *role != self.rule.front && !self.parties.contains_key(role))
            || self.parties.keys().any(|role| !self.rule.parts.contains_key(role))
        {
            return refuse(Reason::Mismatch, "form.parties");
        }
        check_times(self.iat, self.exp, now, at_fault, FORM.word)
    }
}

/// A form that was checked, beside the hash that orders name it by.
#[derive(Debug, Clone, Copy)]
pub struct CheckedFormRef<'a> {
    /// The claims.
    pub form: &'a Form,
    /// SHA-256 of the token.
    pub hash: &'a Digest,
}

impl CheckedFormRef<'_> {
    /// Refuses an order whose parties are not those that the form designates.
    pub fn check_designations(&self, parties: &UniqueMap<Role, Identifier>) -> Result<()> {
        let wrong = |role: Role| {
            Err(ProtocolError::holder(Reason::Mismatch, format!("order.parties.{role}")))
        };
        if parties.get(&self.form.rule.front) != Some(&self.form.iss) {
            return wrong(self.form.rule.front);
        }
        for (role, designation) in self.form.parties.iter() {
            let chosen = parties.get(role);
            if let Designation::Identifier(expected) = designation
                && chosen != Some(expected)
            {
                return wrong(*role);
            }
        }
        let issuers = &self.form.accepts.issuers;
        let authorizer = parties.get(&self.form.rule.authorizer);
        if !issuers.is_empty() && !authorizer.is_some_and(|chosen| issuers.contains(chosen)) {
            return wrong(self.form.rule.authorizer);
        }
        Ok(())
    }
}
