//! Telegrams: what a member's terminal tells the center, signed with its registered key (rows B6, B7,
//! B9). A telegram may be prepared offline and sent later; it counts once, however often it arrives.

mod answer;
mod instruction;
pub mod session;

pub use answer::{IssuedCards, Outcome, Paid, TELEGRAM_ANSWER, TelegramAnswer, TopUpState};
pub use instruction::{
    BankAccount, Funding, Instruction, JapaneseAccountKind, KeyChange, Payment, Person, Profile,
    Registration, Store, TopUp, Way,
};

use crate::{
    encode::{b64, check_times, sha256},
    error::{AtFault, ProtocolError, Reason, Result},
    jws::{self, TokenType},
    signer::{Signer, VerifyingKey},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use warifu_types::{Digest, Identifier, Nonce, UnixTime};

/// The token's type.
pub const TELEGRAM: TokenType = TokenType { typ: "warifu-telegram+jwt", word: "telegram" };

/// How long a telegram may wait before it is sent, in seconds: 31 days.
pub const TELEGRAM_LIFETIME: u64 = 31 * 86_400;

/// The claims of a telegram.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// The member.
    pub iss: Identifier,
    /// The center.
    pub aud: Identifier,
    /// Which of the member's keys signs: [`key_id`].
    pub key: String,
    /// The telegram's id. The same id gives the same answer.
    pub jti: Nonce,
    /// Counts the telegrams under this key, from 0. Each number is used once, in any order of
    /// arrival: a number that comes again under another id shows a copied terminal.
    pub seq: u64,
    /// What the center is to do.
    pub instruction: Instruction,
    /// Issued at.
    pub iat: UnixTime,
    /// Expires at; at most [`TELEGRAM_LIFETIME`] later.
    pub exp: UnixTime,
}

impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telegram({}, seq {}, {})", self.jti, self.seq, self.instruction.word())
    }
}

/// The id of a verification key: the first 9 bytes of its SHA-256, base64url.
pub fn key_id(key: &VerifyingKey) -> String {
    b64(&sha256(key.as_bytes()).0[..9])
}

/// A telegram's identity: the hash of the whole token.
pub fn identity(token: &str) -> Digest {
    sha256(token.as_bytes())
}

impl Telegram {
    /// Signs the telegram.
    pub fn sign(&self, terminal: &dyn Signer) -> String {
        jws::sign(TELEGRAM, self, terminal)
    }

    /// Reads a telegram without verifying it, to find whose key to verify with. What it returns
    /// proves nothing.
    pub fn peek(token: &str) -> Result<Telegram> {
        jws::peek(TELEGRAM, token, AtFault::Sender)
    }

    /// Verifies a telegram for the center `own` under the member's registered `key`. Its time is
    /// checked apart ([`Telegram::check_time`]): a telegram that was answered in its time gets its
    /// answer again at any time.
    pub fn verify(token: &str, key: &VerifyingKey, own: &Identifier) -> Result<Telegram> {
        Telegram::peek(token)?.proven(token, key, own)
    }

    /// These claims, which were read from `token`, once the signature has proved good.
    fn proven(self, token: &str, key: &VerifyingKey, own: &Identifier) -> Result<Telegram> {
        jws::verify_signature(TELEGRAM, token, key, AtFault::Sender)?;
        let refuse = |reason, field: &'static str| Err(ProtocolError::sender(reason, field));
        if self.aud != *own {
            return refuse(Reason::WrongParty, "telegram.aud");
        }
        if self.key != key_id(key) {
            return refuse(Reason::UnknownKey, "telegram.key");
        }
        if self.exp > self.iat.plus(TELEGRAM_LIFETIME) {
            return refuse(Reason::BadValue, "telegram.exp");
        }
        Ok(self)
    }

    /// Refuses a telegram outside its time.
    pub fn check_time(&self, now: UnixTime) -> Result<()> {
        check_times(self.iat, self.exp, now, AtFault::Sender, TELEGRAM.word)
    }
}

/// A telegram that was read and not verified: what it claims proves nothing yet.
#[derive(Debug)]
pub struct Claimed {
    telegram: Telegram,
    token: String,
}

impl Claimed {
    /// Reads a token.
    pub fn read(token: String) -> Result<Claimed> {
        Ok(Claimed { telegram: Telegram::peek(&token)?, token })
    }

    /// What it claims, to find whose key to verify with.
    pub fn telegram(&self) -> &Telegram {
        &self.telegram
    }

    /// The token as it came.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// As [`Telegram::verify`], without reading the token again; the token comes back with it.
    pub fn verify(self, key: &VerifyingKey, own: &Identifier) -> Result<(Telegram, String)> {
        let Claimed { telegram, token } = self;
        Ok((telegram.proven(&token, key, own)?, token))
    }
}
