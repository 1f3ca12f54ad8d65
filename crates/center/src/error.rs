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
    #[error("roles: a holder is issued, a service or a broker is admitted")]
    WrongDesk,
    /// A center of a network joins before anyone is enrolled.
    #[error("centers: parties are enrolled already, so no center can be added")]
    TooLate,
    /// The network's first center enrols; this is another.
    #[error("centers: parties are enrolled at the network's first center, not here")]
    NotFirst,
    /// The role `center` is for the network's centers, with the keys that were added.
    #[error("roles: only a center that was added to this network has the role of a center")]
    NotACenter,
    /// The first center's answer does not name this center, its key and its epoch.
    #[error(
        "centers: the answer does not name this center, with its key and epoch, as a further one"
    )]
    NotNamed,
    /// The party is not in the register.
    #[error("sub: this center has not enrolled this party")]
    Unknown,
    /// The party was revoked.
    #[error("sub: this party was revoked")]
    Revoked,
    /// At a further center: the group has as many services as its matrices withstand.
    #[error("class: the group of this service is full at this center")]
    GroupFull,
    /// The grace time of the epoch before still runs.
    #[error(
        "grace: the epoch before is accepted until {0} (seconds since 1970); wait, or advance with --grace 0s"
    )]
    GraceRuns(u64),
    /// The epoch has changed while the answer was made.
    #[error("epoch: the epoch has just changed; ask again")]
    Moved,
    /// This epoch is not in force and has no grace time.
    #[error("epoch: this epoch is not served")]
    NotServed,
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
            CenterError::NotFirst => Problem::new(403, "not_first", &text, Some("centers")),
            CenterError::NotACenter => Problem::new(422, "not_a_center", &text, Some("roles")),
            CenterError::Unknown => Problem::new(404, "unknown_party", &text, Some("sub")),
            CenterError::Revoked => Problem::new(403, "revoked", &text, Some("sub")),
            CenterError::GroupFull => Problem::new(409, "group_full", &text, Some("class")),
            CenterError::Moved => Problem::new(503, "busy", &text, Some("epoch")),
            CenterError::NotServed => Problem::new(422, "old_epoch", &text, Some("epoch")),
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
