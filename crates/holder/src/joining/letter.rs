//! What a posted letter brings, and who answers it.

use crate::HolderError;
use std::fmt;
use warifu_protocol::{
    suite::Suite,
    telegram::{Person, Profile, Store},
};
use warifu_types::{Digest, Identifier, Nonce, Role, UnixTime};
use warifu_wire::{Random, identity::Wish};
use zeroize::Zeroizing;

/// What the person has from the letter, and confirms.
pub struct Letter {
    /// The number.
    pub number: String,
    /// The one-time code, as typed.
    pub code: Zeroizing<String>,
    /// The hash of the terms that the person has confirmed.
    pub terms: Digest,
    /// Who joins.
    pub who: Joiner,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, secret)", self.number)
    }
}

/// Who joins, and as what the center is to enrol it.
pub enum Joiner {
    /// A general member, whose identifier is its number (row B2).
    Member(Person),
    /// A merchant, with the service that it will run (row B3).
    Merchant(Store, Shop),
}

impl fmt::Debug for Joiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joiner({:?})", self.profile().kind())
    }
}

/// A merchant's service, as its credential is to name it.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Its identifier.
    pub identifier: Identifier,
    /// Where it will answer.
    pub url: String,
    /// The suites that it will accept.
    pub suites: Vec<Suite>,
}

impl Joiner {
    /// What the center is told of it.
    pub fn profile(&self) -> Profile {
        match self {
            Joiner::Member(person) => Profile::Member(person.clone()),
            Joiner::Merchant(store, _) => Profile::Merchant(store.clone()),
        }
    }

    /// What the center is asked for.
    pub(super) fn wish(&self, number: &str) -> Result<Wish, HolderError> {
        let bad = |_| HolderError::BadInput { field: "number", problem: "is not one of a letter" };
        Ok(match self {
            Joiner::Member(_) => Wish {
                sub: Identifier::parse(&format!("name:{number}")).map_err(bad)?,
                roles: vec![Role::Holder],
                suites: vec![Suite::KpsHpke, Suite::Kps],
                url: None,
            },
            Joiner::Merchant(_, shop) => Wish {
                sub: shop.identifier.clone(),
                roles: vec![Role::Merchant],
                suites: shop.suites.clone(),
                url: Some(shop.url.clone()),
            },
        })
    }
}

/// Time and entropy of one act.
pub struct Fresh {
    /// Now.
    pub now: UnixTime,
    /// For the keys.
    pub random: Random,
    /// The telegram's id.
    pub jti: Nonce,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fresh({})", self.jti)
    }
}
