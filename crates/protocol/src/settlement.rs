//! Capture and void: the merchant claims what was held, or lets it go.

pub mod standing;

use crate::{
    credential::Credential,
    encode::check_times,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType, Unsigned},
    signer::Signer,
};
use serde::{Deserialize, Deserializer, Serialize};
use warifu_types::{Digest, Identifier, Money, Nonce, Role, UnixTime};

/// The type of a request.
pub const SETTLEMENT_REQUEST: TokenType =
    TokenType { typ: "warifu-settlement-request+jwt", word: "settlement_request" };
/// The type of an answer.
pub const SETTLEMENT: TokenType = TokenType { typ: "warifu-settlement+jwt", word: "settlement" };

/// What is to be done with the held amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Pay it to the merchant.
    Capture,
    /// Release it.
    Void,
}

/// The claims of a settlement request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRequest {
    /// The merchant.
    pub iss: Identifier,
    /// The issuer.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// The authorization's id.
    pub authorization: Nonce,
    /// Capture or void.
    pub action: Action,
    /// How much to capture, above zero and at most what is held; the rest is released. All of it
    /// unless said otherwise; none with a void.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "partial")]
    pub amount: Option<Money>,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

/// An amount that stands as an object, or not at all.
fn partial<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Money>, D::Error> {
    crate::encode::object(d).map(Some)
}

impl SettlementRequest {
    /// Signs the request.
    pub fn sign(&self, merchant: &dyn Signer) -> String {
        jws::sign(SETTLEMENT_REQUEST, self, merchant)
    }

    /// Verifies a request of `front` to `own`.
    pub fn verify(
        token: &str,
        front: &Credential,
        own: &Identifier,
        now: UnixTime,
    ) -> Result<SettlementRequest> {
        let at_fault = AtFault::Role(Role::Merchant);
        let request: SettlementRequest =
            jws::verify(SETTLEMENT_REQUEST, token, &front.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if request.iss != front.sub {
            return refuse(Reason::WrongParty, "settlement_request.iss");
        }
        if request.aud != *own {
            return refuse(Reason::WrongParty, "settlement_request.aud");
        }
        let partial = |amount: Money| request.action == Action::Capture && amount.minor() > 0;
        if !request.amount.is_none_or(partial) {
            return refuse(Reason::BadValue, "settlement_request.amount");
        }
        check_times(request.iat, request.exp, now, at_fault, SETTLEMENT_REQUEST.word)?;
        Ok(request)
    }
}

/// The claims of a settlement: what the issuer has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// The issuer.
    pub iss: Identifier,
    /// The merchant.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// What was done.
    pub action: Action,
    /// Issued at.
    pub iat: UnixTime,
}

impl Settlement {
    /// Signs the settlement.
    pub fn sign(&self, issuer: &dyn Signer) -> String {
        self.unsigned().sign(issuer)
    }

    /// The settlement, to be signed when it is given out.
    pub fn unsigned(&self) -> Unsigned {
        Unsigned::new(SETTLEMENT, self)
    }

    /// Verifies a settlement of `order` by `issuer` for `merchant`.
    pub fn verify(
        token: &str,
        issuer: &Credential,
        merchant: &Identifier,
        order: &Digest,
        action: Action,
    ) -> Result<Settlement> {
        let at_fault = AtFault::Role(Role::Issuer);
        let settlement: Settlement = jws::verify(SETTLEMENT, token, &issuer.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if settlement.iss != issuer.sub {
            return refuse(Reason::WrongParty, "settlement.iss");
        }
        if settlement.aud != *merchant {
            return refuse(Reason::WrongParty, "settlement.aud");
        }
        if settlement.order != *order {
            return refuse(Reason::Mismatch, "settlement.order");
        }
        if settlement.action != action {
            return refuse(Reason::Mismatch, "settlement.action");
        }
        Ok(settlement)
    }
}
