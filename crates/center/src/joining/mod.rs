//! Joining (rows B2, B3, B6): the guide, applications, letters, registration, keys.

mod apply;
mod keys;
mod letter;
mod operator;
pub(crate) mod records;
mod register;

pub use letter::Letter;
pub use operator::{ApplicationSummary, MemberSummary};
pub use records::ApplicationState;
