//! What a mail that came back means (row C5): approval, a cancellation, or nothing.
//!
//! A reply proves access to a mailbox and knowledge of an address that nobody can guess, no more. So
//! whatever is not plainly a yes approves nothing, and the user is asked again.

mod own_text;
mod words;

use warifu_ports::mail::{IncomingKind, IncomingMail, SenderCheck};

/// What a mail is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The member's own address, to which the confirmation went.
    pub member: &'a str,
}

/// What a reply means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The user approves the order.
    Approve,
    /// The user cancels the order.
    Cancel,
    /// The mail changes nothing, and no answer is owed for it.
    Ignore(Reason),
    /// The member has written something else: ask again, a few times at most.
    Unclear,
}

/// Why a mail changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It comes from an address that is not the member's.
    NotTheMember,
    /// The sender's domain disowns it (SPF), or its signature is broken (DKIM).
    Disowned,
    /// A machine has written it (RFC 3834).
    Automatic,
    /// A report that our mail did not arrive (RFC 3464): the member has to be reached otherwise.
    Bounce,
    /// Our mail, passed on.
    Forward,
}

/// Decides over a mail whose address has brought the right token. What a machine wrote never
/// approves; a reply as it is, or with a yes, does; a plain no cancels.
pub fn decide(mail: &IncomingMail, expected: &Expected<'_>) -> Decision {
    match mail.kind {
        IncomingKind::Bounce => return Decision::Ignore(Reason::Bounce),
        IncomingKind::Automatic => return Decision::Ignore(Reason::Automatic),
        IncomingKind::Personal => {}
    }
    if !same_address(&mail.from, expected.member) {
        return Decision::Ignore(Reason::NotTheMember);
    }
    if mail.dkim == SenderCheck::Fail || mail.spf == SenderCheck::Fail {
        return Decision::Ignore(Reason::Disowned);
    }
    let (forwarded, subject) = words::without_prefixes(&mail.subject);
    let written = own_text::cut(&mail.text);
    if forwarded || written.forwarded {
        return Decision::Ignore(Reason::Forward);
    }
    meaning(&subject, &written)
}

/// The tokens that the mail was addressed with: `confirm+TOKEN@domain` gives `token`. Lower case,
/// since mail servers may fold the case of an address; the caller compares in constant time.
pub fn tokens(mail: &IncomingMail, mailbox: &str, domain: &str) -> Vec<String> {
    let of = |address: &String| {
        let (local, at) = split(address)?;
        let (before, token) = local.split_once('+')?;
        (at == domain.to_lowercase() && before == mailbox.to_lowercase() && !token.is_empty())
            .then(|| token.to_string())
    };
    mail.recipients.iter().filter_map(of).collect()
}

/// Whether two addresses are one mailbox: without regard to case, a final dot or space.
pub fn same_address(one: &str, other: &str) -> bool {
    matches!((split(one), split(other)), (Some(one), Some(other)) if one == other)
}

fn split(address: &str) -> Option<(String, String)> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if local.is_empty() || domain.is_empty() {
        return None;
    }
    Some((local.to_lowercase(), domain.to_lowercase()))
}

fn meaning(subject: &str, written: &own_text::Cut) -> Decision {
    // A no may stand where we cut: below a signature, in a quotation that is not marked as one.
    let no_elsewhere = words::says_no(subject) || written.hidden.iter().any(|l| words::says_no(l));
    let text = written.own.trim();
    if text.is_empty() {
        if words::says_no(subject) {
            return Decision::Cancel;
        }
        return if no_elsewhere { Decision::Unclear } else { Decision::Approve };
    }
    match words::verdict(text) {
        words::Verdict::Yes if no_elsewhere => Decision::Unclear,
        words::Verdict::Yes => Decision::Approve,
        words::Verdict::No => Decision::Cancel,
        words::Verdict::Other => Decision::Unclear,
    }
}

#[cfg(test)]
mod tests;
