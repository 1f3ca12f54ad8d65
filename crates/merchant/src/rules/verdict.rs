//! What a failed call means for the order.

use warifu_protocol::CLOCK_SKEW;
use warifu_types::UnixTime;
use warifu_wire::{CallError, Problem};

/// What to do after a call has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Make the call again later.
    Wait,
    /// The peer has said no, and why: a stable code.
    No(String),
}

/// The peer's definite no to the question itself. What may pass, what concerns the session or the
/// way to the peer, what anyone on the way may have written, and answers that were refused here
/// decide nothing.
pub fn definite(error: &CallError) -> Option<&Problem> {
    error.definite()
}

/// Whether looking a party up has shown for certain that nobody answers under its identifier in its
/// role. The directory answers everyone, outside of sessions; nothing is authorized yet.
pub fn is_nobody(error: &CallError) -> bool {
    match error {
        CallError::Problem(problem) | CallError::Unproven(problem) => {
            problem.is_definite() && problem.status == 404
        }
        CallError::Protocol(error) => {
            ["credential.roles", "credential.url"].contains(&error.field.as_ref())
        }
        CallError::Network(_) => false,
    }
}

/// After asking for authorization, or giving a notice: a no ends it.
pub fn after_asking(error: &CallError) -> Verdict {
    definite(error).map_or(Verdict::Wait, |problem| Verdict::No(code(&problem.code)))
}

/// A peer's stable code, for records and logs: whatever does not look like one is not repeated.
pub fn code(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let good = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    if good { text.to_string() } else { "other".to_string() }
}

/// A field's path that a peer names, for records and logs: nothing but a path is repeated.
pub fn field(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._[]".contains(&b);
    let good = text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(plain);
    good.then(|| text.to_string())
}

/// A center's transaction number, for records: whatever does not look like one is not kept.
pub fn transaction(text: &str) -> Option<String> {
    let good = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| text.to_string())
}

/// After asking to let a hold go: a no counts once the hold cannot stand any more.
pub fn after_void(error: &CallError, hold_until: UnixTime, now: UnixTime) -> Verdict {
    match definite(error) {
        Some(problem) if is_over(hold_until, now) => Verdict::No(code(&problem.code)),
        _ => Verdict::Wait,
    }
}

fn is_over(until: UnixTime, now: UnixTime) -> bool {
    until.plus(CLOCK_SKEW) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use warifu_protocol::{AtFault, ProtocolError, Reason};

    const NOW: UnixTime = UnixTime(10_000);

    fn problem(status: u16, code: &str, field: Option<&str>) -> CallError {
        CallError::Problem(Problem::new(status, code, "", field))
    }

    #[test]
    fn only_a_definite_no_decides() {
        let no = |error: &CallError| definite(error).is_some();
        assert!(no(&problem(422, "wrong_digest", Some("order.fields.amount"))));
        assert!(no(&problem(404, "not_found", Some("order"))));
        for passing in [
            CallError::Network("time-out".into()),
            problem(500, "internal", None),
            problem(429, "busy", None),
            problem(404, "unknown_session", Some("session.sid")),
            problem(409, "replayed", Some("session.seq")),
            problem(422, "malformed", Some("session")),
            problem(404, "not_found", Some("path")),
            problem(403, "http", None),
            problem(422, "expired", Some("hello.exp")),
            CallError::Unproven(Problem::new(422, "wrong_digest", "", Some("order.fields.amount"))),
            ProtocolError::new(AtFault::Sender, Reason::BadSignature, "authorization").into(),
        ] {
            assert!(!no(&passing), "{passing}");
        }
    }

    #[test]
    fn nobody_is_certain() {
        assert!(is_nobody(&problem(404, "not_found", Some("identifier"))));
        assert!(!is_nobody(&problem(503, "no_center", None)));
        assert!(!is_nobody(&problem(404, "not_found", Some("path"))));
        assert!(!is_nobody(&CallError::Network("time-out".into())));
        for (field, certain) in [("credential.roles", true), ("credential.exp", false)] {
            let error = ProtocolError::new(AtFault::Sender, Reason::WrongParty, field);
            assert_eq!(is_nobody(&error.into()), certain, "{field}");
        }
    }

    #[test]
    fn what_a_peer_says_is_repeated_only_as_code_and_path() {
        assert_eq!(code("limit_exceeded"), "limit_exceeded");
        assert_eq!(field("order.fields.items[3]").as_deref(), Some("order.fields.items[3]"));
        for bad in ["", "4111 1111", "Tokyo\n", "山田", &"a".repeat(200)] {
            assert_eq!(code(bad), "other", "{bad}");
            assert_eq!(field(bad), None, "{bad}");
        }
        assert_eq!(field("4111111111111111"), None);
    }

    #[test]
    fn a_hold_is_let_go_or_runs_out() {
        let no = problem(409, "conflict", Some("settlement_request.order"));
        assert_eq!(after_void(&no, NOW, NOW), Verdict::Wait);
        assert_eq!(after_void(&no, NOW.minus(CLOCK_SKEW), NOW), Verdict::No("conflict".into()));
        let silent = CallError::Network("time-out".into());
        assert_eq!(after_void(&silent, UnixTime(0), NOW), Verdict::Wait);
    }
}
