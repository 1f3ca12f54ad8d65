//! From a mail's bytes to what a role reads.

mod charset;
mod content;
mod dkim;
mod kind;
mod server;

#[cfg(test)]
mod tests;

pub use dkim::DkimKeys;
pub use server::ReceivingServer;

use mail_parser::{Address, HeaderName, Message, MessageParser};
use sha2::{Digest, Sha256};
use warifu_ports::mail::{IncomingMail, MailError, SenderCheck};

/// No mail has more recipients that concern us.
const MOST_RECIPIENTS: usize = 100;

/// What the SMTP or LMTP client said before the mail's bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The return path; empty for mail that wants no report of failure.
    pub sender: String,
    /// The recipients' addresses.
    pub recipients: Vec<String>,
}

/// Reads mails. Without anything configured it checks no sender.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    server: Option<ReceivingServer>,
    keys: Option<DkimKeys>,
}

impl Decoder {
    /// Reads mails without checking senders.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Also reads what the operator's own receiving server has noted about the sender.
    #[must_use]
    pub fn with_server(mut self, server: ReceivingServer) -> Decoder {
        self.server = Some(server);
        self
    }

    /// Verifies DKIM signatures itself, and no longer relies on the receiving server for them.
    #[must_use]
    pub fn with_keys(mut self, keys: DkimKeys) -> Decoder {
        self.keys = Some(keys);
        self
    }

    /// Reads a mail.
    ///
    /// # Errors
    /// [`MailError::Malformed`] for bytes that are no mail.
    pub async fn decode(
        &self,
        bytes: &[u8],
        envelope: Option<&Envelope>,
    ) -> Result<IncomingMail, MailError> {
        let message = MessageParser::default().parse(bytes);
        let message = message.filter(|message| !message.headers().is_empty());
        let message = message.ok_or(MailError::Malformed("header"))?;
        let from = author(&message);
        let noted = match &self.server {
            Some(server) => server.noted(&message, &from),
            None => server::Noted { dkim: SenderCheck::None, spf: SenderCheck::None },
        };
        let dkim = match &self.keys {
            Some(keys) => keys.check(bytes, &from).await,
            None => noted.dkim,
        };
        Ok(IncomingMail {
            recipients: recipients(&message, envelope),
            kind: kind::of(&message, envelope, &from),
            subject: content::subject(&message),
            text: content::text(&message),
            from,
            dkim,
            spf: noted.spf,
            digest: Sha256::digest(bytes).into(),
        })
    }
}

/// The one author, or nothing: who names several could show a reader one and us another.
fn author(message: &Message<'_>) -> String {
    let fields = message.headers().iter().filter(|header| header.name == HeaderName::From);
    let addresses: Vec<&Address<'_>> =
        fields.map(|header| header.value.as_address()).collect::<Option<_>>().unwrap_or_default();
    match addresses.as_slice() {
        [Address::List(list)] => match list.as_slice() {
            [one] => one.address().unwrap_or_default().trim().to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn recipients(message: &Message<'_>, envelope: Option<&Envelope>) -> Vec<String> {
    if let Some(envelope) = envelope {
        return envelope.recipients.clone();
    }
    let mut found: Vec<String> = Vec::new();
    let mut add = |address: &str| {
        let address = address.trim().trim_matches(['<', '>']);
        if address.contains('@')
            && found.len() < MOST_RECIPIENTS
            && !found.iter().any(|known| known == address)
        {
            found.push(address.to_string());
        }
    };
    for (name, value) in message.headers_raw() {
        if ["x-original-to", "delivered-to", "envelope-to"].contains(&name.to_lowercase().as_str())
        {
            add(value);
        }
    }
    let named = message.all_to().chain(message.all_cc()).flat_map(Address::iter);
    named.filter_map(|address| address.address()).for_each(add);
    found
}

/// The part after the last `@`, in lower case.
fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    Some(domain.trim_end_matches('.').to_lowercase())
}

/// Whether a domain that signed may speak for an author's: the same, or a parent of it that is not
/// a top-level domain. (DMARC's relaxed alignment wants a list of registries' domains; a signature
/// of such a domain could only come from the registry itself.)
fn speaks_for(signer: &str, author: &str) -> bool {
    let signer = signer.trim_end_matches('.').to_lowercase();
    let parent = author.strip_suffix(&signer).is_some_and(|rest| rest.ends_with('.'));
    !signer.is_empty() && (signer == author || parent && signer.contains('.'))
}
