//! Ids of accounts and transfers: 128 bits, chosen by the caller, as text 32 hexadecimal digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};
use warifu_types::UnixTime;

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's or transfer's id is 32 lower-case hexadecimal digits")]
pub struct BadId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// From the first 16 bytes of a hash (or of 32 random bytes).
            pub fn from_digest(digest: &[u8; 32]) -> Self {
                let mut value = 0u128;
                for byte in &digest[..16] {
                    value = value << 8 | u128::from(*byte);
                }
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if text.len() != 32 || !digits {
                    return Err(BadId);
                }
                u128::from_str_radix(text, 16).map(Self).map_err(|_| BadId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

id! {
    /// The id of an account.
    AccountId
}
id! {
    /// The id of a transfer. The same id means the same transfer: sending it again moves nothing.
    TransferId
}

impl TransferId {
    /// An id that grows with time: the upper 40 bits are `at` in seconds, the next 8 say when
    /// `within` that second, the rest comes from `digest`, which names the operation.
    ///
    /// Engines keep transfers in the order of their ids. Ids that grow put new rows beside one
    /// another, random ids touch a page each. `at` and `within` must be the operation's own (the
    /// order's, the authorization's), not those of the attempt, so that a retry makes the same id.
    pub fn ordered(at: UnixTime, within: u8, digest: &[u8; 32]) -> TransferId {
        let low = AccountId::from_digest(digest).0 >> 48;
        TransferId(u128::from(at.0 & 0xff_ffff_ffff) << 88 | u128::from(within) << 80 | low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_id() {
        let id = AccountId(0xab);
        assert_eq!(id.to_string(), format!("{}ab", "0".repeat(30)));
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "ab", &"A".repeat(32), &format!("+{}", "0".repeat(31)), &"0".repeat(33)] {
            assert_eq!(bad.parse::<AccountId>(), Err(BadId), "{bad}");
        }
    }

    #[test]
    fn ordered_ids_grow_with_time_and_differ_by_operation() {
        let (low, high) = ([0; 32], [255; 32]);
        let id = |at, within, digest| TransferId::ordered(UnixTime(at), within, digest);
        assert!(id(1, 255, &high) < id(2, 0, &low));
        assert!(id(1, 7, &high) < id(1, 8, &low));
        assert_ne!(id(1, 7, &high), id(1, 7, &low));
        assert_eq!(id(1, 255, &high).0, (2 << 88) - 1);
    }
}
