//! The prepaid card as a signed document (row B8). It proves its issue; what it still holds, the
//! center says.

use crate::{
    credential::Credential,
    encode::check_times,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    signer::Signer,
    value::{Expiry, is_card_number},
};
use serde::{Deserialize, Serialize};
use warifu_types::{Identifier, Money, Role, UnixTime};

/// The token's type.
pub const PREPAID_CARD: TokenType =
    TokenType { typ: "warifu-prepaid-card+jwt", word: "prepaid_card" };

/// The claims of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidCard {
    /// The center.
    pub iss: Identifier,
    /// The network's name.
    pub network: String,
    /// The member.
    pub sub: Identifier,
    /// The card's number, 16 digits with a check digit (ISO/IEC 7812).
    pub number: String,
    /// The last month in which it pays, `YYYY-MM`.
    pub expiry: String,
    /// All value that was ever loaded on it.
    #[serde(deserialize_with = "crate::encode::object")]
    pub loaded: Money,
    /// Counts the loads, from 1: a later document of the same number replaces an earlier one.
    pub serial: u32,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at: the end of the expiry month.
    pub exp: UnixTime,
}

impl PrepaidCard {
    /// Signs the card.
    pub fn sign(&self, center: &dyn Signer) -> String {
        jws::sign(PREPAID_CARD, self, center)
    }

    /// Verifies a card of `center`; whoever has the center's credential can.
    pub fn verify(token: &str, center: &Credential, now: UnixTime) -> Result<PrepaidCard> {
        let at_fault = AtFault::Role(Role::Center);
        center.require_role(Role::Center, at_fault)?;
        let card: PrepaidCard = jws::verify(PREPAID_CARD, token, &center.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if card.iss != center.sub {
            return refuse(Reason::WrongParty, "prepaid_card.iss");
        }
        if card.network != center.network {
            return refuse(Reason::WrongNetwork, "prepaid_card.network");
        }
        if !is_card_number(&card.number) {
            return refuse(Reason::BadValue, "prepaid_card.number");
        }
        if Expiry::parse(&card.expiry).is_none() {
            return refuse(Reason::BadValue, "prepaid_card.expiry");
        }
        check_times(card.iat, card.exp, now, at_fault, PREPAID_CARD.word)?;
        Ok(card)
    }
}
