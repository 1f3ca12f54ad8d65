//! What an operator sets.

use warifu_types::Role;

/// How an issuer, or a card manager, works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// [`Role::Issuer`] or [`Role::CardManager`].
    pub role: Role,
    /// How long a hold stands, in days.
    pub hold_days: u32,
    /// The greatest number of instalments on any card; 1 means one payment only.
    pub max_instalments: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { role: Role::Issuer, hold_days: 30, max_instalments: 24 }
    }
}

impl Settings {
    /// How long a hold stands, in seconds.
    pub(crate) fn hold_seconds(&self) -> u64 {
        u64::from(self.hold_days) * 86_400
    }
}
