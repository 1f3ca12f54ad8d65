//! Mail: what a role sends, and what comes back (row C5).

use async_trait::async_trait;

/// A mail to be sent. It carries no secret but the reply address.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// A stable id, the local part of the `Message-ID`: a retry sends the same mail, and a mail server
    /// or reader that keeps both shows one.
    pub id: String,
    /// The recipient's address.
    pub to: String,
    /// Where a reply goes: an address that nobody can guess, so it is kept out of logs.
    pub reply_to: Option<String>,
    /// The language of the texts, as BCP 47: `en`, `ja`.
    pub language: String,
    /// The subject.
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
    /// The same in HTML.
    pub html: Option<String>,
}

impl std::fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingMail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a mail that came in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncomingKind {
    /// A person's.
    Personal,
    /// An automatic reply, such as an out-of-office note (RFC 3834).
    Automatic,
    /// A report that a mail was not delivered (RFC 3464).
    Bounce,
}

/// What a check of the sender has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderCheck {
    /// Nothing was there to check.
    None,
    /// The sending domain has vouched for it.
    Pass,
    /// The sending domain disowns it, or a signature is broken.
    Fail,
}

/// A mail that came in, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingMail {
    /// The addresses that it was delivered to: the envelope's where known, else the headers'.
    pub recipients: Vec<String>,
    /// The author's address, from `From`; empty where the mail names none or several.
    pub from: String,
    /// What it is.
    pub kind: IncomingKind,
    /// The subject.
    pub subject: String,
    /// The text, HTML turned into plain text, in Unicode, quotations included. Where the author may
    /// have said something that is no text (a picture, an encrypted part), a word in brackets stands
    /// for it, so that it does not look like an empty reply.
    pub text: String,
    /// DKIM of the author's domain (RFC 6376).
    pub dkim: SenderCheck,
    /// SPF of the envelope's sender (RFC 7208), as the receiving server has noted.
    pub spf: SenderCheck,
    /// SHA-256 of the mail's bytes: the same mail twice is known by it.
    pub digest: [u8; 32],
}

impl std::fmt::Debug for IncomingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncomingMail").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why mail was not sent or taken. No variant carries an address or a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The server cannot be reached, or asks to try later: the mail waits.
    #[error("the mail server does not answer: {0}")]
    Unreachable(String),
    /// The server refuses this mail for good, with an SMTP reply code.
    #[error("the mail server refuses the mail: {0}")]
    Refused(u16),
    /// An address that is none: whoever gave it is at fault.
    #[error("{0} is no mail address")]
    BadAddress(&'static str),
    /// A mail, or a field of one, that cannot be read or sent as it is: whoever wrote it is at fault,
    /// and offering it again does not help.
    #[error("the mail's {0} cannot be used")]
    Malformed(&'static str),
    /// The operator's settings contradict each other.
    #[error("mail is not set up: {0}")]
    Setup(&'static str),
    /// The receiver could not take the mail now: it must be offered again.
    #[error("the mail could not be taken")]
    NotTaken,
}

/// Sends mail.
#[async_trait]
pub trait MailOut: Send + Sync + 'static {
    /// Hands a mail to the server. `Ok` means that the server answers for it from now on.
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError>;
}

/// Takes mail that came in.
#[async_trait]
pub trait MailIn: Send + Sync + 'static {
    /// Takes a mail. `Ok` means that it may be removed from where it waited; the same mail may come
    /// again all the same.
    async fn receive(&self, mail: IncomingMail) -> Result<(), MailError>;
}
