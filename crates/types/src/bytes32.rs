//! Values of exactly 32 bytes, written as 43 characters of unpadded base64url.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A text that is not 32 bytes in canonical unpadded base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes as 43 characters of unpadded base64url")]
pub struct BadBytes;

macro_rules! bytes32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 43];
                match URL_SAFE_NO_PAD.encode_slice(self.0, &mut text) {
                    Ok(_) => f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?),
                    Err(_) => Err(fmt::Error),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadBytes;
            fn from_str(text: &str) -> Result<Self, BadBytes> {
                let mut bytes = [0; 32];
                if text.len() != 43 {
                    return Err(BadBytes);
                }
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok(32) => Ok(Self(bytes)),
                    _ => Err(BadBytes),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; 43];
                let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
                match (written, std::str::from_utf8(&text)) {
                    (Ok(43), Ok(text)) => s.serialize_str(text),
                    _ => Err(serde::ser::Error::custom(BadBytes)),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

bytes32! {
    /// The id of an order: 256 random bits chosen by the holder.
    OrderId
}
bytes32! {
    /// A SHA-256 hash: of a form, a part, an order's signing input, a disclosure.
    Digest
}
bytes32! {
    /// 256 random bits that make a message unique.
    Nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_value() {
        let id = OrderId([7; 32]);
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(format!("{text}=").parse::<OrderId>(), Err(BadBytes));
        // The last character carries two unused bits, which must be zero.
        let mut altered = text[..42].to_string();
        altered.push(if text.ends_with('d') { 'e' } else { 'd' });
        assert_eq!(altered.parse::<OrderId>(), Err(BadBytes));
        assert_eq!("AAAA".parse::<OrderId>(), Err(BadBytes));
    }
}
