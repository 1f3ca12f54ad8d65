//! Errors on the wire: problem details (RFC 9457) that say whose fault it is and which field.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use warifu_ports::{StoreError, holds::HoldError};
use warifu_protocol::{AtFault, ProtocolError, Reason};

/// A problem, as `application/problem+json` and as an answer within a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// A URI reference that names the kind of problem: `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// The field at fault, as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whose fault it is: a role, `sender`, or `own` for the answering party itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_fault: Option<String>,
}

impl Problem {
    /// A problem with a code, a sentence, and the field at fault.
    pub fn new(status: u16, code: &str, title: &str, field: Option<&str>) -> Problem {
        Problem {
            kind: format!("/problems/{code}"),
            title: title.to_string(),
            status,
            code: code.to_string(),
            field: field.map(str::to_string),
            at_fault: None,
        }
    }

    /// Bad input in a field.
    pub fn bad_value(field: &str, title: &str) -> Problem {
        Problem::new(422, "bad_value", title, Some(field))
    }

    /// Nothing here by that name.
    pub fn not_found(field: &str) -> Problem {
        Problem::new(404, "not_found", "nothing is known by this name", Some(field))
    }

    /// The same id with other content.
    pub fn conflict(field: &str) -> Problem {
        Problem::new(409, "conflict", Reason::Conflict.text(), Some(field))
    }

    /// The peer may not ask this.
    pub fn forbidden(field: &str) -> Problem {
        Problem::new(403, "wrong_party", "this party may not ask this", Some(field))
    }

    /// A failure of this party itself, without detail for the peer.
    pub fn internal() -> Problem {
        Problem::new(500, "internal", "the party failed; try again later", None)
    }

    /// The session is not known (any more): meet again.
    pub fn unknown_session() -> Problem {
        Problem::new(404, "unknown_session", "the session is over; meet again", Some("session.sid"))
    }

    /// Whether asking again later may help.
    pub fn is_temporary(&self) -> bool {
        self.status >= 500 || self.status == 429 || self.code == "unknown_session"
    }

    /// Whether this is a no to the question itself. What may pass and what concerns the session or
    /// the way to the peer is none.
    pub fn is_definite(&self) -> bool {
        let of_the_way =
            ["session", "hello", "confirm", "challenge", "path", "question", "enclosures"];
        let field = self.field.as_deref().unwrap_or_default();
        let first = field.split('.').next().unwrap_or_default();
        !self.is_temporary() && !of_the_way.contains(&first) && self.code != "http"
    }
}

impl From<ProtocolError> for Problem {
    fn from(error: ProtocolError) -> Problem {
        let status = match (error.at_fault, error.reason) {
            (AtFault::Own, _) => 503,
            (_, Reason::Impostor | Reason::Untrusted) => 403,
            (_, Reason::Conflict | Reason::Replayed) => 409,
            (_, Reason::TooLarge) => 413,
            _ => 422,
        };
        Problem {
            at_fault: Some(error.at_fault.to_string()),
            ..Problem::new(status, error.reason.code(), error.reason.text(), Some(&error.field))
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        tracing::error!(%error, "store");
        Problem::internal()
    }
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Problem {
        let at = |field: &'static str| move |reason| ProtocolError::sender(reason, field).into();
        match error {
            HoldError::NotYours => Problem::forbidden("settlement_request.order"),
            HoldError::OtherAuthorization => {
                at("settlement_request.authorization")(Reason::Mismatch)
            }
            HoldError::Conflict => Problem::conflict("settlement_request.action"),
            HoldError::Expired => at("authorization.exp")(Reason::Expired),
            HoldError::NothingHeld => {
                let text = "nothing is held for this order";
                Problem::new(422, "nothing_held", text, Some("settlement_request.order"))
            }
            HoldError::TooMuch => {
                let text = "more than there is to capture";
                Problem::bad_value("settlement_request.amount", text)
            }
            HoldError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

/// Why a call to another party has not succeeded.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The other party could not be reached, or its answer did not arrive: the call may or may not
    /// have had its effect, so it is made again.
    #[error("the other party cannot be reached: {0}")]
    Network(String),
    /// The other party answered with a problem, within a session.
    #[error("{}{}", .0.title, .0.field.as_deref().map(|f| format!(" ({f})")).unwrap_or_default())]
    Problem(Problem),
    /// A problem came outside a session: anyone on the way may have written it.
    #[error("{}{}", .0.title, .0.field.as_deref().map(|f| format!(" ({f})")).unwrap_or_default())]
    Unproven(Problem),
    /// The other party's message was refused here.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

impl CallError {
    /// The other party's own definite no to the question: see [`Problem::is_definite`].
    pub fn definite(&self) -> Option<&Problem> {
        match self {
            CallError::Problem(problem) => Some(problem).filter(|problem| problem.is_definite()),
            _ => None,
        }
    }

    /// Whether making the same call again later may help.
    pub fn is_temporary(&self) -> bool {
        match self {
            CallError::Network(_) => true,
            CallError::Problem(problem) | CallError::Unproven(problem) => problem.is_temporary(),
            CallError::Protocol(error) => error.at_fault == AtFault::Own,
        }
    }
}

impl From<Problem> for CallError {
    fn from(problem: Problem) -> CallError {
        CallError::Problem(problem)
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Problem {
        match error {
            CallError::Network(_) => {
                Problem::new(503, "unreachable", "another party cannot be reached", None)
            }
            CallError::Problem(problem) | CallError::Unproven(problem) => problem,
            CallError::Protocol(error) => error.into(),
        }
    }
}
