//! Whether a person wrote a mail (RFC 3834, RFC 3464).

use super::Envelope;
use mail_parser::{Message, MimeHeaders};
use warifu_ports::mail::IncomingKind;

/// Values of `Precedence` that no person's mail has.
const PRECEDENCES: &[&str] = &["bulk", "junk", "list", "auto_reply", "auto-reply"];
/// Headers that programs which answer for people have put in before there was a standard.
const AUTOMATIC: &[&str] =
    &["x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply"];

/// What a mail is. Whatever hints at a machine wins.
pub(super) fn of(message: &Message<'_>, envelope: Option<&Envelope>, from: &str) -> IncomingKind {
    let local = from.split('@').next().unwrap_or_default().to_lowercase();
    let report = report_type(message);
    if report.as_deref() == Some("delivery-status") || local == "mailer-daemon" {
        return IncomingKind::Bounce;
    }
    let null_path = match envelope {
        Some(envelope) => envelope.sender.is_empty(),
        None => values(message, "return-path").any(|path| path == "<>" || path.is_empty()),
    };
    let submitted = values(message, "auto-submitted").any(|value| first_word(&value) != "no");
    let precedence =
        values(message, "precedence").any(|value| PRECEDENCES.contains(&first_word(&value)));
    let marked = AUTOMATIC.iter().any(|name| values(message, name).any(|value| value != "no"));
    if report.is_some() || submitted || precedence || marked || null_path || local == "postmaster" {
        return IncomingKind::Automatic;
    }
    IncomingKind::Personal
}

/// The values of a header, trimmed, in lower case.
fn values<'a>(message: &'a Message<'_>, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let fields = message.headers_raw().filter(move |(field, _)| field.eq_ignore_ascii_case(name));
    fields.map(|(_, value)| value.trim().to_lowercase())
}

fn first_word(value: &str) -> &str {
    value.split([';', ' ', '(', '\t', '\r', '\n']).next().unwrap_or_default()
}

/// `multipart/report`'s type: `delivery-status`, `disposition-notification`.
fn report_type(message: &Message<'_>) -> Option<String> {
    let kind = message.content_type()?;
    let report = kind.ctype().eq_ignore_ascii_case("multipart")
        && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"));
    report.then(|| kind.attribute("report-type").unwrap_or("delivery-status").to_lowercase())
}
