//! What a carrier keeps: its own part's fields, the bundle with no other part, the signed messages.
//! There is no amount and no card in any of them.

use serde::{Deserialize, Serialize};
use warifu_ports::Collection;
use warifu_protocol::{delivery::DeliveryState, sealed::SealedOrder, view::View};
use warifu_types::{Digest, Identifier, UnixTime};
use zeroize::Zeroizing;

/// Deliveries, by the order's id. Kept for good, so that an id never counts twice.
pub const DELIVERIES: Collection<DeliveryRecord> = Collection::new("carrier_deliveries");
/// The order's id, by its identity.
pub const IDENTITIES: Collection<String> = Collection::new("carrier_identities");

/// A delivery.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRecord {
    /// The order's identity.
    pub identity: Digest,
    /// The merchant.
    pub merchant: Identifier,
    /// The merchant's credential at the time, for evidence.
    pub merchant_credential: String,
    /// The merchant's signed request, with the issuer's authorization.
    pub request: String,
    /// The merchant's instructions.
    pub instructions: String,
    /// The own part's fields.
    pub view: View,
    /// The own part's disclosures, for evidence.
    pub disclosures: Vec<Zeroizing<String>>,
    /// The bundle as received.
    pub sealed: SealedOrder,
    /// How far the delivery has come.
    pub state: DeliveryState,
    /// The signed answer for this state.
    pub answer: String,
    /// When it was taken on.
    pub accepted: UnixTime,
    /// When its state last changed.
    pub changed: UnixTime,
}
