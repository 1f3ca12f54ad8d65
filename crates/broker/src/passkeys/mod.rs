//! Passkeys: the second way in, in place of number and password (row C3).
//!
//! A member adds a passkey with the password once more, so that a session left open in a strange
//! browser does not become a door for good. What is kept is a public key: it lets nobody in.
//!
//! Each ceremony is a challenge that the broker makes, and one answer to it. The challenge is made of a
//! *ticket*, which the browser has as a cookie, and a key of the store ([`challenges`]): nothing is kept
//! for whoever only asks.

mod challenges;
mod enrolling;
mod entering;
mod options;
mod own;
mod records;

pub use enrolling::NewPasskeyAnswer;
pub use entering::Answer;
pub use options::{CreationOptions, RequestOptions};
pub use own::PasskeySummary;

pub(crate) use challenges::LIFETIME;

use crate::{
    broker::Broker,
    rules::webauthn::{Fault, Site},
};
use warifu_protocol::{AtFault, encode::unb64};
use warifu_wire::Problem;
use zeroize::Zeroizing;

/// A ceremony that has begun: what the page's script is given, and the browser's ticket for it.
pub struct Attempt<T> {
    /// For `navigator.credentials`.
    pub options: T,
    /// For a cookie, for [`LIFETIME`] seconds.
    pub ticket: Zeroizing<String>,
}

impl Broker {
    /// The site that passkeys are bound to: the public address of the pages. None where browsers have
    /// no passkeys.
    pub(crate) fn site(&self) -> Option<Site> {
        Site::of(&self.settings.pages)
    }

    fn site_or_problem(&self) -> Result<Site, Problem> {
        let title = "passkeys need pages at an https address with a name";
        self.site().ok_or_else(|| Problem::new(409, "no_passkeys", title, Some("pages")))
    }
}

/// Reads a field of a browser's answer, in unpadded base64url.
fn bytes(text: &str, field: &'static str) -> Result<Vec<u8>, Problem> {
    unb64(text, AtFault::Sender, field).map_err(|_| Problem::bad_value(field, "unpadded base64url"))
}

/// The fault in a browser's answer, for whoever sent it.
fn refused(status: u16, code: &str, fault: Fault) -> Problem {
    Problem::new(status, code, &fault.to_string(), Some(fault.field()))
}
