//! The states of a trade, and the front's signed word to the holder on how far it has come.

use crate::{
    credential::Credential,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    signer::Signer,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, Identifier, UnixTime};

/// The token's type.
pub const STATUS: TokenType = TokenType { typ: "warifu-status+jwt", word: "status" };

/// How far a trade has come at a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Received, opened and found good.
    Ordered,
    /// The issuer holds the amount.
    Authorized,
    /// The issuer refused; nothing goes further.
    Refused,
    /// With the carrier.
    Dispatched,
    /// Handed over.
    Delivered,
    /// Paid for.
    Settled,
    /// Given up by the merchant after authorization; the hold is released.
    Cancelled,
}

impl State {
    /// The word in formats.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ordered => "ordered",
            State::Authorized => "authorized",
            State::Refused => "refused",
            State::Dispatched => "dispatched",
            State::Delivered => "delivered",
            State::Settled => "settled",
            State::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens.
    pub fn is_final(self) -> bool {
        matches!(self, State::Refused | State::Settled | State::Cancelled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The claims of a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The front.
    pub iss: Identifier,
    /// The holder.
    pub aud: Identifier,
    /// The order's identity.
    pub order: Digest,
    /// How far it has come.
    pub state: State,
    /// The reason of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The issuer's authorization, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// Issued at.
    pub iat: UnixTime,
}

impl Status {
    /// Signs the status.
    pub fn sign(&self, front: &dyn Signer) -> String {
        jws::sign(STATUS, self, front)
    }

    /// Verifies a status of `order` by `front` for `holder`.
    pub fn verify(
        token: &str,
        front: &Credential,
        holder: &Identifier,
        order: &Digest,
        at_fault: AtFault,
    ) -> Result<Status> {
        let status: Status = jws::verify(STATUS, token, &front.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if status.iss != front.sub {
            return refuse(Reason::WrongParty, "status.iss");
        }
        if status.aud != *holder {
            return refuse(Reason::WrongParty, "status.aud");
        }
        if status.order != *order {
            return refuse(Reason::Mismatch, "status.order");
        }
        Ok(status)
    }
}
