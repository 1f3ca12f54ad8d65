//! Mail out by SMTP; replies in by IMAP and LMTP (row C5).
//!
//! [`Submission`] sends. [`Mailbox`] (IMAP) and [`Lmtp`] bring what comes back, read by a
//! [`Decoder`], to a role's `MailIn`. [`simulator`] is all of it in one process, for the
//! demonstration.

mod access;
mod decode;
mod imap;
mod lmtp;
pub mod simulator;
mod submission;

pub use access::{Access, Login, Roots, Tls};
pub use decode::{Decoder, DkimKeys, Envelope, ReceivingServer};
pub use imap::{Done, Mailbox, MailboxSettings, UNREAD_FOLDER};
pub use lmtp::{Limits, Lmtp, ReplyDomain, serve as serve_lmtp};
pub use submission::Submission;
pub(crate) use submission::{Transport, transport};
