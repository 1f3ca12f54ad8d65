//! What an observer keeps: its own part's fields, the bundle with no other part, the notice.

use serde::{Deserialize, Serialize};
use warifu_ports::Collection;
use warifu_protocol::{sealed::SealedOrder, view::View};
use warifu_types::{Digest, Identifier, UnixTime};
use zeroize::Zeroizing;

/// Notices, by the order's id. Kept for good, so that an id never counts twice.
pub const NOTICES: Collection<NoticeRecord> = Collection::new("observer_notices");
/// The order's id, by its identity.
pub const IDENTITIES: Collection<String> = Collection::new("observer_identities");

/// A notice.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRecord {
    /// The order's identity.
    pub identity: Digest,
    /// The front.
    pub front: Identifier,
    /// The front's credential at the time, for evidence.
    pub front_credential: String,
    /// The front's signed notice, with the authorization.
    pub request: String,
    /// The own part's fields.
    pub view: View,
    /// The own part's disclosures, for evidence.
    pub disclosures: Vec<Zeroizing<String>>,
    /// The bundle as received.
    pub sealed: SealedOrder,
    /// When it came.
    pub received: UnixTime,
}
