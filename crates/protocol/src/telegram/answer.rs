//! The center's signed answer to a telegram.

use super::identity;
use crate::{
    credential::Credential,
    enrolment::Enrolment,
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType, Unsigned},
    signer::Signer,
};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Identifier, Money, Role, UnixTime};

/// The token's type.
pub const TELEGRAM_ANSWER: TokenType =
    TokenType { typ: "warifu-telegram-answer+jwt", word: "telegram_answer" };

/// The claims of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramAnswer {
    /// The center.
    pub iss: Identifier,
    /// The member.
    pub aud: Identifier,
    /// The telegram that is answered: [`identity`] of its token.
    pub telegram: Digest,
    /// What has come of it.
    pub outcome: Outcome,
    /// Issued at.
    pub iat: UnixTime,
}

/// What has come of a telegram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Entered in the register, with credential and shares; also after a change of key.
    Registered(Box<Enrolment>),
    /// How a top-up stands.
    TopUp(TopUpState),
    /// Paid.
    Paid(Paid),
    /// What a card holds, available at once.
    Balance(#[serde(deserialize_with = "crate::encode::object")] Money),
    /// The member's prepaid cards, or so many of them as one answer has.
    Cards(#[serde(deserialize_with = "crate::encode::object")] IssuedCards),
    /// Refused for good: nothing was changed.
    Refused {
        /// A stable code, such as `balance_too_low`.
        reason: String,
        /// The field that it is about, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
}

/// How a top-up stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TopUpState {
    /// Waits for the money, which is to name this reference, or for the issuer.
    Waiting {
        /// What the member writes on the transfer, in the letter, or says at the counter.
        reference: String,
    },
    /// Issued: the signed card.
    Issued {
        /// The card ([`crate::prepaid::PrepaidCard`]).
        card: String,
    },
    /// Nothing was issued.
    Refused {
        /// A stable code.
        reason: String,
    },
}

/// The documents of a member's prepaid cards that have not expired, each the one of its last load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedCards {
    /// The documents ([`crate::prepaid::PrepaidCard`]), the first issued first.
    pub documents: Vec<String>,
    /// From where to ask on, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// A payment that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paid {
    /// The order's identity.
    pub order: Digest,
    /// The transaction number.
    pub transaction: String,
    /// The card's new balance.
    #[serde(deserialize_with = "crate::encode::object")]
    pub balance: Money,
}

impl TelegramAnswer {
    /// Signs the answer.
    pub fn sign(&self, center: &dyn Signer) -> String {
        self.unsigned().sign(center)
    }

    /// The answer, to be signed when it is given out.
    pub fn unsigned(&self) -> Unsigned {
        Unsigned::new(TELEGRAM_ANSWER, self)
    }

    /// Verifies the answer of `center` to the member's own telegram.
    pub fn verify(
        token: &str,
        center: &Credential,
        member: &Identifier,
        telegram: &str,
    ) -> Result<TelegramAnswer> {
        let at_fault = AtFault::Role(Role::Center);
        let answer: TelegramAnswer = jws::verify(TELEGRAM_ANSWER, token, &center.key, at_fault)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::new(at_fault, reason, field));
        if answer.iss != center.sub {
            return refuse(Reason::WrongParty, "telegram_answer.iss");
        }
        if answer.aud != *member {
            return refuse(Reason::WrongParty, "telegram_answer.aud");
        }
        if answer.telegram != identity(telegram) {
            return refuse(Reason::Mismatch, "telegram_answer.telegram");
        }
        Ok(answer)
    }
}
