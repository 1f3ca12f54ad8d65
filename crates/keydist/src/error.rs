//! What can be wrong with shares and keys.

use crate::{CenterEpoch, Matrix};
use warifu_types::OrderId;

/// Why a share or a key was refused. No variant carries secret bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The ring holds no share that this route needs; a holder fetches it from the center.
    #[error("no share of matrix {matrix} from {} in epoch {}", center.center, center.epoch)]
    MissingShare {
        /// The matrix that the share is for.
        matrix: Matrix,
        /// The first center of the route whose share is missing, and its epoch.
        center: CenterEpoch,
    },
    /// The share belongs to another party than the ring.
    #[error("owner: the share belongs to another party")]
    WrongOwner,
    /// The share belongs to another network than the ring.
    #[error("network: the share belongs to another network")]
    WrongNetwork,
    /// A route names no center, and so no key.
    #[error("epochs: at least one center is needed")]
    NoCenters,
    /// A route names more than [`crate::MAX_CENTERS`] centers.
    #[error("epochs: too many centers")]
    TooManyCenters,
    /// The same center stands twice, and its two keys could cancel out.
    #[error("epochs: {} stands twice", center.center)]
    RepeatedCenter {
        /// The second mention.
        center: CenterEpoch,
    },
    /// The ring holds a share of this matrix on the other side, so the key would be ambiguous.
    #[error("side: the ring holds a share on the other side of matrix {matrix}")]
    OtherSide {
        /// The matrix of both shares.
        matrix: Matrix,
    },
    /// The ring holds another share in the same place; [`crate::KeyRing::drop_epoch`] makes room.
    #[error("coefficients: the ring holds a different share of matrix {matrix} already")]
    DifferentShare {
        /// The matrix of both shares.
        matrix: Matrix,
    },
    /// Another key was handed out before for the same trade and peer.
    #[error("key: a different key was handed out for order {trade} already")]
    DifferentTradeKey {
        /// The order that both keys are for.
        trade: OrderId,
    },
    /// All 32 bytes are zero: a buffer that nobody filled, not a key.
    #[error("key: all bytes are zero")]
    ZeroKey,
    /// Two shares differ in a field in which they must agree to be added.
    #[error("{field}: the shares differ and cannot be added")]
    CannotAdd {
        /// The field of the share file.
        field: &'static str,
    },
    /// A threshold is outside its bounds.
    #[error("{field}: the threshold is out of bounds")]
    BadThreshold {
        /// `holders` or `services`.
        field: &'static str,
    },
    /// A field of a share file has a wrong type, length, value or spelling; `file` when the whole
    /// is not a JSON object, or not in the one canonical spelling.
    #[error("{field}: malformed in the share file")]
    Malformed {
        /// The field of the share file.
        field: &'static str,
    },
    /// A field that must be in a share file is not.
    #[error("{field}: missing from the share file")]
    MissingField {
        /// The field of the share file.
        field: &'static str,
    },
    /// A field stands twice in a share file.
    #[error("{field}: stands twice in the share file")]
    RepeatedField {
        /// The field of the share file.
        field: &'static str,
    },
    /// A share file has a field that the format does not know.
    #[error("{field}: unknown in a share file")]
    UnknownField {
        /// The first 64 characters of the field's name.
        field: String,
    },
}
