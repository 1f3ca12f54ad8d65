//! Why the center refuses.

use warifu_ports::StoreError;
use warifu_protocol::ProtocolError;
use warifu_wire::{Problem, identity::IdentityError};

/// Why the center refuses, or fails.
#[derive(Debug, thiserror::Error)]
pub enum CenterError {
    /// The center was not set up.
    #[error("there is no center here yet: run `warifu center init` first")]
    Absent,
    /// The center was set up before.
    #[error("there is a center here already")]
    Exists,
    /// The thresholds are not usable.
    #[error("thresholds: {0}")]
    Thresholds(String),
    /// The identifier was issued before, to another key.
    #[error("sub: this identifier was issued before")]
    Duplicate,
    /// The identifier looks like one that was issued before.
    #[error("sub: this identifier looks like one that was issued before")]
    LookAlike,
    /// The identifier's point falls on one that was issued before.
    #[error("sub: this identifier's point is taken; choose another identifier")]
    PointTaken,
    /// Holders are issued, services admitted; the request was brought to the wrong desk.
    #[error("roles: a holder is issued, a service is admitted")]
    WrongDesk,
    /// A center of a network joins before anyone is enrolled.
    #[error("centers: parties are enrolled already, so no center can be added")]
    TooLate,
    /// The request is refused.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The center's own keys.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CenterError> for Problem {
    fn from(error: CenterError) -> Problem {
        let text = error.to_string();
        match error {
            CenterError::Duplicate => Problem::new(409, "duplicate", &text, Some("sub")),
            CenterError::LookAlike => Problem::new(409, "look_alike", &text, Some("sub")),
            CenterError::PointTaken => Problem::new(409, "point_taken", &text, Some("sub")),
            CenterError::WrongDesk => Problem::new(422, "wrong_desk", &text, Some("roles")),
            CenterError::Protocol(error) => error.into(),
            CenterError::Store(error) => error.into(),
            other => {
                tracing::error!(%other, "center");
                Problem::internal()
            }
        }
    }
}
