//! Money, identifiers, ids and roles: the words every other crate uses.
//!
//! Nothing here reads a clock, a file, a socket or randomness.

mod bucket;
mod bytes32;
mod field;
mod identifier;
mod money;
mod role;
mod time;

pub use bucket::{Bucket, Rate};
pub use bytes32::{BadBytes, Digest, Nonce, OrderId};
pub use field::{BadFieldName, FieldName};
pub use identifier::{Identifier, IdentifierError, Kind};
pub use money::{Currency, Money, MoneyError};
pub use role::{Role, UnknownRole};
pub use time::UnixTime;
