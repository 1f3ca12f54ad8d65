//! The merchant asks the carrier to deliver, and the carrier says what it did (rows A12, A13).

use crate::{
    authorization::{Authorization, Decision},
    credential::Credential,
    encode::check_times,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    sealed::OpenedOrder,
    signer::Signer,
    trust::Trust,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, Role, UnixTime};

/// The type of a delivery request.
pub const DELIVERY_REQUEST: TokenType =
    TokenType { typ: "warifu-delivery-request+jwt", word: "delivery_request" };
/// The type of a delivery receipt.
pub const DELIVERY: TokenType = TokenType { typ: "warifu-delivery+jwt", word: "delivery" };

/// The claims of a delivery request. The destination is not here: the carrier takes it from its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRequest {
    /// The merchant.
    pub iss: Identifier,
    /// The carrier (or another party that the order names, as a notice).
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// The issuer's authorization.
    pub authorization: String,
    /// The issuer's credential.
    pub issuer_credential: String,
    /// The merchant's instructions, such as "keep upright".
    pub instructions: String,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl DeliveryRequest {
    /// Signs the request.
    pub fn sign(&self, merchant: &dyn Signer) -> String {
        jws::sign(DELIVERY_REQUEST, self, merchant)
    }

    /// Verifies a request and the authorization in it against the order that this party opened.
    pub fn verify(
        token: &str,
        trust: &Trust,
        front: &Credential,
        own: &Identifier,
        opened: &OpenedOrder,
        now: UnixTime,
    ) -> Result<DeliveryRequest> {
        let rule = &opened.form.form.rule;
        let at_fault = AtFault::Role(rule.front);
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        let request: DeliveryRequest = jws::verify(DELIVERY_REQUEST, token, &front.key, at_fault)?;
        if request.iss != front.sub || opened.claims.parties.get(&rule.front) != Some(&front.sub) {
            return refuse(Reason::WrongParty, "delivery_request.iss");
        }
        if request.aud != *own {
            return refuse(Reason::WrongParty, "delivery_request.aud");
        }
        if request.order != opened.identity {
            return refuse(Reason::Mismatch, "delivery_request.order");
        }
        if request.instructions.len() > 1024 {
            return refuse(Reason::TooLarge, "delivery_request.instructions");
        }
        check_times(request.iat, request.exp, now, at_fault, DELIVERY_REQUEST.word)?;
        let issuer = trust.credential(&request.issuer_credential, now, at_fault)?;
        if opened.claims.parties.get(&rule.authorizer) != Some(&issuer.sub) {
            return refuse(Reason::WrongParty, "delivery_request.issuer_credential");
        }
        issuer.require_role(rule.authorizer, at_fault)?;
        let authorization = Authorization::verify(
            &request.authorization,
            (rule.authorizer, &issuer),
            &front.sub,
            &opened.identity,
            now,
        )?;
        if authorization.decision != Decision::Authorized {
            return refuse(Reason::Mismatch, "delivery_request.authorization.decision");
        }
        Ok(request)
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Taken on.
    Accepted,
    /// Handed over.
    Delivered,
}

/// The claims of a delivery receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The carrier.
    pub iss: Identifier,
    /// The merchant.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// How far it has come.
    pub state: DeliveryState,
    /// Issued at.
    pub iat: UnixTime,
}

impl Delivery {
    /// Signs the receipt.
    pub fn sign(&self, carrier: &dyn Signer) -> String {
        jws::sign(DELIVERY, self, carrier)
    }

    /// Verifies a receipt of `order` by `carrier` for `merchant`.
    pub fn verify(
        token: &str,
        carrier: &Credential,
        merchant: &Identifier,
        order: &Digest,
    ) -> Result<Delivery> {
        let at_fault = AtFault::Role(Role::Carrier);
        let delivery: Delivery = jws::verify(DELIVERY, token, &carrier.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if delivery.iss != carrier.sub {
            return refuse(Reason::WrongParty, "delivery.iss");
        }
        if delivery.aud != *merchant {
            return refuse(Reason::WrongParty, "delivery.aud");
        }
        if delivery.order != *order {
            return refuse(Reason::Mismatch, "delivery.order");
        }
        Ok(delivery)
    }
}
