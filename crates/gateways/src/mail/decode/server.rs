//! What the operator's own receiving server has noted about a sender (RFC 8601, RFC 7208).
//!
//! Anyone can write such a header into a mail. What tells the server's own from a forged one is its
//! place: each server puts its headers above those that were there.

use super::{domain_of, speaks_for};
use mail_parser::{HeaderName, Message};
use warifu_ports::mail::SenderCheck;

/// The operator's receiving server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivingServer {
    /// The name under which it writes `Authentication-Results`.
    pub authserv_id: String,
    /// How many `Received` headers of the operator's own servers stand above what it notes: 0 where
    /// it notes at the very top. What stands lower down is not believed. Where the server notes
    /// below *all* of its own `Received` headers, it must also remove forged notes from what comes
    /// in (RFC 8601, section 5), since they would stand at the same place.
    pub received_above: usize,
}

/// What was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) dkim: SenderCheck,
    pub(super) spf: SenderCheck,
}

impl ReceivingServer {
    /// What this server has noted in a mail by an author.
    pub(super) fn noted(&self, message: &Message<'_>, from: &str) -> Noted {
        let mut noted = Noted { dkim: SenderCheck::None, spf: SenderCheck::None };
        let Some(author) = domain_of(from) else { return noted };
        let mut received = 0;
        for header in message.headers() {
            let name = header.name.as_str();
            if header.name == HeaderName::Received {
                received += 1;
                if received > self.received_above {
                    break;
                }
                continue;
            }
            let (from, to) = (header.offset_start() as usize, header.offset_end() as usize);
            let raw = message.raw_message.get(from..to).unwrap_or_default();
            let Ok(value) = std::str::from_utf8(raw) else { continue };
            if name.eq_ignore_ascii_case("authentication-results") {
                if let Some(results) = self.results(value) {
                    noted.add(&results, &author);
                }
            } else if name.eq_ignore_ascii_case("received-spf") {
                let value = without_comments(value).to_lowercase();
                let result = value.split_whitespace().next().unwrap_or_default();
                let sender = property(&value, "envelope-from");
                noted.spf = worse(noted.spf, spf(result, sender, &author));
            }
        }
        noted
    }

    /// The results in a header, in lower case and without comments, if this server wrote it.
    fn results(&self, value: &str) -> Option<Vec<String>> {
        let value = without_comments(value).to_lowercase();
        let mut pieces = value.split(';').map(str::trim);
        let id = pieces.next()?.split_whitespace().next()?;
        (id == self.authserv_id.to_lowercase()).then(|| pieces.map(String::from).collect())
    }
}

impl Noted {
    fn add(&mut self, results: &[String], author: &str) {
        let mut dkim = SenderCheck::None;
        for result in results {
            let Some((method, verdict)) = verdict(result) else { continue };
            if method == "dkim" && signer(result).is_some_and(|signer| speaks_for(signer, author)) {
                dkim = match (verdict, dkim) {
                    // One good signature is enough (RFC 6376, section 6.1).
                    ("pass", _) | (_, SenderCheck::Pass) => SenderCheck::Pass,
                    ("fail", _) => SenderCheck::Fail,
                    (_, before) => before,
                };
            } else if method == "spf" {
                let sender = property(result, "smtp.mailfrom");
                self.spf = worse(self.spf, spf(verdict, sender, author));
            }
        }
        self.dkim = worse(self.dkim, dkim);
    }
}

/// `dkim=pass reason=… header.d=…`: the method and its result.
fn verdict(result: &str) -> Option<(&str, &str)> {
    let (method, verdict) = result.split_whitespace().next()?.split_once('=')?;
    Some((method.split('/').next()?, verdict))
}

fn signer(result: &str) -> Option<&str> {
    property(result, "header.d")
        .or_else(|| property(result, "header.i").and_then(|i| Some(i.rsplit_once('@')?.1)))
}

fn property<'a>(result: &'a str, name: &str) -> Option<&'a str> {
    let words = result.split([' ', '\t', '\r', '\n', ';']);
    let value = words.filter_map(|word| word.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(value.trim_matches(['"', '<', '>']))
}

/// SPF passes for the author only where the envelope's sender is of the author's domain; a failure
/// counts in any case. `softfail` is the domain's own doubt and says nothing.
fn spf(result: &str, sender: Option<&str>, author: &str) -> SenderCheck {
    let of_author = sender
        .map(|sender| domain_of(sender).unwrap_or_else(|| sender.to_string()))
        .is_some_and(|domain| speaks_for(&domain, author) || speaks_for(author, &domain));
    match result {
        "pass" if of_author => SenderCheck::Pass,
        "fail" | "hardfail" => SenderCheck::Fail,
        _ => SenderCheck::None,
    }
}

fn worse(one: SenderCheck, other: SenderCheck) -> SenderCheck {
    match (one, other) {
        (SenderCheck::Fail, _) | (_, SenderCheck::Fail) => SenderCheck::Fail,
        (SenderCheck::Pass, _) | (_, SenderCheck::Pass) => SenderCheck::Pass,
        _ => SenderCheck::None,
    }
}

/// Takes comments out (RFC 5322): they hold whatever the sender made the server repeat. A quoted
/// string becomes one word.
fn without_comments(value: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::with_capacity(value.len()), 0usize, false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted || depth > 0 => {
                chars.next();
            }
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ';' | ' ' | '=' | '\t' if quoted => out.push('_'),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}
