//! Joining a center before there is any key: the guide, the application, and what the posted letter
//! brings (rows B2, B3).

use crate::{error::Result, telegram::Profile, trust::Anchors};
use serde::{Deserialize, Serialize};
use warifu_types::{Digest, Nonce, UnixTime};

/// Who can join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A general member, who buys.
    Member,
    /// A merchant.
    Merchant,
}

impl MemberKind {
    /// The word in formats and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            MemberKind::Member => "member",
            MemberKind::Merchant => "merchant",
        }
    }
}

/// The guide that everyone may read. Nothing in it is believed before its fingerprint is compared
/// with the letter's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// The network and its centers.
    #[serde(deserialize_with = "crate::encode::object")]
    pub anchors: Anchors,
    /// This center's credential.
    pub credential: String,
    /// The terms for general members.
    pub member_terms: String,
    /// The terms for merchants.
    pub merchant_terms: String,
}

impl Guide {
    /// The terms for one kind.
    pub fn terms(&self, kind: MemberKind) -> &str {
        match kind {
            MemberKind::Member => &self.member_terms,
            MemberKind::Merchant => &self.merchant_terms,
        }
    }
}

/// The hash by which a registration telegram confirms terms.
pub fn terms_hash(terms: &str) -> Digest {
    crate::encode::sha256(terms.as_bytes())
}

/// What is said in a telegram session ([`crate::telegram::session`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// A wish to join: the center hands out an application form's number.
    Join {
        /// As what.
        kind: MemberKind,
    },
    /// The application, filled in. It is not signed: there is no key yet.
    Apply(Box<Application>),
    /// A signed telegram.
    Telegram(String),
    /// Credentials, and forms whose merchants' credentials are among them: for the center to keep,
    /// since telegrams name them by their hashes.
    Enclose(Vec<String>),
}

/// At most so many documents are enclosed at once.
pub const MAX_ENCLOSED: usize = 8;

/// What the center says in a telegram session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// An application form.
    Form {
        /// Its number; an application names it.
        application: Nonce,
        /// Until when it can be used.
        until: UnixTime,
    },
    /// The application was taken; a letter follows once the operator has approved it.
    Applied {
        /// The form's number.
        application: Nonce,
    },
    /// The signed answer to a telegram.
    Answer(String),
    /// What was enclosed is kept.
    Enclosed {},
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The form's number.
    pub application: Nonce,
    /// Who applies.
    pub profile: Profile,
    /// The letter's language: `en` or `ja`.
    pub language: String,
}

impl Application {
    /// Refuses data that nobody can have; the error names the field.
    pub fn check(&self) -> Result<()> {
        use crate::{ProtocolError, Reason};
        if !["en", "ja"].contains(&self.language.as_str()) {
            return Err(ProtocolError::sender(Reason::BadValue, "application.language"));
        }
        self.profile.check()
    }
}

impl Profile {
    /// As what the profile's owner joins.
    pub fn kind(&self) -> MemberKind {
        match self {
            Profile::Member(_) => MemberKind::Member,
            Profile::Merchant(_) => MemberKind::Merchant,
        }
    }
}
