//! Goods that are used in real time (row B10): the merchant tells the center how far the use has
//! come, and the center confirms it.

use crate::{
    credential::Credential,
    encode::check_times,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    signer::Signer,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, Money, Role, UnixTime};

/// The type of a request.
pub const METER_REQUEST: TokenType =
    TokenType { typ: "warifu-meter-request+jwt", word: "meter_request" };
/// The type of an answer.
pub const METER: TokenType = TokenType { typ: "warifu-meter+jwt", word: "meter" };

/// The claims of a request: how much of the held amount is used so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterRequest {
    /// The merchant.
    pub iss: Identifier,
    /// The center.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// How many ticks were begun so far, from 1. A later request has a greater number.
    pub tick: u32,
    /// What all of them cost together: at most what is held.
    #[serde(deserialize_with = "crate::encode::object")]
    pub amount: Money,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at.
    pub exp: UnixTime,
}

impl MeterRequest {
    /// Signs the request.
    pub fn sign(&self, merchant: &dyn Signer) -> String {
        jws::sign(METER_REQUEST, self, merchant)
    }

    /// Verifies a request of `front` to `own`. The caller compares order and amount with what it
    /// holds.
    pub fn verify(
        token: &str,
        front: &Credential,
        own: &Identifier,
        now: UnixTime,
    ) -> Result<MeterRequest> {
        let at_fault = AtFault::Role(Role::Merchant);
        let request: MeterRequest = jws::verify(METER_REQUEST, token, &front.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if request.iss != front.sub {
            return refuse(Reason::WrongParty, "meter_request.iss");
        }
        if request.aud != *own {
            return refuse(Reason::WrongParty, "meter_request.aud");
        }
        if request.tick == 0 {
            return refuse(Reason::BadValue, "meter_request.tick");
        }
        if request.amount.minor() == 0 {
            return refuse(Reason::BadValue, "meter_request.amount");
        }
        check_times(request.iat, request.exp, now, at_fault, METER_REQUEST.word)?;
        Ok(request)
    }
}

/// The claims of an answer: the center has taken note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// The center.
    pub iss: Identifier,
    /// The merchant.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// The tick of the request.
    pub tick: u32,
    /// The amount of the request.
    #[serde(deserialize_with = "crate::encode::object")]
    pub amount: Money,
    /// Issued at.
    pub iat: UnixTime,
}

impl Meter {
    /// Signs the answer.
    pub fn sign(&self, center: &dyn Signer) -> String {
        jws::sign(METER, self, center)
    }

    /// Verifies the answer of `center` to this very request.
    pub fn verify(token: &str, center: &Credential, request: &MeterRequest) -> Result<Meter> {
        let at_fault = AtFault::Role(Role::Center);
        let meter: Meter = jws::verify(METER, token, &center.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if meter.iss != center.sub {
            return refuse(Reason::WrongParty, "meter.iss");
        }
        if meter.aud != request.iss {
            return refuse(Reason::WrongParty, "meter.aud");
        }
        if meter.order != request.order {
            return refuse(Reason::Mismatch, "meter.order");
        }
        if meter.tick != request.tick {
            return refuse(Reason::Mismatch, "meter.tick");
        }
        if meter.amount != request.amount {
            return refuse(Reason::Mismatch, "meter.amount");
        }
        Ok(meter)
    }
}
