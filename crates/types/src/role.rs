//! The roles that a party can have in a trade.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a party does in a trade. GLOSSARY.md has the field's other words for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[$doc])* $name,)* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$name),*];

            /// The role's name in formats and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Role::$name => $text,)* }
            }
        }
    };
}

roles! {
    /// The buyer, or the bearer of a data card.
    Holder = "holder";
    /// Sells, and receives the sealed order.
    Merchant = "merchant";
    /// Manages cards and authorizes payments.
    Issuer = "issuer";
    /// Delivers the goods.
    Carrier = "carrier";
    /// Issues keys, and later moves prepaid value.
    Center = "center";
    /// A gateway manager such as an access provider (row A15).
    Gateway = "gateway";
    /// A key certification authority (row A15).
    Certifier = "certifier";
    /// Stands between user and provider. It orders as a holder does, so it has that role too.
    Broker = "broker";
    /// Holds cards apart from the broker.
    Registry = "registry";
    /// Authorizes data cards that are no payment cards (row A16).
    CardManager = "card_manager";
    /// Lets the bearer of a badge in (row A16).
    Door = "door";
}

impl Role {
    /// Whether the role joins on the holders' side of the matrix: the holder, and the broker, who
    /// orders as one (row C6). Every other role is a service.
    pub fn is_holder(self) -> bool {
        matches!(self, Role::Holder | Role::Broker)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}
