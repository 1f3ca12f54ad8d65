//! Who takes part in the demonstration, and what the holder enters.

use warifu_holder::{Card, Profile};
use warifu_types::{Identifier, IdentifierError, Role};

/// A service of the demonstration.
pub struct Cast {
    /// Its name in addresses and folders.
    pub name: &'static str,
    /// Its role.
    pub role: Role,
    /// Its identifier.
    pub identifier: &'static str,
}

/// Every service but the center.
pub const SERVICES: &[Cast] = &[
    Cast { name: "issuer", role: Role::Issuer, identifier: "domain:card.example" },
    Cast { name: "card_manager", role: Role::CardManager, identifier: "domain:badge.example" },
    Cast {
        name: "carrier",
        role: Role::Carrier,
        identifier: "name:白鷺運輸|domain:carrier.example",
    },
    Cast { name: "gateway", role: Role::Gateway, identifier: "domain:access.example" },
    Cast { name: "certifier", role: Role::Certifier, identifier: "domain:keys.example" },
    Cast {
        name: "merchant",
        role: Role::Merchant,
        identifier: "name:暮らしの道具 和布|domain:shop.example",
    },
    Cast { name: "door", role: Role::Door, identifier: "name:第二研究棟" },
];

/// The center.
pub const CENTER: Cast =
    Cast { name: "center", role: Role::Center, identifier: "domain:center.example" };

/// A second center, in a network that has one.
pub const SECOND_CENTER: Cast =
    Cast { name: "second_center", role: Role::Center, identifier: "domain:keys2.example" };

/// The holder's identifier: a mail address, never a postal one, since it travels in clear.
pub const HOLDER: &str = "mail:hanako@example.jp";

/// The identifier of the first member of the settlement center.
pub const MEMBER: &str = "name:M-000001";

/// A cast member's identifier.
pub fn identifier(text: &str) -> Result<Identifier, IdentifierError> {
    Identifier::parse(text)
}

/// What the holder enters about herself.
#[derive(Debug, Clone)]
pub struct Person {
    /// As orders say it.
    pub profile: Profile,
    /// The date of birth, `YYYY-MM-DD`, for the settlement center.
    pub born: String,
    /// A payment card, labelled `card`.
    pub card: Card,
    /// Another payment card, of her membership at the settlement center, labelled `card` there.
    pub member_card: Card,
    /// An access badge, labelled `badge`.
    pub badge: Card,
    /// Where goods go.
    pub destination: String,
}

impl Person {
    /// Hanako.
    pub fn hanako() -> Result<Person, IdentifierError> {
        Ok(Person {
            profile: Profile {
                name: "山田 花子".to_string(),
                address: "東京都港区芝 1-2-3".to_string(),
                telephone: "+81-3-5555-0123".to_string(),
                fax: "+81-3-5555-0124".to_string(),
            },
            born: "1987-06-05".to_string(),
            card: Card {
                label: "card".to_string(),
                issuer: identifier("domain:card.example")?,
                number: "4111111111111111".to_string(),
                expiry: "2031-08".to_string(),
            },
            member_card: Card {
                label: "card".to_string(),
                issuer: identifier("domain:card.example")?,
                number: "4242424242424242".to_string(),
                expiry: "2031-08".to_string(),
            },
            badge: Card {
                label: "badge".to_string(),
                issuer: identifier("domain:badge.example")?,
                number: "5105105105105100".to_string(),
                expiry: "2030-03".to_string(),
            },
            destination: "山田 太郎 京都府京都市左京区吉田本町 4-5-6".to_string(),
        })
    }
}
